// Test support: random chains of windows, with residual and concatenated branches, that stream.
#pragma once

#include "codegen/random_models_test.h"

namespace atml::codegen::testing {

inline Options streamed() {
  Options options;
  options.streaming = Streaming::kOn;
  return options;
}

// Chains of windows of all kinds, deep enough that streaming pays; residual and concatenated
// branches among them.
inline network::Network chain_network(Rng& rng) {
  using namespace network;
  Network net(Shape{rng.integer(6, 20), rng.integer(1, 9), rng.integer(1, 5)});
  int last = 0;
  const auto add = [&](Op op, std::vector<int> inputs) {
    const auto r = net.add(std::move(op), std::move(inputs));
    if (r.ok()) last = *r;
    return r.ok();
  };
  const int depth = rng.integer(2, 7);
  for (int d = 0; d < depth; ++d) {
    const Shape shape = net.layer(last).output;
    const int from = last;
    switch (rng.below(8)) {
      case 0:
      case 1:
        add(Conv{rng.integer(1, 13), random_window(rng, shape, 4), true}, {last});
        break;
      case 2:
        add(Conv{rng.integer(1, 13), Window{}, true}, {last});
        break;
      case 3:
      case 4:
        add(Depthwise{rng.chance(0.2) ? 2 : 1, random_window(rng, shape, 5), true}, {last});
        break;
      case 5:
        if (rng.chance(0.5))
          add(MaxPool{random_window(rng, shape, 3)}, {last});
        else
          add(AveragePool{random_window(rng, shape, 3)}, {last});
        break;
      case 6:
        if (add(Conv{shape.channels, Window{3, 3}, true}, {last})) add(Add{}, {from, last});
        break;
      case 7:
        if (add(Depthwise{1, Window{3, 3}, true}, {last})) add(Concat{}, {from, last});
        break;
    }
    if (rng.chance(0.5))
      add(Activate{rng.chance(0.3) ? Activation::kHardSwish : Activation::kRelu}, {last});
  }
  if (rng.chance(0.6)) add(GlobalAveragePool{}, {last});
  add(Flatten{}, {last});
  add(Dense{rng.integer(2, 6), true}, {last});
  return net;
}

inline std::vector<quantize::Int8Model> chain_models(int count, std::uint64_t seed,
                                                     quantize::Rounding rounding) {
  std::vector<quantize::Int8Model> models;
  for (int i = 0; i < count; ++i) {
    Rng rng = Rng::derive(seed, "chains", static_cast<std::uint64_t>(i));
    auto model = quantize::random_model(chain_network(rng), seed + static_cast<std::uint64_t>(i));
    models.push_back(roughened(std::move(model), rounding, rng));
  }
  return models;
}

}  // namespace atml::codegen::testing
