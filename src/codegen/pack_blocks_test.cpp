#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/random.h"
#include "codegen/memory_plan.h"

namespace atml::codegen {
namespace {

Overlap never() { return {}; }
Overlap exact() { return {Overlap::Kind::kExact, 0}; }
Overlap at_least(std::int64_t d) { return {Overlap::Kind::kAtLeast, d}; }

// A chain: block i is written by operator i - 1 and read by operator i; sizes in units of 4 bytes.
PackProblem chain(const std::vector<std::int64_t>& sizes, const std::function<Overlap(int)>& rule) {
  PackProblem p;
  for (int i = 0; i < static_cast<int>(sizes.size()); ++i)
    p.blocks.push_back({4 * sizes[static_cast<std::size_t>(i)], i - 1, i});
  for (int i = 0; i + 1 < static_cast<int>(sizes.size()); ++i)
    p.shares.push_back({i, i + 1, rule(i)});
  return p;
}

// The lowest top over every assignment of offsets on the 4-byte grid.
std::int64_t exhaustive_top(const PackProblem& p, std::int64_t limit) {
  std::vector<std::int64_t> offsets(p.blocks.size(), 0);
  std::int64_t best = limit;
  const std::function<void(std::size_t, std::int64_t)> place = [&](std::size_t i,
                                                                   std::int64_t top) {
    if (top >= best) return;
    if (i == p.blocks.size()) {
      if (packing_holds(p, offsets)) best = top;
      return;
    }
    for (offsets[i] = 0; offsets[i] + p.blocks[i].size < best; offsets[i] += 4)
      place(i + 1, std::max(top, offsets[i] + p.blocks[i].size));
  };
  place(0, 0);
  return best;
}

TEST(PackBlocks, AChainNeedsItsTwoLargestNeighbours) {
  EXPECT_EQ(pack_blocks(chain({10, 40, 20, 5}, [](int) { return never(); })).top, 4 * 60);
}

TEST(PackBlocks, InPlaceOperatorsNeedOneBuffer) {
  EXPECT_EQ(pack_blocks(chain({40, 40, 40}, [](int) { return exact(); })).top, 4 * 40);
  EXPECT_EQ(pack_blocks(chain({20, 40}, [](int) { return at_least(80); })).top,
            4 * 40);  // input at the end
  EXPECT_EQ(pack_blocks(chain({40, 20}, [](int) { return at_least(0); })).top, 4 * 40);
  EXPECT_EQ(pack_blocks(chain({40, 40}, [](int) { return at_least(8); })).top,
            4 * 42);  // two rows ahead
}

TEST(PackBlocks, SmallGraphsAreOptimal) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    PackProblem p;
    const int count = rng.integer(3, 5);
    for (int i = 0; i < count; ++i) {
      const int first = rng.integer(-1, 3);
      p.blocks.push_back({4 * rng.integer(1, 5), first, first + rng.integer(0, 2)});
    }
    for (int i = 0; i < count; ++i) {
      for (int j = 0; j < count; ++j) {
        const bool meets = p.blocks[static_cast<std::size_t>(i)].last_op ==
                               p.blocks[static_cast<std::size_t>(j)].first_op &&
                           i != j;
        if (!meets || !rng.chance(0.5)) continue;
        p.shares.push_back({i, j, rng.chance(0.3) ? exact() : at_least(4 * rng.integer(-2, 3))});
      }
    }
    const Packing packing = pack_blocks(p);
    ASSERT_TRUE(packing_holds(p, packing.offsets)) << seed;
    EXPECT_LE(packing.bound, packing.top) << seed;
    EXPECT_EQ(packing.top, exhaustive_top(p, packing.top + 4)) << seed;
  }
}

TEST(PackBlocks, LargeGraphsComeNearTheirBound) {
  double total = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    PackProblem p;
    for (int i = 0; i < 40; ++i)
      p.blocks.push_back({4 * rng.integer(1, 100), i - 1, i + (rng.chance(0.2) ? 4 : 0)});
    const Packing packing = pack_blocks(p);
    ASSERT_TRUE(packing_holds(p, packing.offsets));
    total += static_cast<double>(packing.top) / static_cast<double>(packing.bound) / 20;
  }
  EXPECT_LT(total, 1.1);
}

TEST(PackBlocks, AnOverlapAgainstTheRuleIsSeen) {
  const PackProblem p = chain({10, 10}, [](int) { return at_least(8); });
  EXPECT_TRUE(packing_holds(p, {8, 0}));
  EXPECT_FALSE(packing_holds(p, {4, 0}));
  EXPECT_FALSE(packing_holds(p, {0, 4}));
}

}  // namespace
}  // namespace atml::codegen
