// What only the SQLite store has: crashes, full disks, other processes, schema versions.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/files.h"
#include "base/random.h"
#include "study/sql_store.h"
#include "study/sqlite_database.h"
#include "study/store_contract.h"

namespace atml::study {
namespace {

class Sqlite : public testing::Test {
 protected:
  std::string path() const { return (folder_.path() / "study.db").string(); }
  std::unique_ptr<Store> make() { return create_store(path(), awkward_info()).value(); }
  void sql(const std::string& script) {
    const auto database = open_sqlite(path());
    ASSERT_TRUE(database.ok());
    const Status status = (*database)->run_script(script);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  ScratchFolder folder_ = ScratchFolder::create().value();
};

/// Adds and updates trials for ever; after each finished call writes the trial's number and state
/// to the pipe, so that the parent knows what the store had acknowledged.
[[noreturn]] void write_trials_until_killed(const std::string& path, int pipe) {
  auto store = open_store(path);
  if (!store.ok()) ::_exit(3);
  while (true) {
    const auto number = (*store)->add_trial(full_trial(0));
    if (!number.ok()) ::_exit(4);
    std::int32_t message[2] = {*number, 0};
    if (::write(pipe, message, sizeof message) < 0) ::_exit(5);
    Trial trial = full_trial(1 + *number % 7);
    trial.number = *number;
    if (!(*store)->put_blob(*number, "weights", std::string(20000, 'w')).ok()) ::_exit(6);
    if (!(*store)->update_trial(trial).ok()) ::_exit(7);
    message[1] = 1;
    if (::write(pipe, message, sizeof message) < 0) ::_exit(5);
  }
}

/// The state of each trial that the child had been told is safe: 0 added, 1 updated.
std::vector<int> read_acknowledged(int pipe, std::vector<int> known) {
  std::int32_t message[2];
  while (::read(pipe, message, sizeof message) == static_cast<ssize_t>(sizeof message)) {
    known.resize(std::max(known.size(), static_cast<std::size_t>(message[0]) + 1), 0);
    known[static_cast<std::size_t>(message[0])] = message[1];
  }
  return known;
}

TEST_F(Sqlite, KilledAtAnyMomentItHoldsEveryAcknowledgedTrial) {
  make().reset();
  Rng rng(11);
  std::vector<int> known;
  for (int round = 0; round < 25; ++round) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) write_trials_until_killed(path(), ends[1]);
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(5000 + rng.below(60000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);
    known = read_acknowledged(ends[0], std::move(known));
    ::close(ends[0]);

    const auto store = open_store(path());
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto trials = *(*store)->trials();
    ASSERT_GE(trials.size(), known.size());
    ASSERT_LE(trials.size(), known.size() + 1);  // at most one was committed but not yet told
    for (std::size_t n = 0; n < trials.size(); ++n) {
      // Either the first or the second state, never a mixture.
      const bool updated = trials[n].why != full_trial(0).why;
      Trial expected = full_trial(updated ? 1 + static_cast<int>(n) % 7 : 0);
      expected.number = static_cast<int>(n);
      expect_same(trials[n], expected);
      EXPECT_TRUE(updated || n >= known.size() || known[n] == 0) << n;
    }
    known.resize(trials.size(), 0);
  }
  EXPECT_GT(known.size(), 25u) << "the children got nothing done";
}

TEST_F(Sqlite, AFullDatabaseIsAnErrorWithRemedyAndLosesNothing) {
  make().reset();
  auto database = open_sqlite(path());
  ASSERT_TRUE(database.ok());
  ASSERT_TRUE((*database)->run("PRAGMA max_page_count = 60", {}).ok());
  auto store = open_sql_store(std::move(*database)).value();
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  const Status status = store->put_blob(0, "weights", std::string(1 << 20, 'w'));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kIo);
  EXPECT_EQ(
      status.error().message,
      fmt::format(
          "study '{}': database or disk is full; free some space and resume, what was recorded "
          "before is kept",
          path()));
  EXPECT_FALSE(store->get_blob(0, "weights")->has_value());
  ASSERT_TRUE(store->add_trial(full_trial(1)).ok()) << "small writes must go on";
  store.reset();
  const auto trials = open_store(path()).value()->trials().value();
  ASSERT_EQ(trials.size(), 2u);
  expect_same(trials[0], full_trial(0));
  expect_same(trials[1], full_trial(1));
}

/// In a child whose files cannot grow beyond 300 kB: exit code 0 where the store reported it well.
int fill_limited_disk(const std::string& path) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{300000, 300000};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  auto store = open_store(path);
  if (!store.ok()) return 1;
  for (int n = 0; n < 100; ++n) {
    const auto added = (*store)->add_trial(full_trial(n));
    const Status status =
        added.ok() ? (*store)->put_blob(n, "weights", std::string(20000, 'w')) : added.error();
    if (status.ok()) continue;
    const bool clear =
        status.error().code == Code::kIo &&
        status.error().message.find("what was recorded before is kept") != std::string::npos;
    return clear && n >= 3 ? 0 : 3;
  }
  return 4;
}

TEST_F(Sqlite, AFailingWriteIsAnErrorWithRemedyAndLosesNothing) {
  make().reset();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(fill_limited_disk(path()));
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  auto store = open_store(path()).value();
  const auto trials = *store->trials();
  ASSERT_GE(trials.size(), 3u);
  for (std::size_t n = 0; n + 1 < trials.size(); ++n) {
    expect_same(trials[n], full_trial(static_cast<int>(n)));
    EXPECT_EQ((*store->get_blob(static_cast<int>(n), "weights"))->size(), 20000u);
  }
  EXPECT_TRUE(store->add_trial(full_trial(0)).ok()) << "with room again, it goes on";
}

