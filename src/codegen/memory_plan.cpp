#include "codegen/memory_plan.h"

#include <algorithm>

namespace atml::codegen {

using namespace quantize;

namespace {

constexpr std::int64_t kArenaAlign = 16;

std::size_t at(int i) { return static_cast<std::size_t>(i); }
std::int64_t round_up(std::int64_t v, std::int64_t step) { return (v + step - 1) / step * step; }

// Tensors that a reshape joins share their bytes: the first of them stands for all.
std::vector<int> alias_roots(const Int8Model& model) {
  std::vector<int> root(model.tensors.size());
  for (std::size_t t = 0; t < root.size(); ++t) root[t] = static_cast<int>(t);
  for (const Op& op : model.ops) {
    if (std::holds_alternative<Reshape>(op.kind)) root[at(op.output)] = root[at(op.inputs[0])];
  }
  return root;
}

struct Blocks {
  PackProblem problem;
  std::vector<int> of_tensor;   // block of a tensor's root
  std::vector<int> of_scratch;  // block of an operator's scratch, or -1
  std::vector<int> of_state;    // one a group
  std::vector<int> of_sums;     // one a group; -1 without
};

using Groups = std::vector<StreamGroup>;

const StreamGroup* group_of(const Groups& groups, int op) {
  for (const StreamGroup& g : groups) {
    if (g.first_op <= op && op <= g.last_op) return &g;
  }
  return nullptr;
}

// Operators of a group run together: what one needs lives as long as all of them run.
std::pair<int, int> span_of(const Groups& groups, int op) {
  const StreamGroup* g = group_of(groups, op);
  return g == nullptr ? std::pair(op, op) : std::pair(g->first_op, g->last_op);
}

const StreamBuffer* line_buffer(const Groups& groups, int tensor) {
  for (const StreamGroup& g : groups) {
    for (const StreamBuffer& b : g.buffers) {
      if (b.line && b.tensor == tensor) return &b;
    }
  }
  return nullptr;
}

std::int64_t bytes_of(const Int8Model& model, const Groups& groups, int tensor) {
  const StreamBuffer* line = line_buffer(groups, tensor);
  return line == nullptr ? model.tensor(tensor).shape.elements() : line->capacity * line->row_bytes;
}

void add_tensors(const Int8Model& model, const Groups& groups, Blocks& blocks) {
  const auto roots = alias_roots(model);
  blocks.of_tensor.assign(model.tensors.size(), -1);
  const auto block_of = [&](int tensor) -> int& { return blocks.of_tensor[at(roots[at(tensor)])]; };
  const auto touch = [&](int tensor, int op) {
    const auto [first, last] = span_of(groups, op);
    if (block_of(tensor) < 0) {
      block_of(tensor) = static_cast<int>(blocks.problem.blocks.size());
      blocks.problem.blocks.push_back({round_up(bytes_of(model, groups, tensor), 4), first, last});
    }
    Block& b = blocks.problem.blocks[at(block_of(tensor))];
    b.first_op = std::min(b.first_op, first);
    b.last_op = std::max(b.last_op, last);
  };
  touch(model.input, -1);
  for (int i = 0; i < static_cast<int>(model.ops.size()); ++i) {
    if (std::holds_alternative<Reshape>(model.ops[at(i)].kind)) continue;
    for (const int t : model.ops[at(i)].inputs) touch(t, i);
    touch(model.ops[at(i)].output, i);
  }
  touch(model.output, static_cast<int>(model.ops.size()));
  for (std::size_t t = 0; t < roots.size(); ++t)
    blocks.of_tensor[t] = blocks.of_tensor[at(roots[t])];
}

int add_block(Blocks& blocks, std::int64_t size, std::pair<int, int> span) {
  if (size <= 0) return -1;
  blocks.problem.blocks.push_back({round_up(size, 4), span.first, span.second});
  return static_cast<int>(blocks.problem.blocks.size()) - 1;
}

void add_scratch(const std::vector<KernelChoice>& choices, const Groups& groups, Blocks& blocks) {
  for (int i = 0; i < static_cast<int>(choices.size()); ++i)
    blocks.of_scratch.push_back(add_block(blocks, choices[at(i)].scratch, span_of(groups, i)));
}

// Parts of a group that never hold something at one moment, its state and its sums.
void add_group(const StreamGroup& group, Blocks& blocks) {
  const std::pair span(group.first_op, group.last_op);
  blocks.of_state.push_back(
      add_block(blocks, 4 * static_cast<std::int64_t>(group.buffers.size()), span));
  blocks.of_sums.push_back(add_block(blocks, group.sums, span));
  std::vector<int> block_of_part;
  for (const StreamBuffer& b : group.buffers)
    block_of_part.push_back(b.line ? blocks.of_tensor[at(b.tensor)] : -1);
  for (const StreamStage& s : group.stages) block_of_part.push_back(blocks.of_scratch[at(s.op)]);
  for (std::size_t a = 0; a < block_of_part.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (block_of_part[a] < 0 || block_of_part[b] < 0 || group.together[a][b]) continue;
      blocks.problem.apart.push_back(std::minmax(block_of_part[a], block_of_part[b]));
    }
  }
  for (const auto& over : group.over_inputs) {
    const int in = blocks.of_tensor[at(group.buffers[at(over.input)].tensor)];
    const int out = blocks.of_tensor[at(group.buffers[at(over.output)].tensor)];
    if (blocks.problem.blocks[at(in)].last_op != group.last_op ||
        blocks.problem.blocks[at(out)].first_op != group.first_op)
      continue;
    blocks.problem.shares.push_back({in, out, over.rule});
  }
}

// The rule of every distinct input block that dies at the operator; where it is read twice, both
// rules hold.
void add_shares(const Int8Model& model, int i, const KernelChoice& choice, Blocks& blocks) {
  const Op& op = model.ops[at(i)];
  if (choice.kernel == Kernel::kNone) return;
  const int out = blocks.of_tensor[at(op.output)];
  for (std::size_t n = 0; n < op.inputs.size(); ++n) {
    const int in = blocks.of_tensor[at(op.inputs[n])];
    const bool dies =
        blocks.problem.blocks[at(in)].last_op == i && blocks.problem.blocks[at(out)].first_op == i;
    if (!dies || in == out) continue;
    const Overlap rule = overlap_rule(model, op, choice, static_cast<int>(n));
    const auto same = std::ranges::find_if(
        blocks.problem.shares, [&](const SharePair& s) { return s.in == in && s.out == out; });
    if (same == blocks.problem.shares.end()) {
      blocks.problem.shares.push_back({in, out, rule});
    } else if (rule.kind != same->rule.kind || rule.distance != same->rule.distance) {
      same->rule = {};
    }
  }
}

// A bound at one operator needs the shares of that one only: `only`, where it is not negative.
Blocks blocks_of(const Int8Model& model, const std::vector<KernelChoice>& choices,
                 const Groups& groups, int only = -1) {
  Blocks blocks;
  add_tensors(model, groups, blocks);
  add_scratch(choices, groups, blocks);
  for (int i = 0; i < static_cast<int>(model.ops.size()); ++i) {
    if ((only < 0 || i == only) && group_of(groups, i) == nullptr)
      add_shares(model, i, choices[at(i)], blocks);
  }
  for (const StreamGroup& group : groups) add_group(group, blocks);
  std::ranges::sort(blocks.problem.apart);
  return blocks;
}

std::vector<KernelChoice> with_row_kernels(const Int8Model& model,
                                           std::vector<KernelChoice> choices,
                                           const Groups& groups) {
  for (int i = 0; i < static_cast<int>(choices.size()); ++i) {
    if (group_of(groups, i) != nullptr)
      choices[at(i)] = row_kernel(model, model.ops[at(i)], choices[at(i)]);
  }
  return choices;
}

int shared_tensor(const Blocks& blocks, const std::vector<std::int64_t>& offsets, int tensor) {
  const int out = blocks.of_tensor[at(tensor)];
  for (const SharePair& s : blocks.problem.shares) {
    if (s.out != out) continue;
    const Block& a = blocks.problem.blocks[at(s.in)];
    const Block& b = blocks.problem.blocks[at(out)];
    const std::int64_t lo = offsets[at(s.in)], o = offsets[at(out)];
    const bool overlaps = lo < o + b.size && o < lo + a.size;
    if (!overlaps) continue;
    const auto found = std::ranges::find(blocks.of_tensor, s.in);
    return static_cast<int>(found - blocks.of_tensor.begin());
  }
  return -1;
}

// Bytes covered by the blocks alive at an operator (shared bytes count once).
std::int64_t covered(const PackProblem& problem, const std::vector<std::int64_t>& offsets, int op) {
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;
  for (std::size_t b = 0; b < problem.blocks.size(); ++b) {
    if (problem.blocks[b].first_op <= op && op <= problem.blocks[b].last_op) {
      spans.emplace_back(offsets[b], offsets[b] + problem.blocks[b].size);
    }
  }
  std::ranges::sort(spans);
  std::int64_t total = 0, end = 0;
  for (const auto& [from, to] : spans) {
    total += std::max<std::int64_t>(0, to - std::max(from, end));
    end = std::max(end, to);
  }
  return total;
}

// Pointwise kernels (atml_pointwise_core.h) read whole words: up to three bytes of the next pixel,
// after the last one of whatever follows in the arena. The values do not count (their weights are
// zero), but the bytes must exist.
std::int64_t read_end(const Int8Model& model, const std::vector<KernelChoice>& choices,
                      const Groups& groups, const Blocks& blocks, const Packing& packing) {
  std::int64_t end = packing.top;
  for (const StreamGroup& group : groups) {  // row kernels read words, too
    for (const StreamStage& stage : group.stages) {
      const int b = blocks.of_tensor[at(group.buffers[at(stage.inputs[0])].tensor)];
      end = std::max(end, packing.offsets[at(b)] + blocks.problem.blocks[at(b)].size + 3);
    }
  }
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const bool reads_words = choices[i].kernel == Kernel::kPointwisePacked ||
                             choices[i].kernel == Kernel::kPointwiseNibbles;
    if (!reads_words) continue;
    if (group_of(groups, static_cast<int>(i)) != nullptr) continue;
    const int tensor = model.ops[i].inputs[0];
    const Shape& in = model.tensor(tensor).shape;
    const std::int64_t offset = packing.offsets[at(blocks.of_tensor[at(tensor)])];
    end = std::max(end, offset + in.elements() - in.channels + packed_inputs(in.channels));
  }
  return end;
}

