// One folder per class, with images or recordings in it. Private to data.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "data/dataset.h"
#include "data/load.h"

namespace atml::data {

/// Does the folder, or its subfolder train, hold folders with .png, .jpg, .jpeg or .wav files?
bool is_class_folder(const std::filesystem::path& folder);

/// FOLDER/CLASS/file, from which a test split is drawn, or FOLDER/train/CLASS/file with
/// FOLDER/test/CLASS/file and perhaps FOLDER/validation/CLASS/file. Classes in the order of their
/// names; folders that begin with . or _ and files of other kinds are left out.
///
/// Images (uint8) must all have one size; where one is in colour, grey ones become colour too.
/// Recordings (int16, value = stored / 32768) become time x channels and must share rate and
/// channel count; all are brought to LoadOptions::clip_seconds (0: to the longest of train),
/// shorter ones with silence at their end, longer ones cut.
Result<Dataset> load_class_folder(const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace atml::data
