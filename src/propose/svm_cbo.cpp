// SVM-CBO (Candelieri, J. Global Optim. 79, 2021): an SVM learns the feasible region; phase 1
// samples where the border is uncertain or nothing is known, phase 2 minimises a lower confidence
// bound inside the estimated region. Two forms: "svm-cbo" with the known flaws mended,
// "svm-cbo-published" as the reference code computes it.
//
// Notation (everything in [0, 1]^d; words as index / (words - 1), inactive parameters as 1/2)
//   v       variance of all entries of all points so far
//   C(x)    sum_i exp(-|x - x_i|^2 / (2 s^2)), coverage: low where nothing was sampled; s^2 = v
//   (published: s = v) B(x)    |decision(x)|, boundness: low near the border (published: see
//   Svm::published_boundness)
// Phase 1 minimises C + B, of C alone while one class is missing. Phase 2 maximises mean + 1.96 sd
// of a GP on the feasible trials (objectives are maximised here), over points that the SVM calls
// feasible.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "propose/design.h"
#include "propose/maximise.h"
#include "propose/models/sobol.h"
#include "propose/models/svm.h"
#include "propose/strategies.h"
#include "propose/surrogates.h"

namespace atml::propose {
namespace {

constexpr double kBeta = 1.96;
constexpr std::size_t kDesign = 10;
constexpr std::size_t kPhase1Ends = 40;  // published: 10 + 60 of 100; mended: 10 + 30 of 100
constexpr std::size_t kPublishedPhase1Ends = 70;
constexpr int kRounds = 5;  // of the focus search
constexpr std::size_t kPerRound = 1000;

/// Labelled points in the unit box.
struct Labelled {
  Points points;
  std::vector<int> labels;  // +1 feasible
  double variance = 0;
  bool both() const {
    return std::find(labels.begin(), labels.end(), 1) != labels.end() &&
           std::find(labels.begin(), labels.end(), -1) != labels.end();
  }
};

std::vector<double> boxed(const Layout& layout, std::span<const double> x) {
  std::vector<double> u(x.begin(), x.end());
  for (std::size_t i = 0; i < u.size(); ++i) {
    if (u[i] == space::kInactive)
      u[i] = 0.5;
    else if (layout.words[i] > 1)
      u[i] /= layout.words[i] - 1;
  }
  return u;
}

Labelled label(const Layout& layout, std::span<const Observed> observed) {
  Labelled result;
  result.points.dimensions = layout.dimensions();
  for (const Observed& o : observed) {
    if (!o.computable) continue;
    result.points.add(boxed(layout, o.x));
    result.labels.push_back(*o.computable && o.violation == 0 ? 1 : -1);
  }
  double sum = 0, square = 0;
  for (const double u : result.points.values) sum += u, square += u * u;
  const auto n = static_cast<double>(std::max<std::size_t>(result.points.values.size(), 1));
  result.variance = std::max(square / n - sum / n * (sum / n), 1e-6);
  return result;
}

class SvmCboStrategy : public Strategy {
 public:
  explicit SvmCboStrategy(bool published) : published_(published) {}
  std::string name() const override { return published_ ? "svm-cbo-published" : "svm-cbo"; }

  Result<Proposal> propose(const Problem& problem) override {
    Gate gate(problem);
    if (problem.history.size() < kDesign) return from_design(problem, gate);
    const std::vector<Observed> observed = observe(problem);
    const Layout layout = layout_of(problem.space);
    const Labelled known = label(layout, observed);
    std::optional<Svm> svm;
    if (known.both()) svm.emplace(known.points, known.labels, 1.0, 1 / (2 * known.variance));
    const bool any_feasible = best_feasible(observed).has_value();
    const std::size_t end = published_ ? kPublishedPhase1Ends : kPhase1Ends;
    Rng rng = Rng::derive(problem.seed, name(), problem.history.size());
    if (problem.history.size() < end || !any_feasible)
      return explore(problem, gate, layout, known, svm, rng);
    return exploit(problem, gate, layout, observed, svm, rng);
  }

 private:
  static Result<Proposal> from_design(const Problem& problem, Gate& gate) {
    if (const auto x = design_point(problem, gate, 1500))
      return Proposal{.configuration = problem.space.decode(*x),
                      .why = "initial design: Sobol point",
                      .explanation = {.kind = "initial"}};
    return last_resort(problem, gate);
  }

