// Tables of numbers in CSV files. Private to data.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "data/dataset.h"
#include "data/load.h"

namespace atml::data {

/// Is there a train.csv (or .csv.gz)?
bool is_csv_folder(const std::filesystem::path& folder);

/// One file, from which a test split is drawn; or a folder with train.csv, test*.csv (together the
/// test split) and perhaps validation.csv, with the same columns. Each row is a sample of 1 x 1 x
/// n.
///
/// The columns find their roles by name, case ignored:
///   label   LoadOptions::label_column, else the first of class, label, target, y; else the last
///   groups  group, subject, speaker, machine
///   left out: date, time, datetime, timestamp, id, index and a column without a name
///   features: all others; each field must be a finite number
/// The task is regression where all labels are numbers and one has a fraction or there are more
/// than 256 different ones; else classification, classes in the order of their numbers or letters.
Result<Dataset> load_csv_file(const std::filesystem::path& path, const LoadOptions& options);
Result<Dataset> load_csv_folder(const std::filesystem::path& folder, const LoadOptions& options);

}  // namespace atml::data
