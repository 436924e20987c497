// ReportData: everything a finished search has to say, as plain values. src/search fills it, the
// writers of this folder turn it into HTML, JSON and tables; none of them computes a result.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/shape.h"
#include "base/units.h"
#include "study/trial.h"
#include "target/target.h"

namespace atml::report {

struct Interval {
  double low = 0;
  double high = 0;
};

struct DataSummary {
  std::string name;  // "fashion-mnist"
  std::string task = "classification";
  Shape shape;                       // of one sample
  std::vector<std::string> classes;  // names; empty unless classification. Any text: it is escaped
  std::int64_t train = 0;            // samples
  std::int64_t validation = 0;
  std::int64_t test = 0;
  std::string split;  // how validation was carved: "by subject, seed 1"
  std::uint64_t fingerprint = 0;
};

/// Scores of the objective metric in its own unit (accuracy: 0..1), higher is better.
struct Score {
  std::string name = "accuracy";
  double validation = 0;             // int8 network, mean over the seeds where there are several
  std::optional<double> test;        // int8 network, once, the winner alone
  std::optional<double> float_test;  // the float network before quantisation
  std::optional<Interval> test_interval;  // 95 %, of `test`
};

/// One operator of the int8 network, in execution order.
struct LayerRow {
  std::string name;
  std::string kind;  // "conv", "depthwise", ...
  Shape output;
  std::int64_t macs = 0;
  std::int64_t weight_bytes = 0;  // flash of weights and tables
  std::int64_t instructions = 0;  // 0 where not attributed
  std::int64_t cycles = 0;        // mid
};

/// A tensor in the arena: bytes [offset, offset + size), live from operator first_op to last_op,
/// both included (indices into Winner::layers; -1 = before the first operator, for the network's
/// input).
struct Placement {
  std::string tensor;
  std::int64_t offset = 0;
  std::int64_t size = 0;
  int first_op = 0;
  int last_op = 0;
  int rows = 0;  // > 0: a line buffer that holds so many rows of the tensor at a time
};

/// Operators that run together row by row (both included), and what that costs.
struct StreamedGroup {
  int first_op = 0;
  int last_op = 0;
  std::int64_t extra_instructions = 0;  // estimate; nothing is computed twice
};

struct MemoryPlan {
  std::int64_t arena_bytes = 0;
  std::vector<Placement> placements;
  std::vector<StreamedGroup> groups;
  std::vector<std::int64_t> live_bytes;  // one an operator: sum of the tensors live during it
};

/// A part of the linked firmware's flash ("weights", "tables", "code", "start-up"); the sum is all
/// of it.
struct FlashPart {
  std::string name;
  std::int64_t bytes = 0;
};

/// counts[truth * classes + predicted], test split, int8 network.
struct ConfusionMatrix {
  std::vector<std::int64_t> counts;
};

struct SeedResult {
  std::uint64_t seed = 0;
  double validation = 0;  // int8
};

/// What was run on the same samples and compared byte for byte.
struct BitExactness {
  bool checked = false;  // false: nothing was compared, and the report says so
  bool equal = false;
  std::int64_t samples = 0;
  std::vector<std::string>
      executions;      // "reference interpreter", "C on the host, gcc -O2", "C on qemu-system-arm"
  std::string detail;  // where they differ first, or empty
};

struct Winner {
  int trial = 0;
  std::string configuration;       // Configuration::text()
  std::string network;             // Network::text() or empty
  study::Figures figures;          // of the linked firmware
  std::int64_t statics_bytes = 0;  // RAM = arena + statics + stack
  std::vector<LayerRow> layers;
  MemoryPlan memory;
  std::vector<FlashPart> flash_split;
  Score score;
  std::optional<ConfusionMatrix> confusion;
  std::vector<SeedResult> seeds;    // one a training
  std::string rounding = "double";  // or "single": Int8Model::rounding
  BitExactness bit_exactness;
};

/// A finalist: trained to the end over several seeds.
struct Finalist {
  int trial = 0;
  std::vector<double> validations;  // int8, one a seed
  double mean = 0;
  Interval interval;  // 95 % of the mean
  study::Figures figures;
};

/// Why nothing fitted, and what would do.
struct NothingFits {
  std::string limit;  // "flash", "ram", "latency", "energy"
  double used = 0;    // of the candidate that came nearest, in bytes, seconds or joules
  double allowed = 0;
  int trial = -1;    // of that candidate, or -1
  std::string text;  // "flash: 8.2 KiB used, 4.0 KiB allowed, 4.2 KiB too much"
  std::vector<std::string>
      remedies;  // each a sentence: "raise --flash to 9KiB", "stm32l476rg would do"
};

/// How far the estimate that skips hopeless candidates lies from the linked ELF, in percent.
struct EstimateError {
  std::int64_t candidates = 0;
  double flash_median = 0;
  double flash_worst = 0;
  double ram_median = 0;
  double ram_worst = 0;
};

/// One limit as the oracle's answers have met it, in bytes, seconds or joules.
struct BorderLimit {
  std::string name;  // "flash", "ram", "latency", "energy"
  double allowed = 0;
  int refused = 0;                                         // trials that exceed it
  std::optional<double> largest_held;                      // of trials that keep it
  std::optional<double> smallest_refused;                  // of those that do not
  std::vector<std::pair<std::string, double>> parameters;  // share of its variance, largest first
};

/// What the study has learnt of the border between what fits and what does not.
struct Border {
  std::string oracle;
  int answered = 0;  // trials with figures
  int fits = 0;      // of them within all limits
  int not_computable = 0;
  std::vector<std::pair<std::string, int>> reasons;  // of the latter, most frequent first
  std::vector<BorderLimit> limits;
};

struct CoursePoint {
  double seconds = 0;  // since the search began
  int trial = 0;       // the trial that ended then
  double best = 0;     // best objective of a deployable trial so far
};

/// Wall seconds of the whole search. Sums over workers may exceed `total`.
struct Times {
  double total = 0;
  double propose = 0;
  double deploy = 0;
  double train = 0;
  double quantize = 0;
  double finalists = 0;      // final trainings; not part of `train`
  double verify = 0;         // bit-exactness, exports
  double deploy_median = 0;  // of one candidate
  double deploy_p95 = 0;
};

struct Provenance {
  std::string version;  // of autotinyml
  std::string command;  // reproduces the study, copy-pastable
  std::uint64_t seed = 0;
  int jobs = 1;
  std::string strategy;
  std::string space;
  std::vector<std::pair<std::string, std::string>> settings;  // in the order to show
  std::vector<std::pair<std::string, std::string>> tools;     // ("arm-none-eabi-gcc", "12.2.1")
};

struct ReportData {
  std::string study;  // its name
  DataSummary data;
  std::string metric = "accuracy";  // the objective, where there is no winner to name it
  target::Target target;
  target::Limits limits;
  bool finished = true;  // false: interrupted or still running
  std::optional<Winner> winner;
  std::optional<NothingFits> nothing_fits;
  std::vector<Finalist> finalists;   // best first
  std::vector<study::Trial> trials;  // ordered by number
  std::vector<CoursePoint> course;   // empty: derived from the trials' own stage times
  Times times;
  std::optional<EstimateError> estimate_error;
  std::optional<Border> border;
  std::vector<std::pair<std::string, double>> importance;  // share of variance by parameter
  Provenance provenance;
  std::vector<std::string> notes;  // warnings, plain sentences
  std::vector<std::pair<std::string, std::string>>
      files;  // ("report.html", "this page"), relative to --out
};

}  // namespace atml::report
