// The space has the stated number of networks with distinct keys; damaged tables are refused.
#include <set>

#include <gtest/gtest.h>

#include "base/files.h"
#include "tabulated.h"

namespace atml::bench {
namespace {

TEST(Tabulated, EveryNetworkOnceWithAKeyOfItsOwn) {
  const auto space = space::load_space(ATML_SOURCE_DIR "/bench/architectures/space.toml");
  ASSERT_TRUE(space.ok()) << space.error().message;
  const auto all = enumerate(*space);
  ASSERT_TRUE(all.ok()) << all.error().message;
  // 3 blocks, 2 kernels, 3 stems, 4 x 4 widths, 1 + 3 choices of a third stage, 2 heads.
  EXPECT_EQ(all->size(), 3u * 2 * 3 * 4 * 4 * (1 + 3) * 2);
  std::set<std::string> keys;
  for (const auto& c : *all) {
    ASSERT_TRUE(space->contains(c).ok());
    keys.insert(key_of(*space, c));
  }
  EXPECT_EQ(keys.size(), all->size());
}

TEST(Tabulated, TableRoundTripAndDamage) {
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  const std::string path = (folder->path() / "table.csv").string();
  const std::string good = line_of("", {}) + line_of("012-0", {{0.75, 0.77}, 12000, 4000, 12.5});
  ASSERT_TRUE(write_file(path, good).ok());
  const auto table = read_table(path);
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_NEAR(table->at("012-0").mean_accuracy(), 0.76, 1e-12);
  EXPECT_EQ(table->at("012-0").flash_bytes, 12000);

  ASSERT_TRUE(write_file(path, good + "0120").ok());
  EXPECT_FALSE(read_table(path).ok());
  EXPECT_EQ(read_table(path, true)->size(), 1u);
  ASSERT_TRUE(write_file(path, good + "0120,nan?,0.5,1,1,1\n").ok());
  EXPECT_NE(read_table(path, true).error().message.find("line 3"), std::string::npos);
  ASSERT_TRUE(write_file(path, good + good.substr(good.find('\n') + 1)).ok());
  EXPECT_NE(read_table(path).error().message.find("twice"), std::string::npos);
}

TEST(Tabulated, TheCommittedTableIsOfTheSpace) {
  const auto space = space::load_space(ATML_SOURCE_DIR "/bench/architectures/space.toml");
  const auto table = read_table(ATML_SOURCE_DIR "/bench/architectures/table.csv");
  ASSERT_TRUE(space.ok());
  ASSERT_TRUE(table.ok()) << table.error().message;
  std::set<std::string> keys;
  const auto all = enumerate(*space);
  ASSERT_TRUE(all.ok()) << all.error().message;
  for (const auto& c : *all) keys.insert(key_of(*space, c));
  for (const auto& [key, entry] : *table) {
    EXPECT_TRUE(keys.contains(key)) << key;
    EXPECT_GT(entry.mean_accuracy(), 0.09) << key;  // ten classes: worse than guessing is a damage
    EXPECT_LT(entry.mean_accuracy(), 0.95) << key;
  }
}

}  // namespace
}  // namespace atml::bench
