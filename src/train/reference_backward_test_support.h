// The backward pass of the slow reference: every layer's gradients by their definition, one
// product at a time, in double precision.
#pragma once

#include <cmath>
#include <vector>

#include "train/reference_test_support.h"

namespace atml::train::reference {

class Backward : public Forward {
 public:
  using Forward::Forward;

  /// After run(): the gradients of sum(weighting * output) by every parameter.
  std::vector<LayerNumbers> gradients(const Values& weighting) {
    result_.assign(static_cast<std::size_t>(net_.size()), {});
    slopes_.clear();
    for (const Values& v : outputs_) slopes_.emplace_back(v.size(), 0.0);
    slopes_.back() = weighting;
    for (int i = net_.last(); i > 0; --i) spread(i);
    return std::move(result_);
  }
  /// Of the network's input, after gradients().
  const Values& input_gradient() const { return slopes_[0]; }

 private:
  Values& slope_of_input(int i, std::size_t n = 0) {
    return slopes_[static_cast<std::size_t>(net_.layer(i).inputs[n])];
  }

  void spread(int i) {
    const network::Layer& l = net_.layer(i);
    const Shape s = net_.source_shape(i);
    const Shape o = l.output;
    const LayerNumbers& n = numbers_[static_cast<std::size_t>(i)];
    LayerNumbers& g = result_[static_cast<std::size_t>(i)];
    g = {Values(n.kernel.size()), Values(n.bias.size()), Values(n.gamma.size()),
         Values(n.beta.size())};
    const Values& x = in(i);
    const Values dy = slopes_[static_cast<std::size_t>(i)];
    Values& dx = slope_of_input(i);
    const auto product = [&](std::size_t out, std::size_t k, std::size_t from) {
      g.kernel[k] += dy[out] * x[from];
      dx[from] += dy[out] * n.kernel[k];
    };
    for (std::size_t k = 0; k < dy.size() && !n.bias.empty(); ++k)
      g.bias[k % n.bias.size()] += dy[k];
    if (const auto* conv = std::get_if<network::Conv>(&l.op)) {
      each(o, [&](std::size_t out, int b, int oy, int ox, int m) {
        window(conv->window, s, oy, ox, [&](int ky, int kx, int iy, int ix) {
          for (int c = 0; c < s.channels; ++c) {
            product(out, kernel_at(conv->window, s, m, ky, kx, c), at(s, b, iy, ix, c));
          }
        });
      });
    } else if (const auto* dw = std::get_if<network::Depthwise>(&l.op)) {
      each(o, [&](std::size_t out, int b, int oy, int ox, int m) {
        window(dw->window, s, oy, ox, [&](int ky, int kx, int iy, int ix) {
          product(out, static_cast<std::size_t>((ky * dw->window.kernel_w + kx) * o.channels + m),
                  at(s, b, iy, ix, m / dw->multiplier));
        });
      });
    } else if (std::get_if<network::Dense>(&l.op)) {
      const auto inputs = static_cast<std::size_t>(s.elements());
      each(o, [&](std::size_t out, int b, int, int, int m) {
        for (std::size_t k = 0; k < inputs; ++k)
          product(out, static_cast<std::size_t>(m) * inputs + k,
                  static_cast<std::size_t>(b) * inputs + k);
      });
    } else if (std::get_if<network::BatchNorm>(&l.op)) {
      spread_normalised(s, n, x, dy, dx, g);
    } else if (const auto* a = std::get_if<network::Activate>(&l.op)) {
      for (std::size_t k = 0; k < x.size(); ++k) dx[k] += dy[k] * slope(a->kind, x[k]);
    } else if (const auto* mp = std::get_if<network::MaxPool>(&l.op)) {
      each(o, [&](std::size_t out, int b, int oy, int ox, int c) {
        bool found = false;  // the first of equal maxima gets it all
        window(mp->window, s, oy, ox, [&](int, int, int iy, int ix) {
          const std::size_t from = at(s, b, iy, ix, c);
          if (!found && x[from] == this->out(i)[out]) {
            dx[from] += dy[out];
            found = true;
          }
        });
      });
    } else if (const auto* ap = std::get_if<network::AveragePool>(&l.op)) {
      each(o, [&](std::size_t out, int b, int oy, int ox, int c) {
        int count = 0;
        window(ap->window, s, oy, ox, [&](int, int, int, int) { ++count; });
        window(ap->window, s, oy, ox,
               [&](int, int, int iy, int ix) { dx[at(s, b, iy, ix, c)] += dy[out] / count; });
      });
    } else if (std::get_if<network::GlobalAveragePool>(&l.op)) {
      each(s, [&](std::size_t k, int b, int, int, int c) {
        dx[k] += dy[at(o, b, 0, 0, c)] / (s.height * s.width);
      });
    } else if (std::get_if<network::Add>(&l.op)) {
      for (std::size_t k = 0; k < dy.size(); ++k) dx[k] += dy[k];
      Values& second = slope_of_input(i, 1);
      for (std::size_t k = 0; k < dy.size(); ++k) second[k] += dy[k];
    } else if (std::get_if<network::Concat>(&l.op)) {
      int base = 0;
      for (std::size_t n_in = 0; n_in < l.inputs.size(); ++n_in) {
        const Shape& part = net_.layer(l.inputs[n_in]).output;
        Values& to = slope_of_input(i, n_in);
        each(part, [&](std::size_t k, int b, int y, int px, int c) {
          to[k] += dy[at(o, b, y, px, base + c)];
        });
        base += part.channels;
      }
    } else if (const auto* dropout = std::get_if<network::Dropout>(&l.op)) {
      each(o, [&](std::size_t k, int b, int y, int px, int c) {
        dx[k] += dy[k] * kept(i, *dropout, o, b, y, px, c);
      });
    } else {  // flatten
      for (std::size_t k = 0; k < dy.size(); ++k) dx[k] += dy[k];
    }
  }

