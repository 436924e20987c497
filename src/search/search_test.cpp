#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "base/random.h"
#include "search/distillation.h"
#include "search/finalists.h"
#include "search/inheritance.h"
#include "search/plan.h"
#include "search/promotion.h"
#include "search/reproduce.h"
#include "search/settings.h"
#include "search/turns.h"
#include "search/winner.h"

namespace atml::search {
namespace {

TEST(Settings, RoundTripThroughJson) {
  Settings s;
  s.data = "fashion-mnist";
  s.target = "stm32f401re";
  s.flash = Bytes(65536);
  s.latency = Seconds(0.1);
  s.seed = 18446744073709551615ull;
  s.trials = 12;
  s.reserve_ram = Bytes(100);
  EXPECT_EQ(*settings_from_json(*Json::parse(to_json(s).dump())), s);
  EXPECT_FALSE(settings_from_json(Json::object()).ok());
}

TEST(Settings, TheCommandThatReproducesNamesWhatIsNotTheDefault) {
  Settings s;
  s.data = "my data";
  s.target = "rp2040";
  EXPECT_EQ(command_of(s),
            "autotinyml search 'my data' --target rp2040 --strategy bayes --seed 1 --jobs 0");
  s.flash = Bytes(65536);
  s.latency = Seconds(0.1);
  s.energy = Joules(3e-4);
  s.reserve_ram = Bytes(100);
  s.trials = 12;
  s.space = "signal-4bit";
  s.oracle = "external:./ask.sh";
  s.oracle_timeout = Seconds(5);
  s.epochs = 3;
  s.final_epochs = 4;
  s.finalists = 1;
  s.final_seeds = 2;
  s.optimize = "size";
  s.single_rounding = true;
  s.inherit = s.distil = true;
  EXPECT_EQ(
      command_of(s),
      "autotinyml search 'my data' --target rp2040 --flash 65536 --latency 100ms --energy "
      "300uJ --reserve-ram 100 --trials 12 --space signal-4bit --oracle external:./ask.sh "
      "--oracle-timeout 5s --epochs 3 --final-epochs 4 --finalists 1 --final-seeds 2 "
      "--optimize size --single-rounding --inherit --distil --strategy bayes --seed 1 --jobs 0");
}

target::Target part() {
  target::Target t;
  t.name = "part";
  t.flash.size = Bytes(512 * 1024);
  t.ram.size = Bytes(96 * 1024);
  return t;
}

TEST(Settings, LimitsCannotExceedThePart) {
  Settings s;
  s.flash = Bytes(1 << 20);
  EXPECT_NE(
      limits_of(s, part()).error().message.find("--flash 1.00 MiB is more than the 512.0 KiB"),
      std::string::npos);
  s.flash = Bytes(4096);
  s.reserve_flash = Bytes(4096);
  EXPECT_FALSE(limits_of(s, part()).ok());
  s.reserve_flash = Bytes(1024);
  EXPECT_EQ(limits_of(s, part())->usable_flash(), Bytes(3072));
  s.energy = Joules(1e-3);
  EXPECT_NE(limits_of(s, part()).error().message.find("run current"), std::string::npos);
}

TEST(Plan, RungsAreThirds) {
  EXPECT_EQ(rungs_of(9), (std::vector<int>{1, 3, 9}));
  EXPECT_EQ(rungs_of(12), (std::vector<int>{1, 4, 12}));
  EXPECT_EQ(rungs_of(1), (std::vector<int>{1}));
  EXPECT_EQ(rungs_of(36), (std::vector<int>{4, 12, 36}));
}

study::Trial at_rungs(int number, std::vector<double> objectives) {
  study::Trial t;
  t.number = number;
  for (const double o : objectives) t.rungs.push_back({1, o, o, 0, 0});
  t.outcome = study::Outcome::kPruned;
  return t;
}

TEST(Promotion, TakesTheBestThirdFromTheHighestRungDown) {
  const Plan plan{{1, 3, 9}, 1};
  std::vector<study::Trial> trials{at_rungs(0, {0.5}), at_rungs(1, {0.7})};
  EXPECT_FALSE(next_promotion(trials, plan));  // two of a rung: a third of them is none
  trials.push_back(at_rungs(2, {0.6}));
  EXPECT_EQ(next_promotion(trials, plan), 1);
  trials[1] = at_rungs(1, {0.7, 0.8});
  EXPECT_FALSE(next_promotion(trials, plan));
  for (int i = 3; i < 9; ++i) trials.push_back(at_rungs(i, {0.8, 0.81 + 0.01 * i}));
  EXPECT_EQ(next_promotion(trials, plan), 8);
  trials[8].outcome = study::Outcome::kRunning;  // on its way already
  EXPECT_EQ(next_promotion(trials, plan), 7);
}

TEST(Promotion, LetsMorePassWhereARungForetellsLittle) {
  std::vector<study::Trial> agree, noise;
  for (int i = 0; i < 8; ++i) {
    agree.push_back(at_rungs(i, {0.5 + 0.01 * i, 0.7 + 0.01 * i}));
    noise.push_back(at_rungs(i, {0.5 + 0.01 * i, 0.7 + 0.01 * ((i * 5) % 8)}));
  }
  EXPECT_EQ(halving_rate(agree, 0), 3);
  EXPECT_EQ(halving_rate(noise, 0), 2);  // 0 5 2 7 4 1 6 3: rho = 1 - 6 x 64 / 504 = 0.24
  EXPECT_EQ(halving_rate(std::span(noise).first(7), 0), 3);  // too few to judge
}

TEST(Intervals, AgreeWithHandComputations) {
  EXPECT_NEAR(t_half_width({1, 2, 3}), 4.303 / std::sqrt(3.0),
              1e-9);  // deviation 1, two degrees of freedom
  EXPECT_EQ(t_half_width({0.9}), 0);
  // 9255 of 10000 right: Wilson's formula worked out by hand.
  const report::Interval wilson = wilson_interval(0.9255, 10000);
  EXPECT_NEAR(wilson.low, 0.92019, 1e-5);
  EXPECT_NEAR(wilson.high, 0.93048, 1e-5);
  EXPECT_EQ(wilson_interval(1, 200).high, 1);
  EXPECT_LT(wilson_interval(1, 200).low, 1);
}

TEST(Inheritance, PrefersTheNearestTrialThatIsTrained) {
  const auto space = space::parse_space(R"(name = "s"
description = "d"
[parameters]
width = { kind = "integer", low = 0, high = 100, default = 50 }
)",
                                        "s.toml");
  ASSERT_TRUE(space.ok()) << space.error().message;
  std::vector<study::Trial> history;
  for (const int width : {40, 52, 60, 48, 90, 45, 50}) {
    history.push_back(at_rungs(static_cast<int>(history.size()), {0.5}));
    history.back().configuration.set("width", std::int64_t{width});
  }
  history[6].rungs.clear();  // equal, but not trained
  history[1].rungs.push_back({3, 0.6, 0.6, 0, 0});
  space::Configuration wanted;
  wanted.set("width", std::int64_t{50});
  // 52 and 48 are as near: the older first, at the rung that it has reached.
  EXPECT_EQ(donors(*space, history, wanted),
            (std::vector<Donor>{{1, 1}, {3, 0}, {5, 0}, {0, 0}, {2, 0}}));
  EXPECT_TRUE(donors(*space, {}, wanted).empty());
}

TEST(Distillation, TheTeacherIsLargerAndBetter) {
  const auto trial = [](int number, std::int64_t macs, double objective, std::size_t rungs) {
    study::Trial t;
    t.number = number;
    t.figures = study::Figures{};
    t.figures->macs = macs;
    if (rungs > 0) t.objective = objective;
    t.rungs.resize(rungs);
    return t;
  };
  std::vector<study::Trial> trials{trial(0, 100, 0.80, 2), trial(1, 200, 0.85, 2),
                                   trial(2, 300, 0.90, 1), trial(3, 300, 0.85, 2),
                                   trial(4, 50, 0.95, 2),  trial(5, 400, 0, 0)};
  EXPECT_EQ(teacher_of(trials, trials[0]), (Donor{1, 1}));  // of equals the older
  EXPECT_EQ(teacher_of(trials, trials[2]), std::nullopt);   // nobody larger was trained
  EXPECT_EQ(teacher_of(trials, trials[4]), std::nullopt);   // larger ones are worse
  EXPECT_EQ(teacher_of({}, trials[0]), std::nullopt);
}

TEST(Finals, PreferThoseThatGotFurthestAndFit) {
  std::vector<study::Trial> trials{at_rungs(0, {0.95}), at_rungs(1, {0.7, 0.9}),
                                   at_rungs(2, {0.7, 0.92}), at_rungs(3, {0.7, 0.99})};
  for (study::Trial& t : trials) {
    t.objective = t.rungs.back().objective;
    t.figures = study::Figures{};
  }
  trials[3].constraints = {{"flash", 101, 100}};
  std::vector<int> order;
  for (const study::Trial& t : contenders(trials)) order.push_back(t.number);
  EXPECT_EQ(order, (std::vector<int>{2, 1, 0}));
}

/// Contenders that needed so many seconds an epoch.
std::vector<study::Trial> contenders_of(std::vector<double> seconds) {
  std::vector<study::Trial> best;
  for (const double s : seconds) {
    study::Trial t = at_rungs(static_cast<int>(best.size()) + 10, {0.8, 0.9});
    t.rungs.back().epochs = 3;
    t.seconds.train = 3 * s;
    best.push_back(t);
  }
  return best;
}

Settings timed() {
  Settings s;
  s.budget = Seconds(600);
  return s;
}

TEST(Finals, SpendTimeOnEpochsThenSeedsThenFinalists) {
  const auto best = contenders_of({4, 4, 4});
  // One worker, 4 s an epoch, a tenth kept: 2 seeds have 89 / 8.8 epochs.
  FinalPlan plan = plan_finals(timed(), best, {89, 1, 3});
  EXPECT_EQ(plan.trials, std::vector<int>{10});
  EXPECT_EQ(plan.seeds, 2);
  EXPECT_EQ(plan.epochs, 10);
  plan = plan_finals(timed(), best, {200, 1, 3});  // 3 seeds have 200 / 13.2
  EXPECT_EQ(plan.seeds, 3);
  EXPECT_EQ(plan.epochs, 15);
  EXPECT_EQ(plan.trials.size(), 1u);
  plan = plan_finals(timed(), best, {800, 1, 3});  // two finalists: 800 / 26.4
  EXPECT_EQ(plan.trials, (std::vector<int>{10, 11}));
  EXPECT_EQ(plan.epochs, 30);
  plan = plan_finals(timed(), best, {1e6, 1, 3});
  EXPECT_EQ(plan.trials.size(), 3u);
  EXPECT_EQ(plan.epochs, 90);
}

TEST(Finals, PlanCountsLentThreads) {
  const auto best = contenders_of({4});
  // Three trainings on two workers: a round of two, then one on both threads: 1 + 1 / 1.8 rounds.
  EXPECT_EQ(plan_finals(timed(), best, {220, 2, 3}).epochs, 32);
  // Three on four workers: one round, a thread each (the fourth cannot be divided).
  EXPECT_EQ(plan_finals(timed(), best, {89, 4, 3}).epochs, 20);
  // Two on four workers: two threads each.
  Settings two = timed();
  two.final_seeds = 2;
  EXPECT_EQ(plan_finals(two, best, {89, 4, 3}).epochs, 36);
}

TEST(Finals, PlanKeepsWhatIsAskedFor) {
  const auto best = contenders_of({4, 4});
  Settings s = timed();
  s.final_seeds = 5;
  EXPECT_EQ(plan_finals(s, best, {10, 1, 3}).seeds, 5);
  EXPECT_EQ(plan_finals(s, best, {10, 1, 3}).epochs, 1);
  s.final_epochs = 7;
  EXPECT_EQ(plan_finals(s, best, {10, 1, 3}).epochs, 7);
  EXPECT_EQ(plan_finals(s, best, {10, 1, 3}).trials.size(), 2u);
  const Settings untimed;  // a study of --trials must not ask a clock
  const FinalPlan a = plan_finals(untimed, best, {1, 1, 3});
  EXPECT_EQ(a.epochs, 6);
  EXPECT_EQ(a.seeds, 3);
  EXPECT_EQ(a.trials.size(), 2u);
}

TEST(Finals, PlanRoundTripsThroughItsNote) {
  const FinalPlan plan{{4, 2}, 9, 3};
  const auto back = final_plan_from_json(*Json::parse(to_json(plan).dump()));
  EXPECT_EQ(back->trials, plan.trials);
  EXPECT_EQ(back->epochs, 9);
  EXPECT_FALSE(final_plan_from_json(Json::object()).ok());
}

// The order of turns must not depend on how long work really takes.
std::vector<int> order_of_turns(std::uint64_t jitter_seed) {
  Turns turns(3);
  std::vector<int> order;
  auto work = [&](int worker) {
    Rng jitter(jitter_seed + static_cast<std::uint64_t>(worker));
    for (int job = 0; job < 8; ++job) {
      {
        const auto turn = turns.wait(worker);
        order.push_back(worker);
        turns.advance(worker, 1.0 + worker * 0.3);
      }
      std::this_thread::sleep_for(std::chrono::microseconds(jitter.integer(0, 2000)));
    }
    const auto turn = turns.wait(worker);
    turns.retire(worker);
  };
  std::vector<std::thread> threads;
  for (int w = 0; w < 3; ++w) threads.emplace_back(work, w);
  for (std::thread& t : threads) t.join();
  return order;
}

TEST(Turns, AreTheSameHoweverLongTheWorkTakes) {
  const std::vector<int> first = order_of_turns(1);
  EXPECT_EQ(first.size(), 24u);
  for (std::uint64_t seed = 10; seed < 60; seed += 10) EXPECT_EQ(order_of_turns(seed), first);
}

// A worker without work lets others end first; when none has work, all stop instead of spinning.
TEST(Turns, EndWhenNobodyHasWork) {
  Turns turns(3);
  std::atomic<int> jobs_left{7};
  std::atomic<int> waits{0};
  auto work = [&](int worker) {
    while (true) {
      const auto turn = turns.wait(worker);
      if (jobs_left.fetch_sub(1) > 0) {
        turns.advance(worker, 1.0 + worker);
        continue;
      }
      ++waits;
      if (turns.wait_for_others(worker)) continue;
      turns.retire(worker);
      return;
    }
  };
  std::vector<std::thread> threads;
  for (int w = 0; w < 3; ++w) threads.emplace_back(work, w);
  for (std::thread& t : threads) t.join();
  EXPECT_LE(waits.load(), 12);
}

TEST(Distillation, ItsPriceIsPartOfThePlan) {
  const auto best = contenders_of({4});
  Settings s = timed();
  const int alone = plan_finals(s, best, {89, 1, 3}).epochs;
  s.distil = true;
  EXPECT_NEAR(plan_finals(s, best, {89, 1, 3}).epochs, alone / kTeachingCost, 1.5);
}

}  // namespace
}  // namespace atml::search
