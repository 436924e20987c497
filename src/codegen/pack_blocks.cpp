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

// What the lists of a problem say of two blocks.
class Relations {
 public:
  explicit Relations(const PackProblem& problem)
      : count_(problem.blocks.size()), share_(count_ * count_, nullptr), apart_(share_.size()) {
    for (const SharePair& s : problem.shares) {  // the first of a pair holds
      if (share(s.in, s.out) == nullptr) share_[at(s.in, s.out)] = share_[at(s.out, s.in)] = &s;
    }
    for (const auto& [a, b] : problem.apart) apart_[at(a, b)] = apart_[at(b, a)] = true;
  }

  const SharePair* share(int i, int j) const { return share_[at(i, j)]; }
  bool are_apart(int i, int j) const { return apart_[at(i, j)]; }

 private:
  std::size_t at(int i, int j) const {
    return static_cast<std::size_t>(i) * count_ + static_cast<std::size_t>(j);
  }

  std::size_t count_;
  std::vector<const SharePair*> share_;
  std::vector<bool> apart_;
};

// Bytes that a sharing pair saves at best.
std::int64_t saving(const Block& in, const Block& out, const Overlap& rule) {
  const std::int64_t a = in.size, b = out.size;
  if (rule.kind == Overlap::Kind::kExact) return std::min(a, b);
  if (rule.kind == Overlap::Kind::kNever) return 0;
  if (rule.distance <= std::max<std::int64_t>(0, b - a)) return std::min(a, b);
  return std::max<std::int64_t>(0, a + b - std::max(b, align_up(rule.distance) + a));
}

// Bounds from below: at each operator the live blocks need the sum of their sizes less what sharing
// pairs can save.
class Bound {
 public:
  explicit Bound(const PackProblem& problem)
      : blocks_(problem.blocks), has_apart_(blocks_.size(), false) {
    for (const auto& [a, b] : problem.apart)
      has_apart_[static_cast<std::size_t>(a)] = has_apart_[static_cast<std::size_t>(b)] = true;
    for (auto s = problem.shares.begin(); s != problem.shares.end(); ++s) {
      const bool known = std::any_of(problem.shares.begin(), s, [&](const SharePair& earlier) {
        return std::minmax(earlier.in, earlier.out) == std::minmax(s->in, s->out);
      });
      if (!known && !has_apart_[static_cast<std::size_t>(s->in)]) shares_.push_back(&*s);
    }
  }

  std::int64_t at(int op) const {
    std::int64_t total = 0, largest_apart = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      if (!is_live(blocks_[i], op)) continue;
      if (has_apart_[i])
        largest_apart = std::max(largest_apart, blocks_[i].size);
      else
        total += blocks_[i].size;
    }
    return total + largest_apart - saved(op);
  }

  std::int64_t highest() const {
    std::int64_t result = 0;
    int last = 0;
    for (const Block& b : blocks_) last = std::max(last, b.last_op);
    for (int op = -1; op <= last; ++op) result = std::max(result, at(op));
    return result;
  }

 private:
  static bool is_live(const Block& b, int op) { return b.first_op <= op && op <= b.last_op; }

  std::int64_t saved(int op) const {
    std::int64_t sum = 0;
    for (const SharePair* s : shares_) {
      const Block& in = blocks_[static_cast<std::size_t>(s->in)];
      const Block& out = blocks_[static_cast<std::size_t>(s->out)];
      if (is_live(in, op) && out.first_op == op) sum += saving(in, out, s->rule);
    }
    return sum;
  }

  const std::vector<Block>& blocks_;
  std::vector<bool> has_apart_;
  std::vector<const SharePair*> shares_;  // that may save something
};

class Packer {
 public:
  explicit Packer(const PackProblem& problem)
      : blocks_(problem.blocks), neighbours_(blocks_.size()) {
    const Relations relations(problem);
    for (int i = 0; i < count(); ++i) {
      for (int j = 0; j < count(); ++j) {
        if (i == j || !alive_together(block(i), block(j)) || relations.are_apart(i, j)) continue;
        const SharePair* s = relations.share(i, j);
        neighbours_[at(i)].push_back(s == nullptr ? Neighbour{j, {}, false}
                                                  : Neighbour{j, s->rule, s->in == i});
      }
    }
  }

  int count() const { return static_cast<int>(blocks_.size()); }
  const Block& block(int i) const { return blocks_[at(i)]; }

