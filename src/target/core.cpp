// Cores: their names and what is known of their cycles.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "target/target.h"

namespace atml::target {
namespace {

constexpr std::array<std::pair<Core, std::string_view>, 8> kCores{{
    {Core::kCortexM0, "cortex-m0"},
    {Core::kCortexM0Plus, "cortex-m0plus"},
    {Core::kCortexM3, "cortex-m3"},
    {Core::kCortexM4, "cortex-m4"},
    {Core::kCortexM7, "cortex-m7"},
    {Core::kCortexM33, "cortex-m33"},
    {Core::kCortexM55, "cortex-m55"},
    {Core::kRv32imc, "rv32imc"},
}};

// Eight published latencies of one generated C on the NUCLEO-L4R5ZI at 120 MHz, less what the core
// waits for data in flash, over the cycles that the table gives for the same C
// (docs/cost-model.md): the mean ratio, and the smallest and largest.
constexpr double kM4Factor = 1.104;
constexpr double kM4Low = 1.02;
constexpr double kM4High = 1.19;

CostModel scaled(double mean, double low, double high, std::string note) {
  return {kM4Factor * mean, kM4Low * low, kM4High * high, true, std::move(note)};
}

CostModel uncalibrated(std::string_view core) {
  return {1.0, 1.0, 1.5, false,
          fmt::format(
              "table cycles, uncalibrated: no board figures for {}; the high end is a guess that "
              "flash wait states and stalls add up to half",
              core)};
}

}  // namespace

std::string_view to_string(Core core) {
  for (const auto& [value, name] : kCores) {
    if (value == core) return name;
  }
  ATML_UNREACHABLE("unknown core");
}

Result<Core> parse_core(std::string_view text) {
  std::vector<std::string> names;
  for (const auto& [value, name] : kCores) {
    if (name == text) return value;
    names.emplace_back(name);
  }
  return Error{Code::kInvalidArgument,
               fmt::format("unknown core '{}'{}", text, suggestion(text, names))};
}

CostModel default_cost(Core core) {
  switch (core) {
    case Core::kCortexM4:
      return scaled(1, 1, 1,
                    "8 published latencies on STM32L4R5ZI at 120 MHz: mean error 3.6 %, worst 7.7 "
                    "%, left out "
                    "of the fit 4.1 %; waits for data in flash are a term of their own");
    case Core::kCortexM7:
      return scaled(0.60, 0.48, 0.78,
                    "Cortex-M4 factor x 0.60: 36 pairs of published latencies on Cortex-M7 and "
                    "STM32L4R5ZI give 0.48 to 0.78");
    case Core::kCortexM33:
      return scaled(
          0.86, 0.75, 1.21,
          "Cortex-M4 factor x 0.86: published latencies on STM32U575 and STM32L4R5ZI give "
          "0.75 to 1.21");
    case Core::kCortexM0:
    case Core::kCortexM0Plus:
    case Core::kCortexM3:
    case Core::kCortexM55:
      return uncalibrated(to_string(core));
    case Core::kRv32imc:
      return {1.0, 1.0, 1.5, false,
              "table cycles, uncalibrated and unvalidated: exact instructions x the cycles that "
              "the manuals of Ibex "
              "and CV32E40X document, best to worst (docs/cost-model.md); no board figures for "
              "rv32imc; the high end adds half for flash wait states and cache misses"};
  }
  ATML_UNREACHABLE("unknown core");
}

}  // namespace atml::target