  static std::size_t kernel_at(const network::Window& w, const Shape& in, int m, int ky, int kx,
                               int c) {
    return static_cast<std::size_t>(((m * w.kernel_h + ky) * w.kernel_w + kx) * in.channels + c);
  }

  static double slope(network::Activation kind, double v) {
    switch (kind) {
      case network::Activation::kRelu:
        return v > 0 ? 1 : 0;
      case network::Activation::kRelu6:
        return v > 0 && v < 6 ? 1 : 0;
      case network::Activation::kHardSwish:
        return v <= -3 ? 0 : v >= 3 ? 1 : (2 * v + 3) / 6;
    }
    return 0;
  }

  // Ioffe and Szegedy, ICML 2015, section 3: with x^ = (x - mean) / deviation,
  // dx = gamma / deviation * (dy - mean(dy) - x^ mean(dy x^)).
  void spread_normalised(const Shape& s, const LayerNumbers& n, const Values& x, const Values& dy,
                         Values& dx, LayerNumbers& g) const {
    const auto channels = static_cast<std::size_t>(s.channels);
    const double count = static_cast<double>(s.height) * s.width * batch_;
    for (std::size_t c = 0; c < channels; ++c) {
      double mean = 0, variance = 0;
      for (std::size_t k = c; k < x.size(); k += channels) mean += x[k] / count;
      for (std::size_t k = c; k < x.size(); k += channels)
        variance += (x[k] - mean) * (x[k] - mean) / count;
      const double deviation = std::sqrt(variance + static_cast<double>(kBatchNormEpsilon));
      for (std::size_t k = c; k < x.size(); k += channels) {
        g.beta[c] += dy[k];
        g.gamma[c] += dy[k] * (x[k] - mean) / deviation;
      }
      for (std::size_t k = c; k < x.size(); k += channels) {
        const double normal = (x[k] - mean) / deviation;
        dx[k] += n.gamma[c] / deviation * (dy[k] - g.beta[c] / count - normal * g.gamma[c] / count);
      }
    }
  }

  std::vector<LayerNumbers> result_;
  std::vector<Values> slopes_;  // layer: gradient of its output
};

}  // namespace atml::train::reference
