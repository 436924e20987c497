// CIFAR-10's binary version. Private to data.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "data/dataset.h"
#include "data/load.h"

namespace atml::data {

/// Is there a data_batch_1.bin or a test_batch.bin, in the folder or in its cifar-10-batches-bin?
bool is_cifar10_folder(const std::filesystem::path& folder);

/// data_batch_1.bin to data_batch_5.bin (train) and test_batch.bin: records of one label byte and
/// 3072 pixels as red, green and blue planes. Format: A. Krizhevsky, "The CIFAR-10 dataset".
Result<Dataset> load_cifar10(const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace atml::data
