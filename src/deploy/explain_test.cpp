#include "deploy/explain.h"

#include <gtest/gtest.h>

#include "deploy/battery.h"
#include "deploy/limits.h"
#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

using target::Core;
using target::Target;

// Answers with fixed sizes and a latency that falls with the clock; counts how often it was asked.
class FakeOracle : public Oracle {
 public:
  FakeOracle(std::int64_t flash, std::int64_t ram) : flash_(flash), ram_(ram) {}
  std::string name() const override { return "fake"; }
  Result<Deployability> check(const quantize::Int8Model& model, const Target& part,
                              const target::Limits& limits, const StopToken&) override {
    ++asked;
    Deployability d;
    d.computable = true;
    d.flash = Bytes(flash_);
    d.ram = Bytes(ram_);
    d.cycles.mid = Cycles(1'000'000);
    d.latency = Seconds(1e6 / part.clock_hz);
    for (const quantize::Op& op : model.ops) {
      d.layers.push_back({.name = op.name,
                          .kind = "dense",
                          .output = {1, 1, 2},
                          .weights = Bytes(flash_ / 2),
                          .cycles = Cycles(900'000)});
    }
    d.violations = find_violations(d, limits);
    return d;
  }
  int asked = 0;

 private:
  std::int64_t flash_, ram_;
};

Target part(const std::string& name, std::int64_t flash, std::int64_t ram, double mhz,
            Core core = Core::kCortexM4) {
  Target t;
  t.name = name;
  t.core = core;
  t.clock_hz = mhz * 1e6;
  t.flash.size = Bytes(flash);
  t.ram.size = Bytes(ram);
  return t;
}

quantize::Int8Model tiny_model() {
  network::Network network({1, 1, 4});
  EXPECT_TRUE(network.add(network::Dense{.units = 2}, {0}).ok());
  return quantize::random_model(network, 1);
}

const std::vector<Target> kCatalogue{
    part("huge", 900'000, 90'000, 10), part("tiny", 10'000, 1'000, 10),
    part("slow", 60'000, 6'000, 5), part("middle", 70'000, 7'000, 10),
    part("little_ram", 100'000, 4'000, 10)};

TEST(FindParts, CheapestFirstAndOnlyThoseThatRun) {
  FakeOracle oracle(50'000, 5'000);
  const auto found =
      find_parts(oracle, tiny_model(), kCatalogue, {.latency = Seconds(0.15)}, 10, StopToken());
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].part.name, "middle");
  EXPECT_EQ((*found)[1].part.name, "huge");
  EXPECT_EQ(oracle.asked, 5);  // a build for less RAM may be another one: every part is asked
}

TEST(FindParts, ReservesCount) {
  FakeOracle oracle(50'000, 5'000);
  const auto found = find_parts(oracle, tiny_model(), kCatalogue, {.reserve_flash = Bytes(30'000)},
                                10, StopToken());
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].part.name, "huge");
}

TEST(Explain, NamesLimitsPlacesAndWhatWouldDo) {
  FakeOracle oracle(50'000, 5'000);
  FakeOracle smaller(39'000, 5'000);
  const Target target = part("middle", 70'000, 7'000, 10);
  const target::Limits limits{.flash = Bytes(40'000), .ram = Bytes(7'000)};
  const auto verdict = oracle.check(tiny_model(), target, limits, StopToken());
  const std::vector<Alternative> alternatives{{"--optimize size", &smaller}};
  const auto e = explain(oracle, alternatives, tiny_model(), target, limits, *verdict, kCatalogue,
                         StopToken());
  ASSERT_TRUE(e.ok());
  EXPECT_EQ(e->binding, std::vector<std::string>{
                            "flash: 48.8 KiB used, 39.1 KiB allowed, 10,000 bytes too much"});
  ASSERT_EQ(e->places.size(), 1u);
  EXPECT_NE(e->places[0].find("has 25,000 of 50,000, 50 %"), std::string::npos) << e->places[0];
  ASSERT_EQ(e->suggestions.size(), 5u);
  EXPECT_EQ(e->suggestions[0], "the same network with --flash 50000");
  EXPECT_EQ(e->suggestions[1], "--optimize size: 38.1 KiB flash, 4.9 KiB RAM, 100.0 ms");
  ASSERT_EQ(e->in_vain.size(), 1u);  // the oracle's figures do not depend on the weights
  EXPECT_TRUE(e->in_vain[0].starts_with("weights of 4 bits, trained again: 48.8 KiB flash"));
  ASSERT_EQ(e->peaks.size(), 1u);
  EXPECT_EQ(e->peaks[0].used, 25'000);
  const Json json = e->json();
  EXPECT_EQ(json["limits"].items()[0]["excess"].number(), 10'000);
  EXPECT_EQ(json["limits"].items()[0]["unit"].string(), "bytes");
  EXPECT_EQ(json["peaks"].items()[0]["layer"].string(), e->peaks[0].layer);
  EXPECT_EQ(json["suggestions"].items().size(), 5u);
  EXPECT_EQ(e->suggestions[2], "--target slow (58.6 KiB flash, 5.9 KiB RAM): 200.0 ms");
}

TEST(Explain, WhatWasTriedInVainIsSaidWithItsFigures) {
  FakeOracle oracle(50'000, 5'000);
  FakeOracle hardly_smaller(49'000, 5'000);
  const Target target = part("middle", 70'000, 7'000, 10);
  const target::Limits limits{.flash = Bytes(40'000), .ram = Bytes(7'000)};
  const auto verdict = oracle.check(tiny_model(), target, limits, StopToken());
  const std::vector<Alternative> alternatives{{"--optimize size", &hardly_smaller}};
  const auto e = explain(oracle, alternatives, tiny_model(), target, limits, *verdict, kCatalogue,
                         StopToken());
  ASSERT_TRUE(e.ok());
  ASSERT_EQ(e->in_vain.size(), 2u);
  EXPECT_TRUE(e->in_vain[0].starts_with("--optimize size: 47.9 KiB flash, 4.9 KiB RAM"));
  EXPECT_NE(e->text().find("Tried, does not do:\n  --optimize size"), std::string::npos);
}

TEST(Explain, ALimitBeyondThePartIsNotSuggested) {
  FakeOracle oracle(50'000, 8'000);
  const Target target = part("middle", 70'000, 7'000, 10);
  const auto limits = full_limits(target);
  const auto verdict = oracle.check(tiny_model(), target, limits, StopToken());
  const auto e =
      explain(oracle, {}, tiny_model(), target, limits, *verdict, kCatalogue, StopToken());
  ASSERT_TRUE(e.ok());
  ASSERT_EQ(e->suggestions.size(), 1u);
  EXPECT_NE(e->suggestions[0].find("--target huge"), std::string::npos);
}

TEST(Endurance, OfACoinCellByHand) {
  Deployability d;
  d.latency = Seconds(0.05);
  d.energy = Joules(0.002);
  Target t = part("p", 1, 1, 10);
  t.volts = 3;
  t.sleep_microamps = 10;
  const auto e = endurance(d, t, 1, {230, 3.0});
  ASSERT_TRUE(e.ok());
  // 230 mAh x 3 V = 2484 J; 2 mW active, 0.95 x 30 uW asleep
  EXPECT_NEAR(e->days, 2484 / (2e-3 + 28.5e-6) / 86400, 1e-9);
  EXPECT_NEAR(e->active_share, 2e-3 / 2.0285e-3, 1e-12);
  EXPECT_FALSE(endurance(d, t, 21, {230, 3.0}).ok());
  d.energy = Joules(0);
  EXPECT_FALSE(endurance(d, t, 1, {230, 3.0}).ok());
}

}  // namespace
}  // namespace atml::deploy
