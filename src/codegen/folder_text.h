// The build files, README and self-test of a firmware folder as text.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "codegen/firmware.h"

namespace atml::codegen {

struct FolderContext {
  const quantize::Int8Model& model;
  const target::Target& target;
  const Options& options;
  const Firmware& firmware;
  std::vector<std::string> kernels;  // sources in use, "kernels/add.c"
};

/// Text with its marks (@name@) replaced by values.
using Marks = std::vector<std::pair<std::string, std::string>>;
std::string filled(std::string text, const Marks& marks);
/// @name@, @NAME@ (the prefix) and @arena@ (bytes).
Marks common_marks(const FolderContext& c);
/// common_marks() and what a README says of the model: shapes, scales, layers, provenance.
Marks readme_marks(const FolderContext& c);
/// The self-test vector as elements of C arrays: @input@, @output@. Needs options.self_test.
Marks vector_marks(const FolderContext& c);

/// Model sources, kernels and headers of c.firmware as files of one folder; file names that others
/// could have too (add.c) get the prefix.
std::vector<File> flat_sources(const FolderContext& c);

std::string makefile_text(const FolderContext& c);
std::string cmake_text(const FolderContext& c);
std::string readme_text(const FolderContext& c);
std::string selftest_text(const FolderContext& c);

}  // namespace atml::codegen
