// Models without training: structure_model() for planning, random_model() for measuring and
// testing.
#include <cmath>

#include "base/random.h"
#include "quantize/batch.h"
#include "quantize/interpreter.h"
#include "quantize/lower.h"
#include "quantize/quantize.h"
#include "quantize/requantize.h"

namespace atml::quantize {
namespace {

constexpr std::size_t kProbes = 4;  // inputs that are followed through a random model

// Chooses weights, scales and zero points operator by operator while it runs the probes through the
// model, so that each layer's outputs are centred and spread over the range of int8.
class RandomFiller {
 public:
  RandomFiller(Lowering& lowering, std::uint64_t seed)
      : lowering_(lowering),
        model_(lowering.model),
        rng_(Rng::derive(seed, "random model")),
        group_done_(model_.tensors.size(), false),
        activations_(kProbes) {
    set_quantisation(model_.input, 1.0f / 32, 0);
    const auto inputs = random_inputs(model_, kProbes, seed);
    const std::size_t size = static_cast<std::size_t>(model_.tensor(model_.input).shape.elements());
    for (std::size_t p = 0; p < kProbes; ++p) {
      activations_[p].resize(model_.tensors.size());
      activations_[p][static_cast<std::size_t>(model_.input)].assign(
          inputs.begin() + static_cast<std::ptrdiff_t>(p * size),
          inputs.begin() + static_cast<std::ptrdiff_t>((p + 1) * size));
    }
  }

  void run() {
    for (std::size_t i = 0; i < model_.ops.size(); ++i) {
      Op& op = model_.ops[i];
      const auto activation = lowering_.origins[i].activation;
      choose_output(op, activation.has_value());
      set_activation_range(model_, op, activation);
      if (Filter* filter = filter_of(op)) {
        fill_filter(op, *filter, activation.has_value());
      } else if (auto* table = std::get_if<Table>(&op.kind)) {
        const auto values = function_table(table->function, model_.input_of(op),
                                           model_.output_of(op), model_.rounding);
        ATML_ASSERT(values.ok(), "table of a random model");
        table->values = *values;
      }
      run_probes(op);
    }
  }

 private:
  std::size_t group(int tensor) const {
    return static_cast<std::size_t>(lowering_.scale_groups[static_cast<std::size_t>(tensor)]);
  }

  void set_quantisation(int tensor, float scale, int zero_point) {
    for (std::size_t t = 0; t < model_.tensors.size(); ++t) {
      if (group(static_cast<int>(t)) != group(tensor)) continue;
      model_.tensors[t].scale = scale;
      model_.tensors[t].zero_point = zero_point;
    }
    group_done_[group(tensor)] = true;
  }

  void choose_output(const Op& op, bool rectified) {
    if (group_done_[group(op.output)]) return;
    const float first = model_.input_of(op).scale;
    if (std::holds_alternative<Add>(op.kind)) {
      const float second = model_.input_of(op, 1).scale;
      set_quantisation(op.output, std::hypot(first, second),
                       rectified ? -128 : rng_.integer(-10, 10));
    } else if (const auto* table = std::get_if<Table>(&op.kind)) {
      const bool swish = table->function == "hard_swish";
      set_quantisation(op.output, swish ? first : first * 0.6f, swish ? -100 : -128);
    } else {
      set_quantisation(op.output, static_cast<float>(rng_.uniform(0.02, 0.06)),
                       rectified ? -128 : rng_.integer(-20, 20));
    }
  }

