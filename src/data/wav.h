// WAV files -> samples. Private to data. Own reader: PCM needs little more than a walk over chunks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"

namespace atml::data {

struct Clip {
  int sample_rate = 0;  // Hz
  int channels = 1;
  std::vector<std::int16_t> samples;  // channels interleaved; full scale = 32768
};

/// RIFF WAVE with PCM of 8, 16, 24 or 32 bits or float32 (also as WAVE_FORMAT_EXTENSIBLE), turned
/// into 16 bits. Format: Microsoft/IBM, "Multimedia Programming Interface and Data
/// Specifications 1.0".
Result<Clip> read_wav(const std::filesystem::path& path);

}  // namespace atml::data
