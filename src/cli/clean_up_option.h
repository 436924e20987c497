// --clean-up and --no-clean-up of the commands that take a model file.
#pragma once

#include "quantize/clean_up.h"

namespace atml::cli {

inline constexpr const char* kCleanUpFlag = "--clean-up,!--no-clean-up";
inline constexpr const char* kCleanUpHelp =
    "leave out channels and operators that no output byte depends on: same output bytes";

/// The model after clean-up, or as it was given.
inline quantize::CleanUp cleaned(const quantize::Int8Model& given, bool clean) {
  return clean ? quantize::clean_up(given) : quantize::CleanUp{given};
}

}  // namespace atml::cli
