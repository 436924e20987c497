#include "search/loop.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>

#include "search/exact.h"
#include "search/inheritance.h"
#include "search/promotion.h"
#include "search/times.h"
#include "search/trial_runner.h"
#include "search/turns.h"
#include "space/decode.h"

namespace atml::search {
namespace {

using study::Outcome;
using study::Trial;

constexpr double kLeastRefusalCost = 0.1;  // a wrong model must not spend the budget on refusals

struct Job {
  enum class Kind { kCheck, kTrain };
  Kind kind = Kind::kCheck;
  Trial trial;
  double cost = 0;              // virtual seconds
  std::vector<Donor> heritage;  // of a first rung: whose weights it may begin with
  std::optional<Error> error;   // the environment broke while it ran
};

/// One run of the loop. All members but the constant ones are touched only while holding a turn.
class Loop {
 public:
  Loop(Context& context, const StopToken& stop)
      : context_(context), stop_(stop), runner_(context), exact_(context), turns_(context.jobs) {}

  Status run() {
    ATML_TRY(visible_, context_.store->trials());
    ATML_TRY(times_, load_times(*context_.store));
    for (Trial& trial : visible_) {
      const bool unfinished =
          trial.outcome == Outcome::kRunning || trial.outcome == Outcome::kCancelled;
      if (unfinished) left_over_.push_back(trial.number);
    }
    std::vector<std::thread> workers;
    for (int w = 0; w < context_.jobs; ++w) workers.emplace_back([this, w] { work(w); });
    for (std::thread& worker : workers) worker.join();
    if (error_) return *error_;
    return release_unfinished();
  }

 private:
  void work(int worker) {
    std::optional<Job> done;
    while (true) {
      std::optional<Job> job;
      {
        const auto turn = turns_.wait(worker);
        if (done) publish(*done);
        job = decide(done);
        if (!job) {
          if (!error_ && !stop_.stop_requested() && !closing_ && turns_.wait_for_others(worker)) {
            done.reset();
            continue;
          }
          turns_.retire(worker);
          return;
        }
        trial(job->trial.number).outcome = Outcome::kRunning;
        turns_.advance(worker, job->cost);
      }
      perform(*job);
      done = std::move(job);
    }
  }

  Trial& trial(int number) { return visible_[static_cast<std::size_t>(number)]; }

  void publish(const Job& job) {
    trial(job.trial.number) = job.trial;
    if (job.error && !error_) error_ = job.error;
    if (job.kind == Job::Kind::kTrain) {
      planned_seconds_ += job.cost;
      real_seconds_ += job.trial.rungs.empty() ? 0 : job.trial.rungs.back().seconds;
    }
    note_course(job.trial);
    report_progress();
  }

  void note_course(const Trial& t) {
    const bool improved =
        t.objective && (times_.course.empty() || *t.objective > times_.course.back().best);
    if (improved) times_.course.push_back({context_.elapsed(), t.number, *t.objective});
    times_.elapsed = context_.elapsed();
    const Status saved = save_times(*context_.store, times_);
    if (!saved.ok() && !error_) error_ = saved.error();
  }

  /// The next job of a worker: go on with its own checked trial, finish what an earlier run left,
  /// promote, propose - in this order.
  std::optional<Job> decide(const std::optional<Job>& done) {
    if (error_ || stop_.stop_requested()) return std::nullopt;
    if (done && done->kind == Job::Kind::kCheck && done->trial.outcome == Outcome::kRunning) {
      auto job = train_job(done->trial);
      if (!job) closing_ = true;  // not even a first rung: a new network would be checked in vain
      return job;
    }
    if (!left_over_.empty()) return left_over_job();
    if (const auto number = next_promotion(visible_, context_.plan)) {
      if (auto job = train_job(trial(*number))) return job;
    }
    return proposal();
  }

  std::optional<Job> left_over_job() {
    Trial next = trial(left_over_.front());
    left_over_.pop_front();
    next.outcome = Outcome::kRunning;
    next.reason.clear();
    if (next.figures) return train_job(next);
    return Job{Job::Kind::kCheck, std::move(next), kCheckCost, {}, {}};
  }

  std::optional<Job> train_job(Trial next) {
    const auto network =
        space::decode(next.configuration, context_.dataset.shape, context_.dataset.outputs());
    ATML_ASSERT(network.ok(), "a checked configuration decodes");
    const int from = next.rungs.empty() ? 0 : next.rungs.back().epochs;
    const int epochs = context_.plan.rungs[next.rungs.size()] - from;
    const double cost = epochs * epoch_cost(*network, context_.dataset.train.size());
    if (!fits(cost)) return std::nullopt;
    next.outcome = Outcome::kRunning;
    std::vector<Donor> heritage;
    if (context_.settings.inherit && next.rungs.empty())
      heritage = donors(context_.space, visible_, next.configuration);
    return Job{Job::Kind::kTrain, std::move(next), cost, std::move(heritage), {}};
  }