  void fill_filter(Op& op, Filter& filter, bool rectified) {
    const std::int64_t outputs = static_cast<std::int64_t>(filter.bias.size());
    const std::int64_t taps = taps_of(model_, op);
    const int limit = filter.weight_bits == 4 ? 7 : 127;
    // 256 taps x 255 x limit stays far below 2^31; longer sums get smaller weights.
    const int bound =
        static_cast<int>(std::clamp<std::int64_t>((1ll << 30) / (256 * taps), 1, limit));
    for (std::int8_t& w : filter.weights) w = static_cast<std::int8_t>(rng_.integer(-bound, bound));
    const bool per_tensor = std::holds_alternative<Dense>(op.kind);
    std::vector<double> variance(static_cast<std::size_t>(outputs), 0.0);
    centre(op, filter, variance);
    double pooled = 0;
    for (const double v : variance) pooled += v / static_cast<double>(outputs);
    const Tensor& in = model_.input_of(op);
    const Tensor& out = model_.output_of(op);
    const double spread = rectified ? 75.0 : 50.0;
    for (std::size_t oc = 0; oc < filter.scales.size(); ++oc) {
      const double own = per_tensor || variance[oc] < 1e-3 * pooled ? pooled : variance[oc];
      // A constant accumulator gets the factor that an input of standard deviation 50 would ask
      // for.
      const double deviation =
          own > 0 ? std::sqrt(own) : 50.0 * bound * std::sqrt(static_cast<double>(taps) / 3.0);
      const double factor =
          std::min(spread * (per_tensor ? 1.0 : rng_.uniform(0.7, 1.3)) / deviation, 100.0);
      filter.scales[oc] = static_cast<float>(factor * static_cast<double>(out.scale) /
                                             static_cast<double>(in.scale));
      if (per_tensor)
        filter.scales[oc] =
            oc == 0 ? exact_weight_scale(in.scale, filter.scales[0], out.scale) : filter.scales[0];
      const double shift = rng_.uniform(-0.3, 0.3) * deviation;
      filter.bias[oc] += static_cast<std::int32_t>(std::lround(shift));
    }
    if (per_tensor) make_exact_as_convolution(in.scale, out.scale, filter.scales);
  }

  // Measures the accumulators of the probes with bias 0; sets the bias to minus their mean and
  // gives their variance, channel by channel.
  void centre(const Op& op, Filter& filter, std::vector<double>& variance) {
    const std::size_t outputs = filter.bias.size();
    std::vector<double> sum(outputs, 0.0), squares(outputs, 0.0);
    std::size_t count = 0;
    std::vector<std::int32_t> accumulators(outputs);
    for (std::size_t p = 0; p < kProbes; ++p) {
      const auto& input = activations_[p][static_cast<std::size_t>(op.inputs[0])];
      for_positions(op, [&](int y, int x) {
        accumulate(op, input, y, x, accumulators);
        for (std::size_t oc = 0; oc < outputs; ++oc) {
          sum[oc] += accumulators[oc];
          squares[oc] += static_cast<double>(accumulators[oc]) * accumulators[oc];
        }
        ++count;
      });
    }
    for (std::size_t oc = 0; oc < outputs; ++oc) {
      const double mean = sum[oc] / static_cast<double>(count);
      variance[oc] = std::max(0.0, squares[oc] / static_cast<double>(count) - mean * mean);
      filter.bias[oc] = static_cast<std::int32_t>(-std::lround(mean));
    }
  }

  // At most about 24 output positions of a layer, spread evenly: enough for a mean and a deviation.
  template <class Visit>
  void for_positions(const Op& op, Visit&& visit) const {
    const Shape& out = model_.output_of(op).shape;
    const std::int64_t positions = static_cast<std::int64_t>(out.height) * out.width;
    const std::int64_t step = std::max<std::int64_t>(1, positions / 24);
    for (std::int64_t at = 0; at < positions; at += step)
      visit(static_cast<int>(at / out.width), static_cast<int>(at % out.width));
  }

