// Uniform random search over the tree of the space, exact limits and duplicates rejected.
#include "propose/design.h"
#include "propose/strategies.h"

namespace atml::propose {
namespace {

constexpr int kSamples = 1500;

class RandomStrategy : public Strategy {
 public:
  std::string name() const override { return "random"; }

  Result<Proposal> propose(const Problem& problem) override {
    Gate gate(problem);
    Rng rng = Rng::derive(problem.seed, "random", problem.history.size());
    if (const auto x = random_point(problem, gate, rng, kSamples))
      return Proposal{problem.space.decode(*x), "uniform random draw"};
    return last_resort(problem, gate);
  }
};

}  // namespace

std::unique_ptr<Strategy> make_random() { return std::make_unique<RandomStrategy>(); }

}  // namespace atml::propose
