#include <gtest/gtest.h>

#include "base/process.h"

namespace atml {
namespace {

ProcessResult shell(const std::string& script, double timeout = 10, std::size_t limit = 1 << 20) {
  Command command;
  command.argv = {"sh", "-c", script};
  command.timeout = Seconds(timeout);
  command.output_limit = limit;
  auto result = run_process(command);
  EXPECT_TRUE(result.ok());
  return *result;
}

TEST(Process, CollectsBothStreamsAndTheCode) {
  const ProcessResult result = shell("echo out; echo err >&2; exit 3");
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.ending(), "exited with code 3");
}

TEST(Process, FeedsInput) {
  Command command;
  command.argv = {"cat"};
  command.input = std::string(300000, 'x');
  EXPECT_EQ(run_process(command)->out, command.input);
}

TEST(Process, InputToAProgramThatDoesNotReadIsNoCrash) {
  Command command;
  command.argv = {"true"};
  command.input = std::string(3000000, 'x');
  EXPECT_TRUE(run_process(command)->succeeded());
}

TEST(Process, TimeOutKillsGrandchildrenToo) {
  const ProcessResult result = shell("sleep 30 & sleep 30", 0.3);
  EXPECT_TRUE(result.timed_out);
  EXPECT_LT(result.duration.value, 5);
}

TEST(Process, ABackgroundChildHoldingThePipeDoesNotHangUs) {
  const ProcessResult result = shell("sleep 30 & exit 0", 0.5);
  EXPECT_LT(result.duration.value, 5);
}

TEST(Process, AStopEndsTheChildEarly) {
  Command command;
  command.argv = {"sh", "-c", "sleep 30"};
  int asked = 0;
  command.stop = [&] { return ++asked > 2; };
  const auto result = run_process(command);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->timed_out);
  EXPECT_TRUE(result->stopped);
  EXPECT_LT(result->duration.value, 5);
}

TEST(Process, SignalsAreReported) {
  const ProcessResult result = shell("kill -SEGV $$");
  EXPECT_EQ(result.signal, 11);
  EXPECT_FALSE(result.succeeded());
}

TEST(Process, FloodsOfOutputAreCut) {
  const ProcessResult result = shell("yes | head -c 5000000", 20, 1000);
  EXPECT_EQ(result.out.size(), 1000u);
  EXPECT_TRUE(result.truncated);
}

TEST(Process, UnknownProgramIsAnErrorWithARemedy) {
  Command command;
  command.argv = {"no-such-program-here"};
  const auto result = run_process(command);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kNotFound);
  EXPECT_NE(result.error().message.find("doctor"), std::string::npos);
}

TEST(Process, CommandTextIsCopyPastable) {
  Command command;
  command.argv = {"echo", "a b", "it's"};
  EXPECT_EQ(command.text(), R"(echo 'a b' 'it'\''s')");
}

}  // namespace
}  // namespace atml