  /// Whether a job of this cost is likely to end before the deadline, at the speed seen so far.
  bool fits(double cost) const {
    if (planned_seconds_ <= 0) return true;
    return now_seconds() + 0.9 * cost * real_seconds_ / planned_seconds_ < stop_.deadline();
  }

  std::optional<Job> proposal() {
    const int limit = context_.settings.trials.value_or(1 << 30);
    if (closing_ || static_cast<int>(visible_.size()) >= limit) return std::nullopt;
    const double start = now_seconds();
    propose::Problem problem{context_.space, visible_, [this](const auto& c) { return exact_(c); },
                             learnt_constraints(), context_.settings.seed};
    problem.refusal_cost = refusal_cost();
    auto answer = context_.strategy->propose(problem);
    if (!answer.ok()) {
      if (answer.error().code != Code::kNotFound) error_ = answer.error();
      return std::nullopt;  // not found: the space is exhausted
    }
    Trial next;
    next.configuration = std::move(answer->configuration);
    next.why = std::move(answer->why);
    next.explanation = std::move(answer->explanation);
    next.seconds.propose = now_seconds() - start;
    const auto number = context_.store->add_trial(next);
    if (!number.ok()) {
      error_ = number.error();
      return std::nullopt;
    }
    next.number = *number;
    visible_.push_back(next);
    return Job{Job::Kind::kCheck, std::move(next), kCheckCost, {}, {}};
  }

  /// Where time is limited, what does not fit costs only its check; where trials are counted, a
  /// whole trial. By planned costs, never by a clock.
  double refusal_cost() const {
    if (!context_.settings.budget || context_.settings.trials) return 1;
    const auto network = space::decode(context_.space.default_configuration(),
                                       context_.dataset.shape, context_.dataset.outputs());
    if (!network.ok()) return 1;
    const double training =
        context_.plan.rungs.front() * epoch_cost(*network, context_.dataset.train.size());
    return std::max(kCheckCost / (kCheckCost + training), kLeastRefusalCost);
  }

  /// Latency and energy are always learnt where they are limited; flash and RAM only where the
  /// exact check has let something through that did not fit.
  std::vector<std::string> learnt_constraints() const {
    std::vector<std::string> names;
    if (context_.limits.latency) names.push_back("latency");
    if (context_.limits.energy) names.push_back("energy");
    for (const char* name : {"flash", "ram"}) {
      const bool surprised =
          !context_.sizes_are_known() || std::ranges::any_of(visible_, [&](const Trial& t) {
            return std::ranges::any_of(
                t.constraints, [&](const auto& c) { return c.name == name && c.margin() > 0; });
          });
      if (surprised) names.push_back(name);
    }
    return names;
  }

  /// Without a turn: the work itself.
  void perform(Job& job) const {
    const Status status = job.kind == Job::Kind::kCheck
                              ? runner_.check(job.trial, stop_)
                              : runner_.train_rung(job.trial, stop_, job.heritage);
    if (!status.ok())
      job.error = status.error().with_context(fmt::format("trial {}", job.trial.number));
  }

  /// Trials that nobody will go on with now.
  Status release_unfinished() {
    for (Trial& t : visible_) {
      if (t.outcome != Outcome::kRunning) continue;
      t.outcome = Outcome::kCancelled;
      t.reason = stop_.interrupted() ? "interrupted; resume goes on with it"
                                     : "no time was left to train it";
      ATML_TRY_STATUS(context_.store->update_trial(t));
    }
    return {};
  }

  void report_progress() {
    Progress p;
    p.phase = "search";
    p.elapsed = context_.elapsed();
    p.budget = context_.settings.budget ? context_.budget() : 0;
    p.trial_limit = context_.settings.trials.value_or(0);
    p.metric = metric_name(context_.dataset.task);
    for (const Trial& t : visible_) {
      ++p.proposed;
      p.undeployable += t.outcome == Outcome::kUndeployable || t.outcome == Outcome::kBuildFailed ||
                        t.outcome == Outcome::kEmulationFailed;
      p.trained += !t.rungs.empty();
      p.running += t.outcome == Outcome::kRunning;
      for (const study::Rung& r : t.rungs)
        p.best = std::max(p.best.value_or(r.objective), r.objective);
    }
    context_.events->progress(p);
  }

  Context& context_;
  StopToken stop_;
  TrialRunner runner_;
  ExactLimits exact_;
  Turns turns_;
  std::vector<Trial> visible_;  // the history as decisions may know it
  std::deque<int> left_over_;   // unfinished trials of an earlier run
  StageTimes times_;
  // Virtual and real seconds of finished rungs: the speed of this machine.
  double planned_seconds_ = 0;
  double real_seconds_ = 0;
  bool closing_ = false;  // no time for another training
  std::optional<Error> error_;
};

}  // namespace

Status run_loop(Context& context, const StopToken& stop) { return Loop(context, stop).run(); }

}  // namespace atml::search
