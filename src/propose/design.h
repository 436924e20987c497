// Points that need no model: the initial design, and the search for anything that the exact limits
// allow.
#pragma once

#include <optional>

#include "propose/history.h"

namespace atml::propose {

/// How many trials come from the design before a model is asked: d + 1 within [5, 12].
std::size_t design_size(const space::Space& space);

/// The default configuration, then scrambled Sobol points: the first that passes the gate, of at
/// most `limit`. The same question gives the same answer, so a resumed study goes on in the
/// sequence.
std::optional<space::Encoding> design_point(const Problem& problem, Gate& gate, int limit);

/// A uniform random point that passes the gate, of at most `limit`.
std::optional<space::Encoding> random_point(const Problem& problem, Gate& gate, Rng& rng,
                                            int limit);

/// When sampling found nothing: descends the worst margin by one-exchange moves from the least
/// violating point; in a space of at most some thousand configurations looks at all of them. The
/// proposal is then an allowed point; or the least violating one, marked so; or an error
/// (not_found) where every configuration is in the history.
Result<Proposal> last_resort(const Problem& problem, Gate& gate);

}  // namespace atml::propose
