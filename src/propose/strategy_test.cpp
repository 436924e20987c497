// Whole strategies on small problems: never a repeat, never forbidden, deterministic, better than
// chance.
#include "propose/strategy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "propose/surrogates.h"

namespace atml::propose {
namespace {

using space::Configuration;
using space::Kind;
using space::Parameter;
using space::Space;
using study::Outcome;
using study::Trial;

Parameter real(std::string name, double low, double high) {
  return {.name = std::move(name),
          .kind = Kind::kReal,
          .low = low,
          .high = high,
          .preferred = (low + high) / 2};
}

/// A user's function: minimised value, constraints g <= 0, or nothing where it cannot be computed.
struct Answer {
  bool computable = true;
  double value = 0;
  std::vector<double> g;
};
struct Bench {
  Space space;
  std::function<Answer(const Configuration&)> function;
  std::size_t constraints = 0;
  std::function<ExactCheck(const Configuration&)> exact;
};

Trial evaluate(const Bench& bench, const Configuration& c, int number) {
  const Answer a = bench.function(c);
  Trial t;
  t.number = number;
  t.configuration = c;
  t.outcome = a.computable ? Outcome::kMeasured : Outcome::kBuildFailed;
  if (!a.computable) return t;
  for (std::size_t j = 0; j < a.g.size(); ++j)
    t.constraints.push_back({fmt::format("g{}", j), 1 + a.g[j], 1});
  if (std::any_of(a.g.begin(), a.g.end(), [](double g) { return g > 0; }))
    t.outcome = Outcome::kUndeployable;
  else
    t.objective = -a.value;
  return t;
}

Problem problem_of(const Bench& bench, std::span<const Trial> history, std::uint64_t seed) {
  Problem p{.space = bench.space, .history = history, .exact = bench.exact, .seed = seed};
  for (std::size_t j = 0; j < bench.constraints; ++j)
    p.constraint_names.push_back(fmt::format("g{}", j));
  return p;
}

std::vector<Trial> run(const std::string& strategy, const Bench& bench, int trials,
                       std::uint64_t seed) {
  auto s = make_strategy(strategy).value();
  std::vector<Trial> history;
  for (int i = 0; i < trials; ++i) {
    const auto proposal = s->propose(problem_of(bench, history, seed));
    EXPECT_TRUE(proposal.ok()) << proposal.error().message;
    if (!proposal.ok()) break;
    EXPECT_TRUE(bench.space.contains(proposal->configuration).ok());
    EXPECT_FALSE(proposal->why.empty());
    EXPECT_FALSE(proposal->explanation.kind.empty());
    for (const Trial& t : history)
      EXPECT_NE(t.configuration, proposal->configuration) << "repeated at " << i;
    if (bench.exact && proposal->allowed) {
      EXPECT_TRUE(bench.exact(proposal->configuration).allowed);
    }
    history.push_back(evaluate(bench, proposal->configuration, i));
  }
  return history;
}

double best_value(const std::vector<Trial>& history) {
  double best = std::numeric_limits<double>::infinity();
  for (const Trial& t : history) {
    if (t.objective) best = std::min(best, -*t.objective);
  }
  return best;
}

double median_best(const std::string& strategy, const Bench& bench, int trials, int seeds) {
  std::vector<double> values;
  for (int s = 0; s < seeds; ++s)
    values.push_back(best_value(run(strategy, bench, trials, 100 + static_cast<std::uint64_t>(s))));
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double sq(double x) { return x * x; }
double branin(double x, double y) {
  const double pi = std::numbers::pi;
  return sq(y - 5.1 * x * x / (4 * pi * pi) + 5 * x / pi - 6) +
         10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}

Bench branin_disk() {  // optimum 0.39789, feasible 69.8 %
  return {*Space::create("branin", {real("x", -5, 10), real("y", 0, 15)}),
          [](const Configuration& c) {
            const double x = c.real("x", 0), y = c.real("y", 0);
            return Answer{true, branin(x, y), {sq(x - 2.5) + sq(y - 7.5) - 50}};
          },
          1,
          {}};
}

Bench gramacy() {  // optimum 0.599788, feasible 45.7 %, pulls into the infeasible set
  return {*Space::create("gramacy", {real("x", 0, 1), real("y", 0, 1)}),
          [](const Configuration& c) {
            const double x = c.real("x", 0), y = c.real("y", 0);
            return Answer{true,
                          x + y,
                          {1.5 - x - 2 * y - 0.5 * std::sin(2 * std::numbers::pi * (x * x - 2 * y)),
                           x * x + y * y - 1.5}};
          },
          2,
          {}};
}

Bench branin_not_computable() {  // optimum 0.84467, computable on 2 x 5/15 of the box,
                                 // feasible 5.56 %
  return {*Space::create("branin_nc", {real("x", -5, 10), real("y", 0, 15)}),
          [](const Configuration& c) {
            const double x = c.real("x", 0), y = c.real("y", 0);
            if (!(x >= 0 && x <= 5 && y <= 5)) return Answer{false, 0, {}};
            return Answer{true, branin(x, y), {x - y}};
          },
          1,
          {}};
}

Bench jenatton_constrained() {  // conditional; optimum 0.65
  const auto flag = [](std::string name) {
    return Parameter{.name = std::move(name),
                     .kind = Kind::kCategorical,
                     .values = {std::string("no"), std::string("yes")},
                     .preferred = std::string("no")};
  };
  const auto when = [](Parameter p, std::vector<space::Condition> conditions) {
    p.conditions = std::move(conditions);
    return p;
  };
  const std::vector<space::Value> no = {std::string("no")}, yes = {std::string("yes")};
  return {
      *Space::create("jenatton",
                     {flag("x1"), when(flag("x2"), {{"x1", no}}), when(flag("x3"), {{"x1", yes}}),
                      when(real("x4", 0, 1), {{"x2", no}}), when(real("x5", 0, 1), {{"x2", yes}}),
                      when(real("x6", 0, 1), {{"x3", no}}), when(real("x7", 0, 1), {{"x3", yes}}),
                      when(real("r8", 0, 1), {{"x1", no}}), when(real("r9", 0, 1), {{"x1", yes}})}),
      [](const Configuration& c) {
        const bool left = c.word("x1", "") == "no";
        const double r = left ? c.real("r8", 0) : c.real("r9", 0);
        const bool first = c.word(left ? "x2" : "x3", "") == "no";
        const char* leaf = left ? (first ? "x4" : "x5") : (first ? "x6" : "x7");
        const double z = c.real(leaf, 0);
        const double base = left ? (first ? 0.1 : 0.2) : (first ? 0.3 : 0.4);
        const double limit = left ? (first ? 1.6 : 1.2) : 0.6;
        return Answer{true, z * z + base + r, {limit - z - r}};
      },
      1,
      {}};
}

// A mixed integer toy of design under a limit that is known exactly.
Bench mixed_exact() {
  Bench b{
      *Space::create("mixed", {{.name = "width",
                                .kind = Kind::kInteger,
                                .low = 1,
                                .high = 64,
                                .log = true,
                                .preferred = std::int64_t{8}},
                               {.name = "depth",
                                .kind = Kind::kInteger,
                                .low = 1,
                                .high = 6,
                                .preferred = std::int64_t{2}},
                               {.name = "kind",
                                .kind = Kind::kCategorical,
                                .values = {std::string("a"), std::string("b"), std::string("c")},
                                .preferred = std::string("a")},
                               real("rate", -3, 0)}),
      [](const Configuration& c) {
        const auto w = static_cast<double>(c.integer("width", 1)),
                   d = static_cast<double>(c.integer("depth", 1));
        const double kind = c.word("kind", "") == "b" ? 0.0 : 0.3;
        return Answer{
            true, 1 / std::sqrt(w) + 0.5 / d + kind + 0.2 * sq(c.real("rate", 0) + 1.7), {}};
      },
      0,
      {}};
  b.exact = [](const Configuration& c) {
    const double cost = static_cast<double>(c.integer("width", 1) * c.integer("depth", 1));
    return ExactCheck{cost <= 60, cost / 60 - 1, "width x depth above 60"};
  };
  return b;
}

TEST(Strategies, AreFoundByName) {
  EXPECT_EQ(make_strategy("bayes").value()->name(), "bayes");
  EXPECT_EQ(make_strategy("baye").error().message,
            "unknown strategy 'baye'; did you mean 'bayes'?");
  for (const std::string& name : strategy_names()) {
    EXPECT_EQ(make_strategy(name).value()->name(), name);
    EXPECT_FALSE(strategy_summary(name).empty());
  }
}

TEST(Strategies, BeginWithTheDefaultAndReplayFromHistoryAlone) {
  for (const std::string& name : strategy_names()) {
    const Bench bench = gramacy();
    const auto a = run(name, bench, 16, 5), b = run(name, bench, 16, 5),
               c = run(name, bench, 16, 6);
    if (name != "random") {
      EXPECT_EQ(a[0].configuration, bench.space.default_configuration()) << name;
    }
    for (std::size_t i = 0; i < a.size(); ++i)
      EXPECT_EQ(a[i].configuration, b[i].configuration) << name << i;
    EXPECT_NE(a[5].configuration, c[5].configuration) << name;
    // A fresh strategy (a resumed study) proposes what the uninterrupted one did.
    for (const std::size_t n : {3u, 9u, 15u}) {
      const auto again =
          make_strategy(name).value()->propose(problem_of(bench, std::span(a).first(n), 5));
      EXPECT_EQ(again->configuration, a[n].configuration) << name << n;
    }
  }
}

TEST(Strategies, NeverProposeWhatTheExactLimitForbids) {
  for (const std::string& name : strategy_names())
    run(name, mixed_exact(), 30, 3);  // checked inside
}

TEST(Strategies, ExhaustASmallSpaceThenSaySo) {
  const Space small = *Space::create(
      "small",
      {{.name = "a", .kind = Kind::kInteger, .low = 0, .high = 3, .preferred = std::int64_t{1}},
       {.name = "b",
        .kind = Kind::kCategorical,
        .values = {std::string("x"), std::string("y")},
        .preferred = std::string("x")}});
  const Bench bench{small,
                    [](const Configuration& c) {
                      return Answer{true, static_cast<double>(c.integer("a", 0)), {}};
                    },
                    0,
                    {}};
  for (const std::string& name : strategy_names()) {
    const auto history = run(name, bench, 8, 1);
    ASSERT_EQ(history.size(), 8u);
    const auto end = make_strategy(name).value()->propose(problem_of(bench, history, 1));
    ASSERT_FALSE(end.ok());
    EXPECT_EQ(end.error().message,
              "every configuration of the space 'small' has been tried (8 trials); widen the space "
              "or end the study");
  }
}

TEST(Strategies, AnswerTheLeastViolatingPointWhenNothingIsAllowed) {
  Bench bench = mixed_exact();
  bench.exact = [](const Configuration& c) {
    const double cost = static_cast<double>(c.integer("width", 1) * c.integer("depth", 1)) + 9;
    return ExactCheck{false, cost / 5 - 1, "10 at least, 5 allowed"};
  };
  for (const std::string& name : strategy_names()) {
    const auto p = make_strategy(name).value()->propose(problem_of(bench, {}, 1));
    ASSERT_TRUE(p.ok());
    EXPECT_FALSE(p->allowed);
    EXPECT_NEAR(p->worst_margin, 1.0, 1e-12) << name;  // width 1, depth 1
    EXPECT_NE(p->why.find("10 at least, 5 allowed"), std::string::npos) << p->why;
  }
}

TEST(Strategies, FindATinyAllowedSetByDescending) {
  Bench bench = mixed_exact();
  bench.exact =
      [](const Configuration& c) {  // one width of 64, one depth of 6, rate in a thousandth
        const double off = std::abs(static_cast<double>(c.integer("width", 0)) - 41) +
                           std::abs(static_cast<double>(c.integer("depth", 0)) - 5);
        return ExactCheck{off == 0, off, "off"};
      };
  for (const std::string& name : strategy_names()) {
    const auto p = make_strategy(name).value()->propose(problem_of(bench, {}, 1));
    ASSERT_TRUE(p.ok());
    EXPECT_TRUE(p->allowed) << name;
  }
}

struct Degenerate {
  const char* name;
  std::function<void(Trial&, int)> spoil;
};

std::vector<Degenerate> degenerate_cases() {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  return {
      {"all feasible",
       [](Trial& t, int i) {
         t.objective = std::sin(i);
         t.outcome = Outcome::kMeasured;
         t.constraints = {{"g0", 0.3 + 0.01 * i, 1}};
       }},
      {"one objective among infinities",
       [=](Trial& t, int i) {
         t.objective = i == 6 ? 0.25 : inf;
         t.outcome = Outcome::kMeasured;
         t.constraints = {{"g0", i == 6 ? 0.5 : -inf, 1}};
       }},
      {"constant objective",
       [](Trial& t, int) {
         t.objective = 0.5;
         t.outcome = Outcome::kMeasured;
         t.constraints = {{"g0", 0.5, 1}};
       }},
      {"infinities",
       [=](Trial& t, int i) {
         t.objective = i % 2 ? inf : -inf;
         t.constraints = {{"g0", inf, 1}};
       }},
      {"nan",
       [=](Trial& t, int) {
         t.objective = nan;
         t.constraints = {{"g0", nan, 1}};
       }},
      {"huge and tiny",
       [](Trial& t, int i) {
         t.outcome = Outcome::kMeasured;
         t.objective = i % 2 ? 1e300 : -1e300;
         t.constraints = {{"g0", i % 3 ? 1e200 : 1e-200, 1}};
       }},
      {"all infeasible alike",
       [](Trial& t, int) {
         t.objective.reset();
         t.outcome = Outcome::kUndeployable;
         t.constraints = {{"g0", 3, 1}};
       }},
      {"all not computable",
       [](Trial& t, int) {
         t.objective.reset();
         t.outcome = Outcome::kBuildFailed;
         t.constraints.clear();
       }},
      {"all cancelled",
       [](Trial& t, int) {
         t.objective.reset();
         t.outcome = Outcome::kCancelled;
         t.constraints.clear();
       }},
      {"all pruned",
       [](Trial& t, int i) {
         t.objective.reset();
         t.outcome = Outcome::kPruned;
         t.constraints = {{"g0", 0.5, 1}};
         t.rungs = {{.epochs = 1, .objective = 0.1 * (i % 4)}};
       }},
      {"all pending",
       [](Trial& t, int) {
         t.objective.reset();
         t.outcome = Outcome::kRunning;
         t.constraints.clear();
       }},
      {"one measured, rest pending",
       [](Trial& t, int i) {
         if (i > 0) {
           t.objective.reset();
           t.outcome = Outcome::kRunning;
           t.constraints.clear();
         }
       }},
      {"zero allowed",
       [](Trial& t, int) {
         t.constraints = {{"g0", 1, 0}};
       }},
  };
}

// A strategy's own run, every trial of which is spoilt.
void expect_survival(const Bench& bench, const std::string& name, const Degenerate& d, int trials) {
  auto strategy = make_strategy(name).value();
  std::vector<Trial> history;
  for (int i = 0; i < trials; ++i) {
    const auto p = strategy->propose(problem_of(bench, history, 9));
    ASSERT_TRUE(p.ok()) << name << ": " << d.name << ": " << p.error().message;
    EXPECT_TRUE(bench.space.contains(p->configuration).ok()) << name << ": " << d.name;
    Trial t = evaluate(bench, p->configuration, i);
    d.spoil(t, i);
    for (const Trial& old : history)
      EXPECT_NE(old.configuration, t.configuration) << name << ": " << d.name;
    history.push_back(t);
  }
}

TEST(Strategies, SurviveDegenerateHistories) {
  for (const std::string& name : strategy_names())
    for (const Degenerate& d : degenerate_cases()) expect_survival(branin_disk(), name, d, 14);
}

TEST(Strategies, SurviveDegenerateHistoriesOfConditionalAndMixedSpaces) {
  for (const std::string& name : strategy_names()) {
    for (const Degenerate& d : degenerate_cases()) {
      expect_survival(jenatton_constrained(), name, d, 14);
      expect_survival(mixed_exact(), name, d, 8);
    }
  }
}

// Long enough for warm fits, local models and grown regions: 70 trials that all say the same.
TEST(Strategies, SurviveLongDegenerateHistories) {
  const Bench bench = branin_disk();
  for (const Degenerate& d : degenerate_cases()) {
    Rng rng(8);
    std::vector<Trial> history;
    while (history.size() < 70) {
      const int i = static_cast<int>(history.size());
      history.push_back(evaluate(bench, bench.space.sample(rng), i));
      d.spoil(history.back(), i);
    }
    for (const std::string& name : strategy_names()) {
      std::vector<Trial> own = history;  // six more: each turn of bayes
      auto strategy = make_strategy(name).value();
      for (int i = 70; i < 76; ++i) {
        const auto p = strategy->propose(problem_of(bench, own, 9));
        ASSERT_TRUE(p.ok()) << name << ": " << d.name << ": " << p.error().message;
        own.push_back(evaluate(bench, p->configuration, i));
        d.spoil(own.back(), i);
      }
    }
  }
}

TEST(Strategies, SurviveOnePoint) {
  for (const std::string& name : strategy_names()) {
    for (const Degenerate& d : degenerate_cases()) {
      const Bench bench = gramacy();
      std::vector<Trial> history = {evaluate(bench, bench.space.default_configuration(), 0)};
      d.spoil(history[0], 0);
      const auto p = make_strategy(name).value()->propose(problem_of(bench, history, 2));
      ASSERT_TRUE(p.ok()) << name << ": " << d.name << ": " << p.error().message;
      EXPECT_NE(p->configuration, history[0].configuration) << name << ": " << d.name;
    }
  }
}

TEST(Strategies, SurviveEqualPointsAndForeignConfigurations) {
  const Bench bench = branin_disk();
  std::vector<Trial> history;
  for (int i = 0; i < 15; ++i) {
    Configuration c = bench.space.default_configuration();
    if (i == 7) c.set("other", std::int64_t{3});
    history.push_back(evaluate(bench, bench.space.default_configuration(), i));
    history.back().configuration = c;
  }
  for (const std::string& name : strategy_names())
    EXPECT_TRUE(make_strategy(name).value()->propose(problem_of(bench, history, 1)).ok()) << name;
}

TEST(Bayes, PendingTrialsSpreadTheProposals) {
  const Bench bench = branin_disk();
  auto history = run("bayes", bench, 15, 2);
  auto s = make_strategy("bayes").value();
  std::vector<Configuration> together;
  for (int k = 0; k < 4; ++k) {
    const auto p = s->propose(problem_of(bench, history, 2));
    for (const Configuration& c : together)
      EXPECT_GT(bench.space.distance(c, p->configuration), 1e-3);
    together.push_back(p->configuration);
    Trial t;
    t.number = static_cast<int>(history.size());
    t.configuration = p->configuration;
    history.push_back(t);
  }
}

// The numbers of an explanation are those of models that are learnt anew from the history.
void expect_posterior(const study::Explanation& e, const Problem& problem, const Configuration& c) {
  const std::vector<Observed> observed = observe(problem);
  ModelMemory memory;
  const Surrogates surrogates(problem, observed,
                              std::span(observed).first(fitted_size(observed.size())), memory);
  const Points at{problem.space.size(), problem.space.encode(c)};
  double mean = 0, variance = 0;
  surrogates.objective()->predict(at, {&mean, 1}, {&variance, 1});
  EXPECT_NEAR(*e.mean, surrogates.objective_warp()->inverse(mean), 1e-9);
  EXPECT_NEAR(*e.best, surrogates.objective_warp()->inverse(*surrogates.best()), 1e-9);
  ASSERT_EQ(e.chances.size(), surrogates.constraints().size());
  for (std::size_t j = 0; j < e.chances.size(); ++j) {
    const ConstraintModel& model = surrogates.constraints()[j];
    model.process.predict(at, {&mean, 1}, {&variance, 1});
    EXPECT_EQ(e.chances[j].constraint, model.name);
    EXPECT_NEAR(e.chances[j].probability,
                0.5 * std::erfc((mean - model.limit) / std::sqrt(2 * variance)), 1e-9);
  }
}

TEST(Bayes, ExplainsEveryProposalInNumbers) {
  const Bench bench = gramacy();
  auto s = make_strategy("bayes").value();
  std::vector<Trial> history;
  std::set<std::string> kinds;
  double off = 0;
  int predicted = 0, met = 0, promised = 0;
  for (int i = 0; i < 40; ++i) {
    const auto p = s->propose(problem_of(bench, history, 3));
    const study::Explanation& e = p->explanation;
    kinds.insert(e.kind);
    EXPECT_EQ(e.kind == "default", i == 0);
    if (e.mean) expect_posterior(e, problem_of(bench, history, 3), p->configuration);
    Trial t = evaluate(bench, p->configuration, i);
    history.push_back(t);
    if (e.kind == "default" || e.kind == "initial") continue;
    EXPECT_FALSE(e.acquisition.empty());
    ASSERT_EQ(e.chances.size(), 2u);
    EXPECT_EQ(e.chances[0].constraint, "g0");
    if (e.kind == "exploit") {
      EXPECT_GT(*e.mean, *e.best);
    }
    if (e.kind == "explore") {
      EXPECT_LE(*e.mean, *e.best);
    }
    if (e.mean && t.objective && i >= 15) {
      off = std::max(off, std::abs(*e.mean - *t.objective) / (*e.deviation + 0.01));
      ++predicted;
    }
    if (e.chances[0].probability > 0.9) {
      ++promised;
      met += t.constraints[0].margin() <= 0;
    }
  }
  EXPECT_GE(kinds.size(), 4u);
  EXPECT_GT(predicted, 5);
  EXPECT_LT(off, 4);  // deviations: the predictions hold
  EXPECT_GE(met, promised * 3 / 4);
}

// A Gaussian process costs the cube of its trials.
TEST(Bayes, LeavesLargeHistoriesToAForest) {
  const Bench bench = gramacy();
  Rng rng(4);
  std::vector<Trial> history;
  while (history.size() < 501)
    history.push_back(evaluate(bench, bench.space.sample(rng), static_cast<int>(history.size())));
  const auto p = make_strategy("bayes").value()->propose(problem_of(bench, history, 1));
  EXPECT_NE(p->why.find("on a random forest"), std::string::npos) << p->why;
}

// Eight switches, each with a number of its own: hardly two trials share their parameters.
TEST(Bayes, LeavesHeavilyBranchedHistoriesToAForest) {
  std::vector<Parameter> list;
  for (int i = 0; i < 8; ++i) {
    list.push_back({.name = fmt::format("on{}", i),
                    .kind = Kind::kCategorical,
                    .values = {std::string("no"), std::string("yes")},
                    .preferred = std::string("no")});
    list.push_back(real(fmt::format("x{}", i), 0, 1));
    list.back().conditions = {{fmt::format("on{}", i), {std::string("yes")}}};
  }
  const Bench bench{*Space::create("switches", list),
                    [](const Configuration& c) {
                      double sum = 0;
                      for (int i = 0; i < 8; ++i)
                        sum += sq(c.real(fmt::format("x{}", i), 0.2) - 0.4);
                      return Answer{true, sum, {}};
                    },
                    0,
                    {}};
  Rng rng(5);
  std::vector<Trial> history;
  while (history.size() < 60)
    history.push_back(evaluate(bench, bench.space.sample(rng), static_cast<int>(history.size())));
  auto s = make_strategy("bayes").value();
  const auto branched = s->propose(problem_of(bench, history, 1));
  EXPECT_NE(branched->why.find("on a random forest"), std::string::npos) << branched->why;
  const auto few = s->propose(problem_of(bench, std::span(history).first(59), 1));
  EXPECT_EQ(few->why.find("on a random forest"), std::string::npos) << few->why;
  // Four branches that repeat stay with the Gaussian process.
  const Bench narrow = jenatton_constrained();
  std::vector<Trial> repeated;
  while (repeated.size() < 60)
    repeated.push_back(
        evaluate(narrow, narrow.space.sample(rng), static_cast<int>(repeated.size())));
  const auto p = s->propose(problem_of(narrow, repeated, 1));
  EXPECT_EQ(p->why.find("on a random forest"), std::string::npos) << p->why;
}

TEST(Bayes, BeatsRandomOnConstrainedBranin) {
  const double bayes = median_best("bayes", branin_disk(), 30, 5),
               random = median_best("random", branin_disk(), 30, 5);
  EXPECT_LT(bayes, 0.45);
  EXPECT_LT(bayes, random);
}

TEST(Bayes, BeatsRandomOnGramacy) {
  const double bayes = median_best("bayes", gramacy(), 30, 5),
               random = median_best("random", gramacy(), 30, 5);
  EXPECT_LT(bayes, 0.62);
  EXPECT_LT(bayes, random);
}

TEST(Bayes, LearnsWhereNothingCanBeComputed) {
  const double bayes = median_best("bayes", branin_not_computable(), 45, 5);
  const double random = median_best("random", branin_not_computable(), 45, 5);
  EXPECT_LT(bayes, 1.2);
  EXPECT_LT(bayes, random);
}

TEST(Bayes, FindsTheDeceptiveBranchOfAConditionalSpace) {
  const double bayes = median_best("bayes", jenatton_constrained(), 45, 5);
  const double random = median_best("random", jenatton_constrained(), 45, 5);
  EXPECT_LT(bayes, 0.75);
  EXPECT_LT(bayes, random);
}

TEST(Bayes, SolvesAMixedProblemUnderAnExactLimit) {
  const double bayes = median_best("bayes", mixed_exact(), 30, 5),
               random = median_best("random", mixed_exact(), 30, 5);
  EXPECT_LT(bayes, random);
  EXPECT_LT(bayes, 0.42);  // the optimum is near 0.40
}

}  // namespace
}  // namespace atml::propose
