// Text into HTML: the only place that escapes. Everything that did not come from this folder passes
// here.
#pragma once

#include <string>
#include <string_view>

namespace atml::report {

/// For element content and double-quoted attributes: & < > " ' become entities; control characters
/// and broken UTF-8, which no HTML or XML may hold, become U+FFFD.
std::string escape(std::string_view text);

}  // namespace atml::report
