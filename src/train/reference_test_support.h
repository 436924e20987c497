// A slow reference of every layer in double precision, written for clarity: the oracle of the
// engine's tests. Activations are [sample][y][x][channel] flattened; batch normalisation uses the
// batch. Its backward pass is in reference_backward_test_support.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "network/network.h"
#include "train/weights.h"

namespace atml::train::reference {

using Values = std::vector<double>;  // a batch of one activation

struct LayerNumbers {
  Values kernel, bias, gamma, beta;
};

inline std::vector<LayerNumbers> numbers_of(const Weights& w) {
  std::vector<LayerNumbers> numbers;
  const auto wide = [](const std::vector<float>& v) { return Values(v.begin(), v.end()); };
  for (const LayerWeights& l : w.layers)
    numbers.push_back({wide(l.kernel), wide(l.bias), wide(l.gamma), wide(l.beta)});
  return numbers;
}

/// Whether dropout keeps a number: a hash of the batch's noise, layer, channel, position and
/// sample.
inline bool dropout_keeps(std::uint64_t noise, int layer, int channel, int position, int sample,
                          float rate) {
  std::uint64_t h =
      noise ^ (static_cast<std::uint64_t>(layer) << 32 | static_cast<std::uint32_t>(channel));
  h = (h ^ (h >> 31)) * 0x9e3779b97f4a7c15ull;
  const auto mix = [](std::uint32_t v) {
    v ^= v >> 16;
    v *= 0x7feb352du;
    v ^= v >> 15;
    v *= 0x846ca68bu;
    return v ^ (v >> 16);
  };
  const std::uint32_t counter =
      static_cast<std::uint32_t>(position) * 65536u + static_cast<std::uint32_t>(sample);
  const std::uint32_t hash = mix(mix(counter) ^ static_cast<std::uint32_t>(h >> 32));
  return static_cast<double>(hash) >= std::floor(static_cast<double>(rate) * 4294967296.0);
}

class Forward {
 public:
  Forward(const network::Network& net, const std::vector<LayerNumbers>& numbers, int batch,
          std::uint64_t noise = 0)
      : net_(net), numbers_(numbers), batch_(batch), noise_(noise) {}

  Values run(const Values& input) {
    outputs_.assign(static_cast<std::size_t>(net_.size()), {});
    outputs_[0] = input;
    kink_ = 1e300;
    for (int i = 1; i < net_.size(); ++i) layer(i);
    return outputs_.back();
  }
  /// How far the nearest number is from where the network is not differentiable (the kink of an
  /// activation, two equal maxima): nearer than rounding, two right answers differ.
  double kink_distance() const { return kink_; }
  const Values& output(int layer) const { return outputs_[static_cast<std::size_t>(layer)]; }

 protected:
  static std::size_t at(const Shape& s, int b, int y, int x, int c) {
    return static_cast<std::size_t>(
        ((static_cast<std::int64_t>(b) * s.height + y) * s.width + x) * s.channels + c);
  }
  const Values& in(int i, std::size_t n = 0) const {
    return outputs_[static_cast<std::size_t>(net_.layer(i).inputs[n])];
  }
  Values& out(int i) { return outputs_[static_cast<std::size_t>(i)]; }

  // visit(output index, b, y, x, c)
  template <class Visit>
  void each(const Shape& s, Visit visit) const {
    for (int b = 0; b < batch_; ++b)
      for (int y = 0; y < s.height; ++y)
        for (int x = 0; x < s.width; ++x)
          for (int c = 0; c < s.channels; ++c) visit(at(s, b, y, x, c), b, y, x, c);
  }
  // visit(kernel row, kernel column, input y, input x) for the taps inside the input
  template <class Visit>
  static void window(const network::Window& w, const Shape& s, int y, int x, Visit visit) {
    for (int i = 0; i < w.kernel_h; ++i)
      for (int j = 0; j < w.kernel_w; ++j) {
        const int iy = y * w.stride_h - w.pad_top(s.height) + i * w.dilation_h;
        const int ix = x * w.stride_w - w.pad_left(s.width) + j * w.dilation_w;
        if (iy >= 0 && iy < s.height && ix >= 0 && ix < s.width) visit(i, j, iy, ix);
      }
  }

