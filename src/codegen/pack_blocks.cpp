#include <algorithm>
#include <map>
#include <numeric>

#include "base/random.h"
#include "codegen/memory_plan.h"

namespace atml::codegen {
namespace {

constexpr std::int64_t kUnplaced = -1;
constexpr int kExactBlocks = 8;     // 8! orders at most, far fewer after pruning
constexpr int kImprovements = 300;  // swaps tried on larger graphs
constexpr std::int64_t kAlign = 4;

std::int64_t align_up(std::int64_t v) { return (v + kAlign - 1) / kAlign * kAlign; }
std::int64_t align_down(std::int64_t v) { return v < 0 ? -align_up(-v) : v / kAlign * kAlign; }

bool alive_together(const Block& a, const Block& b) {
  return a.first_op <= b.last_op && b.first_op <= a.last_op;
}

// One relation of a block to another that is alive at the same time.
struct Neighbour {
  int other = 0;
  Overlap rule;           // kNever where they may not share
  bool is_input = false;  // this block is the input of the pair
};

class Packer {
 public:
  explicit Packer(const PackProblem& problem)
      : blocks_(problem.blocks), neighbours_(blocks_.size()), has_apart_(blocks_.size(), false) {
    for (const auto& [a, b] : problem.apart) has_apart_[at(a)] = has_apart_[at(b)] = true;
    for (int i = 0; i < count(); ++i) {
      for (int j = 0; j < count(); ++j) {
        if (i != j && alive_together(block(i), block(j)) && !is_apart(problem, i, j))
          neighbours_[at(i)].push_back(relation(problem, i, j));
      }
    }
  }

  int count() const { return static_cast<int>(blocks_.size()); }
  const Block& block(int i) const { return blocks_[at(i)]; }

  // Lowest offset that keeps all rules towards the blocks already placed.
  std::int64_t lowest(int i, const std::vector<std::int64_t>& offsets) const {
    std::int64_t best = -1;
    const auto consider = [&](std::int64_t o) {
      if (o >= 0 && (best < 0 || o < best) && fits(i, o, offsets)) best = o;
    };
    consider(0);
    for (const Neighbour& n : neighbours_[at(i)]) {
      const std::int64_t other = offsets[at(n.other)];
      if (other == kUnplaced) continue;
      consider(other + block(n.other).size);
      if (n.rule.kind == Overlap::Kind::kExact) consider(other);
      if (n.rule.kind == Overlap::Kind::kAtLeast) {
        consider(n.is_input ? align_up(other + n.rule.distance)
                            : align_down(other - n.rule.distance));
      }
    }
    ATML_ASSERT(best >= 0, "above all placed blocks there is always room");
    return best;
  }

  bool fits(int i, std::int64_t offset, const std::vector<std::int64_t>& offsets) const {
    for (const Neighbour& n : neighbours_[at(i)]) {
      const std::int64_t other = offsets[at(n.other)];
      if (other == kUnplaced) continue;
      const bool disjoint =
          offset + block(i).size <= other || other + block(n.other).size <= offset;
      if (!disjoint && !n.rule.allows(n.is_input ? offset - other : other - offset)) return false;
    }
    return true;
  }

  // Places all blocks in the given order; the top, or `limit` as soon as it is reached.
  std::int64_t place(const std::vector<int>& order, std::vector<std::int64_t>& offsets,
                     std::int64_t limit) const {
    std::ranges::fill(offsets, kUnplaced);
    std::int64_t top = 0;
    for (const int i : order) {
      offsets[at(i)] = lowest(i, offsets);
      top = std::max(top, offsets[at(i)] + block(i).size);
      if (top >= limit) return limit;
    }
    return top;
  }

  // At each operator the live blocks need the sum of their sizes less what sharing pairs can save.
  std::int64_t bound() const {
    std::int64_t result = 0;
    int last = 0;
    for (const Block& b : blocks_) last = std::max(last, b.last_op);
    for (int op = -1; op <= last; ++op) result = std::max(result, bound_at(op));
    return result;
  }

