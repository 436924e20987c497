// The benchmark's own arithmetic: statistics against SciPy, problems against the optima and shares
// that are stated beside them, records against torn files.
#include <cmath>
#include <filesystem>
#include <limits>

#include <gtest/gtest.h>

#include "../arguments.h"
#include "base/files.h"
#include "base/random.h"
#include "problems.h"
#include "run.h"
#include "statistics.h"
#include "table.h"

namespace atml::bench {
namespace {

// scipy 1.17: stats.friedmanchisquare of the columns, with ties.
TEST(Statistics, FriedmanAgreesWithSciPy) {
  const Friedman f = friedman({{1, 2, 3}, {2, 1, 3}, {1, 1, 2}, {1, 3, 2}, {4, 5, 6}, {0, 7, 7}});
  EXPECT_NEAR(f.chi_square, 7.363636363636364, 1e-9);
  EXPECT_NEAR(f.p, 0.025177156546593128, 1e-9);
}

// scipy 1.17: stats.wilcoxon(a, b, zero_method="wilcox", correction=False, method="asymptotic").
TEST(Statistics, WilcoxonAgreesWithSciPy) {
  const std::vector<double> a = {1.1, 2.2, 3.0, 4.5, 5.0, 6.1, 7.7, 8.0, 9.9, 10.0, 3.0, 2.0};
  const std::vector<double> b = {1.0, 2.5, 2.0, 4.0, 5.0, 5.1, 9.0, 7.0, 8.0, 11.0, 1.0, 2.5};
  EXPECT_NEAR(wilcoxon_p(a, b), 0.28337146315982265, 1e-9);
  EXPECT_EQ(wilcoxon_p(a, a), 1);
}

TEST(Statistics, HolmByHand) {
  const auto p = holm({0.01, 0.04, 0.03, 0.005});
  const double expected[] = {0.03, 0.06, 0.06, 0.02};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(p[i], expected[i], 1e-12);
}

TEST(Statistics, TiesShareTheirRankAndInfinitiesComeLast) {
  const double none = std::numeric_limits<double>::infinity();
  EXPECT_EQ(ranks(std::vector<double>{3, none, 1, none}), (std::vector<double>{2, 3.5, 1, 3.5}));
  EXPECT_EQ(quantile({3, 1, none}, 0.5), 3);
  EXPECT_EQ(quantile({1, 2}, 0.25), 1.25);
}

struct Known {
  const char* problem;
  const char* point;
};

// The points of the sheet's optima: the formula gives the optimum there and holds its limits.
constexpr Known kOptima[] = {
    {"gardner-1", "x1=4.71238898 x2=0.0"},
    {"gardner-2", "x1=4.71239 x2=1.25324"},
    {"test54", "x1=0.195123 x2=0.404666"},
    {"branin-not-computable", "x1=2.94513 x2=2.94513"},
    {"branin-disk", "x1=3.14159265 x2=2.275"},
    {"townsend", "x1=2.00529 x2=1.19445"},
    {"simionescu", "x1=0.848528 x2=-0.848528"},
    {"gomez-levy", "x1=0.089842 x2=-0.712656"},
    {"mishra-bird", "x1=-3.130247 x2=-1.582142"},
    {"rosenbrock-cubic", "x1=1.0 x2=1.0"},
    {"three-bar-truss", "x1=0.788675 x2=0.408248"},
    {"spring", "x1=0.0516891 x2=0.356718 x3=11.289"},
    {"gas-compressor", "x1=50.0 x2=1.17828 x3=24.5926 x4=0.388353"},
    {"pressure-vessel", "x1=13 x2=7 x3=42.0984 x4=176.637"},
    {"welded-beam", "x1=0.20573 x2=3.47049 x3=9.03662 x4=0.20573"},
    {"speed-reducer", "x1=3.5 x2=0.7 x3=17 x4=7.3 x5=7.71532 x6=3.35021 x7=5.28665"},
    {"hartmann-6-ball", "x1=0.20169 x2=0.150011 x3=0.476874 x4=0.275332 x5=0.311652 x6=0.657301"},
    {"ackley-10", "x1=0.0 x2=0.0 x3=0.0 x4=0.0 x5=0.0 x6=0.0 x7=0.0 x8=0.0 x9=0.0 x10=0.0"},
    {"g08", "x1=1.22797 x2=4.24537"},
    {"g24", "x1=2.32952 x2=3.17849"},
    {"jenatton-constrained", "r9=0.1 x1=yes x3=no x6=0.5"},
    {"discrete-hartmann", "x1=1 x2=0 x3=9 x4=5 x5=0.309807 x6=0.6587"},
};

TEST(Problems, EveryStatedOptimumIsTheValueAtItsPoint) {
  const auto all = problems();
  for (const Known& known : kOptima) {
    const auto p = std::find_if(all.begin(), all.end(),
                                [&](const Problem& q) { return q.name == known.problem; });
    ASSERT_NE(p, all.end()) << known.problem;
    const auto c = space::Configuration::from_text(known.point);
    ASSERT_TRUE(c.ok() && p->space.contains(*c).ok()) << known.problem;
    const Answer a = p->function(*c);
    ASSERT_TRUE(a.value) << known.problem;
    // Points have six digits: the value agrees to about five.
    EXPECT_NEAR(*a.value, p->optimum, 2e-5 * std::max(1.0, std::abs(p->optimum))) << known.problem;
    EXPECT_EQ(a.g.size(), p->constraints) << known.problem;
  }
}

TEST(Problems, SharesAreThoseOfUniformPointsAndNoneBeatsTheOptimum) {
  constexpr int kPoints = 20000;
  for (const Problem& p : problems()) {
    Rng rng(7);
    int feasible = 0;
    for (int i = 0; i < kPoints; ++i) {
      const Answer a = p.function(p.space.sample(rng));
      const bool good =
          a.value && std::all_of(a.g.begin(), a.g.end(), [](double g) { return g <= 0; });
      feasible += good;
      if (good) {
        EXPECT_GE(*a.value, p.optimum - 1e-5 * std::max(1.0, std::abs(p.optimum))) << p.name;
      }
    }
    const double share = static_cast<double>(feasible) / kPoints;
    const double error = std::sqrt(p.feasible_share * (1 - p.feasible_share) / kPoints);
    EXPECT_NEAR(share, p.feasible_share, 5 * error + 0.006 * p.feasible_share + 5e-5) << p.name;
  }
}

TEST(Arguments, ErrorsNameTheOption) {
  int seeds = 20;
  double seconds = 1;
  bool quick = false;
  std::vector<std::string> names;
  const OptionTable table = {{"--seeds", number_option(seeds, 1)},
                             {"--seconds", seconds_option(seconds)},
                             {"--names", list_option(names)},
                             {"--quick", flag_option([&] { quick = true; })}};
  const auto read = [&](std::vector<std::string> words) {
    std::vector<char*> arguments = {nullptr};
    for (std::string& w : words) arguments.push_back(w.data());
    const Status s = read_arguments(static_cast<int>(arguments.size()), arguments.data(), table);
    return s.ok() ? std::string("ok") : s.error().message;
  };
  EXPECT_EQ(read({"--quick", "--seeds", "5", "--names", "a,b", "--seconds", "2.5"}), "ok");
  EXPECT_TRUE(quick && seeds == 5 && seconds == 2.5 && names.size() == 2);
  EXPECT_EQ(read({"--sees", "5"}), "unknown option '--sees'; did you mean '--seeds'?");
  EXPECT_EQ(read({"--seeds"}), "--seeds needs a value");
  EXPECT_EQ(read({"--seeds", "0"}), "--seeds must be a whole number from 1 on, not '0'");
  EXPECT_EQ(read({"--seeds", "5x"}), "--seeds must be a whole number from 1 on, not '5x'");
  EXPECT_EQ(read({"--seconds", "nan"}), "--seconds must be seconds, not 'nan'");
}

TEST(Runs, TheDesignIsTheSameForAllAndOfTheStatedSize) {
  for (const Problem& p : problems()) {
    const auto design = common_design(p, 3);
    EXPECT_EQ(design.size(), std::clamp<std::size_t>(p.space.size() + 1, 5, 12)) << p.name;
    EXPECT_EQ(design, common_design(p, 3)) << p.name;
    EXPECT_NE(design, common_design(p, 4)) << p.name;
  }
}

TEST(Runs, RecordsSurviveATornLine) {
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const std::string path = (folder->path() / "runs.jsonl").string();
  const double none = std::numeric_limits<double>::infinity();
  ASSERT_TRUE(append_record(path, {"bayes", "test54", 3, {none, 1.5, 1.25}, 0.5}).ok());
  const auto text = read_file(path);
  ASSERT_TRUE(write_file(path, *text + "{\"solver\":\"ba").ok());
  const auto records = read_records(path);
  ASSERT_TRUE(records.ok());
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->front().best, (std::vector<double>{none, 1.5, 1.25}));
  ASSERT_TRUE(write_file(path, "{}\n").ok());
  EXPECT_NE(read_records(path).error().message.find("line 1: no record of a run"),
            std::string::npos);
}

TEST(Tables, RanksAreThoseOfTheRunsThatAllSolversHave) {
  std::vector<Record> records;
  for (int seed = 0; seed < 3; ++seed) {
    records.push_back({"good", "test54", seed, {1, 1, 1}, 0});
    records.push_back({"bad", "test54", seed, {2, 1, 2}, 0});
  }
  records.push_back({"bad", "test54", 9, {0, 0, 0}, 0});  // no counterpart: not ranked
  const Tables t = make_tables(problems(), records);
  EXPECT_NE(t.text.find("| good | 1.17 |"), std::string::npos) << t.text;
  EXPECT_NE(t.text.find("| bad | 1.83 |"), std::string::npos) << t.text;
  EXPECT_EQ(t.text.find("all solvers"), std::string::npos) << "one table says it all";
}

// A peer with two of four seeds has a table of its own with all others and costs them no seeds.
TEST(Tables, SolversWithFewerSeedsDoNotShrinkTheRanksOfTheOthers) {
  std::vector<Record> records;
  for (const char* problem : {"test54", "spring"}) {
    for (int seed = 0; seed < 4; ++seed) {
      const double best = seed < 2 ? 3 : 1;  // worse than bad on the seeds that slow has too
      records.push_back({"good", problem, seed, {best, best, best}, 0});
      records.push_back({"bad", problem, seed, {2, 2, 2}, 0});
      if (seed < 2) records.push_back({"slow", problem, seed, {0, 0, 0}, 0});
    }
  }
  records.push_back({"good", "test54", 4, {1, 1, 1}, 0});  // a fifth seed of one problem
  const Tables t = make_tables(problems(), records);
  const std::size_t full =
      t.text.find("## Average rank: solvers that ran 4 seeds of every problem");
  const std::size_t all = t.text.find("## Average rank: all solvers");
  ASSERT_NE(full, std::string::npos) << t.text;
  ASSERT_NE(all, std::string::npos) << t.text;
  const std::string first = t.text.substr(full, all - full), second = t.text.substr(all);
  EXPECT_NE(first.find("2 solvers on 2 problems, 4 seeds of each: 8 problem-seed pairs"),
            std::string::npos)
      << first;
  EXPECT_NE(first.find("| good | 1.50 |"), std::string::npos) << first;
  EXPECT_EQ(first.find("slow"), std::string::npos) << first;
  EXPECT_NE(second.find("3 solvers on 2 problems, 2 seeds of each: 4 problem-seed pairs"),
            std::string::npos)
      << second;
  EXPECT_NE(second.find("| slow | 1.00 |"), std::string::npos) << second;
  EXPECT_NE(second.find("| bad | 2.00 |"), std::string::npos) << second;
  EXPECT_NE(t.text.find("* 4 to 5 seeds: `good`\n* 4 seeds: `bad`\n* 2 seeds: `slow`\n"),
            std::string::npos)
      << t.text;
}

// A solver that cannot do every problem (no conditions, say) is among all solvers only.
TEST(Tables, ASolverThatLacksAProblemIsNotRankedButComparedPairByPair) {
  std::vector<Record> records;
  for (const char* problem : {"test54", "spring", "jenatton-constrained"}) {
    records.push_back({"a", problem, 0, {1, 1, 1}, 0});
    records.push_back({"b", problem, 0, {2, 2, 2}, 0});
    if (problem != std::string("jenatton-constrained"))
      records.push_back({"c", problem, 0, {3, 3, problem == std::string("spring") ? 1. : 3}, 0});
  }
  const Tables t = make_tables(problems(), records);
  EXPECT_NE(t.text.find("2 solvers on 3 problems, 1 seed of each: 3 problem-seed pairs"),
            std::string::npos)
      << t.text;
  EXPECT_EQ(t.text.find("3 solvers on"), std::string::npos) << t.text;
  EXPECT_NE(t.text.find("## a against solvers that ran a part"), std::string::npos) << t.text;
  EXPECT_NE(t.text.find("| c | 2 | 2 - 0 | 2 - 0 | 1 - 0 |"), std::string::npos) << t.text;
  EXPECT_NE(t.text.find("* 1 seed of 2 problems: `c`"), std::string::npos) << t.text;
  EXPECT_EQ(full_seeds({{"a", 20}, {"b", 5}, {"c", 20}}), 20u);
  EXPECT_EQ(full_seeds({{"a", 20}, {"b", 5}, {"c", 4}}), 5u);
  EXPECT_EQ(full_seeds({{"a", 20}}), 0u);
}

}  // namespace
}  // namespace atml::bench
