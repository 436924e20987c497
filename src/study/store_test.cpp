#include "study/store.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/random.h"
#include "study/store_contract.h"

namespace atml::study {
namespace {

namespace fs = std::filesystem;

StoreMaker memory_maker() {
  return {"memory", [](const StudyInfo& info) { return create_store(":memory:", info).value(); },
          nullptr};
}

StoreMaker sqlite_maker() {
  auto folder = std::make_shared<ScratchFolder>(ScratchFolder::create().value());
  const std::string path = (folder->path() / "study.db").string();
  return {"sqlite", [=](const StudyInfo& info) { return create_store(path, info).value(); },
          [=](std::unique_ptr<Store> store) {
            store.reset();
            (void)folder;  // lives as long as the maker
            return open_store(path).value();
          }};
}

std::string maker_name(const testing::TestParamInfo<std::function<StoreMaker()>>& test) {
  return test.param().name;
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::Values(memory_maker, sqlite_maker),
                         maker_name);

/// A folder and a study file in it.
class SqliteFile : public testing::Test {
 protected:
  std::string path(const std::string& name = "study.db") const {
    return (folder_.path() / name).string();
  }
  std::unique_ptr<Store> make() { return create_store(path(), awkward_info()).value(); }
  std::string open_error(const std::string& name = "study.db") {
    const auto store = open_store(path(name));
    return store.ok() ? "opened" : store.error().message;
  }
  ScratchFolder folder_ = ScratchFolder::create().value();
};

TEST(Outcomes, HaveAWordEach) {
  EXPECT_EQ(to_string(Outcome::kRunning), "running");
  EXPECT_EQ(to_string(Outcome::kBuildFailed), "build failed");
  EXPECT_EQ(to_string(Outcome::kFailed), "failed");
}

TEST(StoreUrls, AreRefusedWithTheRemedyWhereNotBuiltIn) {
  const auto store = open_store("mongodb://host/study");
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kUnsupported);
  EXPECT_TRUE(store.error().message.starts_with(
      "studies under 'mongodb://' are not built in; give a file on a local disk, as in study.db"))
      << store.error().message;
  EXPECT_EQ(open_store("").error().code, Code::kInvalidArgument);
  EXPECT_EQ(open_store(":memory:").error().code, Code::kNotFound);
}

TEST_F(SqliteFile, CreatingTwiceKeepsTheFirst) {
  auto store = make();
  ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
  const auto second = create_store(path(), StudyInfo{});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kAlreadyExists);
  EXPECT_EQ(second.error().message,
            fmt::format("the study '{}' exists; resume it or choose another name", path()));
  EXPECT_EQ(store->trials()->size(), 1u);
}

TEST_F(SqliteFile, LeavesNothingBesideItWhenClosed) {
  make().reset();
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    names.push_back(entry.path().filename());
  EXPECT_EQ(names, std::vector<std::string>{"study.db"});
}

TEST_F(SqliteFile, AnOldLogIsNotReplayedIntoANewStudy) {
  {
    auto store = make();
    ASSERT_TRUE(store->add_trial(full_trial(0)).ok());
    fs::copy_file(path() + "-wal", path("kept"));
  }
  fs::remove(path());
  fs::rename(path("kept"), path() + "-wal");
  auto store = make();
  EXPECT_TRUE(store->trials()->empty());
}

TEST_F(SqliteFile, MissingFolderAndFile) {
  EXPECT_EQ(open_error("none.db"),
            fmt::format("no study '{}': there is no such file", path("none.db")));
  const auto store = create_store(path("no/such/study.db"), StudyInfo{});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code, Code::kNotFound);
}

TEST_F(SqliteFile, ForeignFilesAreRefused) {
  ASSERT_TRUE(write_file(path("text.db"), "hello, this is no database").ok());
  EXPECT_EQ(open_error("text.db"),
            fmt::format("'{}' is no study: it is not an SQLite file", path("text.db")));
  ASSERT_TRUE(write_file(path("empty.db"), "").ok());
  EXPECT_EQ(open_error("empty.db"),
            fmt::format("'{}' is no study: it is not an SQLite file", path("empty.db")));
  ASSERT_TRUE(make_directories(path("folder.db")).ok());
  EXPECT_EQ(open_error("folder.db"),
            fmt::format("'{}' is no study: it is not a regular file", path("folder.db")));
}

TEST_F(SqliteFile, ATruncatedStudyIsAnErrorNotACrash) {
  {
    auto store = make();
    for (int n = 0; n < 20; ++n) ASSERT_TRUE(store->add_trial(full_trial(n)).ok());
  }
  const std::string bytes = *read_file(path());
  for (const std::size_t size :
       {bytes.size() / 2, std::size_t{5000}, std::size_t{100}, std::size_t{20}}) {
    ASSERT_TRUE(write_file(path("cut.db"), bytes.substr(0, size)).ok());
    const auto store = open_store(path("cut.db"));
    if (!store.ok()) {
      EXPECT_EQ(store.error().code, Code::kParse) << store.error().message;
      continue;
    }
    const auto trials = (*store)->trials();
    ASSERT_FALSE(trials.ok()) << size;
    EXPECT_EQ(trials.error().code, Code::kParse) << trials.error().message;
  }
}

TEST_F(SqliteFile, ManyDamagedStudiesAreErrorsNotCrashes) {
  {
    auto store = make();
    for (int n = 0; n < 20; ++n) ASSERT_TRUE(store->add_trial(full_trial(n)).ok());
  }
  const std::string bytes = *read_file(path());
  Rng rng(7);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string damaged = bytes;
    for (int i = 0; i < 20; ++i)
      damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    ASSERT_TRUE(write_scratch_file(path("damaged.db"), damaged).ok());
    const auto store = open_store(path("damaged.db"));
    if (!store.ok() || !(*store)->trials().ok()) ++refused;
  }
  EXPECT_GT(refused, 30);
}

}  // namespace
}  // namespace atml::study