  std::int64_t bound_at(int op) const {
    std::int64_t total = 0, saved = 0, largest_apart = 0;
    for (int i = 0; i < count(); ++i) {
      if (block(i).first_op > op || block(i).last_op < op) continue;
      if (has_apart_[at(i)]) {
        largest_apart = std::max(largest_apart, block(i).size);
        continue;
      }
      total += block(i).size;
      for (const Neighbour& n : neighbours_[at(i)]) {
        if (n.is_input && block(n.other).first_op == op) saved += saving(i, n.other, n.rule);
      }
    }
    return total + largest_apart - saved;
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  static bool is_apart(const PackProblem& problem, int i, int j) {
    return std::ranges::binary_search(problem.apart, std::pair(std::min(i, j), std::max(i, j)));
  }

  static Neighbour relation(const PackProblem& problem, int i, int j) {
    Neighbour n{j, {}, false};
    for (const SharePair& s : problem.shares) {
      if (s.in == i && s.out == j) return {j, s.rule, true};
      if (s.in == j && s.out == i) return {j, s.rule, false};
    }
    return n;
  }

  // Bytes that a sharing pair saves at best.
  std::int64_t saving(int in, int out, const Overlap& rule) const {
    const std::int64_t a = block(in).size, b = block(out).size;
    if (rule.kind == Overlap::Kind::kExact) return std::min(a, b);
    if (rule.kind == Overlap::Kind::kNever) return 0;
    if (rule.distance <= std::max<std::int64_t>(0, b - a)) return std::min(a, b);
    return std::max<std::int64_t>(0, a + b - std::max(b, align_up(rule.distance) + a));
  }

  const std::vector<Block>& blocks_;
  std::vector<std::vector<Neighbour>> neighbours_;
  std::vector<bool> has_apart_;
};

// Depth first over all orders; a branch ends when its top reaches the best found.
class Exhaustive {
 public:
  Exhaustive(const Packer& packer, Packing& best, std::int64_t bound)
      : packer_(packer), best_(best), bound_(bound), offsets_(best.offsets.size(), kUnplaced) {}
  void run() { extend(0, 0); }

 private:
  void extend(int placed, std::int64_t top) {
    if (top >= best_.top || best_.top == bound_) return;
    if (placed == packer_.count()) {
      best_.top = top;
      best_.offsets = offsets_;
      return;
    }
    for (int i = 0; i < packer_.count(); ++i) {
      auto& offset = offsets_[static_cast<std::size_t>(i)];
      if (offset != kUnplaced) continue;
      offset = packer_.lowest(i, offsets_);
      extend(placed + 1, std::max(top, offset + packer_.block(i).size));
      offset = kUnplaced;
    }
  }

  const Packer& packer_;
  Packing& best_;
  std::int64_t bound_;
  std::vector<std::int64_t> offsets_;
};

using Order = std::vector<int>;

void try_order(const Packer& packer, const Order& order, Packing& best) {
  std::vector<std::int64_t> offsets(best.offsets.size());
  const std::int64_t top = packer.place(order, offsets, best.top);
  if (top >= best.top) return;
  best.top = top;
  best.offsets = offsets;
}

std::vector<Order> start_orders(const Packer& packer) {
  Order by_time(static_cast<std::size_t>(packer.count()));
  std::iota(by_time.begin(), by_time.end(), 0);
  std::ranges::stable_sort(by_time, {}, [&](int i) { return packer.block(i).first_op; });
  Order backwards(by_time.rbegin(), by_time.rend());
  Order by_size = by_time;
  std::ranges::stable_sort(by_size, std::greater<>{}, [&](int i) { return packer.block(i).size; });
  return {by_size, by_time, backwards};
}

// Random exchanges in the order; kept when the top does not rise.
void improve(const Packer& packer, Packing& best, Order order) {
  Rng rng(1);
  std::int64_t current = best.top + 1;
  for (int i = 0; i < kImprovements && best.top > best.bound; ++i) {
    Order next = order;
    std::swap(next[rng.below(next.size())], next[rng.below(next.size())]);
    std::vector<std::int64_t> offsets(best.offsets.size());
    const std::int64_t top = packer.place(next, offsets, current + 1);
    if (top > current) continue;
    current = top;
    order = next;
    if (top < best.top) {
      best.top = top;
      best.offsets = offsets;
    }
  }
}

}  // namespace

Packing pack_blocks(const PackProblem& problem) {
  const Packer packer(problem);
  Packing best;
  best.offsets.assign(problem.blocks.size(), 0);
  best.bound = packer.bound();
  best.top = std::numeric_limits<std::int64_t>::max();
  const auto orders = start_orders(packer);
  for (const Order& order : orders) {
    if (best.top > best.bound) try_order(packer, order, best);
  }
  if (best.top == best.bound) return best;
  if (packer.count() <= kExactBlocks) {
    Exhaustive(packer, best, best.bound).run();
  } else {
    for (const Order& order : orders) improve(packer, best, order);
  }
  return best;
}

std::int64_t live_bound(const PackProblem& problem, int op) { return Packer(problem).bound_at(op); }

bool packing_holds(const PackProblem& problem, const std::vector<std::int64_t>& offsets) {
  const Packer packer(problem);
  for (int i = 0; i < packer.count(); ++i) {
    const std::int64_t offset = offsets[static_cast<std::size_t>(i)];
    if (offset < 0 || offset % kAlign != 0 || !packer.fits(i, offset, offsets)) return false;
  }
  return true;
}

}  // namespace atml::codegen
