// The IDX format of MNIST and its relatives, plain or gzip. Private to data.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "data/array.h"

namespace atml::data {

/// All six IDX number types; big-endian numbers are turned round. Format: Y. LeCun's MNIST page:
/// two zero bytes, type, number of axes, then each size as a big-endian 32-bit integer.
Result<Array> read_idx(const std::filesystem::path& path);

}  // namespace atml::data
