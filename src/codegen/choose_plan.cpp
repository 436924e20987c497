// Which operators stream: partitions of the execution order into single operators and groups.
#include <algorithm>
#include <limits>
#include <set>

#include "codegen/memory_plan.h"

namespace atml::codegen {

using namespace quantize;

namespace {

constexpr int kTriedPlans = 8;  // that the dynamic programme offers and the packer judges
constexpr int kTriedExchanges = 300;
constexpr int kFreePercent = 4;  // of the instructions: what counts as nearly free
constexpr double kMac = 1.05, kDepthwiseMac = 3.6;  // instructions, measured on a Cortex-M4
constexpr std::int64_t kNoPrice = std::numeric_limits<std::int64_t>::max();

struct Segment {
  int first = 0, last = 0;
  std::int64_t bytes = 0, price = 0;
  StreamGroup group;  // of more than one operator
};

using Groups = std::vector<StreamGroup>;

// What a segment may need at most to be of use.
struct Ceiling {
  std::int64_t bytes = kNoPrice, price = kNoPrice;
};

// All segments below a ceiling, by first operator.
struct Segments {
  std::vector<std::vector<Segment>> from;

  Segments(const Int8Model& model, const std::vector<KernelChoice>& choices, Ceiling ceiling = {})
      : from(model.ops.size()) {
    const int count = static_cast<int>(model.ops.size());
    std::vector<KernelChoice> rows;
    for (std::size_t i = 0; i < from.size(); ++i)
      rows.push_back(row_kernel(model, model.ops[i], choices[i]));
    const auto keep = [&](Segment s) {
      if (s.bytes <= ceiling.bytes && s.price <= ceiling.price)
        from[static_cast<std::size_t>(s.first)].push_back(std::move(s));
    };
    for (int i = 0; i < count; ++i) {
      keep({i, i, least_bytes(model, choices, i), 0, {}});
      std::int64_t least_price = 0;
      for (int j = i; j < count; ++j) {
        const KernelChoice& row = rows[static_cast<std::size_t>(j)];
        if (row.kernel == Kernel::kNone) break;
        least_price += least_streaming_price(model, j, row);
        if (least_price > ceiling.price) break;
        Segment s{i, j, 0, 0, {}};
        if (!make_group(model, choices, i, j, s.group)) continue;
        s.bytes = least_bytes(model, choices, s.group);
        s.price = streaming_price(model, s.group);
        keep(std::move(s));
      }
    }
  }

  // Bounds that occur, rising.
  std::vector<std::int64_t> thresholds() const {
    std::set<std::int64_t> all;
    for (const auto& list : from) {
      for (const Segment& s : list) all.insert(s.bytes);
    }
    return {all.begin(), all.end()};
  }

  // The cheapest partition whose segments all stay below the threshold; false where none does.
  bool cheapest(std::int64_t threshold, Groups& groups) const {
    const std::size_t count = from.size();
    std::vector<std::int64_t> price(count + 1, kNoPrice);
    std::vector<const Segment*> chosen(count, nullptr);
    price[count] = 0;
    for (std::size_t i = count; i-- > 0;) {
      for (const Segment& s : from[i]) {
        const std::int64_t rest = price[static_cast<std::size_t>(s.last) + 1];
        if (s.bytes > threshold || rest == kNoPrice || s.price + rest >= price[i]) continue;
        price[i] = s.price + rest;
        chosen[i] = &s;
      }
    }
    groups.clear();
    if (price[0] == kNoPrice) return false;
    for (std::size_t i = 0; i < count; i = static_cast<std::size_t>(chosen[i]->last) + 1) {
      if (chosen[i]->last > chosen[i]->first) groups.push_back(chosen[i]->group);
    }
    return true;
  }

  // Bytes that an arena of this partition needs at least.
  std::int64_t bound(const Groups& groups) const {
    std::int64_t most = 0;
    std::size_t next = 0;  // group
    for (std::size_t i = 0; i < from.size();) {
      const bool grouped =
          next < groups.size() && static_cast<std::size_t>(groups[next].first_op) == i;
      const int last = grouped ? groups[next].last_op : static_cast<int>(i);
      const auto segment = std::ranges::find(from[i], last, &Segment::last);
      if (segment != from[i].end()) most = std::max(most, segment->bytes);
      if (grouped) ++next;
      i = static_cast<std::size_t>(last) + 1;
    }
    return most;
  }