void describe_groups(const Int8Model& model, const Blocks& blocks, const Packing& packing,
                     PlannedMemory& result) {
  const auto offset = [&](int block) { return block < 0 ? -1 : packing.offsets[at(block)]; };
  for (std::size_t g = 0; g < result.groups.size(); ++g) {
    const StreamGroup& group = result.groups[g];
    result.state_offsets.push_back(offset(blocks.of_state[g]));
    result.sums_offsets.push_back(offset(blocks.of_sums[g]));
    result.plan.groups.push_back({group.first_op, group.last_op, streaming_price(model, group)});
    for (const StreamBuffer& b : group.buffers) {
      if (!b.line) continue;
      Placement& p = result.plan.placements[at(b.tensor)];
      p.size = Bytes(b.capacity * b.row_bytes);
      p.rows = b.capacity;
    }
  }
}

void describe(const Int8Model& model, const Blocks& blocks, const Packing& packing,
              PlannedMemory& result) {
  MemoryPlan& plan = result.plan;
  plan.arena = Bytes(round_up(packing.top, kArenaAlign));
  for (int t = 0; t < static_cast<int>(model.tensors.size()); ++t) {
    const int b = blocks.of_tensor[at(t)];
    const Block& block = blocks.problem.blocks[at(b)];
    plan.placements.push_back({t, Bytes(packing.offsets[at(b)]),
                               Bytes(model.tensor(t).shape.elements()), block.first_op,
                               block.last_op, shared_tensor(blocks, packing.offsets, t), 0});
    result.tensor_offsets.push_back(packing.offsets[at(b)]);
  }
  for (int i = 0; i < static_cast<int>(model.ops.size()); ++i) {
    const int b = blocks.of_scratch[at(i)];
    result.scratch_offsets.push_back(b < 0 ? -1 : packing.offsets[at(b)]);
    if (b >= 0 && blocks.problem.blocks[at(b)].size > plan.scratch.value) {
      plan.scratch = Bytes(blocks.problem.blocks[at(b)].size);
      plan.scratch_offset = Bytes(packing.offsets[at(b)]);
    }
    plan.live_at_op.push_back(Bytes(covered(blocks.problem, packing.offsets, i)));
    if (plan.live_at_op.back() > plan.live_at_op[at(plan.peak_op)]) plan.peak_op = i;
  }
}

}  // namespace

