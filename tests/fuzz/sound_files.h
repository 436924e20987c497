// What mutation of model files begins with.
#pragma once

#include <string>
#include <vector>

#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace atml::fuzz {

/// Twelve sound files to begin with: models of all kinds of layers, written by `write`.
template <class Write>
std::vector<std::string> sound_files(const Write& write) {
  std::vector<std::string> files;
  for (std::uint64_t seed = 0; seed < 12; ++seed)
    files.push_back(*write(quantize::random_model(quantize::RandomNetwork(seed).make(), seed)));
  return files;
}

}  // namespace atml::fuzz
