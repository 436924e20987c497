// Random small networks for tests: every layer kind, 1-D and 2-D input, branches. Header only, so
// that tests of other folders can use it too.
#pragma once

#include "base/random.h"
#include "network/network.h"

namespace atml::quantize {

class RandomNetwork {
 public:
  explicit RandomNetwork(std::uint64_t seed) : rng_(Rng::derive(seed, "random network")) {}

  network::Network make() {
    const bool one_d = rng_.chance(0.3);
    const Shape input = one_d ? Shape{rng_.integer(6, 24), 1, rng_.integer(1, 6)}
                              : Shape{rng_.integer(4, 12), rng_.integer(4, 12), rng_.integer(1, 4)};
    network::Network net(input);
    int last = 0;
    const int blocks = rng_.integer(1, 5);
    for (int b = 0; b < blocks; ++b) last = block(net, last);
    head(net, last);
    return net;
  }

 private:
  static int add(network::Network& net, network::Op op, std::vector<int> inputs) {
    const Result<int> index = net.add(std::move(op), std::move(inputs));
    ATML_ASSERT(index.ok(), "random network");
    return *index;
  }

  network::Window window(const Shape& in, int largest, bool strided) {
    network::Window w;
    w.padding = rng_.chance(0.6) ? network::Padding::kSame : network::Padding::kValid;
    w.kernel_h = rng_.integer(1, std::min(largest, in.height));
    w.kernel_w = rng_.integer(1, std::min(largest, in.width));
    if (strided) {
      w.stride_h = in.height > 1 ? rng_.integer(1, 2) : 1;
      w.stride_w = in.width > 1 ? rng_.integer(1, 2) : 1;
    }
    if (!strided && rng_.chance(0.2)) {
      if ((w.kernel_h - 1) * 2 + 1 <= in.height) w.dilation_h = 2;
      if ((w.kernel_w - 1) * 2 + 1 <= in.width) w.dilation_w = 2;
    }
    return w;
  }

  int norm_and_activation(network::Network& net, int last, bool norm) {
    if (norm) last = add(net, network::BatchNorm{}, {last});
    const int kind = rng_.integer(0, 5);
    if (kind <= 2) last = add(net, network::Activate{network::Activation::kRelu}, {last});
    if (kind == 3) last = add(net, network::Activate{network::Activation::kRelu6}, {last});
    if (kind == 4) last = add(net, network::Activate{network::Activation::kHardSwish}, {last});
    return last;
  }

  int weight_bits() { return rng_.chance(0.15) ? 4 : 8; }

  int conv(network::Network& net, int last, int filters, network::Window w) {
    const bool norm = rng_.chance(0.6);
    last = add(net, network::Conv{filters, w, !norm, weight_bits()}, {last});
    return norm_and_activation(net, last, norm);
  }

  int block(network::Network& net, int last) {
    const Shape in = net.layer(last).output;
    switch (rng_.integer(0, 7)) {
      case 0:
        return conv(net, last, rng_.integer(1, 18), window(in, 3, true));
      case 1:
        return conv(net, last, rng_.integer(1, 18), window(in, 3, false));
      case 2: {
        const bool norm = rng_.chance(0.6);
        last = add(net,
                   network::Depthwise{rng_.integer(1, 2), window(in, 5, rng_.chance(0.5)), !norm,
                                      weight_bits()},
                   {last});
        return norm_and_activation(net, last, norm);
      }
      case 3:
        return add(net, network::MaxPool{window(in, 3, true)}, {last});
      case 4:
        return add(net, network::AveragePool{window(in, 3, true)}, {last});
      case 5: {  // residual
        int branch = conv(net, last, in.channels, network::Window{3, in.width > 1 ? 3 : 1});
        if (rng_.chance(0.3)) branch = add(net, network::Dropout{0.1f}, {branch});
        last = add(net, network::Add{}, {last, branch});
        return norm_and_activation(net, last, rng_.chance(0.2));
      }
      case 6: {  // branches joined
        const int a = conv(net, last, rng_.integer(1, 9), network::Window{});
        const int b =
            rng_.chance(0.5) ? conv(net, last, rng_.integer(1, 9), network::Window{3, 1}) : last;
        return add(net, network::Concat{}, {a, b});
      }
      default:
        return norm_and_activation(net, last, rng_.chance(0.5));
    }
  }

  void head(network::Network& net, int last) {
    if (rng_.chance(0.5)) last = add(net, network::GlobalAveragePool{}, {last});
    if (rng_.chance(0.7)) last = add(net, network::Flatten{}, {last});
    if (rng_.chance(0.3)) {
      last = add(net, network::Dense{rng_.integer(1, 20), true, weight_bits()}, {last});
      last = norm_and_activation(net, last, rng_.chance(0.3));
    }
    add(net, network::Dense{rng_.integer(2, 10), true, weight_bits()}, {last});
  }

  Rng rng_;
};

}  // namespace atml::quantize
