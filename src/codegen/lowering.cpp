#include "codegen/lowering.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codegen/coded_weights.h"
#include "codegen/kernel_variants.h"
#include "codegen/operator_order.h"
#include "codegen/packable.h"

namespace atml::codegen {

using namespace quantize;

namespace {

std::string array_name(const Options& options, int op, const char* what) {
  return fmt::format("{}_{:02}_{}", options.prefix, op, what);
}

void pad_to_words(std::string& bytes) {
  while (bytes.size() % 4 != 0) bytes.push_back('\0');
}

std::string bytes_of(const std::vector<std::int8_t>& values) {
  return {values.begin(), values.end()};
}

struct Arrays {
  const Options& options;
  int op;
  std::vector<ConstArray> list;
  void add(const char* what, ArrayType type, std::string bytes) {
    pad_to_words(bytes);
    list.push_back({array_name(options, op, what), type, std::move(bytes)});
  }
};

// multiplier and shift arrays: one entry for all channels where the factors are equal.
void add_factors(Arrays& arrays, const FilterParams& p, const KernelChoice& choice) {
  const std::size_t count = choice.per_channel ? p.multipliers.size() : 1;
  std::vector<std::int32_t> mantissas;
  std::string shifts;
  for (std::size_t i = 0; i < count; ++i) {
    const Multiplier& m = p.multipliers[i];
    mantissas.push_back(m.mantissa);
    shifts.push_back(static_cast<char>(m.shift));
  }
  arrays.add("multiplier", ArrayType::kInt32, int32_bytes(mantissas));
  arrays.add("shift", ArrayType::kInt8, shifts);
}

// Weights in the order that the plain kernels read; a depthwise over one channel is a convolution.
std::string plain_weights(const Int8Model& model, const Op& op, Kernel kernel) {
  if (kernel == Kernel::kDepthwisePlain) return bytes_of(filter_of(op)->weights);
  const FilterShape shape = filter_shape(model, op);
  std::string bytes;
  for (int o = 0; o < shape.outputs; ++o) {
    for (int i = 0; i < shape.inputs; ++i)
      bytes.push_back(static_cast<char>(shape.weight(op, o, i)));
  }
  return bytes;
}

std::string stored(std::string weights, const KernelChoice& choice) {
  return choice.nibbles ? pack_nibbles(weights) : std::move(weights);
}

void add_filter(Arrays& arrays, const Int8Model& model, const Op& op, const KernelChoice& choice) {
  const FilterParams p = filter_params(model, op);
  switch (choice.kernel) {
    case Kernel::kConvPacked:
    case Kernel::kPointwisePacked:
    case Kernel::kDensePacked:
    case Kernel::kConvNibbles:
    case Kernel::kPointwiseNibbles:
    case Kernel::kDenseNibbles:
      arrays.add("stream", ArrayType::kUint8, pack_stream(model, op));
      arrays.add("multipliers", ArrayType::kInt32, pack_pair_multipliers(p, choice.per_channel));
      return;
    case Kernel::kConvSwar:
    case Kernel::kPointwiseSwar:
    case Kernel::kConvNibblesSwar:
    case Kernel::kPointwiseNibblesSwar:
      arrays.add("stream", ArrayType::kUint8, pack_swar_stream(model, op));
      arrays.add("multipliers", ArrayType::kInt32, pack_pair_multipliers(p, choice.per_channel));
      return;
    case Kernel::kDepthwisePacked:
    case Kernel::kDepthwiseLine:
    case Kernel::kDepthwiseNibbles:
      arrays.add("taps", ArrayType::kInt8,
                 stored(pack_taps(op, filter_shape(model, op), choice.transposed), choice));
      arrays.add("bias", ArrayType::kInt16, pack_depthwise_bias(*filter_of(op), choice.wide));
      arrays.add("factors", ArrayType::kInt32, pack_depthwise_factors(p, choice));
      return;
    case Kernel::kDenseCoded:
      arrays.add("codes", ArrayType::kUint8, pack_codes(model, op));
      arrays.add("words", ArrayType::kInt32, int32_bytes(channel_words(model, op)));
      arrays.add("multipliers", ArrayType::kInt32, pack_multipliers(p, choice.per_channel));
      return;
    case Kernel::kDepthwiseRows:
      arrays.add("taps", ArrayType::kInt32,
                 int32_bytes(pack_row_taps(op, filter_shape(model, op))));
      arrays.add("table", ArrayType::kInt32, int32_bytes(pack_row_table(*filter_of(op), p)));
      return;
    default:
      arrays.add("weights", ArrayType::kInt8,
                 stored(plain_weights(model, op, choice.kernel), choice));
      arrays.add("bias", ArrayType::kInt32, int32_bytes(filter_of(op)->bias));
      add_factors(arrays, p, choice);
  }
}

void add_concat_tables(Arrays& arrays, const Int8Model& model, const Op& op) {
  for (int n = 0; n < static_cast<int>(op.inputs.size()); ++n) {
    if (rescale_params(model.input_of(op, n), model.output_of(op)).identity) continue;
    const auto table = rescale_table(model.input_of(op, n), model.output_of(op), model.rounding);
    arrays.add(fmt::format("table_{}", n).c_str(), ArrayType::kInt8, {table.begin(), table.end()});
  }
}

std::vector<ConstArray> arrays_of(const Int8Model& model, int index, const KernelChoice& choice,
                                  const Options& options) {
  const Op& op = model.ops[static_cast<std::size_t>(index)];
  Arrays arrays{options, index, {}};
  if (filter_of(op) != nullptr) add_filter(arrays, model, op, choice);
  if (const auto* table = std::get_if<Table>(&op.kind))
    arrays.add("table", ArrayType::kInt8, bytes_of(table->values));
  if (std::holds_alternative<Concat>(op.kind)) add_concat_tables(arrays, model, op);
  return arrays.list;
}

// Cores that multiply one pair of values an instruction.
bool lacks_dsp(const target::Target& target) {
  switch (target.core) {
    case target::Core::kCortexM0:
    case target::Core::kCortexM0Plus:
    case target::Core::kCortexM3:
      return true;
    case target::Core::kCortexM33:
      return !target.dsp;
    default:
      return false;
  }
}

// The form of two pixels in a register; kNone: there is none.
Kernel swar_kernel(Kernel packed) {
  switch (packed) {
    case Kernel::kConvPacked:
      return Kernel::kConvSwar;
    case Kernel::kPointwisePacked:
      return Kernel::kPointwiseSwar;
    case Kernel::kConvNibbles:
      return Kernel::kConvNibblesSwar;
    case Kernel::kPointwiseNibbles:
      return Kernel::kPointwiseNibblesSwar;
    default:
      return Kernel::kNone;
  }
}

// Depthwise in a build for speed: going pixel by pixel takes fewer cycles than the ring of rows or
// the line while the longer side of the outputs is below this, by window. From `bench_kernels
// --variants` and the same over sizes from 4x4 to 40x40 and lines of 3 to 24. Pixels are not
// computed in place, so the maps are kept small also where they are quicker on all.
struct PixelsPay {
  int three = 0, three_strided = 0;  // 3x3, for which the ring has code of its own
  int other = 0, other_strided = 0;
  int line = 0;  // one row or column
};

PixelsPay pixels_pay(const target::Target& target) {
  switch (target.core) {
    case target::Core::kCortexM0:
    case target::Core::kCortexM0Plus:
      return {4, 4, 12, 12, 3};
    case target::Core::kCortexM4:
    case target::Core::kCortexM7:
      return {10, 17, 25, 25, 6};
    case target::Core::kCortexM33:
      return target.dsp ? PixelsPay{14, 21, 25, 25, 7} : PixelsPay{};
    case target::Core::kCortexM55:
      return {13, 21, 8, 17, 6};
    case target::Core::kRv32imc:
      return {4, 4, 25, 25, 4};
    default:
      return {};
  }
}

bool is_quicker_by_pixels(const Int8Model& model, const Op& op, const KernelChoice& choice,
                          const target::Target& target) {
  if (choice.kernel != Kernel::kDepthwisePacked && choice.kernel != Kernel::kDepthwiseLine)
    return false;
  const network::Window& w = std::get<Depthwise>(op.kind).window;
  const Shape& out = model.output_of(op).shape;
  const int taps = w.kernel_h * w.kernel_w;
  if (taps == 1 || out.channels % 4 != 0) return false;
  const PixelsPay pay = pixels_pay(target);
  const bool strided = (choice.transposed ? w.stride_h : w.stride_w) > 1;
  int below = strided ? pay.other_strided : pay.other;
  if (w.kernel_h == 3 && w.kernel_w == 3) below = strided ? pay.three_strided : pay.three;
  if (w.kernel_h == 1 || w.kernel_w == 1) below = pay.line;
  return std::max(out.height, out.width) < below &&
         row_kernel(model, op, choice).kernel == Kernel::kDepthwiseRows;
}

// Builds for size: a firmware holds the code of the lines instead of the ring's, not beside it.
void use_lines_or_ring(const Int8Model& model, std::vector<KernelChoice>& choices) {
  bool needs_ring = false, saves_ring = false;
  std::vector<KernelChoice> others = choices;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const Kernel kernel = choices[i].kernel;
    needs_ring |= kernel == Kernel::kDepthwisePacked || kernel == Kernel::kDepthwiseNibbles;
    if (kernel != Kernel::kDepthwiseLine) continue;
    others[i] = ring_kernel(model, model.ops[i], choices[i]);
    saves_ring |= others[i].kernel != Kernel::kNone;
    if (others[i].kernel == Kernel::kNone)
      others[i] = plain_kernel(model, model.ops[i], choices[i]);
  }
  if (needs_ring || !saves_ring) choices = std::move(others);
}

}  // namespace