  // Lowest offset that keeps all rules towards the blocks already placed. Runs a million times a
  // network: what is placed is gathered once, and the candidates are tried from below.
  std::int64_t lowest(int i, const std::vector<std::int64_t>& offsets) const {
    placed_.clear();
    candidates_.assign(1, 0);
    for (const Neighbour& n : neighbours_[at(i)]) {
      const std::int64_t other = offsets[at(n.other)];
      if (other == kUnplaced) continue;
      placed_.push_back({other, other + block(n.other).size, &n});
      candidates_.push_back(placed_.back().end);
      if (n.rule.kind == Overlap::Kind::kExact) candidates_.push_back(other);
      if (n.rule.kind == Overlap::Kind::kAtLeast) {
        candidates_.push_back(n.is_input ? align_up(other + n.rule.distance)
                                         : align_down(other - n.rule.distance));
      }
    }
    std::ranges::sort(candidates_);
    for (const std::int64_t o : candidates_) {
      if (o >= 0 && is_free(o, o + block(i).size)) return o;
    }
    ATML_UNREACHABLE("above all placed blocks there is always room");
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

  // Places the blocks from position `from` of the order on; those before it are where they are. The
  // top, or `limit` as soon as it is reached.
  std::int64_t place(const std::vector<int>& order, std::size_t from,
                     std::vector<std::int64_t>& offsets, std::int64_t limit) const {
    std::int64_t top = 0;
    for (std::size_t k = 0; k < from; ++k) top = std::max(top, end_of(order[k], offsets));
    for (std::size_t k = from; k < order.size(); ++k) offsets[at(order[k])] = kUnplaced;
    for (std::size_t k = from; k < order.size(); ++k) {
      offsets[at(order[k])] = lowest(order[k], offsets);
      top = std::max(top, end_of(order[k], offsets));
      if (top >= limit) return limit;
    }
    return top;
  }

 private:
  struct Placed {
    std::int64_t start, end;
    const Neighbour* neighbour;
  };

  // Whether the blocks in placed_ let one lie at [start, end).
  bool is_free(std::int64_t start, std::int64_t end) const {
    for (const Placed& p : placed_) {
      if (end <= p.start || p.end <= start) continue;
      const Neighbour& n = *p.neighbour;
      if (!n.rule.allows(n.is_input ? start - p.start : p.start - start)) return false;
    }
    return true;
  }

  std::int64_t end_of(int i, const std::vector<std::int64_t>& offsets) const {
    return offsets[at(i)] + block(i).size;
  }

  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  const std::vector<Block>& blocks_;
  std::vector<std::vector<Neighbour>> neighbours_;
  mutable std::vector<Placed> placed_;            // of lowest()
  mutable std::vector<std::int64_t> candidates_;  // of lowest()
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
  const std::int64_t top = packer.place(order, 0, offsets, best.top);
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

// Random exchanges in the order; kept when the top does not rise. What lies before both positions
// stays where it is.
void improve(const Packer& packer, Packing& best, Order order) {
  Rng rng(1);
  std::int64_t current = best.top + 1;
  std::vector<std::int64_t> kept;  // offsets of `order`; empty: not placed yet
  std::vector<std::int64_t> offsets(best.offsets.size());
  for (int i = 0; i < kImprovements && best.top > best.bound; ++i) {
    const std::size_t a = rng.below(order.size()), b = rng.below(order.size());
    std::swap(order[a], order[b]);
    const std::size_t from = kept.empty() ? 0 : std::min(a, b);
    for (std::size_t k = 0; k < from; ++k)
      offsets[static_cast<std::size_t>(order[k])] = kept[static_cast<std::size_t>(order[k])];
    const std::int64_t top = packer.place(order, from, offsets, current + 1);
    if (top > current) {
      std::swap(order[a], order[b]);
      continue;
    }
    current = top;
    kept = offsets;
    if (top < best.top) {
      best.top = top;
      best.offsets = offsets;
    }
  }
}

}  // namespace

Packing pack_blocks(const PackProblem& problem, std::int64_t wanted) {
  const Packer packer(problem);
  Packing best;
  best.offsets.assign(problem.blocks.size(), 0);
  best.bound = Bound(problem).highest();
  best.top = std::numeric_limits<std::int64_t>::max();
  const auto orders = start_orders(packer);
  for (const Order& order : orders) {
    if (best.top > best.bound) try_order(packer, order, best);
  }
  if (best.top == best.bound || best.top - best.top / 9 > wanted) return best;
  if (packer.count() <= kExactBlocks) {
    Exhaustive(packer, best, best.bound).run();
  } else {
    for (const Order& order : orders) improve(packer, best, order);
  }
  return best;
}

std::int64_t live_bound(const PackProblem& problem, int op) { return Bound(problem).at(op); }

bool packing_holds(const PackProblem& problem, const std::vector<std::int64_t>& offsets) {
  const Packer packer(problem);
  for (int i = 0; i < packer.count(); ++i) {
    const std::int64_t offset = offsets[static_cast<std::size_t>(i)];
    if (offset < 0 || offset % kAlign != 0 || !packer.fits(i, offset, offsets)) return false;
  }
  return true;
}

}  // namespace atml::codegen
