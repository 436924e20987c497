// The PostgreSQL store, against the server that ATML_TEST_POSTGRES names (postgresql://...);
// skipped without one. Each test makes and removes a study of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "study/postgres_database.h"
#include "study/store_contract.h"

namespace atml::study {
namespace {

const char* server() { return std::getenv("ATML_TEST_POSTGRES"); }

/// A URL of a study that no other test has.
std::string fresh_url() {
  static int count = 0;
  const std::string url = server() == nullptr ? "" : server();
  return fmt::format("{}{}study=atml_test_{}_{}", url,
                     url.find('?') == std::string::npos ? "?" : "&", ::getpid(), count++);
}

/// Removes the study when the last user of the maker is gone.
StoreMaker postgres_maker() {
  const std::shared_ptr<std::string> url(new std::string(fresh_url()), [](std::string* text) {
    EXPECT_TRUE(drop_postgres(*text).ok());
    delete text;
  });
  return {"postgres", [=](const StudyInfo& info) { return create_store(*url, info).value(); },
          [=](std::unique_ptr<Store> store) {
            store.reset();
            return open_store(*url).value();
          }};
}

// Without a server there is nothing to instantiate, and the suite is not an error.
INSTANTIATE_TEST_SUITE_P(
    Postgres, StoreContract,
    testing::ValuesIn(server() == nullptr
                          ? std::vector<std::function<StoreMaker()>>{}
                          : std::vector<std::function<StoreMaker()>>{postgres_maker}),
    [](const auto&) { return std::string("postgres"); });

class Postgres : public testing::Test {
 protected:
  void SetUp() override {
    if (server() == nullptr) GTEST_SKIP() << "ATML_TEST_POSTGRES names no server";
    url_ = fresh_url();
  }
  void TearDown() override {
    if (server() == nullptr) return;
    EXPECT_TRUE(drop_postgres(url_).ok());
  }
  std::string url_;
};

TEST(PostgresUrls, AreCheckedBeforeConnecting) {
  EXPECT_EQ(
      open_store("postgresql://me:secret@host/db?study=a;b").error().message,
      "'postgresql://me@host/db?study=a;b': the study 'a;b' must have 1 to 63 of a-z, 0-9 and _");
  EXPECT_FALSE(is_postgres_url("study.db"));
}

TEST(PostgresUrls, ADeadServerIsUnavailable) {
  const auto store = open_store("postgresql://me:secret@127.0.0.1:1/db");
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kUnavailable);
  EXPECT_EQ(store.error().message.find("secret"), std::string::npos);
  EXPECT_NE(store.error().message.find("check the server and the address, then resume"),
            std::string::npos);
}

TEST_F(Postgres, CreatingTwiceAndOpeningNone) {
  EXPECT_EQ(open_store(url_).error().code, Code::kNotFound);
  auto store = create_store(url_, awkward_info()).value();
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  EXPECT_EQ(create_store(url_, awkward_info()).error().code, Code::kAlreadyExists);
  EXPECT_EQ(store->trials()->size(), 1u);
}

TEST_F(Postgres, TextThatIsNoUtf8IsKeptAsFarAsItIs) {
  auto store = create_store(url_, awkward_info()).value();
  Trial trial = full_trial(0);
  trial.reason = std::string("gcc: \xFF\xC3 caf\xC3\xA9 \0 end", 19);
  ASSERT_TRUE(store->add_trial(trial).ok());
  EXPECT_EQ(store->trials()->at(0).reason, "gcc: ?? caf\xC3\xA9 ? end");
}

TEST_F(Postgres, ALostConnectionIsMadeAnew) {
  auto store = create_store(url_, awkward_info()).value();
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  auto other = open_postgres(url_).value();
  ASSERT_TRUE(
      other
          ->run_script("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                       "pg_backend_pid() "
                       "AND application_name = 'autotinyml' AND datname = current_database()")
          .ok());
  const auto lost = store->add_trial(full_trial(1));
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code, Code::kUnavailable);
  EXPECT_EQ(*store->add_trial(full_trial(1)), 1);
  EXPECT_EQ(store->trials()->size(), 2u);
}

TEST_F(Postgres, WorkersOfManyProcessesNumberWithoutGaps) {
  create_store(url_, awkward_info()).value().reset();
  constexpr int kChildren = 4, kTrials = 15;
  std::vector<pid_t> children;
  for (int c = 0; c < kChildren; ++c) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = open_store(url_);
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
  const auto trials = open_store(url_).value()->trials().value();
  ASSERT_EQ(trials.size(), static_cast<std::size_t>(kChildren * kTrials));
  EXPECT_EQ(trials.back().number, kChildren * kTrials - 1);
}

}  // namespace
}  // namespace atml::study