KernelChoice for_core(const Int8Model& model, const Op& op, const KernelChoice& choice,
                      const target::Target& target, Optimize optimize) {
  const Kernel kernel = swar_kernel(choice.kernel);
  if (kernel == Kernel::kNone) return choice;
  if (!lacks_dsp(target) || optimize == Optimize::kSize) return choice;
  KernelChoice swar = choice;
  swar.kernel = kernel;
  const std::int64_t biases = 4 * static_cast<std::int64_t>(filter_shape(model, op).outputs);
  const auto stream = static_cast<std::int64_t>(pack_swar_stream(model, op).size());

  swar.weights = stream - biases;
  swar.tables += biases - 8 * ((filter_shape(model, op).outputs + 1) / 2);
  return swar;
}

Result<std::vector<KernelChoice>> choose_kernels(const Int8Model& model, bool assume_live) {
  std::vector<KernelChoice> choices;
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    const Op& op = model.ops[i];
    auto choice = choose_kernel(model, op, assume_live);
    if (!choice.ok()) {
      return choice.error().with_context(
          fmt::format("operator {} '{}' ({})", i, op.name, kind_name(op.kind)));
    }
    choices.push_back(*choice);
  }
  return choices;
}

Result<std::vector<KernelChoice>> choose_kernels(const Int8Model& model,
                                                 const target::Target& target, Optimize optimize,
                                                 bool assume_live) {
  ATML_TRY(auto choices, choose_kernels(model, assume_live));
  if (optimize == Optimize::kSize) use_lines_or_ring(model, choices);
  if (optimize != Optimize::kSpeed) return choices;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (is_quicker_by_pixels(model, model.ops[i], choices[i], target))
      choices[i] = row_kernel(model, model.ops[i], choices[i]);
  }
  return choices;
}

