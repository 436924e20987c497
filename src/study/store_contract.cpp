#include "study/store_contract.h"

#include <cmath>
#include <limits>
#include <thread>

namespace atml::study {

StudyInfo awkward_info() {
  StudyInfo info;
  info.name = "it's a \"study\"; drop table trial;--";
  info.data_name = "../daten/grün";
  info.data_fingerprint = 0xFEDCBA9876543210ull;
  info.target = "stm32f401re";
  info.space_text = "[lr]\nlow = 1e-4\n";
  info.settings_json = R"({"limits":{"flash":65536}})";
  info.seed = std::numeric_limits<std::uint64_t>::max();
  return info;
}

Trial full_trial(int n) {
  Trial trial;
  trial.number = n;
  trial.configuration.set("blocks", std::int64_t{n + 2});
  trial.configuration.set("lr", 0.1 / (n + 3));  // no short decimal
  trial.configuration.set("whole_real", 2.0 * n);
  trial.configuration.set("stem", std::string("conv ") + std::to_string(n));
  trial.why = "expected improvement 0.0" + std::to_string(n);
  trial.outcome = static_cast<Outcome>(n % 9);
  trial.reason = n % 2 == 0 ? "" : "ram: 3.1 KiB too much\nsecond line";
  trial.constraints = {{"flash", 60000.5 + n, 65536}, {"latency", 0.025 * (n + 1), 0.1}};
  trial.figures = Figures{n + 1,  n + 2,  n + 3,       n + 4,    (std::int64_t{1} << 40) + n,
                          n + 6,  n + 7,  n + 8,       1e-3 * n, 2e-6,
                          n + 11, n + 12, "linked ELF"};
  trial.rungs = {{1 + n, 0.5, 0.49, 1.7, 3.25}, {3 + n, 0.8, 1.0 / 3, 0.6, 9.5}};
  trial.objective = 1.0 / (n + 3);
  trial.seconds = {0.001 * n, 0.3, 12.5, 0.75};
  if (n % 3 == 1) trial.inherits = n - 1;
  if (n % 3 != 0)
    trial.explanation = {.kind = "exploit",
                         .acquisition = "expected \"improvement\"",
                         .mean = 0.7 + 0.01 * n,
                         .deviation = n % 3 == 1 ? std::optional(0.1 / 7) : std::nullopt,
                         .best = 2.0 / 3,
                         .chances = {{"latency", 0.9 / (n + 1)}, {"energy", 1}}};
  return trial;
}

namespace {

void expect_same_number(double a, double b) {
  if (std::isnan(a) && std::isnan(b)) return;
  EXPECT_EQ(a, b);
}

void expect_same_figures(const Figures& a, const Figures& b) {
  EXPECT_EQ(a.flash_bytes, b.flash_bytes);
  EXPECT_EQ(a.ram_bytes, b.ram_bytes);
  EXPECT_EQ(a.arena_bytes, b.arena_bytes);
  EXPECT_EQ(a.stack_bytes, b.stack_bytes);
  EXPECT_EQ(a.instructions, b.instructions);
  EXPECT_EQ(a.cycles_low, b.cycles_low);
  EXPECT_EQ(a.cycles_mid, b.cycles_mid);
  EXPECT_EQ(a.cycles_high, b.cycles_high);
  expect_same_number(a.latency_s, b.latency_s);
  expect_same_number(a.energy_j, b.energy_j);
  EXPECT_EQ(a.macs, b.macs);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.origin, b.origin);
}

void expect_same_lists(const Trial& a, const Trial& b) {
  ASSERT_EQ(a.constraints.size(), b.constraints.size());
  for (std::size_t i = 0; i < a.constraints.size(); ++i) {
    EXPECT_EQ(a.constraints[i].name, b.constraints[i].name);
    expect_same_number(a.constraints[i].used, b.constraints[i].used);
    expect_same_number(a.constraints[i].allowed, b.constraints[i].allowed);
  }
  ASSERT_EQ(a.rungs.size(), b.rungs.size());
  for (std::size_t i = 0; i < a.rungs.size(); ++i) {
    EXPECT_EQ(a.rungs[i].epochs, b.rungs[i].epochs);
    expect_same_number(a.rungs[i].float_metric, b.rungs[i].float_metric);
    expect_same_number(a.rungs[i].objective, b.rungs[i].objective);
    expect_same_number(a.rungs[i].train_loss, b.rungs[i].train_loss);
    expect_same_number(a.rungs[i].seconds, b.rungs[i].seconds);
  }
}

}  // namespace

