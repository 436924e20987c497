// The cycle model against boards. Instruction counts and table cycles were measured here once, with
// the emulator, on generated C that its authors had timed on a NUCLEO-L4R5ZI at 120 MHz (microTVM,
// OctoML's submission to MLPerf Tiny v1.0, github.com/mlcommons/tiny_results_v1.0); that C is not
// part of this project.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tables.h"
#include "target/target.h"

namespace atml::bench {
namespace {

struct Point {
  const char* code;
  double instructions;             // million, measured
  double table_cycles;             // million, measured, P = 2
  double board_cycles;             // million, published latency x 120 MHz
  double nrf5340_per_instruction;  // published latency x 128 MHz / instructions; 0: not published
};
constexpr Point kPoints[] = {
    {"native AD", 0.991, 1.25, 1.406, 0},
    {"native IC", 33.83, 45.3, 46.71, 0},
    {"native KWS (float inside)", 10.08, 15.1, 17.28, 0},
    {"native VWW", 25.51, 33.9, 40.39, 0},
    {"CMSIS-NN AD", 0.606, 0.807, 1.033, 1.32},
    {"CMSIS-NN IC", 31.92, 39.4, 46.75, 1.27},
    {"CMSIS-NN KWS", 8.48, 10.2, 11.98, 1.15},
    {"CMSIS-NN VWW", 24.94, 30.1, 36.14, 1.19},
};

// Latency ms AD, IC, KWS, VWW of one engine on two cores (MLPerf Tiny closed division), for the M7
// and M33 factors: the model sees one engine's M4 cycles and predicts its cycles on the other core.
struct Pair {
  const char* engine;
  const char* target;
  double m4_mhz, other_mhz;
  double m4[4], other[4];
};
constexpr Pair kPairs[] = {
    {"X-CUBE-AI 9.0 (v1.2)",
     "stm32h7a3zi",
     120,
     280,
     {5.26, 165.1, 43.2, 88.9},
     {1.23, 40.8, 11.3, 23.8}},
    {"Plumerai (v1.1)",
     "stm32h7a3zi",
     120,
     280,
     {4.05, 167.8, 47.8, 98.8},
     {1.35, 50.9, 13.9, 26.8}},
    {"Plumerai (v1.1)",
     "stm32f746ng",
     120,
     216,
     {4.05, 167.8, 47.8, 98.8},
     {1.71, 62.9, 17.8, 34.1}},
    {"Bosch HALE (v1.1)",
     "stm32f746ng",
     120,
     216,
     {5.66, 179.0, 62.7, 180.7},
     {1.70, 61.6, 18.4, 57.2}},
    {"X-CUBE-AI 9.0 (v1.2)",
     "stm32u575zi",
     120,
     160,
     {5.26, 165.1, 43.2, 88.9},
     {3.43, 111, 29.1, 59.3}},
    {"Plumerai (v1.1)",
     "stm32u575zi",
     120,
     160,
     {4.05, 167.8, 47.8, 98.8},
     {3.67, 104, 30.0, 59.5}},
};
constexpr const char* kNetworks[] = {"AD", "IC", "KWS", "VWW"};

Json point_row(const std::string& name, const std::string& target, double modelled,
               double published, double low, double high) {
  Json row = Json::object();
  row.set("name", name)
      .set("target", target)
      .set("modelled_mcycles", modelled)
      .set("published_mcycles", published);
  row.set("error_percent", 100 * (modelled / published - 1))
      .set("inside_low_high", low <= published && published <= high);
  return row;
}

void print_row(const Json& row) {
  fmt::print("{:<34} {:<14} {:>9.3f} {:>10.3f} {:>8.1f} {:>7}\n", row["name"].string(),
             row["target"].string(), row["modelled_mcycles"].number(),
             row["published_mcycles"].number(), row["error_percent"].number(),
             row["inside_low_high"].boolean() ? "yes" : "no");
}

void print_mean(const std::string& title, const std::vector<Json>& rows) {
  double sum = 0, worst = 0;
  for (const Json& row : rows) {
    const double error = std::abs(row["error_percent"].number());
    sum += error;
    worst = std::max(worst, error);
  }
  fmt::print("{}: mean error {:.1f} %, worst {:.1f} % (n = {})\n\n", title,
             sum / static_cast<double>(rows.size()), worst, rows.size());
}

void append(std::vector<Json>& all, const std::vector<Json>& rows) {
  all.insert(all.end(), rows.begin(), rows.end());
}

Result<std::vector<Json>> m4_rows() {
  ATML_TRY(const target::Target part, target::find_target("stm32l4r5zi"));
  std::vector<Json> rows;
  for (const Point& p : kPoints) {
    rows.push_back(point_row(p.code, part.name, part.cost.factor * p.table_cycles, p.board_cycles,
                             part.cost.low_factor * p.table_cycles,
                             part.cost.high_factor * p.table_cycles));
  }
  return rows;
}

Result<std::vector<Json>> nrf5340_rows() {
  ATML_TRY(const target::Target part, target::find_target("nrf5340"));
  std::vector<Json> rows;
  for (const Point& p : kPoints) {
    if (p.nrf5340_per_instruction == 0) continue;
    rows.push_back(point_row(p.code, part.name, part.cost.factor * p.table_cycles,
                             p.nrf5340_per_instruction * p.instructions,
                             part.cost.low_factor * p.table_cycles,
                             part.cost.high_factor * p.table_cycles));
  }
  return rows;
}

Result<std::vector<Json>> core_rows() {
  ATML_TRY(const target::Target m4, target::find_target("stm32l4r5zi"));
  std::vector<Json> rows;
  for (const Pair& pair : kPairs) {
    ATML_TRY(const target::Target part, target::find_target(pair.target));
    for (int i = 0; i < 4; ++i) {
      const double base =
          pair.m4[i] * pair.m4_mhz * 1e-3 / m4.cost.factor;  // as if these were exact table cycles
      rows.push_back(point_row(fmt::format("{} {}", pair.engine, kNetworks[i]), part.name,
                               part.cost.factor * base, pair.other[i] * pair.other_mhz * 1e-3,
                               part.cost.low_factor * base, part.cost.high_factor * base));
    }
  }
  return rows;
}

}  // namespace

Result<std::vector<Json>> cost_model_table() {
  fmt::print(
      "\nCycle model against boards (million cycles)\n{:<34} {:<14} {:>9} {:>10} {:>8} {:>7}\n",
      "code", "board", "modelled", "published", "error %", "inside");
  std::vector<Json> all;
  ATML_TRY(const std::vector<Json> m4, m4_rows());
  for (const Json& row : m4) print_row(row);
  print_mean("Cortex-M4, the points of the fit itself", m4);
  ATML_TRY(const std::vector<Json> m33, nrf5340_rows());
  for (const Json& row : m33) print_row(row);
  print_mean("Cortex-M33 at 128 MHz, not in any fit", m33);
  ATML_TRY(const std::vector<Json> cores, core_rows());
  for (const Json& row : cores) print_row(row);
  print_mean("other cores, from the same engine's cycles on the M4", cores);
  for (const auto* rows : {&m4, &m33, &cores}) append(all, *rows);
  return all;
}

}  // namespace atml::bench
