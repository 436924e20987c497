// Data sets with a name of their own. Private to data.
#pragma once

#include <string>
#include <vector>

namespace atml::data {

/// A data set that a Debian package installs as IDX files.
struct BuiltIn {
  std::string name;
  std::string folder;
  std::string package;
  std::vector<std::string> classes;
};

const std::vector<BuiltIn>& built_ins();

}  // namespace atml::data
