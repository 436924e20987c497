#include "target/target.h"

#include <gtest/gtest.h>

#include "base/files.h"

namespace atml::target {
namespace {

TEST(Target, ReadsTheF401) {
  const auto target = find_target("stm32f401re");
  ASSERT_TRUE(target.ok()) << target.error().message;
  EXPECT_EQ(target->flash.origin, 0x08000000u);
  EXPECT_EQ(target->flash.size, Bytes(512 * 1024));
  EXPECT_EQ(target->ram.size, Bytes(96 * 1024));
  EXPECT_DOUBLE_EQ(target->clock_hz, 84e6);
}

}  // namespace
}  // namespace atml::target
