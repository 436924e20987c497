// The public ask / tell API over Space, Strategy and trial values.
#include <cmath>

#include <fmt/format.h>

#include "autotinyml/optimizer.h"
#include "base/json.h"
#include "base/text.h"
#include "propose/importance.h"
#include "propose/pareto.h"
#include "propose/strategy.h"

namespace autotinyml {
namespace {

namespace space = atml::space;
namespace propose = atml::propose;
namespace study = atml::study;
using atml::Json;
using study::Outcome;

Point point_of(const space::Configuration& c) { return {c.values().begin(), c.values().end()}; }

Explanation public_explanation(const study::Explanation& e) {
  Explanation result{e.kind, e.acquisition, e.mean, e.deviation, e.best, e.computable, {}};
  for (const auto& [name, probability] : e.chances) result.feasible[name] = probability;
  return result;
}

Json trial_json(const study::Trial& t) {
  Json j = Json::object();
  j.set("number", t.number)
      .set("point", t.configuration.text())
      .set("outcome", static_cast<int>(t.outcome));
  if (!t.reason.empty()) j.set("reason", t.reason);
  if (t.objective) j.set("objective", *t.objective);
  Json constraints = Json::array(), rungs = Json::array();
  for (const study::Constraint& c : t.constraints)
    constraints.push(
        Json::object().set("name", c.name).set("used", c.used).set("allowed", c.allowed));
  for (const study::Rung& r : t.rungs)
    rungs.push(Json::object().set("epochs", r.epochs).set("objective", r.objective));
  j.set("constraints", std::move(constraints)).set("rungs", std::move(rungs));
  return j;
}

atml::Result<study::Trial> trial_from(const Json& j) {
  study::Trial t;
  t.number = static_cast<int>(j["number"].integer(-1));
  ATML_TRY(t.configuration, space::Configuration::from_text(j["point"].string()));
  const auto outcome = j["outcome"].integer(-1);
  if (outcome < 0 || outcome > static_cast<int>(Outcome::kFailed))
    return atml::Error{atml::Code::kParse, fmt::format("unknown outcome {}", outcome)};
  t.outcome = static_cast<Outcome>(outcome);
  t.reason = j["reason"].string();
  if (j["objective"].is_number()) t.objective = j["objective"].number();
  const double missing = std::nan("");  // not-finite numbers are written as null
  for (const Json& c : j["constraints"].items())
    t.constraints.push_back(
        {c["name"].string(), c["used"].number(missing), c["allowed"].number(missing)});
  for (const Json& r : j["rungs"].items())
    t.rungs.push_back({.epochs = static_cast<int>(r["epochs"].integer()),
                       .objective = r["objective"].number(missing)});
  return t;
}

}  // namespace

struct Space::State {
  std::vector<space::Parameter> parameters;
  std::string error;  // of a call that the Space itself cannot report
};

Space::Space() : state_(std::make_unique<State>()) {}
Space::~Space() = default;
Space::Space(const Space& other) : state_(std::make_unique<State>(*other.state_)) {}
Space& Space::operator=(const Space& other) {
  *state_ = *other.state_;
  return *this;
}

Space& Space::real(const std::string& name, double low, double high, double preferred,
                   bool logarithmic) {
  state_->parameters.push_back({.name = name,
                                .kind = space::Kind::kReal,
                                .low = low,
                                .high = high,
                                .log = logarithmic,
                                .preferred = preferred});
  return *this;
}

Space& Space::integer(const std::string& name, std::int64_t low, std::int64_t high,
                      std::int64_t preferred, bool logarithmic) {
  state_->parameters.push_back({.name = name,
                                .kind = space::Kind::kInteger,
                                .low = static_cast<double>(low),
                                .high = static_cast<double>(high),
                                .log = logarithmic,
                                .preferred = preferred});
  return *this;
}

Space& Space::ordinal(const std::string& name, const std::vector<std::int64_t>& values,
                      std::int64_t preferred) {
  state_->parameters.push_back({.name = name,
                                .kind = space::Kind::kOrdinal,
                                .values = {values.begin(), values.end()},
                                .preferred = preferred});
  return *this;
}

Space& Space::categorical(const std::string& name, const std::vector<std::string>& words,
                          const std::string& preferred) {
  state_->parameters.push_back({.name = name,
                                .kind = space::Kind::kCategorical,
                                .values = {words.begin(), words.end()},
                                .preferred = preferred});
  return *this;
}

Space& Space::when(const std::string& parent, const std::vector<Value>& values) {
  if (state_->parameters.empty())
    state_->error = fmt::format("when('{}') comes before any parameter", parent);
  else
    state_->parameters.back().conditions.push_back({parent, values});
  return *this;
}

Expected<Space> Space::from_toml(const std::string& text) {
  auto parsed = space::parse_space(text, "space");
  if (!parsed) return Failure{parsed.error().message};
  Space result;
  result.state_->parameters = parsed->parameters();
  return result;
}

struct Optimizer::State {
  space::Space space;
  Options options;
  std::unique_ptr<propose::Strategy> strategy;
  std::vector<study::Trial> history;

