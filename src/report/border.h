// The border between what fits and what does not, for summary.json, the terminal and the page.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "report/report_data.h"

namespace atml::report {

Json border_json(const Border& border);

/// Sentences; none where everything fitted.
std::vector<std::string> border_lines(const Border& border);

}  // namespace atml::report