  // Every partition.
  void enumerate(std::size_t i, Groups& groups, std::vector<Groups>& all) const {
    if (i == from.size()) {
      all.push_back(groups);
      return;
    }
    for (const Segment& s : from[i]) {
      if (s.last > s.first) groups.push_back(s.group);
      enumerate(static_cast<std::size_t>(s.last) + 1, groups, all);
      if (s.last > s.first) groups.pop_back();
    }
  }
};

class Choice {
 public:
  Choice(const Int8Model& model, const std::vector<KernelChoice>& choices, Streaming streaming,
         std::int64_t limit)
      : model_(model), choices_(choices), streaming_(streaming), limit_(limit) {
    offer({});
  }

  // The smallest arena for a price of `budget` at most; begins with what another choice has found.
  Choice(const Choice& plain, std::int64_t budget)
      : model_(plain.model_),
        choices_(plain.choices_),
        streaming_(Streaming::kOn),
        limit_(plain.limit_),
        budget_(budget),
        tried_(true),
        best_(plain.best_),
        price_(plain.price_) {}

  // Whether these groups are the best so far. What cannot be with an arena of `bound` bytes, a
  // lower bound, is not packed.
  bool offer(const Groups& groups, std::int64_t bound = 0) {
    const std::int64_t price = streaming_price(model_, groups);
    if (price > budget_ || (tried_ && !is_better(bound, price))) return false;
    if (!offered_.insert(extents(groups)).second) return false;  // it was no better than worse ones
    PlannedMemory plan = plan_arena(model_, choices_, groups, wanted());
    if (tried_ && !is_better(plan.plan.arena.value, price)) return false;
    best_ = std::move(plan);
    price_ = price;
    tried_ = true;
    return true;
  }

  bool is_done() const { return streaming_ == Streaming::kAuto && fits(best_.plan.arena.value); }
  std::int64_t arena() const { return best_.plan.arena.value; }
  const Groups& groups() const { return best_.groups; }
  bool affords(const Groups& groups) const { return streaming_price(model_, groups) <= budget_; }
  PlannedMemory take() { return std::move(best_); }

 private:
  using Extents = std::vector<std::pair<int, int>>;

  // First and last operators, which tell partitions of one order apart.
  static Extents extents(const Groups& groups) {
    Extents result;
    for (const StreamGroup& g : groups) result.emplace_back(g.first_op, g.last_op);
    return result;
  }

  bool fits(std::int64_t arena) const { return arena <= limit_; }

  // The highest arena that would be better. Small models are packed to the end.
  std::int64_t wanted() const {
    if (!tried_ || static_cast<int>(model_.ops.size()) <= kExactOperators) return kAnyTop;
    const std::int64_t mine = best_.plan.arena.value;
    return streaming_ == Streaming::kAuto && fits(mine) ? limit_ : mine;
  }

  bool is_better(std::int64_t arena, std::int64_t price) const {
    const std::int64_t mine = best_.plan.arena.value;
    if (streaming_ == Streaming::kAuto && fits(arena) && fits(mine))
      return std::pair(price, arena) < std::pair(price_, mine);
    return std::pair(arena, price) < std::pair(mine, price_);
  }

