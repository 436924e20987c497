#include "quantize/float_forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace atml::quantize {
namespace {

using network::Layer;
using network::Window;

struct Sizes {
  std::size_t kernel = 0, bias = 0, norm = 0;
};

Sizes expected_sizes(const network::Network& network, int index) {
  const Layer& layer = network.layer(index);
  const auto channels = static_cast<std::size_t>(layer.output.channels);
  if (const auto* c = std::get_if<network::Conv>(&layer.op)) {
    const auto taps =
        static_cast<std::size_t>(c->window.kernel_h) * static_cast<std::size_t>(c->window.kernel_w);
    return {channels * taps * static_cast<std::size_t>(network.source_shape(index).channels),
            c->bias ? channels : 0, 0};
  }
  if (const auto* d = std::get_if<network::Depthwise>(&layer.op)) {
    const auto taps =
        static_cast<std::size_t>(d->window.kernel_h) * static_cast<std::size_t>(d->window.kernel_w);
    return {channels * taps, d->bias ? channels : 0, 0};
  }
  if (const auto* d = std::get_if<network::Dense>(&layer.op)) {
    return {channels * static_cast<std::size_t>(network.source_shape(index).elements()),
            d->bias ? channels : 0, 0};
  }
  if (std::holds_alternative<network::BatchNorm>(layer.op)) return {0, 0, channels};
  return {};
}

Status check_vector(const std::vector<float>& values, std::size_t wanted, const char* what,
                    const std::string& layer) {
  if (values.size() != wanted) {
    return Error{Code::kInvalidArgument, fmt::format("layer '{}': {} has {} values, must have {}",
                                                     layer, what, values.size(), wanted)};
  }
  if (std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) return {};
  return Error{
      Code::kInvalidArgument,
      fmt::format("layer '{}': {} holds NaN or infinity; the training diverged", layer, what)};
}

// Inner loop over contiguous outputs: out[o] += x * kernel[o].
void accumulate(float x, const float* kernel, float* out, std::size_t count) {
  for (std::size_t o = 0; o < count; ++o) out[o] += x * kernel[o];
}

template <class Visit>
void for_window(const Window& w, const Shape& in, const Shape& out, Visit&& visit) {
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const std::size_t to = (static_cast<std::size_t>(y) * static_cast<std::size_t>(out.width) +
                              static_cast<std::size_t>(x)) *
                             static_cast<std::size_t>(out.channels);
      for (int tap = 0; tap < w.kernel_h * w.kernel_w; ++tap) {
        const int in_y = y * w.stride_h - w.pad_top(in.height) + tap / w.kernel_w * w.dilation_h;
        const int in_x = x * w.stride_w - w.pad_left(in.width) + tap % w.kernel_w * w.dilation_w;
        if (in_y < 0 || in_y >= in.height || in_x < 0 || in_x >= in.width) continue;
        const std::size_t from =
            (static_cast<std::size_t>(in_y) * static_cast<std::size_t>(in.width) +
             static_cast<std::size_t>(in_x)) *
            static_cast<std::size_t>(in.channels);
        visit(to, static_cast<std::size_t>(tap), from);
      }
    }
  }
}

void fill_bias(std::vector<float>& out, const std::vector<float>& bias) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = bias.empty() ? 0.0f : bias[i % bias.size()];
}

float activate(network::Activation kind, float v) {
  switch (kind) {
    case network::Activation::kRelu:
      return std::max(v, 0.0f);
    case network::Activation::kRelu6:
      return std::clamp(v, 0.0f, 6.0f);
    case network::Activation::kHardSwish:
      return v * std::clamp(v + 3.0f, 0.0f, 6.0f) / 6.0f;
  }
  ATML_UNREACHABLE("activation");
}

void average(const Window& w, const Shape& in, const Shape& out, const std::vector<float>& x,
             std::vector<float>& y) {
  std::ranges::fill(y, 0.0f);
  const auto channels = static_cast<std::size_t>(in.channels);
  std::vector<int> counts(y.size() / channels, 0);
  for_window(w, in, out, [&](std::size_t to, std::size_t, std::size_t from) {
    accumulate(1.0f, x.data() + from, y.data() + to, channels);
    ++counts[to / channels];
  });
  for (std::size_t i = 0; i < y.size(); ++i) y[i] /= static_cast<float>(counts[i / channels]);
}

}  // namespace

Status check_weights(const network::Network& network, const train::Weights& weights) {
  if (weights.layers.size() != static_cast<std::size_t>(network.size())) {
    return Error{Code::kInvalidArgument, fmt::format("weights of {} layers for a network of {}",
                                                     weights.layers.size(), network.size())};
  }
  for (int i = 0; i < network.size(); ++i) {
    const Sizes sizes = expected_sizes(network, i);
    const train::LayerWeights& w = weights.layers[static_cast<std::size_t>(i)];
    const std::string& name = network.layer(i).name;
    ATML_TRY_STATUS(check_vector(w.kernel, sizes.kernel, "kernel", name));
    // A bias may be given where the layer asks for none.
    ATML_TRY_STATUS(check_vector(w.bias,
                                 sizes.kernel > 0 && !w.bias.empty()
                                     ? static_cast<std::size_t>(network.layer(i).output.channels)
                                     : sizes.bias,
                                 "bias", name));
    ATML_TRY_STATUS(check_vector(w.gamma, sizes.norm, "gamma", name));
    ATML_TRY_STATUS(check_vector(w.beta, sizes.norm, "beta", name));
    ATML_TRY_STATUS(check_vector(w.mean, sizes.norm, "mean", name));
    ATML_TRY_STATUS(check_vector(w.variance, sizes.norm, "variance", name));
    if (std::ranges::any_of(w.variance, [](float v) { return v < 0; })) {
      return Error{Code::kInvalidArgument, fmt::format("layer '{}': negative variance", name)};
    }
  }
  return {};
}

