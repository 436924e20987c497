#include "train/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace atml::train {
namespace {

struct Block {
  std::size_t size = 0;    // floats
  int begin = 0, end = 0;  // segments during which it is in use, both included
  std::size_t offset = 0;
};

// First fit, largest first: each block takes the lowest place that no block of an overlapping time
// holds.
std::size_t place(std::vector<Block>& blocks) {
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t a, std::size_t b) { return blocks[a].size > blocks[b].size; });
  std::vector<std::size_t> placed;  // by offset
  std::size_t total = 0;
  for (const std::size_t i : order) {
    Block& b = blocks[i];
    for (const std::size_t j : placed) {
      const Block& o = blocks[j];
      const bool same_time = b.begin <= o.end && o.begin <= b.end;
      if (same_time && b.offset < o.offset + o.size && o.offset < b.offset + b.size)
        b.offset = o.offset + o.size;
    }
    placed.push_back(i);
    std::ranges::stable_sort(
        placed, [&](std::size_t x, std::size_t y) { return blocks[x].offset < blocks[y].offset; });
    total = std::max(total, b.offset + b.size);
  }
  return total;
}

}  // namespace

std::vector<Segment> group_segments(const std::vector<std::unique_ptr<Op>>& ops) {
  std::vector<Segment> segments;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const int channels = ops[i]->channels();
    if (!segments.empty() && channels > 1 && segments.back().channels == channels) {
      segments.back().last = i + 1;
    } else {
      segments.push_back({i, i + 1, channels});
    }
  }
  return segments;
}

Buffer place_tensors(const std::vector<TensorUse>& uses, const std::vector<Segment>& segments,
                     int workers, std::vector<Tensor>& tensors) {
  const int end = static_cast<int>(segments.size());
  std::vector<Block> blocks;
  std::vector<std::size_t> gradient_block(tensors.size(), 0);
  std::vector<float**> pointers;
  std::vector<std::ptrdiff_t> origins;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!uses[i].used) continue;
    Tensor& t = tensors[i];
    const bool internal = uses[i].internal(segments);
    const std::size_t size =
        internal ? static_cast<std::size_t>(workers * t.layout.channel) : t.layout.floats();
    t.slots = internal ? workers : 0;
    // Memory of one channel is kept for itself: its halo stays zero.
    blocks.push_back({size, -1, end, 0});
    pointers.push_back(&t.value);
    origins.push_back(t.layout.origin);
    if (!uses[i].trained) continue;
    gradient_block[i] = blocks.size();
    if (internal) {
      blocks.push_back({size, -1, end, 0});
    } else {
      blocks.push_back(
          {size, uses[i].writer, uses[i].last_reader < 0 ? end : uses[i].last_reader, 0});
    }
    pointers.push_back(&t.gradient);
    origins.push_back(t.layout.origin);
  }
  // Gradients written over others share their block, which then lives as long as both.
  std::vector<std::size_t> home(blocks.size());
  std::iota(home.begin(), home.end(), std::size_t{0});
  for (std::size_t i = tensors.size(); i-- > 0;) {  // later tensors' blocks are settled first
    if (uses[i].gradient_over < 0) continue;
    const std::size_t to = home[gradient_block[static_cast<std::size_t>(uses[i].gradient_over)]];
    Block& own = blocks[gradient_block[i]];
    home[gradient_block[i]] = to;
    blocks[to].begin = std::min(blocks[to].begin, own.begin);
    blocks[to].end = std::max(blocks[to].end, own.end);
    own.size = 0;
  }
  Buffer memory(place(blocks));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    *pointers[i] = memory.data() + blocks[home[i]].offset + origins[i];
  }
  return memory;
}

}  // namespace atml::train
