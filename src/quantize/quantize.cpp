#include "quantize/quantize.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "quantize/batch.h"
#include "quantize/calibrate.h"
#include "quantize/float_forward.h"
#include "quantize/input.h"
#include "quantize/lower.h"
#include "quantize/requantize.h"
#include "train/fake_quantise.h"

namespace atml::quantize {
namespace {

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

/// Kernel and bias of one operator in float, batch normalisation folded in; weights as the filter
/// lays them.
struct Folded {
  std::vector<double> weights;
  std::vector<double> bias;
};

/// Everything that does not depend on the clipping rule.
struct Source {
  const network::Network& network;
  const data::Dataset& dataset;
  const QuantizeOptions& options;
  Lowering lowering;
  std::vector<Folded> folded;  // one an operator; empty for those without filter
  Statistics statistics;
};

// y = gamma (x - mean) / sqrt(variance + epsilon) + beta, applied to a filter's outputs.
void fold_norm(const train::LayerWeights& norm, const Op& op, std::int64_t taps, Folded& f) {
  const auto outputs = static_cast<std::int64_t>(f.bias.size());
  for (std::int64_t oc = 0; oc < outputs; ++oc) {
    const auto c = static_cast<std::size_t>(oc);
    const double gain = static_cast<double>(norm.gamma[c]) /
                        std::sqrt(static_cast<double>(norm.variance[c]) +
                                  static_cast<double>(train::kBatchNormEpsilon));
    for (std::int64_t t = 0; t < taps; ++t)
      f.weights[weight_index(op, outputs, taps, oc, t)] *= gain;
    f.bias[c] =
        (f.bias[c] - static_cast<double>(norm.mean[c])) * gain + static_cast<double>(norm.beta[c]);
  }
}

Folded fold(const Lowering& lowering, const train::Weights& weights, std::size_t index,
            const Filter& filter) {
  const Op& op = lowering.model.ops[index];
  const Origin& origin = lowering.origins[index];
  const train::LayerWeights& own = weights.layers[static_cast<std::size_t>(origin.layer)];
  Folded f;
  f.weights.assign(own.kernel.begin(), own.kernel.end());
  if (f.weights.empty())
    f.weights.assign(filter.weights.size(), 1.0);  // a normalisation on its own
  f.bias.assign(filter.bias.size(), 0.0);
  std::ranges::copy(own.bias, f.bias.begin());
  for (const int norm : origin.norms) {
    fold_norm(weights.layers[static_cast<std::size_t>(norm)], op, taps_of(lowering.model, op), f);
  }
  return f;
}

// ---- scales of activations

void set_range(Tensor& t, Range r) {
  const double width = r.high - r.low;
  if (!(width > 1e-12)) {  // a tensor that is always zero
    t.scale = 1.0f / 255;
    t.zero_point = 0;
    return;
  }
  t.scale = static_cast<float>(width / 255);
  t.zero_point = static_cast<int>(
      std::clamp(std::round(-128 - r.low / static_cast<double>(t.scale)), -128.0, 127.0));
}

void set_group(Lowering& l, std::size_t tensor, float scale, int zero_point) {
  for (std::size_t t = 0; t < l.model.tensors.size(); ++t) {
    if (l.scale_groups[t] != l.scale_groups[tensor]) continue;
    l.model.tensors[t].scale = scale;
    l.model.tensors[t].zero_point = zero_point;
  }
}

/// What the plan says of the group that tensor t speaks for, or null.
const train::ActivationRange* given_range(const Source& s, const Lowering& l, std::size_t t) {
  if (s.options.plan == nullptr) return nullptr;
  for (std::size_t member = t; member < l.model.tensors.size(); ++member) {
    if (l.scale_groups[member] != static_cast<int>(t)) continue;
    const auto layer = static_cast<std::size_t>(l.tensor_layers[member]);
    if (layer < s.options.plan->outputs.size() && s.options.plan->outputs[layer])
      return &*s.options.plan->outputs[layer];
  }
  return nullptr;
}

void choose_activation_scales(const Source& s, Clipping rule, Lowering& l) {
  for (std::size_t t = 0; t < l.model.tensors.size(); ++t) {
    if (l.scale_groups[t] != static_cast<int>(t))
      continue;  // the group's first tensor speaks for it
    if (const auto* given = given_range(s, l, t)) {
      set_group(l, t, given->scale, given->zero_point);
      continue;
    }
    const data::Normalisation& n = s.dataset.normalisation;
    if (l.scale_groups[static_cast<std::size_t>(l.model.input)] == static_cast<int>(t) &&
        n.exact_pixels) {
      set_group(l, t, n.gain[0], static_cast<int>(std::lround(n.mean[0])) - 128);
      continue;
    }
    Histogram histogram;
    for (std::size_t member = t; member < l.model.tensors.size(); ++member) {
      if (l.scale_groups[member] == static_cast<int>(t))
        histogram.merge(s.statistics.tensors[member]);
    }
    Tensor chosen;
    set_range(chosen, choose_range(histogram, rule, s.options.clip_percentile));
    set_group(l, t, chosen.scale, chosen.zero_point);
  }
}

double largest_weight(const Folded& f) {
  double largest = 0;
  for (const double w : f.weights) largest = std::max(largest, std::abs(w));
  return largest;
}

// The least output scale under which no requantisation factor leaves its range (check_factor and
// TFLite's own limits): only degenerate networks come near it.
double least_output_scale(const Source& s, const Lowering& l, std::size_t index) {
  const Op& op = l.model.ops[index];
  const double in = static_cast<double>(l.model.input_of(op).scale);
  if (!s.folded[index].weights.empty()) {
    const bool narrow = std::visit(
        [](const auto& k) {
          if constexpr (requires { k.filter; })
            return k.filter.weight_bits == 4;
          else
            return false;
        },
        op.kind);
    return in * largest_weight(s.folded[index]) / (narrow ? 7 : 127) / 100;
  }
  if (std::holds_alternative<Add>(op.kind))
    return std::max(in, static_cast<double>(l.model.input_of(op, 1).scale)) / 1000;
  return in / 60;
}

// Raising one scale may ask for another downstream; every pass only raises, along a finite graph.
void raise_degenerate_scales(const Source& s, Lowering& l) {
  for (std::size_t pass = 0; pass <= l.model.ops.size(); ++pass) {
    bool changed = false;
    for (std::size_t i = 0; i < l.model.ops.size(); ++i) {
      const auto out = static_cast<std::size_t>(l.model.ops[i].output);
      const double least = least_output_scale(s, l, i);
      if (static_cast<double>(l.model.tensors[out].scale) >= least) continue;
      if (l.scale_groups[out] == l.scale_groups[static_cast<std::size_t>(l.model.ops[i].inputs[0])])
        continue;
      set_group(l, out, static_cast<float>(least * 1.01), l.model.tensors[out].zero_point);
      changed = true;
    }
    if (!changed) return;
  }
}

// ---- weights

// The step that fine tuning rounds with as well.
double natural_scale(const Folded& f, const Op& op, std::int64_t taps, std::int64_t oc, int bits) {
  const auto outputs = static_cast<std::int64_t>(f.bias.size());
  const std::size_t first = weight_index(op, outputs, taps, oc, 0);
  const std::size_t next = taps > 1 ? weight_index(op, outputs, taps, oc, 1) : first + 1;
  return train::weight_step(f.weights.data() + first, static_cast<std::ptrdiff_t>(next - first),
                            static_cast<std::size_t>(taps), bits);
}

/// One output channel at one weight scale; gives false where 32 bits do not hold its accumulator.
bool quantize_channel(const Folded& f, const Op& op, const Tensor& in, std::int64_t taps,
                      std::int64_t oc, const std::vector<double>& input_means, bool correct_bias,
                      Filter& filter) {
  const auto c = static_cast<std::size_t>(oc);
  const double scale = static_cast<double>(filter.scales[c]);
  const double bound = filter.weight_bits == 4 ? 7 : 127;
  const auto outputs = static_cast<std::int64_t>(f.bias.size());
  double bias = f.bias[c];
  double worst = 0;
  for (std::int64_t t = 0; t < taps; ++t) {
    const std::size_t at = weight_index(op, outputs, taps, oc, t);
    const double q = std::clamp(std::round(f.weights[at] / scale), -bound, bound);
    filter.weights[at] = static_cast<std::int8_t>(q);
    worst += std::abs(q) * 255;
    if (correct_bias)
      bias += (f.weights[at] - q * scale) * input_means[static_cast<std::size_t>(t)];
  }
  const double q = std::round(bias / (static_cast<double>(in.scale) * scale));
  // A margin of 2^8: a factor above 1 shifts the accumulator left by at most 8.
  if (!(std::abs(q) + worst < static_cast<double>(1 << 30) / 256 * 200)) return false;
  filter.bias[c] = static_cast<std::int32_t>(q);
  return true;
}

// The mean of the input that each tap of an output channel sees; conv and depthwise: of its
// channel.
std::vector<double> tap_means(const Int8Model& m, const Op& op, const std::vector<double>& means,
                              std::int64_t taps, std::int64_t oc) {
  if (std::holds_alternative<Dense>(op.kind)) return means;
  const auto channels = static_cast<std::size_t>(m.input_of(op).shape.channels);
  std::vector<double> of_channel(channels, 0.0);
  for (std::size_t i = 0; i < means.size(); ++i)
    of_channel[i % channels] +=
        means[i] * static_cast<double>(channels) / static_cast<double>(means.size());
  std::vector<double> result(static_cast<std::size_t>(taps));
  const auto* d = std::get_if<Depthwise>(&op.kind);
  for (std::size_t t = 0; t < result.size(); ++t) {
    result[t] = d != nullptr ? of_channel[static_cast<std::size_t>(oc / d->multiplier)]
                             : of_channel[t % channels];
  }
  return result;
}

Status quantize_filter(const Source& s, Int8Model& m, std::size_t index) {
  Op& op = m.ops[index];
  Filter& filter = *filter_of(op);
  const Folded& f = s.folded[index];
  const Tensor& in = m.input_of(op);
  const Tensor& out = m.output_of(op);
  const std::int64_t taps = taps_of(m, op);
  const int bound = filter.weight_bits == 4 ? 7 : 127;
  const bool per_tensor = std::holds_alternative<Dense>(op.kind) && filter.weight_bits == 8;
  // Below this factor the bias would lose its bits in the multiplier.
  const double least =
      static_cast<double>(out.scale) / static_cast<double>(in.scale) * std::ldexp(1.0, -18);
  double shared = 0;
  if (per_tensor) shared = largest_weight(f) / bound;
  std::vector<double> means;
  for (std::int64_t oc = 0; oc < static_cast<std::int64_t>(f.bias.size()); ++oc) {
    double scale =
        std::max(per_tensor ? shared : natural_scale(f, op, taps, oc, filter.weight_bits), least);
    if (oc == 0 || !std::holds_alternative<Dense>(op.kind))
      means =
          tap_means(m, op, s.statistics.means[static_cast<std::size_t>(op.inputs[0])], taps, oc);
    bool fits = false;
    for (int attempt = 0; attempt < 64 && !fits; ++attempt, scale *= 1.5) {
      const auto rounded = static_cast<float>(scale);
      filter.scales[static_cast<std::size_t>(oc)] =
          per_tensor ? exact_weight_scale(in.scale, rounded, out.scale) : rounded;
      fits = quantize_channel(f, op, in, taps, oc, means,
                              s.options.bias_correction && s.options.plan == nullptr, filter);
      // All channels share the scale: start over with the larger one.
      if (!fits && per_tensor) {
        shared = scale * 1.5;
        oc = -1;
        break;
      }
    }
    if (!fits && !per_tensor)
      return invalid(fmt::format("operator '{}': the bias of channel {} is too large for 32 bits",
                                 op.name, oc));
    if (per_tensor && shared > 1e30)
      return invalid(fmt::format("operator '{}': a bias is too large for 32 bits", op.name));
  }
  if (std::holds_alternative<Dense>(op.kind))
    make_exact_as_convolution(in.scale, out.scale, filter.scales);
  return {};
}

Result<Int8Model> build(const Source& s, Clipping rule) {
  Lowering l = s.lowering;
  l.model.rounding = s.options.rounding;
  choose_activation_scales(s, rule, l);
  raise_degenerate_scales(s, l);
  for (std::size_t i = 0; i < l.model.ops.size(); ++i) {
    Op& op = l.model.ops[i];
    set_activation_range(l.model, op, l.origins[i].activation);
    if (filter_of(op) != nullptr) ATML_TRY_STATUS(quantize_filter(s, l.model, i));
    if (auto* table = std::get_if<Table>(&op.kind)) {
      ATML_TRY(table->values, function_table(table->function, l.model.input_of(op),
                                             l.model.output_of(op), l.model.rounding));
    }
  }
  const Status status = l.model.verify();
  if (!status.ok()) return status.error().with_context("the quantised model");
  return std::move(l.model);
}

// Mean squared difference of the int8 outputs from the float outputs over the calibration samples.
double output_error(const Source& s, const Int8Model& m) {
  std::vector<std::int8_t> inputs;
  for (const auto& sample : s.statistics.inputs)
    append_quantized(m.tensor(m.input), sample, inputs);
  const Tensor& out = m.tensor(m.output);
  const std::size_t n = s.statistics.inputs.size();
  const auto width = static_cast<std::size_t>(out.shape.elements());
  std::vector<std::int8_t> outputs(n * width);
  BatchInterpreter(m).run(inputs, n, outputs);
  double sum = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const double value = static_cast<double>(out.scale) * (outputs[i] - out.zero_point);
    const double difference =
        value - static_cast<double>(s.statistics.outputs[i / width][i % width]);
    sum += difference * difference;
  }
  return sum / static_cast<double>(outputs.size());
}

Status check_inputs(const network::Network& network, const train::Weights& weights,
                    const data::Dataset& dataset) {
  ATML_TRY_STATUS(network.verify());
  ATML_TRY_STATUS(check_weights(network, weights));
  if (dataset.train.size() == 0) return invalid("no training samples to calibrate with");
  if (dataset.shape == network.input_shape()) return {};
  return invalid(fmt::format("samples are {}, the network reads {}", dataset.shape.text(),
                             network.input_shape().text()));
}

}  // namespace

