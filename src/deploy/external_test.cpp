#include "deploy/external.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "deploy/oracle_choice.h"
#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

// One dense layer: the smallest model there is.
quantize::Int8Model tiny_model() {
  network::Network network({1, 1, 4});
  EXPECT_TRUE(network.add(network::Dense{.units = 2}, {0}).ok());
  return quantize::random_model(network, 1);
}

target::Target small_part() {
  target::Target part;
  part.name = "part";
  part.flash.size = Bytes(1000);
  part.ram.size = Bytes(500);
  return part;
}

// An oracle whose command is this shell text; it sees the path of the model as its last word.
Result<Deployability> ask(const std::string& script, double timeout = 10,
                          std::optional<Seconds> latency = {}) {
  ExternalOracle oracle({.command = script, .timeout = Seconds(timeout)},
                        [](const quantize::Int8Model& model) -> Result<std::string> {
                          return "bytes of " + model.name;
                        });
  target::Limits limits = full_limits(small_part());
  limits.latency = latency;
  return oracle.check(tiny_model(), small_part(), limits, StopToken());
}

std::string answer(const std::string& figures) {
  return R"(f() { printf '{"model":"%s",)" + figures + R"(}\n' "$AUTOTINYML_MODEL_ID"; }; f)";
}

std::string reason_of(const std::string& script, double timeout = 10) {
  const auto d = ask(script, timeout);
  EXPECT_TRUE(d.ok()) << d.error().message;
  EXPECT_FALSE(d.ok() && d->computable);
  return d.ok() ? d->reason : "";
}

TEST(External, AGoodAnswerIsJudgedAgainstTheLimits) {
  const auto d = ask(answer(
      R"("flash_bytes":900,"ram_bytes":600,"arena_bytes":400,"latency_ms":2.5,"cycles":{"low":1,"mid":2,"high":3})"));
  ASSERT_TRUE(d.ok()) << d.error().message;
  ASSERT_TRUE(d->computable) << d->reason;
  EXPECT_EQ(d->flash, Bytes(900));
  EXPECT_EQ(d->statics, Bytes(200));
  EXPECT_DOUBLE_EQ(d->latency.value, 0.0025);
  EXPECT_EQ(d->cycles.high, Cycles(3));
  ASSERT_EQ(d->violations.size(), 1u);
  EXPECT_EQ(d->violations[0].limit, Limit::kRam);
}

TEST(External, SeesTheModelTheTargetAndTheLimits) {
  const auto d = ask(
      R"sh(f() { test "$(cat "$1")" = "bytes of model" && test "$AUTOTINYML_TARGET" = part && test "$AUTOTINYML_RAM" = 500 || exit 5
    printf '{"model":"%s","flash_bytes":1,"ram_bytes":1}' "$AUTOTINYML_MODEL_ID"; }; f)sh");
  ASSERT_TRUE(d.ok());
  EXPECT_TRUE(d->deployable()) << d->reason;
}

TEST(External, TalkBeforeTheAnswerIsAllowed) {
  EXPECT_TRUE(ask("echo Welcome to vendor tool 1.0; " + answer(R"("flash_bytes":1,"ram_bytes":1)"))
                  ->deployable());
}

TEST(External, ARefusalKeepsItsReason) {
  EXPECT_EQ(
      reason_of(answer(R"("computable":false,"reason":"operator 3 (softmax) is not supported")")),
      "operator 3 (softmax) is not supported");
}

TEST(External, AHangEndsAtTheTimeOut) {
  const double start = now_seconds();
  EXPECT_NE(reason_of("sleep 60; true", 0.3).find("was stopped after"), std::string::npos);
  EXPECT_LT(now_seconds() - start, 20);
}

TEST(External, AHangWithGrandchildrenEndsToo) {
  const double start = now_seconds();
  EXPECT_NE(reason_of("(sleep 60 & sleep 60 & wait); true", 0.3).find("was stopped after"),
            std::string::npos);
  EXPECT_LT(now_seconds() - start, 20);
}

TEST(External, ACrashIsAReason) {
  EXPECT_EQ(reason_of("kill -SEGV $$; true"),
            "the command was killed by signal 11 (Segmentation fault)");
  EXPECT_EQ(reason_of("kill -KILL $$; true"), "the command was killed by signal 9 (Killed)");
  EXPECT_EQ(reason_of("echo licence expired >&2; exit 3;"),
            "the command exited with code 3: licence expired");
}

