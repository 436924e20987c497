// One-exchange neighbourhood and size of a Space.
#include <algorithm>
#include <cmath>

#include "space/space.h"

namespace atml::space {
namespace {

// Positions to which one parameter may move from x.
std::vector<double> moves(const Parameter& p, double x) {
  std::vector<double> to;
  const std::int64_t n = p.choices();
  if (p.kind == Kind::kCategorical) {
    for (std::int64_t k = 0; k < n; ++k) to.push_back(static_cast<double>(k));
    return to;
  }
  const bool wide = p.kind == Kind::kReal || n > 20;
  if (wide) to.insert(to.end(), {x - 0.2, x - 0.05, x + 0.05, x + 0.2});
  if (p.kind == Kind::kOrdinal) {
    const double step = 1.0 / static_cast<double>(n);
    to.insert(to.end(), {x - step, x + step});
  }
  return to;
}

}  // namespace

std::vector<Configuration> Space::neighbours(const Configuration& configuration) const {
  const Encoding here = encode(configuration);
  std::vector<Configuration> result;
  const auto consider = [&](Encoding there) {
    snap(there);
    if (there == here) return;
    Configuration candidate = decode(there);
    if (std::find(result.begin(), result.end(), candidate) == result.end())
      result.push_back(std::move(candidate));
  };
  for (std::size_t i = 0; i < size(); ++i) {
    if (here[i] == kInactive) continue;
    const Parameter& p = parameters_[i];
    for (const double x : moves(p, here[i])) {
      Encoding there = here;
      there[i] = p.kind == Kind::kCategorical ? x : std::clamp(x, 0.0, 1.0);
      consider(std::move(there));
    }
    if (p.kind != Kind::kInteger) continue;
    const auto value = std::get<std::int64_t>(decode_value(i, here[i]));
    for (const std::int64_t next : {value - 1, value + 1}) {
      if (static_cast<double>(next) < p.low || static_cast<double>(next) > p.high) continue;
      Encoding there = here;
      there[i] = encode_value(i, next);
      consider(std::move(there));
    }
  }
  return result;
}

std::vector<double> Space::positions(std::size_t index, std::int64_t limit) const {
  const Parameter& p = parameters_[index];
  const std::int64_t n = p.choices();
  std::vector<double> result;
  if (p.kind == Kind::kReal || n > limit) return result;
  for (std::int64_t k = 0; k < n; ++k) {
    const Value value = p.kind == Kind::kInteger ? Value(static_cast<std::int64_t>(p.low) + k)
                                                 : p.values[static_cast<std::size_t>(k)];
    result.push_back(encode_value(index, value));
  }
  return result;
}

std::int64_t Space::count(std::int64_t limit) const {
  // Walks the tree of parents only: a parameter that nobody depends on multiplies the count.
  std::vector<bool> is_parent(size(), false);
  for (const auto& links : links_) {
    for (const Link& link : links) is_parent[link.parent] = true;
  }
  Encoding encoding(size(), kInactive);
  const auto walk = [&](const auto& self, std::size_t index) -> double {
    if (index == size()) return 1;
    encoding[index] = kInactive;
    if (!is_active(index, encoding)) return self(self, index + 1);
    const Parameter& p = parameters_[index];
    if (p.kind == Kind::kReal && p.low < p.high) return static_cast<double>(limit);
    const std::int64_t n = std::max<std::int64_t>(1, p.choices());
    if (n >= limit) return static_cast<double>(limit);
    if (!is_parent[index])
      return std::min(static_cast<double>(n) * self(self, index + 1), static_cast<double>(limit));
    double sum = 0;
    for (const double position : positions(index, limit)) {
      if (sum >= static_cast<double>(limit)) break;
      encoding[index] = position;
      sum += self(self, index + 1);
    }
    encoding[index] = kInactive;
    return std::min(sum, static_cast<double>(limit));
  };
  return static_cast<std::int64_t>(walk(walk, 0));
}

}  // namespace atml::space