FloatForward::FloatForward(const network::Network& network, const train::Weights& weights)
    : network_(network), weights_(weights), kernels_(static_cast<std::size_t>(network.size())) {
  for (int i = 0; i < network.size(); ++i) {
    outputs_.emplace_back(static_cast<std::size_t>(network.layer(i).output.elements()));
    const network::Op& op = network.layer(i).op;
    if (!std::holds_alternative<network::Conv>(op) && !std::holds_alternative<network::Dense>(op))
      continue;
    const std::vector<float>& kernel = weights.layers[static_cast<std::size_t>(i)].kernel;
    const auto outputs = static_cast<std::size_t>(network.layer(i).output.channels);
    const std::size_t taps = kernel.size() / outputs;
    auto& transposed = kernels_[static_cast<std::size_t>(i)];
    transposed.resize(kernel.size());
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t t = 0; t < taps; ++t) transposed[t * outputs + o] = kernel[o * taps + t];
    }
  }
}

const std::vector<std::vector<float>>& FloatForward::run(std::span<const float> input) {
  ATML_ASSERT(input.size() == outputs_[0].size(), "sample size does not suit the network");
  std::ranges::copy(input, outputs_[0].begin());
  for (int i = 1; i < network_.size(); ++i) run_layer(i);
  return outputs_;
}

void FloatForward::run_layer(int index) {
  const Layer& layer = network_.layer(index);
  const train::LayerWeights& w = weights_.layers[static_cast<std::size_t>(index)];
  const std::vector<float>& kernel = kernels_[static_cast<std::size_t>(index)];
  const std::vector<float>& x = outputs_[static_cast<std::size_t>(layer.inputs[0])];
  std::vector<float>& y = outputs_[static_cast<std::size_t>(index)];
  const Shape& in = network_.source_shape(index);
  const Shape& out = layer.output;
  const auto channels = static_cast<std::size_t>(out.channels);
  const auto in_channels = static_cast<std::size_t>(in.channels);

  if (const auto* c = std::get_if<network::Conv>(&layer.op)) {
    fill_bias(y, w.bias);
    for_window(c->window, in, out, [&](std::size_t to, std::size_t tap, std::size_t from) {
      for (std::size_t i = 0; i < in_channels; ++i) {
        accumulate(x[from + i], kernel.data() + (tap * in_channels + i) * channels, y.data() + to,
                   channels);
      }
    });
  } else if (const auto* d = std::get_if<network::Depthwise>(&layer.op)) {
    fill_bias(y, w.bias);
    const auto multiplier = static_cast<std::size_t>(d->multiplier);
    for_window(d->window, in, out, [&](std::size_t to, std::size_t tap, std::size_t from) {
      for (std::size_t o = 0; o < channels; ++o)
        y[to + o] += x[from + o / multiplier] * w.kernel[tap * channels + o];
    });
  } else if (std::holds_alternative<network::Dense>(layer.op)) {
    fill_bias(y, w.bias);
    for (std::size_t i = 0; i < x.size(); ++i)
      accumulate(x[i], kernel.data() + i * channels, y.data(), channels);
  } else if (std::holds_alternative<network::BatchNorm>(layer.op)) {
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t at = i % channels;
      y[i] =
          w.gamma[at] * (x[i] - w.mean[at]) / std::sqrt(w.variance[at] + train::kBatchNormEpsilon) +
          w.beta[at];
    }
  } else if (const auto* a = std::get_if<network::Activate>(&layer.op)) {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = activate(a->kind, x[i]);
  } else if (const auto* p = std::get_if<network::MaxPool>(&layer.op)) {
    std::ranges::fill(y, -INFINITY);
    for_window(p->window, in, out, [&](std::size_t to, std::size_t, std::size_t from) {
      for (std::size_t c2 = 0; c2 < channels; ++c2) y[to + c2] = std::max(y[to + c2], x[from + c2]);
    });
  } else if (const auto* q = std::get_if<network::AveragePool>(&layer.op)) {
    average(q->window, in, out, x, y);
  } else if (std::holds_alternative<network::GlobalAveragePool>(layer.op)) {
    average(Window{in.height, in.width, 1, 1, 1, 1, network::Padding::kValid}, in, out, x, y);
  } else if (std::holds_alternative<network::Add>(layer.op)) {
    const std::vector<float>& other = outputs_[static_cast<std::size_t>(layer.inputs[1])];
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i] + other[i];
  } else if (std::holds_alternative<network::Concat>(layer.op)) {
    std::size_t first = 0;
    for (const int input : layer.inputs) {
      const auto part = static_cast<std::size_t>(network_.layer(input).output.channels);
      const std::vector<float>& values = outputs_[static_cast<std::size_t>(input)];
      for (std::size_t i = 0; i < values.size(); ++i)
        y[i / part * channels + first + i % part] = values[i];
      first += part;
    }
  } else {
    std::ranges::copy(x, y.begin());  // flatten, dropout
  }
}

}  // namespace atml::quantize
