// A slow reference of every layer in double precision, written for clarity: the oracle of the
// engine's tests. Activations are [sample][y][x][channel] flattened; batch normalisation uses the
// batch.
#pragma once

#include <algorithm>
#include <cmath>
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

class Forward {
 public:
  Forward(const network::Network& net, const std::vector<LayerNumbers>& numbers, int batch)
      : net_(net), numbers_(numbers), batch_(batch) {}

  Values run(const Values& input) {
    outputs_.assign(static_cast<std::size_t>(net_.size()), {});
    outputs_[0] = input;
    for (int i = 1; i < net_.size(); ++i) layer(i);
    return outputs_.back();
  }
  const Values& output(int layer) const { return outputs_[static_cast<std::size_t>(layer)]; }

 private:
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
      for (std::size_t k = 0; k < x.size(); ++k) y[k] = activate(a->kind, x[k]);
    } else if (const auto* mp = std::get_if<network::MaxPool>(&l.op)) {
      each(o, [&](std::size_t at_out, int b, int oy, int ox, int c) {
        double best = -1e300;
        window(mp->window, s, oy, ox,
               [&](int, int, int iy, int ix) { best = std::max(best, x[at(s, b, iy, ix, c)]); });
        y[at_out] = best;
      });
    } else if (const auto* ap = std::get_if<network::AveragePool>(&l.op)) {
      each(o, [&](std::size_t at_out, int b, int oy, int ox, int c) {
        int count = 0;
        window(ap->window, s, oy, ox, [&](int, int, int iy, int ix) {
          y[at_out] += x[at(s, b, iy, ix, c)];
          ++count;
        });
        y[at_out] /= count;
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
    } else {  // flatten, dropout of rate 0
      y = x;
    }
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
    const double count = static_cast<double>(s.height) * s.width * batch_;
    for (int c = 0; c < s.channels; ++c) {
      double mean = 0, variance = 0;
      each(s, [&](std::size_t k, int, int, int, int ch) { mean += ch == c ? x[k] / count : 0; });
      each(s, [&](std::size_t k, int, int, int, int ch) {
        variance += ch == c ? (x[k] - mean) * (x[k] - mean) / count : 0;
      });
      const double scale = n.gamma[static_cast<std::size_t>(c)] /
                           std::sqrt(variance + static_cast<double>(kBatchNormEpsilon));
      each(s, [&](std::size_t k, int, int, int, int ch) {
        if (ch == c) y[k] = scale * (x[k] - mean) + n.beta[static_cast<std::size_t>(c)];
      });
    }
  }

  const network::Network& net_;
  const std::vector<LayerNumbers>& numbers_;
  int batch_;
  std::vector<Values> outputs_;
};

}  // namespace atml::train::reference