namespace {

struct Chosen {
  Int8Model model;
  std::vector<int> tensor_layers;
};

Result<Chosen> choose(const network::Network& network, const train::Weights& weights,
                      const data::Dataset& dataset, const QuantizeOptions& options) {
  ATML_TRY_STATUS(check_inputs(network, weights, dataset));
  Source s{network, dataset, options, lower(network), {}, {}};
  for (std::size_t i = 0; i < s.lowering.model.ops.size(); ++i) {
    const Filter* filter = filter_of(s.lowering.model.ops[i]);
    s.folded.push_back(filter != nullptr ? fold(s.lowering, weights, i, *filter) : Folded{});
  }
  s.statistics = measure(network, weights, s.lowering, dataset, options);
  if (options.plan != nullptr) {
    ATML_TRY(Int8Model model, build(s, Clipping::kLeastError));
    return Chosen{std::move(model), s.lowering.tensor_layers};
  }
  std::optional<Int8Model> best;
  double best_error = std::numeric_limits<double>::infinity();
  for (const Clipping rule : {Clipping::kMinMax, Clipping::kPercentile, Clipping::kLeastError}) {
    ATML_TRY(Int8Model model, build(s, rule));
    const double error = output_error(s, model);
    if (best && !(error < best_error)) continue;
    best = std::move(model);
    best_error = error;
  }
  return Chosen{std::move(*best), s.lowering.tensor_layers};
}

}  // namespace

Result<Int8Model> quantize(const network::Network& network, const train::Weights& weights,
                           const data::Dataset& dataset, const QuantizeOptions& options) {
  ATML_TRY(Chosen chosen, choose(network, weights, dataset, options));
  return std::move(chosen.model);
}

Result<train::QuantisationPlan> calibrated_plan(const network::Network& network,
                                                const train::Weights& weights,
                                                const data::Dataset& dataset,
                                                const QuantizeOptions& options) {
  ATML_TRY(const Chosen chosen, choose(network, weights, dataset, options));
  train::QuantisationPlan plan;
  plan.outputs.resize(static_cast<std::size_t>(network.size()));
  plan.frozen_statistics = true;
  for (std::size_t t = 0; t < chosen.model.tensors.size(); ++t) {
    const Tensor& tensor = chosen.model.tensors[t];
    plan.outputs[static_cast<std::size_t>(chosen.tensor_layers[t])] = {tensor.scale,
                                                                       tensor.zero_point};
  }
  return plan;
}

}  // namespace atml::quantize
