// A verdict as text, so that a study keeps what was measured and a report need not measure again.
#pragma once

#include "base/json.h"
#include "deploy/deployability.h"

namespace atml::search {

/// Figures, split and layers; timings and violations are not kept (limits judge figures anew).
Json verdict_to_json(const deploy::Deployability& verdict);
deploy::Deployability verdict_from_json(const Json& json);

}  // namespace atml::search
