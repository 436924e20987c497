// Data sets with a name of their own. Private to data.
#pragma once

#include <string>
#include <vector>

#include "data/load.h"

namespace atml::data {

/// A data set that a Debian package installs as IDX files.
struct BuiltIn {
  std::string name;
  std::string folder;
  std::string package;
  std::vector<std::string> classes;
};

const std::vector<BuiltIn>& built_ins();

/// kNotFound with the command that installs the package, where the folder is missing.
Result<Dataset> load_built_in(const BuiltIn& entry, const LoadOptions& options);

}  // namespace atml::data
