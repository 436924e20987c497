// What a study has learnt of the border between what fits and what does not.
#pragma once

#include <optional>
#include <vector>

#include "report/report_data.h"
#include "search/context.h"

namespace atml::search {

/// From the answers that the oracle gave to the trials; none before the first answer. The
/// parameters that decide (propose::importances) need ten answers, some of them refusals.
std::optional<report::Border> border_of(const Context& context,
                                        const std::vector<study::Trial>& trials);

}  // namespace atml::search
