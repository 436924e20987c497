// Loading: a built-in name, a file or a folder -> a checked, split, normalised Dataset.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/dataset.h"

namespace atml::data {

struct LoadOptions {
  double validation_fraction = 0.15;  // of train, (0, 0.5]; not used where the data brings its own
  double test_fraction = 0.2;         // of all, where nothing says which samples are for the test
  std::uint64_t seed = 1;    // of the splits: the same seed draws the same split everywhere
  std::string label_column;  // CSV: which column is the label; empty: found by its name
  double clip_seconds = 0;   // folders of recordings: length of a sample; 0: the longest
};

/// Names that need no path: "fashion-mnist" (/usr/share/datasets/fashion-mnist of Debian's package
/// dataset-fashion-mnist).
std::vector<std::string> built_in_datasets();

/// `name_or_path` is, in this order: a built-in name; a folder with a dataset.toml (toml_folder.h),
/// the four IDX files under their usual names (plain or .gz), CIFAR-10's binary batches, a
/// train.csv (csv_data.h) or one folder per class of images or recordings (class_folder.h); or a
/// .csv file.
///
/// Validation is carved from train, stratified by class, and by group where groups are given (no
/// group on both sides); normalisation is measured on train only. The fingerprint covers values,
/// labels, groups and the split, so it changes with the seed.
///
/// Errors: kNotFound (no such name, file, package), kParse (a file that is no .npy, IDX, gz, TOML
/// or is truncated: says the expected and the found bytes), kInvalidArgument (shapes that do not
/// fit together, label out of range, NaN, a class that cannot be split, unknown key), kUnsupported.
Result<Dataset> load_dataset(const std::string& name_or_path, const LoadOptions& options = {});

}  // namespace atml::data
