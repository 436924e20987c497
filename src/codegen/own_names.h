// The names of the runtime in a user's folder: under the model's prefix, so that two folders, even
// with different kernels or roundings, link into one program.
#pragma once

#include <string>
#include <vector>

#include "codegen/firmware.h"

namespace atml::codegen {

/// Refuses a prefix that is no C identifier, is reserved, or names a file that the sources need.
Status check_prefix(const std::string& prefix);

/// Identifiers and file names atml_x -> <prefix>_atml_x, ATML_X -> <PREFIX>_ATML_X.
std::string own_names(const std::string& prefix, const std::string& text);

/// The same for the model's sources, the kernels and their headers, but not for the start-up,
/// main.c and link.ld, of which a program has one. The rounding, and the longer loops of a build
/// for speed, become part of the headers, so that no build needs a flag for them.
void take_own_names(const std::string& prefix, quantize::Rounding rounding, Optimize optimize,
                    std::vector<File>& files);

}  // namespace atml::codegen
