#include "data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/random.h"

namespace atml::data {
namespace {

/// Labels, or zeros where the task has none.
std::vector<std::int32_t> strata(const Split& split) {
  return split.labels.empty() ? std::vector<std::int32_t>(split.size(), 0) : split.labels;
}

Division from_flags(const std::vector<bool>& held) {
  Division division;
  for (std::size_t i = 0; i < held.size(); ++i) {
    (held[i] ? division.held_out : division.kept).push_back(i);
  }
  return division;
}

Result<Division> divide_samples(const Split& split, std::span<const std::string> classes,
                                double fraction, std::uint64_t seed, std::string_view purpose) {
  std::map<std::int32_t, std::vector<std::size_t>> members;
  const std::vector<std::int32_t> labels = strata(split);
  for (std::size_t i = 0; i < labels.size(); ++i) members[labels[i]].push_back(i);
  std::vector<bool> held(split.size(), false);
  for (auto& [label, indices] : members) {
    if (indices.size() < 2) {
      const std::string who =
          classes.empty()
              ? std::string("the data set")
              : fmt::format("class {} ('{}')", label, classes[static_cast<std::size_t>(label)]);
      return Error{
          Code::kInvalidArgument,
          fmt::format(
              "{} has one sample (number {}) to draw a {} split from, at least 2 are needed; "
              "add samples or remove the class",
              who, indices[0], purpose)};
    }
    Rng rng = Rng::derive(seed, purpose, static_cast<std::uint64_t>(label));
    rng.shuffle(std::span(indices));
    const auto share =
        static_cast<std::size_t>(std::lround(fraction * static_cast<double>(indices.size())));
    const std::size_t count = std::clamp<std::size_t>(share, 1, indices.size() - 1);
    for (std::size_t i = 0; i < count; ++i) held[indices[i]] = true;
  }
  return from_flags(held);
}

/// Class counts of each group; what the search for a good set of groups works on.
struct GroupTable {
  std::vector<std::int32_t> names;          // ascending
  std::vector<std::vector<double>> counts;  // [group][class]
  std::vector<double> totals;               // [class]
};

GroupTable count_groups(const Split& split) {
  const std::vector<std::int32_t> labels = strata(split);
  const std::size_t classes = static_cast<std::size_t>(*std::ranges::max_element(labels)) + 1;
  std::map<std::int32_t, std::vector<double>> counts;
  GroupTable table;
  table.totals.assign(classes, 0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    auto& row = counts[split.groups[i]];
    row.resize(classes, 0);
    row[static_cast<std::size_t>(labels[i])] += 1;
    table.totals[static_cast<std::size_t>(labels[i])] += 1;
  }
  for (auto& [name, row] : counts) {
    table.names.push_back(name);
    table.counts.push_back(std::move(row));
  }
  return table;
}

/// Squared distance of the held-out class counts from their wanted shares, each class weighed by
/// its size, plus that of the total size.
double miss(const GroupTable& table, const std::vector<double>& held, double fraction) {
  double sum = 0, all = 0, all_held = 0;
  for (std::size_t c = 0; c < held.size(); ++c) {
    if (table.totals[c] == 0) continue;
    const double off = held[c] - fraction * table.totals[c];
    sum += off * off / table.totals[c];
    all += table.totals[c];
    all_held += held[c];
  }
  const double off = all_held - fraction * all;
  return sum + off * off / all;
}

struct Choice {
  std::vector<std::size_t> groups;
  double miss = 0;
};

/// Goes through the groups in the given order and takes each that brings the held-out counts
/// nearer. The first that can be taken is always taken.
Choice take_greedily(const GroupTable& table, const std::vector<std::size_t>& order,
                     double fraction) {
  std::vector<double> held(table.totals.size(), 0);
  Choice choice;
  choice.miss = miss(table, held, fraction);
  for (const std::size_t group : order) {
    std::vector<double> with = held;
    bool empties_class = false;
    for (std::size_t c = 0; c < with.size(); ++c) {
      with[c] += table.counts[group][c];
      empties_class |= table.totals[c] > 0 && with[c] >= table.totals[c];
    }
    const double next = miss(table, with, fraction);
    if (empties_class || (next >= choice.miss && !choice.groups.empty())) continue;
    held = std::move(with);
    choice.miss = next;
    choice.groups.push_back(group);
  }
  return choice;
}

Result<Division> divide_groups(const Split& split, double fraction, std::uint64_t seed,
                               std::string_view purpose) {
  const GroupTable table = count_groups(split);
  Choice best;
  // Several seeded orders, the best kept: a single one can leave a class badly represented.
  const std::size_t work = table.names.size() * table.totals.size();
  const std::size_t tries = std::clamp<std::size_t>(1000000 / (work + 1), 1, 32);
  for (std::size_t attempt = 0; attempt < tries; ++attempt) {
    std::vector<std::size_t> order(table.names.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    Rng rng = Rng::derive(seed, purpose, attempt);
    rng.shuffle(std::span(order));
    Choice choice = take_greedily(table, order, fraction);
    if (!choice.groups.empty() && (best.groups.empty() || choice.miss < best.miss))
      best = std::move(choice);
  }
  if (best.groups.empty()) {
    return Error{
        Code::kInvalidArgument,
        fmt::format(
            "no {} split by group can be drawn: {} group{} in {} samples, and without any of "
            "them a class would have no sample to train on; give a [{}] table or leave 'groups' "
            "out",
            purpose, table.names.size(), table.names.size() == 1 ? "" : "s", split.size(),
            purpose)};
  }
  std::vector<std::int32_t> chosen;
  for (const std::size_t group : best.groups) chosen.push_back(table.names[group]);
  std::ranges::sort(chosen);
  std::vector<bool> held(split.size());
  for (std::size_t i = 0; i < held.size(); ++i)
    held[i] = std::ranges::binary_search(chosen, split.groups[i]);
  return from_flags(held);
}

}  // namespace

Result<Division> divide(const Split& split, std::span<const std::string> classes, double fraction,
                        std::uint64_t seed, std::string_view purpose) {
  if (!(fraction > 0 && fraction < 1)) {
    return Error{
        Code::kInvalidArgument,
        fmt::format("the {} fraction is {}, expected a number between 0 and 1", purpose, fraction)};
  }
  if (!split.groups.empty()) return divide_groups(split, fraction, seed, purpose);
  return divide_samples(split, classes, fraction, seed, purpose);
}

}  // namespace atml::data
