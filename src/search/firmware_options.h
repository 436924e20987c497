// The one place that says how the firmware of a study is generated: the oracle, the filter of
// candidates, the verification and the package must all mean the same C.
#pragma once

#include "codegen/firmware.h"
#include "search/context.h"

namespace atml::search {

/// Row streaming as the RAM limit asks for, optimised as the settings say. Fails on an unknown word
/// in settings.optimize.
Result<codegen::Options> firmware_options(const Settings& settings, const target::Limits& limits);

}  // namespace atml::search
