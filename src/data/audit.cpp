#include "data/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "data/fingerprint.h"

namespace atml::data {
namespace {

using Notes = std::vector<Note>;

void note_groups(const char* name, const Split& split, const Split& test, Notes& notes) {
  const std::set<std::int32_t> known(split.groups.begin(), split.groups.end());
  const std::set<std::int32_t> tested(test.groups.begin(), test.groups.end());
  std::vector<std::int32_t> both;
  std::ranges::set_intersection(known, tested, std::back_inserter(both));
  if (both.empty()) return;
  notes.push_back(
      {Note::Kind::kWarning,
       fmt::format(
           "{} of the {} groups of test are also in {} (the first: {}): the test score will not "
           "tell how new groups fare",
           both.size(), tested.size(), name, both[0])});
}

/// Samples of a split, sorted by the hash of their values.
struct Hashed {
  std::uint64_t hash;
  std::size_t index;
  auto operator<=>(const Hashed&) const = default;
};

std::vector<Hashed> hash_samples(const Samples& samples) {
  std::vector<Hashed> hashed;
  for (std::size_t i = 0; i < samples.size(); ++i)
    hashed.push_back({hash_bytes(samples.bytes_of(i), 0), i});
  std::ranges::sort(hashed);
  return hashed;
}

bool same_values(const Samples& a, std::size_t i, const Samples& b, std::size_t j) {
  return std::ranges::equal(a.bytes_of(i), b.bytes_of(j));
}

void note_duplicates(const char* name, const Split& split, const std::vector<Hashed>& hashed,
                     const Split& test, Notes& notes) {
  if (split.x.type() != test.x.type() || split.x.scale() != test.x.scale()) return;
  std::size_t equal = 0, other_label = 0;
  for (const Hashed& sample : hash_samples(test.x)) {
    const auto [first, last] = std::ranges::equal_range(hashed, sample.hash, {}, &Hashed::hash);
    const auto twin = std::find_if(first, last, [&](const Hashed& h) {
      return same_values(split.x, h.index, test.x, sample.index);
    });
    if (twin == last) continue;
    ++equal;
    if (!test.labels.empty() && !split.labels.empty())
      other_label += test.labels[sample.index] != split.labels[twin->index];
  }
  if (equal == 0) return;
  notes.push_back(
      {Note::Kind::kWarning,
       fmt::format("{} of the {} samples of test are exactly equal to one of {}{}", equal,
                   test.size(), name,
                   other_label > 0 ? fmt::format(" ({} with another label)", other_label) : "")});
}

void note_repeats(const Split& train, const std::vector<Hashed>& hashed, Notes& notes) {
  std::size_t repeats = 0;
  for (std::size_t i = 1; i < hashed.size(); ++i) {
    repeats += hashed[i].hash == hashed[i - 1].hash &&
               same_values(train.x, hashed[i].index, train.x, hashed[i - 1].index);
  }
  if (repeats > 0)
    notes.push_back(
        {Note::Kind::kInfo,
         fmt::format("{} of the {} samples of train repeat another one", repeats, train.size())});
}

void note_classes(const Summary& summary, Notes& notes) {
  if (summary.classes.empty()) return;
  const auto in_train = [](const ClassCounts& c) { return c.samples.train; };
  const auto [small, large] = std::ranges::minmax_element(summary.classes, {}, in_train);
  if (in_train(*large) > 3 * in_train(*small)) {
    notes.push_back({Note::Kind::kInfo,
                     fmt::format("the classes are imbalanced: '{}' has {} training samples, '{}' "
                                 "{}; accuracy alone may mislead",
                                 large->name, in_train(*large), small->name, in_train(*small))});
  }
  for (const ClassCounts& c : summary.classes) {
    if (c.samples.validation == 0)
      notes.push_back(
          {Note::Kind::kWarning, fmt::format("class '{}' has no sample in validation", c.name)});
    if (c.samples.test == 0)
      notes.push_back(
          {Note::Kind::kWarning, fmt::format("class '{}' has no sample in test", c.name)});
  }
}

void note_constant_channels(const Summary& summary, Notes& notes) {
  std::vector<std::string> names;
  for (const ChannelRange& c : summary.channels) {
    if (c.min == c.max) names.push_back(c.name);
  }
  if (names.empty()) return;
  const std::size_t shown = std::min<std::size_t>(names.size(), 8);
  notes.push_back(
      {Note::Kind::kInfo,
       fmt::format(
           "{} of {} channels never change in train: {}{}", names.size(), summary.channels.size(),
           fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
           shown < names.size() ? ", ..." : "")});
}

}  // namespace

std::vector<Note> audit(const Dataset& dataset, const Summary& summary) {
  Notes notes;
  note_groups("train", dataset.train, dataset.test, notes);
  note_groups("validation", dataset.validation, dataset.test, notes);
  const std::vector<Hashed> train = hash_samples(dataset.train.x);
  note_duplicates("train", dataset.train, train, dataset.test, notes);
  note_duplicates("validation", dataset.validation, hash_samples(dataset.validation.x),
                  dataset.test, notes);
  note_repeats(dataset.train, train, notes);
  note_classes(summary, notes);
  note_constant_channels(summary, notes);
  return notes;
}

}  // namespace atml::data
