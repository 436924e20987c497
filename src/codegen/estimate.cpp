// Sizes without a compiler. Weights, tables and arena are exact; code is the sum of what each
// kernel in use takes in the linked firmware. The constants below were read from linked firmware
// (arm-none-eabi-gcc 12.2, Cortex-M4, -O2); estimate_test.cpp repeats the comparison where the
// compiler is installed.
#include <algorithm>
#include <set>

#include "codegen/firmware.h"
#include "codegen/lowering.h"
#include "codegen/operator_order.h"

namespace atml::codegen {

namespace {

constexpr std::int64_t kStartup = 300;    // vector table, reset, memory functions, main
constexpr std::int64_t kLayerBytes = 24;  // function, call and literals of one layer
constexpr std::int64_t kStatics = 4;      // of main.c
constexpr std::int64_t kStack = 80;       // the smallest of any model; deeper kernels use up to 300

struct CodeSize {
  Kernel kernel;
  std::int64_t code;    // of the kernel's own functions
  std::int64_t params;  // of its parameter struct, once a layer
};

CodeSize code_size(Kernel kernel) {
  switch (kernel) {
    case Kernel::kNone:
      return {kernel, 0, 0};
    case Kernel::kConvPacked:
      return {kernel, 860, 60};
    case Kernel::kPointwisePacked:
      return {kernel, 172, 32};
    case Kernel::kDensePacked:
      return {kernel, 4, 24};
    case Kernel::kDepthwisePacked:
      return {kernel, 1400, 72};
    case Kernel::kConvNibbles:
      return {kernel, 860, 60};
    case Kernel::kPointwiseNibbles:
      return {kernel, 172, 32};
    case Kernel::kDenseNibbles:
      return {kernel, 4, 24};
    case Kernel::kDepthwiseNibbles:
      return {kernel, 1460, 72};
    case Kernel::kConvPlain:
      return {kernel, 528, 56};
    case Kernel::kDepthwisePlain:
      return {kernel, 492, 56};
    case Kernel::kDensePlain:
      return {kernel, 252, 32};
    case Kernel::kMaxPool:
      return {kernel, 704, 36};
    case Kernel::kAveragePool:
      return {kernel, 760, 36};
    case Kernel::kGlobalAverage:
      return {kernel, 272, 0};
    case Kernel::kMean:
      return {kernel, 380, 24};
    case Kernel::kAdd:
      return {kernel, 692, 48};
    case Kernel::kMul:
      return {kernel, 204, 40};
    case Kernel::kPlace:
      return {kernel, 150, 0};
    case Kernel::kPad:
      return {kernel, 216, 40};
    case Kernel::kSoftmax:
      return {kernel, 868, 20};
    case Kernel::kTable:
      return {kernel, 32, 0};
    case Kernel::kDepthwiseRows:
      return {kernel, 1140, 56};
    case Kernel::kSumRow:
      return {kernel, 440, 0};
  }
  ATML_UNREACHABLE("unknown kernel");
}

bool uses_nibble_dot(Kernel k) {
  return k == Kernel::kConvNibbles || k == Kernel::kPointwiseNibbles || k == Kernel::kDenseNibbles;
}

bool uses_dot(Kernel k) {
  return k == Kernel::kConvPacked || k == Kernel::kPointwisePacked || k == Kernel::kDensePacked;
}

std::int64_t code_bytes(const std::vector<KernelChoice>& choices) {
  std::int64_t total = kStartup;
  std::set<Kernel> seen;
  bool dot_4 = false, dot_1 = false, nibble_dot_4 = false, nibble_dot_1 = false;
  for (const KernelChoice& c : choices) {
    if (c.kernel == Kernel::kNone) continue;
    const CodeSize size = code_size(c.kernel);
    total += size.params + kLayerBytes;
    if (seen.insert(c.kernel).second) total += size.code;
    nibble_dot_1 |= uses_nibble_dot(c.kernel);
    nibble_dot_4 |= uses_nibble_dot(c.kernel) && c.kernel != Kernel::kDenseNibbles;
    dot_1 |= uses_dot(c.kernel);
    dot_4 |= uses_dot(c.kernel) && c.kernel != Kernel::kDensePacked;
  }
  return total + (dot_1 ? 378 : 0) + (dot_4 ? 650 : 0) + (nibble_dot_1 ? 430 : 0) +
         (nibble_dot_4 ? 690 : 0);
}

// What streaming adds: the engine, row functions, and kernels that only streamed layers use.
std::int64_t streaming_bytes(const quantize::Int8Model& model,
                             const std::vector<KernelChoice>& choices,
                             const PlannedMemory& memory) {
  std::int64_t total = memory.groups.empty() ? 0 : 600;
  std::set<Kernel> seen;
  for (const StreamGroup& group : memory.groups) {
    total += 24 + 16 * static_cast<std::int64_t>(group.buffers.size());
    for (const StreamStage& stage : group.stages) {
      const auto i = static_cast<std::size_t>(stage.op);
      const KernelChoice row = row_kernel(model, model.ops[i], choices[i]);
      total += 16 + 40 + row.weights - choices[i].weights;
      if (row.kernel != choices[i].kernel && seen.insert(row.kernel).second)
        total += code_size(row.kernel).code;
    }
  }
  return total;
}

}  // namespace

Estimate estimate(const quantize::Int8Model& model, const target::Target& target,
                  const Options& options) {
  const auto choices = choose_kernels(model, true);
  if (!choices.ok()) return {};  // generate() will say why
  Estimate e;
  std::int64_t constants = 0;
  for (const KernelChoice& c : *choices) constants += c.weights + c.tables;
  const OrderedPlan plan = choose_order(model, *choices, planning_of(model, target, options));
  e.flash = Bytes(constants + code_bytes(*choices) +
                  streaming_bytes(plan.model(model), plan.choices, plan.memory));
  e.arena = plan.memory.plan.arena;
  e.ram = e.arena + Bytes(kStatics + kStack);
  return e;
}

}  // namespace atml::codegen
