// The parts of bench/deployability. Each prints a table and returns its rows for the JSON file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace atml::bench {

struct Settings {
  int networks = 40;  // random networks of the built-in spaces
  std::vector<std::string> targets{"stm32f401re"};
  std::uint64_t seed = 1;
};

/// Time of one check (wall and processor time of all processes), and the analytic sizes against the
/// ELF.
Result<std::vector<Json>> check_table(const Settings& settings);

/// The cycle model against published latencies of boards, point by point.
Result<std::vector<Json>> cost_model_table();

/// The value below which `fraction` of the values lie (nearest rank); values must not be empty.
double quantile(std::vector<double> values, double fraction);

}  // namespace atml::bench
