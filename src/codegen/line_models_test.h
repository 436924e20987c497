// Test support: models of depthwise windows of one row or column, every length of taps, stride and
// orientation.
#pragma once

#include "codegen/random_models_test.h"

namespace atml::codegen::testing {

// `length` along the line, `lines` across.
struct Line {
  int taps = 1, stride = 1, length = 1, lines = 1, channels = 1;
  bool column = true, same = true;
};

inline network::Network network_of(const std::vector<Line>& layers) {
  const Line& first = layers[0];
  network::Network net(first.column ? Shape{first.length, first.lines, first.channels}
                                    : Shape{first.lines, first.length, first.channels});
  int last = 0;
  for (const Line& l : layers) {
    network::Window w = l.column ? network::Window{l.taps, 1, l.stride, 1}
                                 : network::Window{1, l.taps, 1, l.stride};
    w.padding = l.same ? network::Padding::kSame : network::Padding::kValid;
    const auto added = net.add(network::Depthwise{1, w, true}, {last});
    if (added.ok()) last = *added;
  }
  return net;
}

// Each length of taps, stride and orientation, two layers each: the second has what the first left.
// `part` of `parts` of them.
inline std::vector<quantize::Int8Model> line_models(std::uint64_t seed, quantize::Rounding rounding,
                                                    int part = 0, int parts = 1) {
  std::vector<quantize::Int8Model> models;
  int number = 0;
  for (int taps = 1; taps <= 16; ++taps) {
    for (const int stride : {1, 2, 3}) {
      for (const bool column : {true, false}) {
        if (++number % parts != part) continue;
        Rng rng = Rng::derive(seed, "lines", static_cast<std::uint64_t>(number));
        Line l{taps, stride, rng.integer(1, 40), 1, rng.integer(2, 9), column, rng.chance(0.6)};
        if (rng.chance(0.3)) l.lines = rng.integer(2, 5);
        Line second = l;
        second.taps = rng.integer(1, 20);
        second.stride = rng.integer(1, 2);
        if (!l.same) l.length = std::max(l.length, taps);
        auto model = quantize::random_model(network_of({l, second}), seed + models.size());
        models.push_back(roughened(std::move(model), rounding, rng));
      }
    }
  }
  return models;
}

}  // namespace atml::codegen::testing
