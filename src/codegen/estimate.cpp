// Sizes without a compiler, from below. Weights, tables and arena are exact; the code and the stack
// of the kernels are those of size_table.inc, which bench_size_table measures in linked and
// emulated firmware: for each kernel the least that any of its shapes took. What remains - longer
// code for larger offsets, deeper paths - makes the figures lean low; a firmware smaller than its
// estimate would be a bug (size_table_test.cpp, bench_deployability --only estimates).
#include <algorithm>
#include <set>
#include <string_view>

#include "codegen/firmware.h"
#include "codegen/lowering.h"
#include "codegen/operator_order.h"
#include "codegen/packable.h"
#include "codegen/size_table.h"

namespace atml::codegen {

namespace {

// Streamed groups: their descriptions in flash; of a stage description, least function, parameters.
constexpr std::int64_t kGroupBytes = 24;
// What the functions of a group's stages may be smaller than the least that were measured (18
// and, in networks along a line, up to 72 seen).
constexpr std::int64_t kGroupGuard = 96;
constexpr std::int64_t kBufferBytes = 14;
constexpr std::int64_t kStageBytes = 16 + 12 + 56;

// What the firmware that start-up was measured in may have lost between its sections to alignment.
constexpr std::int64_t kFlashGuard = 32;

// Layer functions were measured in words, but may follow each other at half words.
constexpr std::int64_t kAlignment = 2;

// Data that takes a shallower path through a kernel than the probes did must not make the estimate
// too high.
constexpr std::int64_t kStackGuard = 8;
constexpr std::int64_t kGroupStackGuard = 24;  // with streamed groups

// Of a kernel that the table does not know yet: less than any takes.
constexpr std::int64_t kUnlistedCode = 256;
constexpr std::int64_t kUnlistedLayer = 64;

void unite(FunctionSet& all, const FunctionSet& more) {
  for (std::size_t w = 0; w < all.size(); ++w) all[w] |= more[w];
}

// The firmware of one variant, operator by operator.
class Sum {
 public:
  explicit Sum(const SizeVariant& variant) : v_(variant), flash_(variant.flash - kFlashGuard) {}

  // An operator that runs as a whole; `last`: the firmware returns from it.
  void add(const KernelChoice& choice, bool last) {
    const KernelSize* size = find_kernel(v_, function_name(choice.kernel));
    ++operators_;
    if (size == nullptr) {
      flash_ += kUnlistedLayer;
      if (unlisted_.insert(choice.kernel).second) flash_ += kUnlistedCode;
      return;
    }
    flash_ += size->layer - kAlignment;
    unite(functions_, size->functions);
    // Measured in streamed rows only, with the engine, which all rows share.
    if (choice.kernel == Kernel::kDepthwiseRows) unite(functions_, own_row_functions(*size));
    std::int64_t stack = size->stack + (last ? 0 : v_.frame);
    if (choice.clamp) {
      const KernelSize* clamp = find_kernel(v_, "atml_clamp");
      flash_ += clamp == nullptr ? 0 : clamp->layer;
      stack += clamp == nullptr ? 0 : clamp->stack;
      if (clamp != nullptr) unite(functions_, clamp->functions);
    }
    stack_ = std::max(stack_, stack);
  }

  // An operator of a streamed group.
  void add_row(const KernelChoice& row) {
    const KernelSize* size = find_kernel(v_, function_name(row.kernel));
    // Its function and parameters are at least those of the operator as a whole.
    flash_ += std::max<std::int64_t>(kStageBytes, size == nullptr ? 0 : size->layer);
    if (size == nullptr) return;
    unite(functions_, size->row_stack > 0 ? size->row_functions : size->functions);
    stack_ = std::max<std::int64_t>(stack_, size->row_stack);
  }

  void add_group(const StreamGroup& group) {
    ++operators_;
    flash_ +=
        kGroupBytes - kGroupGuard + kBufferBytes * static_cast<std::int64_t>(group.buffers.size());
  }