  void accumulate(const Op& op, const std::vector<std::int8_t>& input, int y, int x,
                  std::vector<std::int32_t>& sums) const {
    const Shape& in = model_.input_of(op).shape;
    const int zero = model_.input_of(op).zero_point;
    std::ranges::fill(sums, 0);
    const auto dense = std::get_if<Dense>(&op.kind);
    if (dense != nullptr) {
      const std::size_t taps = input.size();
      for (std::size_t oc = 0; oc < sums.size(); ++oc) {
        for (std::size_t i = 0; i < taps; ++i)
          sums[oc] += dense->filter.weights[oc * taps + i] * (input[i] - zero);
      }
      return;
    }
    const auto* conv = std::get_if<Conv>(&op.kind);
    const auto* depthwise = std::get_if<Depthwise>(&op.kind);
    const network::Window& w = conv != nullptr ? conv->window : depthwise->window;
    const std::size_t channels = static_cast<std::size_t>(in.channels);
    const std::size_t taps =
        static_cast<std::size_t>(w.kernel_h) * static_cast<std::size_t>(w.kernel_w);
    for (std::size_t tap = 0; tap < taps; ++tap) {
      const int in_y =
          y * w.stride_h - w.pad_top(in.height) + static_cast<int>(tap) / w.kernel_w * w.dilation_h;
      const int in_x =
          x * w.stride_w - w.pad_left(in.width) + static_cast<int>(tap) % w.kernel_w * w.dilation_w;
      if (in_y < 0 || in_y >= in.height || in_x < 0 || in_x >= in.width) continue;
      const std::int8_t* values =
          input.data() + (static_cast<std::size_t>(in_y) * static_cast<std::size_t>(in.width) +
                          static_cast<std::size_t>(in_x)) *
                             channels;
      for (std::size_t oc = 0; oc < sums.size(); ++oc) {
        if (depthwise != nullptr) {
          const std::size_t ic = oc / static_cast<std::size_t>(depthwise->multiplier);
          sums[oc] += depthwise->filter.weights[tap * sums.size() + oc] * (values[ic] - zero);
          continue;
        }
        const std::int8_t* weights = conv->filter.weights.data() + (oc * taps + tap) * channels;
        for (std::size_t ic = 0; ic < channels; ++ic) sums[oc] += weights[ic] * (values[ic] - zero);
      }
    }
  }

  void run_probes(const Op& op) {
    if (op.inputs.size() == 1) {
      run_probes_at_once(op);
      return;
    }
    for (auto& tensors : activations_) {
      std::vector<const std::int8_t*> inputs;
      for (const int t : op.inputs) inputs.push_back(tensors[static_cast<std::size_t>(t)].data());
      auto& output = tensors[static_cast<std::size_t>(op.output)];
      output.resize(static_cast<std::size_t>(model_.output_of(op).shape.elements()));
      run_op(model_, op, inputs, output.data());
    }
  }

  // The operator as a model of its own, by the batch evaluator: this is where the time goes.
  void run_probes_at_once(const Op& op) {
    Int8Model one{"one", {model_.input_of(op), model_.output_of(op)}, {op}, 0, 1, model_.rounding};
    one.ops[0].inputs = {0};
    one.ops[0].output = 1;
    const auto width = static_cast<std::size_t>(one.tensor(1).shape.elements());
    std::vector<std::int8_t> inputs, outputs(kProbes * width);
    for (const auto& tensors : activations_) {
      const auto& input = tensors[static_cast<std::size_t>(op.inputs[0])];
      inputs.insert(inputs.end(), input.begin(), input.end());
    }
    BatchInterpreter(one).run(inputs, kProbes, outputs);
    for (std::size_t p = 0; p < kProbes; ++p) {
      const auto first = outputs.begin() + static_cast<std::ptrdiff_t>(p * width);
      activations_[p][static_cast<std::size_t>(op.output)].assign(
          first, first + static_cast<std::ptrdiff_t>(width));
    }
  }

  Lowering& lowering_;
  Int8Model& model_;
  Rng rng_;
  std::vector<bool> group_done_;
  std::vector<std::vector<std::vector<std::int8_t>>> activations_;  // [probe][tensor]
};

}  // namespace

Int8Model structure_model(const network::Network& network) {
  Lowering lowering = lower(network);
  for (std::size_t i = 0; i < lowering.model.ops.size(); ++i) {
    set_activation_range(lowering.model, lowering.model.ops[i], lowering.origins[i].activation);
  }
  return std::move(lowering.model);
}

Int8Model random_model(const network::Network& network, std::uint64_t seed) {
  Lowering lowering = lower(network);
  RandomFiller(lowering, seed).run();
  return std::move(lowering.model);
}

std::vector<std::int8_t> random_inputs(const Int8Model& model, std::size_t count,
                                       std::uint64_t seed) {
  Rng rng = Rng::derive(seed, "random inputs");
  std::vector<std::int8_t> values(
      count * static_cast<std::size_t>(model.tensor(model.input).shape.elements()));
  for (std::int8_t& v : values) v = static_cast<std::int8_t>(rng.integer(-128, 127));
  return values;
}

}  // namespace atml::quantize
