// The parts of bench/deployability. Each prints a table and returns its rows for the JSON file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "quantize/model.h"
#include "space/space.h"

namespace atml::bench {

struct Settings {
  int networks = 40;  // random networks of the built-in spaces
  std::vector<std::string> targets{"stm32f401re"};
  std::uint64_t seed = 1;
  std::string optimize = "balanced";
  std::string runs;       // file of firmware that was measured already, a line each; empty: none
  double seconds = 1e18;  // of measuring; the tables then say how much is missing
};

/// Where random networks come from.
struct Input {
  const char* name;
  const char* space;
  Shape shape;
  int outputs;
};
inline constexpr Input kInputs[] = {{"image 28x28x1", "image", {28, 28, 1}, 10},
                                    {"signal 128x1x9", "signal", {128, 1, 9}, 6}};

/// The i-th random network of an input, with random weights.
Result<quantize::Int8Model> random_candidate(const space::Space& space, const Input& input,
                                             std::uint64_t seed, int i);

/// Time of one check (wall and processor time of all processes).
Result<std::vector<Json>> check_table(const Settings& settings);

/// codegen::estimate against the linked and emulated firmware, rows streamed and not. Firmware is
/// measured once and kept in settings.runs; the estimates are computed anew each time.
Result<std::vector<Json>> estimate_table(const Settings& settings);

/// The cycle model against published latencies of boards, point by point.
Result<std::vector<Json>> cost_model_table();

/// The value below which `fraction` of the values lie (nearest rank); values must not be empty.
double quantile(std::vector<double> values, double fraction);

}  // namespace atml::bench
