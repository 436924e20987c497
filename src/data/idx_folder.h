// A folder with MNIST's four IDX files. Private to data.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/dataset.h"
#include "data/load.h"

namespace atml::data {

/// Is there any of train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte,
/// t10k-labels-idx1-ubyte (with - or . before idx, plain or .gz)?
bool is_idx_folder(const std::filesystem::path& folder);

/// Without class names the classes are "0" to the largest training label.
Result<Dataset> load_idx_folder(const std::filesystem::path& folder, std::string name,
                                std::vector<std::string> classes, const LoadOptions& options);

}  // namespace atml::data
