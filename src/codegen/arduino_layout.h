// An Arduino library: the folder goes, as it is or zipped, into the IDE's libraries.
#pragma once

#include <vector>

#include "codegen/folder_text.h"

namespace atml::codegen {

/// All sources and headers flat in src/ (the builder compiles each of them and has no other include
/// path), library.properties, keywords.txt, README.md, and with a self-test vector the example
/// SelfTest.
std::vector<File> arduino_layout(const FolderContext& c);

}  // namespace atml::codegen
