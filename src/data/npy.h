// NumPy's .npy format, versions 1 to 3, plain or gzip (.npy.gz). Private to data.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "data/array.h"

namespace atml::data {

/// Little-endian integers of 8 to 64 bits, booleans (as uint8), float32 and float64; C or Fortran
/// order (turned into C order). Everything else (objects, complex, float16, big endian) is refused
/// with the call that converts it. Format: numpy.lib.format's specification.
Result<Array> read_npy(const std::filesystem::path& path);

}  // namespace atml::data