  const Int8Model& model_;
  const std::vector<KernelChoice>& choices_;
  Streaming streaming_;
  std::int64_t limit_;
  std::int64_t budget_ = kNoPrice;  // highest price
  bool tried_ = false;
  std::set<Extents> offered_;
  PlannedMemory best_;
  std::int64_t price_ = 0;
};

void offer_exact(const Segments& segments, Choice& choice) {
  std::vector<Groups> all;
  Groups groups;
  segments.enumerate(0, groups, all);
  for (const Groups& g : all) choice.offer(g, segments.bound(g));
}

// From the lowest threshold on for the smallest arena; from the limit downwards for the cheapest
// plan that fits.
void offer_smallest(const Segments& segments, const std::vector<std::int64_t>& thresholds,
                    Choice& choice) {
  int tried = 0;
  Groups groups;
  for (const std::int64_t t : thresholds) {
    if (tried == kTriedPlans || t >= choice.arena()) return;
    if (!segments.cheapest(t, groups) || !choice.affords(groups)) continue;
    choice.offer(groups);
    ++tried;
  }
}

void offer_cheapest(const Segments& segments, const std::vector<std::int64_t>& thresholds,
                    std::int64_t limit, Choice& choice) {
  int tried = 0;
  Groups groups;
  for (std::size_t i = thresholds.size(); i-- > 0 && tried < kTriedPlans && !choice.is_done();) {
    if (thresholds[i] > limit) continue;
    if (!segments.cheapest(thresholds[i], groups)) return;
    choice.offer(groups);
    ++tried;
  }
}

// The groups with one more in the place of those that it meets.
Groups with_group(const Groups& groups, const StreamGroup& added) {
  Groups result;
  for (const StreamGroup& g : groups) {
    if (g.last_op < added.first_op || g.first_op > added.last_op) result.push_back(g);
  }
  result.push_back(added);
  std::ranges::sort(result, {}, &StreamGroup::first_op);
  return result;
}

// The bounds do not know how well blocks pack: single exchanges of groups, as long as they help.
void improve(const Segments& segments, Choice& choice) {
  int tried = 0;
  for (bool better = true; better && !choice.is_done();) {
    better = false;
    for (const auto& list : segments.from) {
      for (const Segment& s : list) {
        if (s.last == s.first || s.bytes > choice.arena()) continue;
        if (++tried > kTriedExchanges) return;
        const Groups groups = with_group(choice.groups(), s.group);
        better |= choice.offer(groups, segments.bound(groups));
      }
    }
  }
}

void offer_all(const Segments& segments, const Planning& planning, Choice& choice) {
  if (static_cast<int>(segments.from.size()) <= kExactOperators) {
    offer_exact(segments, choice);
    return;
  }
  const auto thresholds = segments.thresholds();
  if (!choice.is_done() && planning.streaming == Streaming::kAuto)
    offer_cheapest(segments, thresholds, planning.arena_limit.value, choice);
  if (!choice.is_done()) offer_smallest(segments, thresholds, choice);
  if (!choice.is_done()) improve(segments, choice);
}

// What streaming saves for next to nothing where the plan fits without; that plan where it is not
// worth it, which one dynamic programme over the bounds usually tells.
PlannedMemory nearly_free(const Int8Model& model, const std::vector<KernelChoice>& choices,
                          const Planning& planning, Choice& plain) {
  const std::int64_t arena = plain.arena();
  if (planning.free_price <= 0 || arena < 4 * kWorthStreaming.value) return plain.take();
  const std::int64_t worth = arena - std::max(kWorthStreaming.value, (arena + 3) / 4);
  const Segments segments(model, choices, {worth, planning.free_price});
  Groups groups;
  if (!segments.cheapest(worth, groups) || streaming_price(model, groups) > planning.free_price)
    return plain.take();
  Choice free(plain, planning.free_price);
  offer_all(segments, planning, free);
  return free.arena() <= worth ? free.take() : plain.take();
}

// Instructions of a run, about: what a share of them is, not more, is asked.
std::int64_t expected_instructions(const Int8Model& model) {
  double total = 0;
  for (const Op& op : model.ops) {
    const bool depthwise = std::holds_alternative<Depthwise>(op.kind);
    total += (depthwise ? kDepthwiseMac : kMac) * static_cast<double>(model.macs(op).value);
  }
  return static_cast<std::int64_t>(total);
}

}  // namespace

Planning planning_of(const Int8Model& model, const target::Target& target, const Options& options) {
  Planning planning{options.streaming, arena_limit(target, options), 0};
  if (options.optimize == Optimize::kBalanced)
    planning.free_price = expected_instructions(model) * kFreePercent / 100;
  return planning;
}

std::int64_t streaming_price(const Int8Model& model, const std::vector<StreamGroup>& groups) {
  std::int64_t price = 0;
  for (const StreamGroup& g : groups) price += streaming_price(model, g);
  return price;
}

PlannedMemory choose_plan(const Int8Model& model, const std::vector<KernelChoice>& choices,
                          const Planning& planning) {
  const std::int64_t limit = planning.arena_limit.value;
  Choice choice(model, choices, planning.streaming, limit);
  if (planning.streaming == Streaming::kOff) return choice.take();
  if (choice.is_done()) return nearly_free(model, choices, planning, choice);
  const Segments segments(model, choices);
  offer_all(segments, planning, choice);
  return choice.take();
}

}  // namespace atml::codegen