TEST_F(Sqlite, OtherProcessesReadWhileOneWrites) {
  make().reset();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) write_trials_until_killed(path(), ends[1]);
  ::close(ends[1]);
  std::size_t seen = 0;
  int growing = 0;
  for (int i = 0; i < 40; ++i) {
    auto store = open_store(path());
    ASSERT_TRUE(store.ok()) << store.error().message;
    const auto trials = (*store)->trials();
    ASSERT_TRUE(trials.ok()) << trials.error().message;
    ASSERT_GE(trials->size(), seen);
    for (const Trial& trial : *trials) ASSERT_EQ(trial.rungs.size(), 2u);
    growing += trials->size() > seen;
    seen = trials->size();
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  EXPECT_GE(growing, 3);
}

TEST_F(Sqlite, TwoProcessesWriteInTurns) {
  make().reset();
  constexpr int kChildren = 3, kTrials = 20;
  std::vector<pid_t> children;
  for (int c = 0; c < kChildren; ++c) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = open_store(path());
      if (!store.ok()) ::_exit(1);
      for (int i = 0; i < kTrials; ++i) {
        if (!(*store)->add_trial(full_trial(c)).ok()) ::_exit(2);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const auto trials = open_store(path()).value()->trials().value();
  ASSERT_EQ(trials.size(), static_cast<std::size_t>(kChildren * kTrials));
  EXPECT_EQ(trials.back().number, kChildren * kTrials - 1);
}

TEST_F(Sqlite, AStudyOfVersion1IsMigrated) {
  auto store = make();
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  store.reset();
  sql("ALTER TABLE trial DROP COLUMN explanation; ALTER TABLE trial DROP COLUMN inherits; "
      "UPDATE schema_version SET version = 1");
  store = open_store(path()).value();
  expect_same(store->trials().value().at(0), full_trial(0));
  ASSERT_TRUE(store->add_trial(full_trial(1)).ok());
  expect_same(store->trials().value().at(1), full_trial(1));
  EXPECT_EQ(store->trials().value().at(1).inherits, 0);
}

TEST_F(Sqlite, AStudyOfVersion2IsMigratedAndExplainsItsNewTrials) {
  auto store = make();
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  store.reset();
  sql("ALTER TABLE trial DROP COLUMN explanation; UPDATE schema_version SET version = 2");
  store = open_store(path()).value();
  EXPECT_EQ(store->trials().value().at(0).explanation, Explanation{});
  ASSERT_TRUE(store->add_trial(full_trial(1)).ok());
  expect_same(store->trials().value().at(1), full_trial(1));
  EXPECT_EQ(store->trials().value().at(1).explanation.mean, 0.71);
}

TEST_F(Sqlite, ADamagedExplanationIsNamed) {
  auto store = make();
  ASSERT_TRUE(store->add_trial(full_trial(1)).ok());
  store.reset();
  sql("UPDATE trial SET explanation = '{\"kind\"'");
  const auto trials = open_store(path()).value()->trials();
  ASSERT_FALSE(trials.ok());
  EXPECT_NE(trials.error().message.find("explanation of trial 0: "), std::string::npos)
      << trials.error().message;
}

TEST_F(Sqlite, ANewerSchemaIsRefusedAndLeftAlone) {
  make().reset();
  sql("UPDATE schema_version SET version = 7");
  const auto store = open_store(path());
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kUnsupported);
  EXPECT_EQ(store.error().message, fmt::format("study '{}' was written by a newer autotinyml: its "
                                               "schema is 7, this program knows 3; use "
                                               "the newer program",
                                               path()));
}

TEST_F(Sqlite, AnotherProgramsDatabaseIsRefused) {
  make().reset();
  sql("PRAGMA application_id = 5");
  const auto store = open_store(path());
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().message,
            fmt::format("'{}' is no study: it is an SQLite file of another program", path()));
}

TEST_F(Sqlite, AnUnknownOutcomeIsRefused) {
  auto store = make();
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  sql("INSERT INTO outcome VALUES (42, 'odd'); UPDATE trial SET outcome = 42");
  const auto trials = store->trials();
  ASSERT_FALSE(trials.ok());
  EXPECT_EQ(trials.error().message,
            fmt::format("study '{}': trial 0 has the unknown outcome 42", path()));
}

TEST_F(Sqlite, TheWordsInTheFileAreThoseOfTheProgram) {
  make().reset();
  const auto database = open_sqlite(path());
  const auto rows = *(*database)->run("SELECT outcome, word FROM outcome ORDER BY outcome", {});
  ASSERT_EQ(rows.size(), 9u);
  for (const Row& row : rows)
    EXPECT_EQ(text(row[1]), to_string(static_cast<Outcome>(whole(row[0]))));
}

TEST_F(Sqlite, ATrialNamedByABlobCannotVanish) {
  auto store = make();
  ASSERT_TRUE(store->add_trial(Trial{}).ok());
  ASSERT_TRUE(store->put_blob(0, "weights", "w").ok());
  const auto database = open_sqlite(path());
  EXPECT_FALSE((*database)->run_script("DELETE FROM trial").ok());
}

TEST(NetworkFileSystems, AreKnown) {
  EXPECT_TRUE(is_network_file_system(0x6969));
  EXPECT_TRUE(is_network_file_system(0x0BD00BD0));
  EXPECT_FALSE(is_network_file_system(0xEF53));      // ext4
  EXPECT_FALSE(is_network_file_system(0x01021994));  // tmpfs
}

}  // namespace
}  // namespace atml::study
