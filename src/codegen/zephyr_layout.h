// A Zephyr module: a folder for ZEPHYR_EXTRA_MODULES or the west manifest.
#pragma once

#include <vector>

#include "codegen/folder_text.h"

namespace atml::codegen {

/// zephyr/ (module.yml, CMakeLists.txt, Kconfig), the public header in include/, all else in src/,
/// README.md, and with a self-test vector the application samples/self_test.
std::vector<File> zephyr_layout(const FolderContext& c);

}  // namespace atml::codegen
