// The command line that makes a study again.
#pragma once

#include <string>

#include "search/settings.h"

namespace atml::search {

/// "autotinyml search DATA --target ...": every setting that is not the default, ready for a shell.
/// Under a time budget it asks the same question; with --trials it gives the same bytes.
std::string command_of(const Settings& settings);

}  // namespace atml::search
