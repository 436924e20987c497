// The arena: which bytes each activation and scratch buffer gets, from exact lifetimes.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "codegen/firmware.h"
#include "codegen/kernel_choice.h"
#include "codegen/overlap.h"
#include "codegen/streaming.h"

namespace atml::codegen {

/// A buffer in the arena; sizes and offsets are multiples of 4.
struct Block {
  std::int64_t size = 0;
  int first_op = 0, last_op = 0;  // alive while any of these operators runs, both included
  bool operator==(const Block&) const = default;
};

/// Two blocks alive at one time that may share bytes: the output of an operator and an input that
/// dies there.
struct SharePair {
  int in = 0, out = 0;  // block indices
  Overlap rule;
};

struct PackProblem {
  std::vector<Block> blocks;
  std::vector<SharePair> shares;
  /// Blocks of one streamed group that hold nothing at one moment, although both belong to its
  /// operators: they may share all bytes. `first` < `second`, sorted.
  std::vector<std::pair<int, int>> apart;
};

/// Offset of each block such that blocks alive at one time are disjoint or share by their rule; the
/// top is as low as the search finds. Up to 8 blocks that matter: the optimum, by branch and bound.
struct Packing {
  std::vector<std::int64_t> offsets;
  std::int64_t top = 0;
  std::int64_t bound = 0;  // no packing can have a lower top
};
/// A packing that starts more than an eighth above `wanted` is not improved.
constexpr std::int64_t kAnyTop = std::numeric_limits<std::int64_t>::max();
Packing pack_blocks(const PackProblem& problem, std::int64_t wanted = kAnyTop);

/// Whether a packing keeps all rules; for tests and as a guard in the generator.
bool packing_holds(const PackProblem& problem, const std::vector<std::int64_t>& offsets);

/// Bytes that the blocks alive at an operator need at least.
std::int64_t live_bound(const PackProblem& problem, int op);

/// The plan of a model whose kernels were chosen (one choice an operator), with where each scratch
/// buffer is.
struct PlannedMemory {
  MemoryPlan plan;
  std::vector<std::int64_t> tensor_offsets;   // one a tensor; aliases by reshape have their root's
  std::vector<std::int64_t> scratch_offsets;  // one an operator; -1 without scratch
  std::vector<StreamGroup> groups;
  std::vector<std::int64_t> state_offsets, sums_offsets;  // one a group; sums: -1 without
};

/// `choices` has the kernels of the operators one after another; those of streamed operators are
/// replaced by row_kernel(). A plan that is of use only below `wanted` bytes, and is far from it,
/// is not improved.
PlannedMemory plan_arena(const quantize::Int8Model& model, const std::vector<KernelChoice>& choices,
                         const std::vector<StreamGroup>& groups = {},
                         std::int64_t wanted = kAnyTop);

/// Lower bounds of the arena while a group, or a single operator, runs.
std::int64_t least_bytes(const quantize::Int8Model& model, const std::vector<KernelChoice>& choices,
                         const StreamGroup& group);
std::int64_t least_bytes(const quantize::Int8Model& model, const std::vector<KernelChoice>& choices,
                         int op);

/// What a plan is chosen by.
struct Planning {
  Streaming streaming = Streaming::kAuto;
  Bytes arena_limit;            // kAuto
  std::int64_t free_price = 0;  // kAuto: instructions that a much smaller arena may cost unasked
};
Planning planning_of(const quantize::Int8Model& model, const target::Target& target,
                     const Options& options);

/// Which groups stream. Partitions of the operators into single ones and groups are compared by
/// plan_arena(): all of them up to kExactOperators operators, else those that a dynamic programme
/// over lower bounds finds. kOff: none. kOn: the smallest arena, then the lowest price. kAuto: the
/// lowest price with an arena of at most `arena_limit`; where none is so small, the smallest. Where
/// nothing need stream, the smallest arena of at most `free_price`, if it saves a quarter and
/// kWorthStreaming.
constexpr int kExactOperators = 8;
constexpr Bytes kWorthStreaming(4096);  // twice the flash of the machinery
PlannedMemory choose_plan(const quantize::Int8Model& model,
                          const std::vector<KernelChoice>& choices, const Planning& planning);
/// Of all groups of a plan.
std::int64_t streaming_price(const quantize::Int8Model& model,
                             const std::vector<StreamGroup>& groups);

}  // namespace atml::codegen
