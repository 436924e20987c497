// The search loop: workers that propose, check and train until the budget or the trials are used
// up.
#pragma once

#include <vector>

#include "search/context.h"
#include "study/trial.h"

namespace atml::search {

/// Runs until `stop` asks to (its deadline is the search's share of the budget), settings.trials
/// proposals are made and nothing can be promoted, or the space is exhausted. Trials that an
/// earlier run left unfinished go on first. Errors: the environment broke; what was committed
/// stays.
Status run_loop(Context& context, const StopToken& stop);

}  // namespace atml::search