void expect_same(const Trial& a, const Trial& b) {
  SCOPED_TRACE("trial " + std::to_string(a.number));
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.configuration, b.configuration);
  EXPECT_EQ(a.why, b.why);
  EXPECT_EQ(a.explanation, b.explanation);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.objective, b.objective);
  EXPECT_EQ(a.inherits, b.inherits);
  expect_same_lists(a, b);
  ASSERT_EQ(a.figures.has_value(), b.figures.has_value());
  if (a.figures) expect_same_figures(*a.figures, *b.figures);
  expect_same_number(a.seconds.propose, b.seconds.propose);
  expect_same_number(a.seconds.deploy, b.seconds.deploy);
  expect_same_number(a.seconds.train, b.seconds.train);
  expect_same_number(a.seconds.quantize, b.seconds.quantize);
}

TEST_P(StoreContract, KeepsWhatTheStudyIs) {
  const StoreMaker maker = GetParam()();
  StudyInfo info = awkward_info();
  info.schema = 99;  // not the caller's to say
  auto store = maker.create(info);
  info.schema = kSchemaVersion;
  EXPECT_EQ(*store->info(), info);
  if (maker.reopen) store = maker.reopen(std::move(store));
  EXPECT_EQ(*store->info(), info);
}

TEST_P(StoreContract, NumbersTrialsFromZeroAndIgnoresTheirOwn) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  EXPECT_TRUE(store->trials()->empty());
  for (int n = 0; n < 3; ++n) {
    Trial trial = full_trial(n);
    trial.number = 40 - n;
    EXPECT_EQ(*store->add_trial(trial), n);
  }
  const auto trials = *store->trials();
  ASSERT_EQ(trials.size(), 3u);
  for (int n = 0; n < 3; ++n) expect_same(trials[static_cast<std::size_t>(n)], full_trial(n));
}

TEST_P(StoreContract, KeepsEveryFieldAndEveryOutcome) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  for (int n = 0; n < 9; ++n) ASSERT_TRUE(store->add_trial(full_trial(n)).ok());
  if (maker.reopen) store = maker.reopen(std::move(store));
  const auto trials = *store->trials();
  ASSERT_EQ(trials.size(), 9u);
  for (int n = 0; n < 9; ++n) expect_same(trials[static_cast<std::size_t>(n)], full_trial(n));
}

TEST_P(StoreContract, KeepsAnEmptyTrialEmpty) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  ASSERT_TRUE(store->add_trial(Trial{}).ok());
  const auto trials = *store->trials();
  expect_same(trials.at(0), Trial{});
  EXPECT_FALSE(trials[0].objective.has_value());
  EXPECT_FALSE(trials[0].figures.has_value());
}

TEST_P(StoreContract, UpdateReplacesAllThatWasKnown) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  ASSERT_TRUE(store->add_trial(full_trial(1)).ok());
  Trial other = full_trial(5);
  other.number = 0;
  other.rungs.resize(1);
  other.figures.reset();
  other.objective.reset();
  ASSERT_TRUE(store->update_trial(other).ok());
  const auto trials = *store->trials();
  expect_same(trials.at(0), other);
  expect_same(trials.at(1), full_trial(1));
}

TEST_P(StoreContract, UpdateOfAnUnknownTrialIsAnErrorAndChangesNothing) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  for (const int number : {-1, 1, 7}) {
    Trial trial = full_trial(3);
    trial.number = number;
    const Status status = store->update_trial(trial);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Code::kNotFound);
  }
  ASSERT_EQ(store->trials()->size(), 1u);
  expect_same(store->trials()->at(0), full_trial(0));
}