  double coverage(const Labelled& known, std::span<const double> u) const {
    const double s2 = published_ ? known.variance * known.variance : known.variance;
    double sum = 0;
    for (std::size_t i = 0; i < known.points.size(); ++i) {
      double r2 = 0;
      for (std::size_t k = 0; k < u.size(); ++k)
        r2 += (u[k] - known.points[i][k]) * (u[k] - known.points[i][k]);
      sum += std::exp(-r2 / (2 * s2));
    }
    return sum;
  }

  Result<Proposal> explore(const Problem& problem, Gate& gate, const Layout& layout,
                           const Labelled& known, const std::optional<Svm>& svm, Rng& rng) const {
    const Scorer scorer{[&](const Points& x) {
                          std::vector<double> values;
                          for (std::size_t i = 0; i < x.size(); ++i) {
                            const std::vector<double> u = boxed(layout, x[i]);
                            double a = coverage(known, u);
                            if (svm)
                              a += published_ ? svm->published_boundness(u)
                                              : std::abs(svm->decision(u));
                            values.push_back(-a);
                          }
                          return values;
                        },
                        {}};
    const auto x = maximise(problem, gate, scorer, {}, rng, {.candidates = 1000});
    if (!x) return from_design(problem, gate);
    return Proposal{
        problem.space.decode(*x),
        svm ? "phase 1: near the learnt border of the feasible region, or far from all trials"
            : "phase 1: far from all trials (one class so far)"};
  }

  // Focus search: rounds of random points whose box narrows round the best; the published form
  // samples the whole box every time and answers the best of the last round.
  Result<Proposal> exploit(const Problem& problem, Gate& gate, const Layout& layout,
                           std::span<const Observed> observed, const std::optional<Svm>& svm,
                           Rng& rng) {
    std::vector<Observed> feasible;
    for (const Observed& o : observed) {
      if (o.feasible) feasible.push_back(o);
    }
    Problem unconstrained = problem;
    unconstrained.constraint_names.clear();
    const Surrogates surrogates(unconstrained, feasible, feasible, memory_,
                                published_ ? PowerFit::kNever : PowerFit::kWhereItPays);
    std::optional<space::Encoding> best;
    double best_bound = 0;
    for (int round = 0; round < kRounds; ++round) {
      if (published_) best.reset();
      const double half = best ? std::pow(0.5, round) : 1.0;
      Points batch{layout.dimensions(), {}};
      Sobol sobol(static_cast<int>(layout.dimensions()), rng.next());
      for (std::size_t i = 0; i < kPerRound; ++i) {
        space::Encoding x = narrowed(problem, layout, sobol.next(), best, half);
        if (gate.is_new(x) && (!svm || svm->decision(boxed(layout, x)) > 0)) batch.add(x);
      }
      if (batch.size() == 0) continue;
      std::vector<double> mean(batch.size()), variance(batch.size());
      surrogates.objective()->predict(batch, mean, variance);
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const double bound = mean[i] + kBeta * std::sqrt(variance[i]);
        const space::Encoding x(batch[i].begin(), batch[i].end());
        if ((best && bound <= best_bound) || !gate.passes(x)) continue;
        best = x;
        best_bound = bound;
      }
    }
    if (best)
      return Proposal{problem.space.decode(*best),
                      "phase 2: best confidence bound where the SVM sees feasibility"};
    if (const auto x = random_point(problem, gate, rng, 1500))
      return Proposal{problem.space.decode(*x),
                      "phase 2: the SVM calls no candidate feasible; random draw"};
    return last_resort(problem, gate);
  }

  static space::Encoding narrowed(const Problem& problem, const Layout& layout,
                                  std::vector<double> unit,
                                  const std::optional<space::Encoding>& centre, double half) {
    if (!centre || half >= 1) return problem.space.from_unit(unit);
    space::Encoding x = *centre;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] == space::kInactive) continue;
      if (layout.words[i] > 0) {
        if (unit[i] < half) x[i] = std::floor(unit[i] / half * layout.words[i]);
      } else {
        const double low = std::max(0.0, x[i] - half), high = std::min(1.0, x[i] + half);
        x[i] = low + unit[i] * (high - low);
      }
    }
    problem.space.snap(x);
    return x;
  }

  bool published_;
  ModelMemory memory_;
};

}  // namespace

std::unique_ptr<Strategy> make_svm_cbo() { return std::make_unique<SvmCboStrategy>(false); }
std::unique_ptr<Strategy> make_svm_cbo_published() {
  return std::make_unique<SvmCboStrategy>(true);
}

}  // namespace atml::propose