  std::int64_t flash() const {
    std::int64_t total = flash_ + v_.next_layer * std::max<std::int64_t>(operators_ - 1, 0);
    for (std::size_t i = 0; i < v_.functions.size(); ++i) {
      if ((functions_[i / 64] >> (i % 64) & 1) != 0) total += v_.functions[i];
    }
    return total;
  }
  std::int64_t stack() const {
    return operators_ > 1 ? std::max<std::int64_t>(stack_, v_.stack) : stack_;
  }

 private:
  FunctionSet own_row_functions(const KernelSize& size) const {
    FunctionSet own = size.row_functions;
    for (std::size_t w = 0; w < own.size(); ++w) {
      std::uint64_t shared = ~std::uint64_t{0};
      for (const KernelSize& k : v_.kernels) {
        if (k.row_stack > 0) shared &= k.row_functions[w];
      }
      own[w] &= ~shared;
    }
    return own;
  }

  const SizeVariant& v_;
  std::int64_t flash_;
  std::int64_t stack_ = 0;
  std::int64_t operators_ = 0;  // calls of <prefix>_run
  FunctionSet functions_{};
  std::set<Kernel> unlisted_;
};

std::int64_t constants(const quantize::Int8Model& model, const std::vector<KernelChoice>& choices,
                       const PlannedMemory& memory, const target::Target& target,
                       Optimize optimize) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const KernelChoice c = for_core(model, model.ops[i], choices[i], target, optimize);
    total += c.weights + c.tables;
  }
  for (const StreamGroup& group : memory.groups) {
    for (const StreamStage& stage : group.stages) {  // other kernels pack their constants otherwise
      const auto i = static_cast<std::size_t>(stage.op);
      const KernelChoice row = row_kernel(model, model.ops[i], choices[i]);
      total += row.weights + row.tables - choices[i].weights - choices[i].tables;
    }
  }
  return total;
}

Sum code_and_stack(const SizeVariant& variant, const quantize::Int8Model& model,
                   const std::vector<KernelChoice>& choices, const PlannedMemory& memory) {
  Sum sum(variant);
  std::vector<bool> streamed(choices.size(), false);
  for (const StreamGroup& group : memory.groups) {
    sum.add_group(group);
    for (const StreamStage& stage : group.stages) {
      const auto i = static_cast<std::size_t>(stage.op);
      streamed[i] = true;
      sum.add_row(row_kernel(model, model.ops[i], choices[i]));
    }
  }
  std::size_t last = choices.size();
  while (last > 0 && choices[last - 1].kernel == Kernel::kNone) --last;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (!streamed[i] && choices[i].kernel != Kernel::kNone) sum.add(choices[i], i + 1 == last);
  }
  return sum;
}

}  // namespace

Estimate estimate(const quantize::Int8Model& given, const target::Target& target,
                  const Options& options) {
  const quantize::Int8Model model = packable(given, true);
  const auto choices = choose_kernels(model, target, options.optimize, true);
  if (!choices.ok()) return {};  // generate() will say why
  const OrderedPlan plan = choose_order(model, *choices, planning_of(model, target, options));
  const quantize::Int8Model& ordered = plan.model(model);
  Estimate e;
  e.arena = plan.memory.plan.arena;
  e.ram = e.arena;
  e.flash = Bytes(constants(ordered, plan.choices, plan.memory, target, options.optimize));
  const SizeVariant* variant = find_sizes(target, options.optimize, model.rounding);
  if (variant == nullptr) return e;  // not measured: what is certain
  const Sum sum = code_and_stack(*variant, ordered, plan.choices, plan.memory);
  e.flash += Bytes(sum.flash());
  const std::int64_t guard = plan.memory.groups.empty() ? kStackGuard : kGroupStackGuard;
  e.ram += Bytes(variant->statics + std::max<std::int64_t>(sum.stack() - guard, 0));
  return e;
}

}  // namespace atml::codegen
