// A folder of NumPy arrays described by dataset.toml. Private to data.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "data/dataset.h"
#include "data/load.h"

namespace atml::data {

/// The keys of dataset.toml (* = required; file names are relative to the folder):
///   name            text; default: the folder's name
///   task            "classification" (default), "regression", "anomaly"
///   classes*        names, in the order of the labels 0, 1, ...; classification only
///   layout*         the axes of x: "sample" and some of "time", "height", "width", "channel",
///   "feature" channels        names, one a channel sample_rate_hz  number scale           value =
///   stored number x scale; default 1 [train]* [validation] [test]*    x* y groups; y is required
///   but for anomaly [all]           instead of the three: x* y groups, test_fraction (default:
///   LoadOptions)
/// x, y and groups are .npy or .npy.gz; y holds integers (classification; anomaly: 0 normal, 1 not)
/// or numbers (regression, one or several a sample); groups holds one integer a sample.
Result<Dataset> load_toml_folder(const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace atml::data
