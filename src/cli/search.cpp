#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/text.h"
#include "base/toml.h"
#include "cli/finish.h"
#include "cli/limit_options.h"
#include "propose/strategy.h"

namespace atml::cli {
namespace {

/// Options as typed: parsed into Settings only when the command runs, so that errors carry our own
/// words.
struct Typed {
  std::string data, target, budget, oracle = "builtin", strategy, space, config, out, study;
  LimitTexts limits;
  int trials = 0, jobs = 0, epochs = 0, final_epochs = 0, finalists = 0, final_seeds = 0;
  std::uint64_t seed = 0;
  bool single_rounding = false, inherit = false, distil = false;
};

/// A file of the same options (flash = "64KiB", trials = 40); what is typed wins over the file.
Status merge_file(const CLI::App& command, Typed& typed) {
  if (typed.config.empty()) return {};
  ATML_TRY(const Toml file, Toml::parse_file(typed.config));
  const std::map<std::string, std::string*> words{{"data", &typed.data},
                                                  {"target", &typed.target},
                                                  {"flash", &typed.limits.flash},
                                                  {"ram", &typed.limits.ram},
                                                  {"latency", &typed.limits.latency},
                                                  {"energy", &typed.limits.energy},
                                                  {"app", &typed.limits.app},
                                                  {"reserve_flash", &typed.limits.reserve_flash},
                                                  {"reserve_ram", &typed.limits.reserve_ram},
                                                  {"optimize", &typed.limits.optimize},
                                                  {"budget", &typed.budget},
                                                  {"oracle", &typed.oracle},
                                                  {"oracle_timeout", &typed.limits.oracle_timeout},
                                                  {"strategy", &typed.strategy},
                                                  {"space", &typed.space},
                                                  {"out", &typed.out},
                                                  {"study", &typed.study}};
  const std::map<std::string, int*> numbers{
      {"trials", &typed.trials},       {"jobs", &typed.jobs},
      {"epochs", &typed.epochs},       {"final_epochs", &typed.final_epochs},
      {"finalists", &typed.finalists}, {"final_seeds", &typed.final_seeds}};
  std::vector<std::string> known{"seed"};
  for (const auto& [key, value] : words) known.push_back(key);
  for (const auto& [key, value] : numbers) known.push_back(key);
  ATML_TRY_STATUS(file.only_keys(known));
  for (const std::string& key : file.keys()) {
    std::string option = "--" + key;
    std::ranges::replace(option, '_', '-');
    if (key == "data" ? !typed.data.empty() : command.count(option) > 0) continue;
    if (key == "seed") {
      ATML_TRY(const std::int64_t seed, file.integer(key));
      typed.seed = static_cast<std::uint64_t>(seed);
    } else if (words.contains(key)) {
      ATML_TRY(*words.at(key), file.string(key));
    } else {
      ATML_TRY(const std::int64_t number, file.integer(key));
      *numbers.at(key) = static_cast<int>(number);
    }
  }
  return {};
}

Result<search::Settings> to_settings(const Typed& t) {
  search::Settings s;
  if (t.data.empty())
    return Error{
        Code::kInvalidArgument,
        "no data set given; for example: autotinyml search fashion-mnist --target stm32f401re"};
  if (t.target.empty())
    return Error{Code::kInvalidArgument,
                 "--target is missing; 'autotinyml targets' lists the parts"};
  s.data = t.data;
  s.target = t.target;
  ATML_TRY_STATUS(parse_limits(t.limits, s));
  if (!t.budget.empty()) {
    const auto budget = parse_seconds(t.budget);
    if (!budget.ok()) return budget.error().with_context("--budget");
    if (budget->value <= 0)
      return Error{Code::kInvalidArgument, "--budget must be longer than nothing, e.g. 10min"};
    s.budget = *budget;
  }
  if (t.trials > 0) s.trials = t.trials;
  s.oracle = t.oracle;
  s.strategy = t.strategy;
  s.space = t.space;
  s.seed = t.seed;
  s.jobs = t.jobs;
  s.epochs = t.epochs;
  s.final_epochs = t.final_epochs;
  s.finalists = t.finalists;
  s.final_seeds = t.final_seeds;
  s.single_rounding = t.single_rounding;
  s.inherit = t.inherit;
  s.distil = t.distil;
  return s;
}

Result<int> run_search(const Session& session, const CLI::App& command, Typed typed) {
  ATML_TRY_STATUS(merge_file(command, typed));
  ATML_TRY(const search::Settings settings, to_settings(typed));
  search::Places places{typed.study.empty() ? typed.out + "/study.db" : typed.study, typed.out};
  ATML_TRY(const search::Finished finished,
           search::start(settings, places, *session.events, session.interrupt));
  return print_ending(session, finished, places);
}

}  // namespace

void add_search(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("search", "find the best network for a data set and a part");
  const auto t = std::make_shared<Typed>();
  t->strategy = "bayes";
  t->out = "out";
  t->seed = 1;
  t->finalists = 3;
  command->add_option("data", t->data, "built-in name (fashion-mnist), file or folder");
  command->add_option("--target", t->target, "part, see 'autotinyml targets', or a .toml file");
  add_limit_options(*command, t->limits);
  command->add_option("--budget", t->budget,
                      "time for the whole job, e.g. 10min (default when --trials is absent)");
  command->add_option("--trials", t->trials, "networks proposed at most")
      ->check(CLI::Range(1, 1000000));
  command
      ->add_option("--strategy", t->strategy,
                   "what proposes: " + join(propose::strategy_names(), ", "))
      ->capture_default_str();
  command->add_option("--oracle", t->oracle, kOracleHelp)->capture_default_str();
  command->add_option("--space", t->space,
                      "built-in space or .toml file (default: by the shape of the data)");
  command->add_option("--seed", t->seed, "of all random numbers")->capture_default_str();
  command->add_option("--jobs", t->jobs, "workers (default: one per core)")
      ->check(CLI::Range(0, 1024));
  command
      ->add_option("--epochs", t->epochs, "of a full training (default: planned from the budget)")
      ->check(CLI::Range(0, 100000));
  command
      ->add_option("--final-epochs", t->final_epochs,
                   "of a finalist (default: planned from the time left)")
      ->check(CLI::Range(0, 100000));
  command->add_option("--finalists", t->finalists, "networks trained to the end, at most")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command
      ->add_option("--final-seeds", t->final_seeds,
                   "trainings per finalist (default: 3, or 2 where time is short)")
      ->check(CLI::Range(1, 100));
  command->add_flag("--single-rounding", t->single_rounding,
                    "the faster requantisation that TFLite does not have");
  command->add_flag("--inherit", t->inherit,
                    "a network may begin with the weights of a trained one near it "
                    "(finalists never do)");
  command->add_flag("--distil", t->distil,
                    "finalists also learn from a larger network of the study that did better, "
                    "where there is one (classification)");
  command->add_option("--study", t->study, "file of the study (default: OUT/study.db)");
  command->add_option("--out", t->out, "folder of the results")->capture_default_str();
  command->add_option("--config", t->config, "file with any of these options (.toml)");
  command->callback([&action, command, t] {
    action = [command, t](const Session& session) { return run_search(session, *command, *t); };
  });
}

}  // namespace atml::cli
