#include <fmt/format.h>

#include <memory>

#include "base/json.h"
#include "cli/command.h"
#include "cli/model_file.h"
#include "data/load.h"
#include "quantize/evaluate.h"
#include "search/winner.h"

namespace atml::cli {
namespace {

struct Options {
  std::string model, data, split = "test", format = "table";
  std::uint64_t seed = 1;
};

const data::Split& choose(const data::Dataset& dataset, const std::string& split) {
  if (split == "train") return dataset.train;
  return split == "validation" ? dataset.validation : dataset.test;
}

Result<int> run_evaluate(const Session& session, const Options& options) {
  ATML_TRY(const quantize::Int8Model model, read_model_file(options.model));
  data::LoadOptions load;
  load.seed = options.seed;
  ATML_TRY(const data::Dataset dataset, data::load_dataset(options.data, load));
  const data::Split& split = choose(dataset, options.split);
  ATML_TRY(const quantize::Score score,
           quantize::evaluate(model, dataset, split, StopToken(session.interrupt)));
  const bool share = dataset.task == data::Task::kClassification;
  const report::Interval interval =
      share ? search::wilson_interval(score.metric, score.samples) : report::Interval{};
  if (options.format == "json") {
    Json json = Json::object();
    json.set("schema", 1)
        .set("metric", score.metric_name)
        .set("value", score.metric)
        .set("samples", score.samples);
    json.set("split", options.split);
    if (share) json.set("interval", Json::array().push(interval.low).push(interval.high));
    print(json.dump(2) + "\n");
    return kExitDone;
  }
  print(fmt::format(
      "int8 {} on {} ({}): {:.4f}{}, {} samples\n", score.metric_name, dataset.name, options.split,
      score.metric,
      share ? fmt::format("  [{:.4f}, {:.4f}] at 95 %", interval.low, interval.high) : "",
      score.samples));
  return kExitDone;
}

}  // namespace

void add_evaluate(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("evaluate", "accuracy of an int8 .tflite model on a data set");
  const auto options = std::make_shared<Options>();
  command->add_option("model", options->model, "int8 .tflite file")->required();
  command->add_option("data", options->data, "built-in name, file or folder")->required();
  command->add_option("--split", options->split, "train, validation or test")
      ->capture_default_str()
      ->check(CLI::IsMember({"train", "validation", "test"}));
  command->add_option("--seed", options->seed, "of the split, where none is official")
      ->capture_default_str();
  command->add_option("--format", options->format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([&action, options] {
    action = [options](const Session& session) { return run_evaluate(session, *options); };
  });
}

}  // namespace atml::cli
