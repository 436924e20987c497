// Test support: random networks over all layer kinds, small enough for hundreds of comparisons.
#pragma once

#include <algorithm>

#include "base/random.h"
#include "network/network.h"

namespace atml::codegen::testing {

inline network::Window random_window(Rng& rng, const Shape& in, int largest) {
  network::Window w;
  w.kernel_h = std::min(in.height, rng.integer(1, largest));
  w.kernel_w = std::min(in.width, rng.integer(1, largest));
  w.stride_h = rng.chance(0.3) ? rng.integer(2, 3) : 1;
  w.stride_w = rng.chance(0.7) ? w.stride_h : rng.integer(1, 2);
  w.padding = rng.chance(0.6) ? network::Padding::kSame : network::Padding::kValid;
  if (rng.chance(0.15) && 2 * w.kernel_h - 1 <= in.height && 2 * w.kernel_w - 1 <= in.width)
    w.dilation_h = w.dilation_w = 2;
  if (rng.chance(0.4)) w.kernel_h = w.kernel_w = std::min({3, in.height, in.width});
  if (rng.chance(0.4)) w.dilation_h = w.dilation_w = 1;
  return w;
}

inline network::Network random_network(Rng& rng) {
  const auto bits = [&] { return rng.chance(0.3) ? 4 : 8; };
  using namespace network;
  const bool flat = rng.chance(0.2);
  const Shape input{rng.integer(3, 14), flat ? 1 : rng.integer(3, 12), rng.integer(1, 6)};
  Network net(input);
  int last = 0;
  const auto add = [&](Op op, std::vector<int> inputs) {
    const auto r = net.add(std::move(op), std::move(inputs));
    if (r.ok()) last = *r;
    return r.ok();
  };
  const int depth = rng.integer(1, 6);
  for (int d = 0; d < depth; ++d) {
    const Shape shape = net.layer(last).output;
    switch (rng.below(8)) {
      case 0:
        add(Conv{rng.integer(1, 20), random_window(rng, shape, 4), true, bits()}, {last});
        break;
      case 1:
        add(Conv{rng.integer(1, 24), Window{}, true, bits()}, {last});
        break;
      case 2:
        add(Depthwise{rng.chance(0.15) ? 2 : 1, random_window(rng, shape, 5), true, bits()},
            {last});
        break;
      case 3:
        add(MaxPool{random_window(rng, shape, 3)}, {last});
        break;
      case 4: {
        Window w = random_window(rng, shape, 3);
        add(AveragePool{w}, {last});
        break;
      }
      case 5: {  // a residual block
        const int from = last;
        if (add(Conv{shape.channels, Window{3, 3}, true}, {last})) add(Add{}, {from, last});
        break;
      }
      case 6: {
        const int from = last;
        if (add(Conv{rng.integer(1, 8), Window{}, true, bits()}, {last}))
          add(Concat{}, {from, last});
        break;
      }
      case 7:
        add(Depthwise{1, Window{3, 3, 1, 1}, true, bits()}, {last});
        break;
    }
    if (rng.chance(0.5))
      add(Activate{rng.chance(0.2) ? Activation::kHardSwish
                                   : (rng.chance(0.5) ? Activation::kRelu : Activation::kRelu6)},
          {last});
  }
  if (rng.chance(0.5)) add(GlobalAveragePool{}, {last});
  add(Flatten{}, {last});
  if (rng.chance(0.5)) {
    add(Dense{rng.integer(1, 20), true, bits()}, {last});
    add(Activate{Activation::kRelu}, {last});
  }
  add(Dense{rng.integer(2, 12), true, bits()}, {last});
  return net;
}

}  // namespace atml::codegen::testing