TEST_P(StoreContract, KeepsNumbersThatAreNone) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  Trial trial = full_trial(0);
  const double infinity = std::numeric_limits<double>::infinity();
  trial.rungs[0].train_loss = std::nan("");
  trial.rungs[1].train_loss = infinity;
  trial.constraints[0].used = -infinity;
  trial.figures->latency_s = std::nan("");
  trial.seconds.train = std::nan("");
  trial.objective = std::nan("");  // comes back as none
  ASSERT_TRUE(store->add_trial(trial).ok());
  if (maker.reopen) store = maker.reopen(std::move(store));
  trial.objective.reset();
  expect_same(store->trials()->at(0), trial);
}

TEST_P(StoreContract, KeepsBlobsOfAnyBytes) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  ASSERT_TRUE(store->add_trial(Trial{}).ok());
  std::string all(300000, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i * 7 + i / 256);
  ASSERT_TRUE(store->put_blob(0, "weights", "first").ok());
  ASSERT_TRUE(store->put_blob(0, "weights", all).ok());
  ASSERT_TRUE(store->put_blob(0, "empty", "").ok());
  if (maker.reopen) store = maker.reopen(std::move(store));
  EXPECT_EQ(**store->get_blob(0, "weights"), all);
  EXPECT_EQ(**store->get_blob(0, "empty"), "");
  EXPECT_FALSE(store->get_blob(0, "model.tflite")->has_value());
  EXPECT_FALSE(store->get_blob(9, "weights")->has_value());
  ASSERT_TRUE(store->delete_blob(0, "weights").ok());
  EXPECT_TRUE(store->delete_blob(0, "weights").ok());
  EXPECT_FALSE(store->get_blob(0, "weights")->has_value());
  EXPECT_TRUE(store->get_blob(0, "empty")->has_value());
}

TEST_P(StoreContract, ABlobNeedsItsTrial) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  const Status status = store->put_blob(0, "weights", "w");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kNotFound);
}

TEST_P(StoreContract, UpdateKeepsBlobs) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  ASSERT_TRUE(store->put_blob(0, "checkpoint", "c").ok());
  ASSERT_TRUE(store->update_trial(full_trial(0)).ok());
  EXPECT_EQ(**store->get_blob(0, "checkpoint"), "c");
}

TEST_P(StoreContract, KeepsNotes) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  EXPECT_FALSE(store->get_note("winner")->has_value());
  ASSERT_TRUE(store->put_note("winner", "{}").ok());
  ASSERT_TRUE(store->put_note("winner", R"({"trial": 3, "name": "é"})").ok());
  if (maker.reopen) store = maker.reopen(std::move(store));
  EXPECT_EQ(**store->get_note("winner"), R"({"trial": 3, "name": "é"})");
}

TEST_P(StoreContract, ThreadsShareIt) {
  const StoreMaker maker = GetParam()();
  auto store = maker.create(awkward_info());
  constexpr int kThreads = 4, kTrials = 12;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTrials; ++i) {
        Trial trial = full_trial(0);
        trial.number = *store->add_trial(trial);
        trial.why = "of " + std::to_string(trial.number);
        EXPECT_TRUE(store->update_trial(trial).ok());
        EXPECT_TRUE(store->put_blob(trial.number, "b", trial.why).ok());
        EXPECT_TRUE(store->trials().ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto trials = *store->trials();
  ASSERT_EQ(trials.size(), static_cast<std::size_t>(kThreads * kTrials));
  for (int n = 0; n < kThreads * kTrials; ++n) {
    EXPECT_EQ(trials[static_cast<std::size_t>(n)].number, n);
    EXPECT_EQ(trials[static_cast<std::size_t>(n)].why, "of " + std::to_string(n));
    EXPECT_EQ(**store->get_blob(n, "b"), "of " + std::to_string(n));
  }
}

}  // namespace atml::study
