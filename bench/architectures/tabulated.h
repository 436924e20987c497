// The tabulated architecture problem: every network of a small space (space.toml), trained briefly
// on real data and measured on a microcontroller. enumerate() gives the space, Table the figures.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "space/space.h"

namespace atml::bench {

/// What is known of one network. Accuracies are those of the int8 model on the validation split, of
/// two trainings with different seeds; flash, RAM and latency are of the linked, emulated firmware.
struct Entry {
  double accuracy[2] = {0, 0};
  std::int64_t flash_bytes = 0;
  std::int64_t ram_bytes = 0;
  double latency_ms = 0;
  /// The objective: a search sees one figure a network, and two trainings halve its noise.
  double mean_accuracy() const { return (accuracy[0] + accuracy[1]) / 2; }
};

/// All configurations of a Space without free real parameters, each once, in the order of their
/// texts. Fails where a real parameter is free.
Result<std::vector<space::Configuration>> enumerate(const space::Space& space);

/// The choices that are free, one character each in the space's order: "20131-0" ('-': inactive).
/// The key of a network in the table's file.
std::string key_of(const space::Space& space, const space::Configuration& configuration);

using Table = std::map<std::string, Entry>;

/// One network a line: key,accuracy,accuracy,flash_bytes,ram_bytes,latency_ms. Errors name file and
/// line; a cut last line (a killed run) is an error too, unless `torn` allows it.
Result<Table> read_table(const std::string& path, bool torn = false);
std::string line_of(const std::string& key, const Entry& entry);

}  // namespace atml::bench