  propose::Problem problem() const {
    propose::Problem p{.space = space,
                       .history = history,
                       .constraint_names = options.constraints,
                       .seed = options.seed,
                       .refusal_cost = options.refusal_cost,
                       .sources = options.rungs};
    if (options.exact) {
      p.exact = [this](const space::Configuration& c) {
        const Exact answer = options.exact(point_of(c));
        return propose::ExactCheck{answer.allowed, answer.worst_margin, answer.reason};
      };
    }
    return p;
  }

  /// A trial that may still be told about.
  study::Trial* open(int number, std::string& error) {
    if (number < 0 || number >= static_cast<int>(history.size())) {
      error = fmt::format("trial {} was never asked for; there are {}", number, history.size());
      return nullptr;
    }
    study::Trial& t = history[static_cast<std::size_t>(number)];
    if (t.outcome != Outcome::kRunning) {
      error = fmt::format("trial {} has ended already", number);
      return nullptr;
    }
    return &t;
  }

  Done end(int number, Outcome outcome, std::optional<double> objective = {},
           std::string reason = {}) {
    std::string error;
    study::Trial* t = open(number, error);
    if (t == nullptr) return Failure{error};
    t->outcome = outcome;
    t->objective = objective;
    t->reason = std::move(reason);
    return {};
  }
};

Optimizer::Optimizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Optimizer::Optimizer(Optimizer&&) noexcept = default;
Optimizer& Optimizer::operator=(Optimizer&&) noexcept = default;
Optimizer::~Optimizer() = default;

std::vector<std::string> Optimizer::strategies() { return propose::strategy_names(); }

Expected<Optimizer> Optimizer::create(const Space& declared, Options options) {
  if (!declared.state_->error.empty()) return Failure{declared.state_->error};
  if (!(options.refusal_cost > 0 && options.refusal_cost <= 1))
    return Failure{
        fmt::format("refusal_cost must be above 0 and at most 1, not {}", options.refusal_cost)};
  for (std::size_t i = 0; i < options.rungs.size(); ++i) {
    if (options.rungs[i] <= (i == 0 ? 0 : options.rungs[i - 1]))
      return Failure{
          fmt::format("rungs must ascend and be above 0; rung {} is {}", i, options.rungs[i])};
  }
  auto made = space::Space::create("space", declared.state_->parameters);
  if (!made) return Failure{made.error().message};
  auto strategy = propose::make_strategy(options.strategy);
  if (!strategy) return Failure{strategy.error().message};
  return Optimizer(std::unique_ptr<State>(
      new State{std::move(*made), std::move(options), std::move(strategy).value(), {}}));
}

Expected<Optimizer> Optimizer::resume(const Space& declared, Options options,
                                      const std::string& saved) {
  auto optimizer = create(declared, std::move(options));
  if (!optimizer) return optimizer;
  State& state = *optimizer->state_;
  int line_number = 0;
  for (const std::string& line : atml::split(saved, '\n')) {
    ++line_number;
    if (line.empty()) continue;
    auto json = Json::parse(line);
    if (!json) return Failure{fmt::format("saved line {}: {}", line_number, json.error().message)};
    auto trial = trial_from(*json);
    if (!trial)
      return Failure{fmt::format("saved line {}: {}", line_number, trial.error().message)};
    if (trial->number != static_cast<int>(state.history.size()))
      return Failure{fmt::format("saved line {}: trial {} where {} should follow", line_number,
                                 trial->number, state.history.size())};
    if (const auto status = state.space.contains(trial->configuration); !status)
      return Failure{fmt::format("saved line {}: {}; was it saved with another space?", line_number,
                                 status.error().message)};
    state.history.push_back(std::move(*trial));
  }
  return optimizer;
}

Expected<Trial> Optimizer::ask() {
  auto proposal = state_->strategy->propose(state_->problem());
  if (!proposal) return Failure{proposal.error().message};
  study::Trial t;
  t.number = static_cast<int>(state_->history.size());
  t.configuration = proposal->configuration;
  t.why = proposal->why;
  t.explanation = proposal->explanation;
  state_->history.push_back(t);
  return Trial{t.number,          point_of(t.configuration), proposal->why,
               proposal->allowed, proposal->epochs,          public_explanation(t.explanation)};
}

Done Optimizer::tell_constraint(int trial, const std::string& name, double used, double allowed) {
  std::string error;
  study::Trial* t = state_->open(trial, error);
  if (t == nullptr) return Failure{error};
  if (!(allowed > 0))
    return Failure{fmt::format("constraint '{}': allowed must be above 0, not {}", name, allowed)};
  bool known = false;
  for (const std::string& c : state_->options.constraints) known = known || c == name;
  if (!known)
    return Failure{fmt::format("unknown constraint '{}'{}", name,
                               atml::suggestion(name, state_->options.constraints))};
  for (study::Constraint& c : t->constraints) {
    if (c.name == name) {
      c = {name, used, allowed};
      return {};
    }
  }
  t->constraints.push_back({name, used, allowed});
  return {};
}

Done Optimizer::tell_rung(int trial, int epochs, double objective) {
  std::string error;
  study::Trial* t = state_->open(trial, error);
  if (t == nullptr) return Failure{error};
  t->rungs.push_back({.epochs = epochs, .objective = objective});
  return {};
}

Done Optimizer::tell_objective(int trial, double objective) {
  return state_->end(trial, Outcome::kMeasured, objective);
}
Done Optimizer::tell_infeasible(int trial) { return state_->end(trial, Outcome::kUndeployable); }
Done Optimizer::tell_pruned(int trial) { return state_->end(trial, Outcome::kPruned); }
Done Optimizer::tell_diverged(int trial) { return state_->end(trial, Outcome::kDiverged); }
Done Optimizer::cancel(int trial) { return state_->end(trial, Outcome::kCancelled); }
Done Optimizer::tell_not_computable(int trial, const std::string& reason) {
  return state_->end(trial, Outcome::kBuildFailed, {}, reason);
}

std::optional<Best> Optimizer::best() const {
  const propose::Problem problem = state_->problem();
  const auto observed = propose::observe(problem);
  const auto best = propose::best_feasible(observed);
  if (!best) return std::nullopt;
  const study::Trial& t = state_->history[static_cast<std::size_t>(observed[*best].number)];
  return Best{t.number, point_of(t.configuration), *t.objective};
}

std::vector<int> Optimizer::front() const { return propose::feasible_front(state_->history); }
std::vector<Importance> Optimizer::importance() const {
  std::vector<Importance> result;
  for (propose::Importance& p : propose::importances(state_->problem()))
    result.push_back({std::move(p.parameter), p.objective, std::move(p.constraints)});
  return result;
}

std::size_t Optimizer::trials() const { return state_->history.size(); }

std::string Optimizer::save() const {
  std::string text;
  for (const study::Trial& t : state_->history) text += trial_json(t).dump() + '\n';
  return text;
}

}  // namespace autotinyml
