// One run of a strategy on a problem, and its record: a JSON line that the Python peers write too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "problems.h"

namespace atml::bench {

inline constexpr int kBudgets[] = {30, 60, 100};

/// What is kept of a run. `best` holds the best feasible value (minimised) after each of kBudgets
/// evaluations; infinity: none feasible yet.
struct Record {
  std::string solver, problem;
  int seed = 0;
  std::vector<double> best;
  double seconds_per_proposal = 0;  // processor time, one thread
};

/// The points with which every solver starts: scrambled Sobol, seeded; d + 1 of them within [5,
/// 12].
std::vector<space::Configuration> common_design(const Problem& problem, std::uint64_t seed);

/// `budget` evaluations in all, the common design among them.
Record run_strategy(const Problem& problem, const std::string& strategy, int seed,
                    int budget = 100);

/// "bayes on test54, seed 3": the key under which a run is kept.
std::string key_of(const Record& record);
std::string line_of(const Record& record);
/// All records of a file, the last of equal keys; a torn last line is left out. Errors name file
/// and line.
Result<std::vector<Record>> read_records(const std::string& path);
/// One write of a whole line: several processes may append to one file.
Status append_record(const std::string& path, const Record& record);

}  // namespace atml::bench
