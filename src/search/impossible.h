// Limits that nothing can meet: found out in seconds, with what binds, by how much, and what would
// do.
#pragma once

#include <optional>

#include "report/report_data.h"
#include "search/context.h"

namespace atml::search {

/// Looks for the configuration that comes nearest to the limits (by the exact check, over seeded
/// samples, the default and steps downhill), builds the nearest few for real, and returns none as
/// soon as one fits.
Result<std::optional<report::NothingFits>> explain_if_nothing_fits(const Context& context,
                                                                   const StopToken& stop);

/// The same explanation from trials that were all undeployable: the one that came nearest.
Result<report::NothingFits> explain_nearest(const Context& context,
                                            const std::vector<study::Trial>& trials,
                                            const StopToken& stop);

}  // namespace atml::search
