#include "deploy/kernel_store.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/files.h"

namespace atml::deploy {
namespace {

class KernelStore : public testing::Test {
 protected:
  void SetUp() override {
    auto folder = ScratchFolder::create();
    ASSERT_TRUE(folder.ok());
    folder_.emplace(std::move(*folder));
    ::setenv("AUTOTINYML_CACHE", (folder_->path() / "cache").c_str(), 1);
    ASSERT_TRUE(write_scratch_file(at("a"), "first\n\0bytes").ok());
    ASSERT_TRUE(write_scratch_file(at("b"), "").ok());
  }
  void TearDown() override { ::unsetenv("AUTOTINYML_CACHE"); }
  std::filesystem::path at(const char* name) const { return folder_->path() / name; }
  std::filesystem::path entry() const {
    return folder_->path() / "cache/kernels/0000000000000007.bin";
  }
  std::optional<ScratchFolder> folder_;
};

TEST_F(KernelStore, GivesBackWhatWasSaved) {
  EXPECT_FALSE(restore_files(7, {at("c"), at("d")}));
  save_files(7, {at("a"), at("b")});
  ASSERT_TRUE(restore_files(7, {at("c"), at("d")}));
  EXPECT_EQ(*read_file(at("c")), *read_file(at("a")));
  EXPECT_EQ(*read_file(at("d")), "");
  EXPECT_FALSE(restore_files(8, {at("c"), at("d")}));
  EXPECT_FALSE(restore_files(7, {at("c")}));  // another list of files
}

TEST_F(KernelStore, EveryDamageIsNoticed) {
  save_files(7, {at("a"), at("b")});
  const std::string good = *read_file(entry());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    ASSERT_TRUE(write_scratch_file(entry(), damaged).ok());
    EXPECT_FALSE(restore_files(7, {at("c"), at("d")})) << "byte " << i;
    ASSERT_TRUE(write_scratch_file(entry(), good.substr(0, i)).ok());
    EXPECT_FALSE(restore_files(7, {at("c"), at("d")})) << "cut to " << i;
  }
}

TEST_F(KernelStore, CanBeSwitchedOff) {
  ::setenv("AUTOTINYML_CACHE", "off", 1);
  EXPECT_TRUE(cache_folder().empty());
  save_files(7, {at("a")});
  EXPECT_FALSE(restore_files(7, {at("c")}));
}

}  // namespace
}  // namespace atml::deploy
