// Explains a verdict: what binds, where, and what would help - every suggestion tried before it is
// made.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "deploy/deployability.h"

namespace atml::deploy {

/// A part of the catalogue and the verdict for it with all its memory (minus the reserves).
struct PartVerdict {
  target::Target part;
  Deployability verdict;
};

/// Which of the parts run the model, cheapest first by resources (flash + RAM, then clock, then
/// name), at most `most`. Latency, energy and reserves of `limits` hold for every part; flash and
/// RAM are the part's. Every part is asked, as a build for less RAM may differ (row streaming), but
/// for the cores whose answer was "not computable": those parts go to `unanswered`, where given.
Result<std::vector<PartVerdict>> find_parts(Oracle& oracle, const quantize::Int8Model& model,
                                            std::span<const target::Target> parts,
                                            const target::Limits& limits, std::size_t most,
                                            const StopToken& stop,
                                            std::vector<PartVerdict>* unanswered = nullptr);

/// Another way to build the same model ("--optimize size"), to be tried.
struct Alternative {
  std::string name;
  Oracle* oracle = nullptr;
};

/// The layer that takes most of what a violated limit counts.
struct Peak {
  Limit limit = Limit::kRam;
  std::string layer, kind;
  double used = 0;   // bytes of the layer; of RAM: alive at once while it runs; cycles
  double total = 0;  // of the whole firmware; of RAM: the arena
};

struct Explanation {
  std::vector<Violation> violations;
  std::vector<Peak> peaks;
  std::vector<std::string> binding;      // one line a violated limit: used, allowed, excess
  std::vector<std::string> places;       // where flash, RAM and time go: the largest layer of each
  std::vector<std::string> suggestions;  // what would do, each verified
  std::vector<std::string> in_vain;      // what was tried and does not do, with its figures
  std::string text() const;              // all lines, for a terminal
  /// {"limits":[{"limit","used","allowed","excess","unit"}], "peaks":[{"limit","layer","kind",
  /// "used","total","unit"}], "suggestions":[..], "tried_in_vain":[..]}; bytes, ms, uJ, cycles.
  Json json() const;
};

/// Why `verdict` (of `oracle`, for these limits) is not deployable and what would do: looser limits
/// (exact), an alternative build, a network near this one that has to be trained again (weights of
/// 4 bits where flash binds, a smaller stem where RAM, time or energy do), other parts. Costs a few
/// checks. A not computable verdict gets its reason only.
Result<Explanation> explain(Oracle& oracle, std::span<const Alternative> alternatives,
                            const quantize::Int8Model& model, const target::Target& target,
                            const target::Limits& limits, const Deployability& verdict,
                            std::span<const target::Target> catalogue, const StopToken& stop);

}  // namespace atml::deploy