Result<Lowered> lower(const Int8Model& asked, const target::Target& target,
                      const Options& options) {
  const Int8Model given = packable(asked);
  ATML_TRY(auto given_choices, options.kernel.empty()
                                   ? choose_kernels(given, target, options.optimize)
                                   : choose_kernels(given));
  if (!options.kernel.empty()) force_kernel(given, target, options.kernel, given_choices);
  OrderedPlan plan = choose_order(given, given_choices, planning_of(given, target, options));
  Lowered lowered;
  lowered.model = plan.model(given);
  lowered.memory = std::move(plan.memory);
  const Int8Model& model = lowered.model;
  for (int i = 0; i < static_cast<int>(model.ops.size()); ++i) {
    const std::size_t n = static_cast<std::size_t>(i);
    const bool streamed = std::ranges::any_of(lowered.memory.groups, [&](const StreamGroup& g) {
      return g.first_op <= i && i <= g.last_op;
    });
    const KernelChoice planned =
        streamed ? row_kernel(model, model.ops[n], plan.choices[n]) : plan.choices[n];
    const KernelChoice choice =
        options.kernel == function_name(planned.kernel)
            ? planned
            : for_core(model, model.ops[n], planned, target, options.optimize);
    lowered.steps.push_back({i, choice, "", {}, streamed});
  }
  if (options.compress_weights) compress_weights(model, lowered.steps);
  for (Step& step : lowered.steps) {
    step.arrays = arrays_of(model, step.op, step.choice, options);
    if (step.choice.kernel != Kernel::kNone) {
      step.symbol = fmt::format("{}_layer_{:02}_{}", options.prefix, step.op,
                                model.ops[static_cast<std::size_t>(step.op)].name);
    }
  }
  return lowered;
}

}  // namespace atml::codegen
