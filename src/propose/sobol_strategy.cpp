// Scrambled Sobol points through the tree of the space: evenly spread, blind to results.
#include "propose/design.h"
#include "propose/strategies.h"

namespace atml::propose {
namespace {

class SobolStrategy : public Strategy {
 public:
  std::string name() const override { return "sobol"; }

  Result<Proposal> propose(const Problem& problem) override {
    Gate gate(problem);
    const auto limit =
        static_cast<int>(1500 + 4 * problem.history.size());  // the sequence starts anew each time
    if (const auto x = design_point(problem, gate, limit))
      return Proposal{problem.space.decode(*x), "Sobol point"};
    return last_resort(problem, gate);
  }
};

}  // namespace

std::unique_ptr<Strategy> make_sobol() { return std::make_unique<SobolStrategy>(); }

}  // namespace atml::propose