TEST(External, MegabytesOfOutputAreRefused) {
  EXPECT_EQ(reason_of("head -c 30000000 /dev/zero | tr '\\0' x; true"),
            "the command printed more than 1 MiB");
}

TEST(External, NonsenseIsRefusedWithWhatIsWrong) {
  const std::string prefix = "the command's answer is not usable: ";
  EXPECT_EQ(reason_of("true"), prefix + "it printed nothing");
  EXPECT_EQ(reason_of("echo no json; true"), prefix + "it printed no JSON object: 'no json'");
  EXPECT_EQ(reason_of("echo 12; true"), prefix + "it printed no JSON object: '12'");
  EXPECT_NE(reason_of(answer(R"("flash_bytes":NaN,"ram_bytes":1)")).find("no JSON object"),
            std::string::npos);
  EXPECT_EQ(reason_of(answer(R"("flash_bytes":1)")), prefix + "'ram_bytes' is missing");
  EXPECT_EQ(reason_of(answer(R"("flash_bytes":-5,"ram_bytes":1)")),
            prefix + "'flash_bytes' is -5, expected 0 to 1000000000000");
  EXPECT_EQ(reason_of(answer(R"("flash_bytes":1.5,"ram_bytes":1)")),
            prefix + "'flash_bytes' is 1.5, expected whole bytes");
  EXPECT_EQ(reason_of(answer(R"("flash_bytes":1e300,"ram_bytes":1)")),
            prefix + "'flash_bytes' is 1e+300, expected 0 to 1000000000000");
  EXPECT_EQ(reason_of(answer(R"("flash_bytes":"9","ram_bytes":1)")),
            prefix + "'flash_bytes' is no number");
  EXPECT_EQ(reason_of(answer(R"("flash_bytes":9,"ram_bytes":1,"arena_bytes":2)")),
            prefix + "'arena_bytes' and 'stack_bytes' are more than 'ram_bytes'");
  EXPECT_EQ(reason_of(answer(R"("flash_bytes":9,"ram_bytes":1,"cycles":{"low":5,"mid":2})")),
            prefix + "'cycles' are not in the order low, mid, high");
}

TEST(External, AnAnswerForAnotherModelIsRefused) {
  EXPECT_NE(reason_of(R"(echo '{"model":"0123456789abcdef","flash_bytes":1,"ram_bytes":1}'; true)")
                .find("it is for model '0123456789abcdef', asked was '"),
            std::string::npos);
  EXPECT_NE(reason_of(R"(echo '{"flash_bytes":1,"ram_bytes":1}'; true)").find("'model' is missing"),
            std::string::npos);
}

TEST(External, ALatencyLimitNeedsALatency) {
  const auto d = ask(answer(R"("flash_bytes":1,"ram_bytes":1)"), 10, Seconds(0.1));
  ASSERT_TRUE(d.ok());
  EXPECT_FALSE(d->computable);
  EXPECT_EQ(d->reason, "the answer has no 'latency_ms', which the latency limit needs");
}

TEST(External, AMissingCommandIsAnError) {
  const auto d = ask("/nonexistent/vendor-tool");
  ASSERT_FALSE(d.ok());
  EXPECT_EQ(d.error().code, Code::kNotFound);
  EXPECT_NE(d.error().message.find("the external command '/nonexistent/vendor-tool' cannot be run"),
            std::string::npos);
}

TEST(OracleChoice, SaysWhatIsWrong) {
  const auto external = parse_oracle("external: ./ask.sh --fast ");
  ASSERT_TRUE(external.ok());
  EXPECT_EQ(external->kind, OracleKind::kExternal);
  EXPECT_EQ(external->command, "./ask.sh --fast");
  EXPECT_EQ(parse_oracle("analytic")->kind, OracleKind::kAnalytic);
  EXPECT_NE(parse_oracle("external:").error().message.find("has no command"), std::string::npos);
  EXPECT_EQ(parse_oracle("buildin").error().message,
            "unknown oracle 'buildin'; did you mean 'builtin'?; known are builtin, analytic, "
            "external:COMMAND and serial:ADDRESS");
}

}  // namespace
}  // namespace atml::deploy