PlannedMemory plan_arena(const Int8Model& model, const std::vector<KernelChoice>& choices,
                         const std::vector<StreamGroup>& groups, std::int64_t wanted) {
  const auto kernels = with_row_kernels(model, choices, groups);
  const Blocks blocks = blocks_of(model, kernels, groups);
  Packing packing = pack_blocks(blocks.problem, wanted);
  ATML_ASSERT(packing_holds(blocks.problem, packing.offsets),
              "the memory plan overlaps live tensors");
  packing.top = read_end(model, kernels, groups, blocks, packing);
  PlannedMemory result;
  result.groups = groups;
  describe(model, blocks, packing, result);
  describe_groups(model, blocks, packing, result);
  return result;
}

std::int64_t least_bytes(const Int8Model& model, const std::vector<KernelChoice>& choices,
                         const StreamGroup& group) {
  const Groups groups{group};
  const auto kernels = with_row_kernels(model, choices, groups);
  Blocks blocks = blocks_of(model, kernels, groups, group.first_op);
  // The parts of the group are one block of the group's peak.
  for (const StreamBuffer& b : group.buffers) {
    if (b.line) blocks.problem.blocks[at(blocks.of_tensor[at(b.tensor)])].size = 0;
  }
  for (const StreamStage& s : group.stages) {
    if (blocks.of_scratch[at(s.op)] >= 0)
      blocks.problem.blocks[at(blocks.of_scratch[at(s.op)])].size = 0;
  }
  return live_bound(blocks.problem, group.first_op) + group.peak;
}

std::int64_t least_bytes(const Int8Model& model, const std::vector<KernelChoice>& choices, int op) {
  return live_bound(blocks_of(model, choices, {}, op).problem, op);
}

}  // namespace atml::codegen
