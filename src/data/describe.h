// What a data set holds, and what looks wrong with it: behind `autotinyml data DATA`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace atml::data {

struct SplitCounts {
  std::size_t train = 0;
  std::size_t validation = 0;
  std::size_t test = 0;
};

struct ClassCounts {
  std::string name;
  SplitCounts samples;
};

/// Of the training samples, in the unit of the data (element x scale, not normalised).
struct ChannelRange {
  std::string name;  // as given, else "0", "1", ...
  double min = 0;
  double max = 0;
  double mean = 0;
  double deviation = 0;
};

/// Something to know before results are believed. kWarning: a test score will mislead.
struct Note {
  enum class Kind { kInfo, kWarning } kind = Kind::kInfo;
  std::string text;
};

struct Summary {
  std::string name;
  Task task = Task::kClassification;
  Shape shape;
  ElementType type = ElementType::kFloat32;
  double scale = 1;
  double sample_rate_hz = 0;
  std::size_t bytes = 0;  // of all samples as kept in memory
  SplitCounts samples;
  SplitCounts groups;                // distinct ones; all 0 where there are none
  std::vector<ClassCounts> classes;  // classification
  std::vector<ChannelRange> channels;
  Normalisation normalisation;
  std::uint64_t fingerprint = 0;
  std::vector<Note> notes;  // group overlap, duplicates, imbalance, constant channels, ...
};

/// Reads every sample once or twice: 0.1 to 1 s on the usual sets.
Summary describe(const Dataset& dataset);

}  // namespace atml::data