  void layer(int i) {
    const network::Layer& l = net_.layer(i);
    const Shape s = net_.source_shape(i);
    const Shape o = l.output;
    const LayerNumbers& n = numbers_[static_cast<std::size_t>(i)];
    const Values& x = in(i);
    Values& y = out(i);
    y.assign(static_cast<std::size_t>(o.elements() * batch_), 0.0);
    const auto bias = [&](int c) {
      return n.bias.empty() ? 0.0 : n.bias[static_cast<std::size_t>(c)];
    };
    if (const auto* conv = std::get_if<network::Conv>(&l.op)) {
      each(o, [&](std::size_t at_out, int b, int oy, int ox, int m) {
        double sum = bias(m);
        window(conv->window, s, oy, ox, [&](int ky, int kx, int iy, int ix) {
          for (int c = 0; c < s.channels; ++c) {
            const auto k = static_cast<std::size_t>(
                ((m * conv->window.kernel_h + ky) * conv->window.kernel_w + kx) * s.channels + c);
            sum += n.kernel[k] * x[at(s, b, iy, ix, c)];
          }
        });
        y[at_out] = sum;
      });
    } else if (const auto* dw = std::get_if<network::Depthwise>(&l.op)) {
      each(o, [&](std::size_t at_out, int b, int oy, int ox, int m) {
        double sum = bias(m);
        window(dw->window, s, oy, ox, [&](int ky, int kx, int iy, int ix) {
          const auto k = static_cast<std::size_t>((ky * dw->window.kernel_w + kx) * o.channels + m);
          sum += n.kernel[k] * x[at(s, b, iy, ix, m / dw->multiplier)];
        });
        y[at_out] = sum;
      });
    } else if (std::get_if<network::Dense>(&l.op)) {
      const auto inputs = static_cast<std::size_t>(s.elements());
      each(o, [&](std::size_t at_out, int b, int, int, int m) {
        double sum = bias(m);
        for (std::size_t k = 0; k < inputs; ++k) {
          sum += n.kernel[static_cast<std::size_t>(m) * inputs + k] *
                 x[static_cast<std::size_t>(b) * inputs + k];
        }
        y[at_out] = sum;
      });
    } else if (std::get_if<network::BatchNorm>(&l.op)) {
      normalise(s, n, x, y);
    } else if (const auto* a = std::get_if<network::Activate>(&l.op)) {
      for (std::size_t k = 0; k < x.size(); ++k) {
        y[k] = activate(a->kind, x[k]);
        for (const double kink : kinks(a->kind)) kink_ = std::min(kink_, std::abs(x[k] - kink));
      }
    } else if (const auto* mp = std::get_if<network::MaxPool>(&l.op)) {
      each(o, [&](std::size_t at_out, int b, int oy, int ox, int c) {
        double best = -1e300, second = -1e300;
        window(mp->window, s, oy, ox, [&](int, int, int iy, int ix) {
          const double v = x[at(s, b, iy, ix, c)];
          if (v > best) second = std::exchange(best, v);
          if (v < best) second = std::max(second, v);
        });
        kink_ = std::min(kink_, best - second);
        y[at_out] = best > -1e300 ? best : 0;  // nothing of the input in the window
      });
    } else if (const auto* ap = std::get_if<network::AveragePool>(&l.op)) {
      each(o, [&](std::size_t at_out, int b, int oy, int ox, int c) {
        int count = 0;
        window(ap->window, s, oy, ox, [&](int, int, int iy, int ix) {
          y[at_out] += x[at(s, b, iy, ix, c)];
          ++count;
        });
        y[at_out] /= std::max(1, count);
      });
    } else if (std::get_if<network::GlobalAveragePool>(&l.op)) {
      each(s, [&](std::size_t k, int b, int, int, int c) {
        y[at(o, b, 0, 0, c)] += x[k] / (s.height * s.width);
      });
    } else if (std::get_if<network::Add>(&l.op)) {
      for (std::size_t k = 0; k < x.size(); ++k) y[k] = x[k] + in(i, 1)[k];
    } else if (std::get_if<network::Concat>(&l.op)) {
      int base = 0;
      for (std::size_t n_in = 0; n_in < l.inputs.size(); ++n_in) {
        const Shape& part = net_.layer(l.inputs[n_in]).output;
        each(part, [&](std::size_t k, int b, int py, int px, int c) {
          y[at(o, b, py, px, base + c)] = in(i, n_in)[k];
        });
        base += part.channels;
      }
    } else if (const auto* dropout = std::get_if<network::Dropout>(&l.op)) {
      each(o, [&](std::size_t k, int b, int py, int px, int c) {
        y[k] = x[k] * kept(i, *dropout, o, b, py, px, c);
      });
    } else {  // flatten
      y = x;
    }
  }

  // The factor of one number in dropout.
  double kept(int layer, const network::Dropout& dropout, const Shape& s, int b, int y, int x,
              int c) const {
    if (dropout.rate == 0) return 1;
    const bool keeps = dropout_keeps(noise_, layer, c, y * s.width + x, b, dropout.rate);
    return keeps ? 1 / (1 - static_cast<double>(dropout.rate)) : 0;
  }

  static std::vector<double> kinks(network::Activation kind) {
    if (kind == network::Activation::kRelu) return {0};
    if (kind == network::Activation::kRelu6) return {0, 6};
    return {-3, 3};
  }

  static double activate(network::Activation kind, double v) {
    switch (kind) {
      case network::Activation::kRelu:
        return std::max(0.0, v);
      case network::Activation::kRelu6:
        return std::min(6.0, std::max(0.0, v));
      case network::Activation::kHardSwish:
        return v * std::min(6.0, std::max(0.0, v + 3)) / 6;
    }
    return v;
  }

  void normalise(const Shape& s, const LayerNumbers& n, const Values& x, Values& y) const {
    const auto channels = static_cast<std::size_t>(s.channels);
    const double count = static_cast<double>(s.height) * s.width * batch_;
    Values mean(channels, 0.0), variance(channels, 0.0);
    for (std::size_t k = 0; k < x.size(); ++k) mean[k % channels] += x[k] / count;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const double d = x[k] - mean[k % channels];
      variance[k % channels] += d * d / count;
    }
    for (std::size_t k = 0; k < x.size(); ++k) {
      const std::size_t c = k % channels;
      const double deviation = std::sqrt(variance[c] + static_cast<double>(kBatchNormEpsilon));
      y[k] = n.gamma[c] * (x[k] - mean[c]) / deviation + n.beta[c];
    }
  }

  const network::Network& net_;
  const std::vector<LayerNumbers>& numbers_;
  int batch_;
  std::uint64_t noise_;
  double kink_ = 1e300;
  std::vector<Values> outputs_;
};

}  // namespace atml::train::reference
