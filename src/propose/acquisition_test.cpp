// What candidates are worth, against the textbook formulas written out anew.
#include "propose/acquisition.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "base/random.h"

namespace atml::propose {
namespace {

double density(double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); }
double below(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

class Acquisitions : public ::testing::Test {
 protected:
  // y = wave(x0) + noise, limit: x0 + x1 <= 1.1.
  explicit Acquisitions(double noise = 0)
      : space_(*space::Space::create(
            "plane",
            {{.name = "a", .kind = space::Kind::kReal, .low = 0, .high = 1, .preferred = 0.5},
             {.name = "b", .kind = space::Kind::kReal, .low = 0, .high = 1, .preferred = 0.5}})) {
    Rng rng(11);
    for (int i = 0; i < 24; ++i) {
      study::Trial t;
      t.number = i;
      const double a = rng.uniform(), b = rng.uniform();
      t.configuration.set("a", a);
      t.configuration.set("b", b);
      t.outcome = study::Outcome::kMeasured;
      t.constraints = {{"sum", a + b, 1.1}};
      t.objective = std::sin(5 * a) + 0.3 * b + noise * rng.normal();
      trials_.push_back(t);
    }
    Problem problem{.space = space_, .history = trials_, .constraint_names = {"sum"}};
    observed_ = observe(problem);
    surrogates_.emplace(problem, observed_, observed_, memory_);
  }

  struct Prediction {
    double mean, sd;
  };
  static Prediction at(const GaussianProcess& process, const Points& x) {
    double mean = 0, variance = 0;
    process.predict(x, {&mean, 1}, {&variance, 1});
    return {mean, std::sqrt(variance)};
  }
  static double improvement(const Prediction& p, double best) {
    const double z = (p.mean - best) / p.sd;
    return p.sd * (density(z) + z * below(z));
  }
  double chance(const Points& x) const {
    const ConstraintModel& c = surrogates_->constraints()[0];
    const Prediction p = at(c.process, x);
    return below((c.limit - p.mean) / p.sd);
  }

  space::Space space_;
  std::vector<study::Trial> trials_;
  std::vector<Observed> observed_;
  ModelMemory memory_;
  std::optional<Surrogates> surrogates_;
};

class NoisyAcquisitions : public Acquisitions {
 protected:
  NoisyAcquisitions() : Acquisitions(0.4) {}
};

const Points kSomewhere{2, {0.31, 0.62}};

TEST_F(Acquisitions, MultiplyImprovementByFeasibility) {
  const double expected =
      std::log(improvement(at(*surrogates_->objective(), kSomewhere), *surrogates_->best())) +
      std::log(chance(kSomewhere));
  EXPECT_NEAR(Acquisition(*surrogates_, Goal::kImprove).values(kSomewhere)[0], expected, 1e-9);
  EXPECT_NEAR(Acquisition(*surrogates_, Goal::kFeasible).values(kSomewhere)[0],
              std::log(chance(kSomewhere)), 1e-9);
}

TEST_F(Acquisitions, AMarginRaisesWhatMustBeBeaten) {
  const Prediction p = at(*surrogates_->objective(), kSomewhere);
  const double margin = 2 * p.sd;
  const double expected =
      std::log(improvement(p, *surrogates_->best() + margin)) + std::log(chance(kSomewhere));
  const double plain = Acquisition(*surrogates_, Goal::kImprove).values(kSomewhere)[0];
  const double raised = Acquisition(*surrogates_, Goal::kImprove, margin).values(kSomewhere)[0];
  EXPECT_NEAR(raised, expected, 1e-9);
  EXPECT_LT(raised, plain - 1);
}

// Improvement by expected cost: P is paid with c + (1 - c) P.
TEST_F(Acquisitions, CheapRefusalsMakeRisksWorthTaking) {
  const double p = chance(kSomewhere), c = 0.05;
  const double plain = Acquisition(*surrogates_, Goal::kImprove).values(kSomewhere)[0];
  const double aware = Acquisition(*surrogates_, Goal::kImprove, 0, c).values(kSomewhere)[0];
  EXPECT_NEAR(aware, plain - std::log(c + (1 - c) * p), 1e-9);
  // A risky candidate gains by it, a safe one hardly.
  const Points risky{2, {0.75, 0.75}}, safe{2, {0.2, 0.2}};
  ASSERT_LT(chance(risky), 0.1);
  ASSERT_GT(chance(safe), 0.99);
  const auto gain = [&](const Points& x) {
    return Acquisition(*surrogates_, Goal::kImprove, 0, c).values(x)[0] -
           Acquisition(*surrogates_, Goal::kImprove).values(x)[0];
  };
  EXPECT_GT(gain(risky), 1.5);
  EXPECT_LT(gain(safe), 0.02);
}

// The mean over draws of the true best, where no trial is known for sure to be it.
TEST_F(NoisyAcquisitions, AverageOverWhatTheBestTrulyIs) {
  const auto bests = surrogates_->bests();
  ASSERT_GT(bests.size(), 5u);
  double spread = 0, sum = 0;
  for (const double b : bests) {
    spread = std::max(spread, std::abs(b - bests[0]));
    sum += improvement(at(*surrogates_->objective(), kSomewhere), b);
  }
  EXPECT_GT(spread, 1e-3);
  const double expected =
      std::log(sum / static_cast<double>(bests.size())) + std::log(chance(kSomewhere));
  EXPECT_NEAR(Acquisition(*surrogates_, Goal::kImprove).values(kSomewhere)[0], expected, 1e-9);
}

TEST_F(Acquisitions, WithoutNoiseTheBestIsOne) { EXPECT_EQ(surrogates_->bests().size(), 1u); }

void expect_slopes(const Acquisition& acquisition) {
  const Points x{2, {0.31, 0.62, 0.8, 0.5, 0.1, 0.9}};
  std::vector<double> slopes(6);
  const std::vector<double> values = acquisition.values_with_slopes(x, slopes);
  const std::vector<double> same = acquisition.values(x);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(values[i], same[i], 1e-9);
    for (std::size_t k = 0; k < 2; ++k) {
      Points up{2, {x[i][0], x[i][1]}}, down = up;
      up.values[k] += 1e-6;
      down.values[k] -= 1e-6;
      const double numeric = (acquisition.values(up)[0] - acquisition.values(down)[0]) / 2e-6;
      EXPECT_NEAR(slopes[2 * i + k], numeric, 1e-4 * (1 + std::abs(numeric)));
    }
  }
}

TEST_F(Acquisitions, SlopesAreDerivatives) {
  expect_slopes(Acquisition(*surrogates_, Goal::kImprove));
  expect_slopes(Acquisition(*surrogates_, Goal::kImprove, 0.2, 0.05));
  expect_slopes(Acquisition(*surrogates_, Goal::kFeasible));
}
TEST_F(NoisyAcquisitions, SlopesAreDerivatives) {
  expect_slopes(Acquisition(*surrogates_, Goal::kImprove));
}

}  // namespace
}  // namespace atml::propose
