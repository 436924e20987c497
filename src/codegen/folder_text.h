// The build files, README and self-test of a firmware folder as text.
#pragma once

#include <string>
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

std::string makefile_text(const FolderContext& c);
std::string cmake_text(const FolderContext& c);
std::string readme_text(const FolderContext& c);
std::string selftest_text(const FolderContext& c);

}  // namespace atml::codegen
