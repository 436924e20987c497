#include "propose/design.h"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include "propose/models/sobol.h"

namespace atml::propose {
namespace {

constexpr int kDescentChecks = 400;
constexpr std::int64_t kEnumerated = 4000;

// Greedy: the neighbour with the smallest margin, while there is a better one.
std::optional<space::Encoding> descend(const Problem& problem, Gate& gate) {
  const int stop = gate.checks() + kDescentChecks;
  while (gate.least_violating() && gate.checks() < stop) {
    const space::Encoding here = *gate.least_violating();
    const double margin = gate.least_check().worst_margin;
    for (const space::Configuration& c : problem.space.neighbours(problem.space.decode(here))) {
      space::Encoding next = problem.space.encode(c);
      if (gate.passes(next)) return next;
      if (gate.checks() >= stop) return std::nullopt;
    }
    if (!(gate.least_check().worst_margin < margin)) return std::nullopt;
  }
  return std::nullopt;
}

// Every configuration of a small space, breadth first from the default: one-exchange moves connect
// it.
std::optional<space::Encoding> enumerate(const Problem& problem, Gate& gate) {
  if (problem.space.count(kEnumerated + 1) > kEnumerated) return std::nullopt;
  std::set<space::Encoding> visited;
  std::deque<space::Configuration> queue{problem.space.default_configuration()};
  visited.insert(problem.space.encode(queue.front()));
  while (!queue.empty()) {
    const space::Configuration c = queue.front();
    queue.pop_front();
    space::Encoding x = problem.space.encode(c);
    if (gate.passes(x)) return x;
    for (space::Configuration& next : problem.space.neighbours(c)) {
      if (visited.insert(problem.space.encode(next)).second) queue.push_back(std::move(next));
    }
  }
  return std::nullopt;
}

}  // namespace

std::size_t design_size(const space::Space& space) {
  return std::clamp<std::size_t>(space.size() + 1, 5, 12);
}

std::optional<space::Encoding> design_point(const Problem& problem, Gate& gate, int limit) {
  space::Encoding first = problem.space.encode(problem.space.default_configuration());
  if (gate.passes(first)) return first;
  Sobol sobol(static_cast<int>(problem.space.size()), problem.seed);
  for (int i = 0; i < limit; ++i) {
    space::Encoding x = problem.space.from_unit(sobol.next());
    if (gate.passes(x)) return x;
  }
  return std::nullopt;
}

std::optional<space::Encoding> random_point(const Problem& problem, Gate& gate, Rng& rng,
                                            int limit) {
  std::vector<double> unit(problem.space.size());
  for (int i = 0; i < limit; ++i) {
    for (double& u : unit) u = rng.uniform();
    space::Encoding x = problem.space.from_unit(unit);
    if (gate.passes(x)) return x;
  }
  return std::nullopt;
}

Result<Proposal> last_resort(const Problem& problem, Gate& gate) {
  if (auto x = descend(problem, gate))
    return Proposal{.configuration = problem.space.decode(*x),
                    .why = "found by descending the exact limits' worst margin",
                    .explanation = {.kind = "fallback"}};
  if (const auto x = enumerate(problem, gate))
    return Proposal{.configuration = problem.space.decode(*x),
                    .why = "one of the few configurations that are left",
                    .explanation = {.kind = "fallback"}};
  if (gate.least_violating()) {
    const ExactCheck& check = gate.least_check();
    return Proposal{
        problem.space.decode(*gate.least_violating()),
        fmt::format(
            "none of {} configurations is allowed; this one violates least, by {:.1f} %: {}",
            gate.checks(), 100 * check.worst_margin, check.reason),
        false,
        check.worst_margin,
        0,
        {.kind = "fallback"}};
  }
  return Error{Code::kNotFound,
               fmt::format("every configuration of the space '{}' has been tried ({} trials); "
                           "widen the space or end the study",
                           problem.space.name(), problem.history.size())};
}

}  // namespace atml::propose
