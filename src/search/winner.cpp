#include "search/winner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantize/evaluate.h"
#include "search/firmware_options.h"
#include "search/model_blob.h"
#include "search/training.h"
#include "search/verdict_note.h"
#include "search/verify.h"
#include "space/decode.h"
#include "train/trainer.h"

namespace atml::search {
namespace {

constexpr const char* kNote = "winner";
constexpr int kAsked = 3;  // of a black box that gives no answer

Json to_json(const Winner& w) {
  Json confusion = Json::array();
  for (const std::int64_t count : w.confusion) confusion.push(count);
  Json executions = Json::array();
  for (const std::string& e : w.bit_exact.executions) executions.push(e);
  Json json = Json::object();
  json.set("trial", w.trial)
      .set("seed_index", w.seed_index)
      .set("test", w.test)
      .set("float_test", w.float_test);
  if (w.test_interval) json.set("low", w.test_interval->low).set("high", w.test_interval->high);
  json.set("confusion", confusion)
      .set("equal", w.bit_exact.equal)
      .set("samples", w.bit_exact.samples);
  json.set("executions", executions).set("detail", w.bit_exact.detail);
  if (w.verdict) json.set("verdict", verdict_to_json(*w.verdict));
  return json;
}

Winner from_json(const Json& json) {
  Winner w;
  w.trial = static_cast<int>(json["trial"].integer());
  w.seed_index = static_cast<int>(json["seed_index"].integer());
  w.test = json["test"].number();
  w.float_test = json["float_test"].number();
  if (json.contains("low"))
    w.test_interval = report::Interval{json["low"].number(), json["high"].number()};
  for (const Json& count : json["confusion"].items()) w.confusion.push_back(count.integer());
  w.bit_exact.checked = true;
  w.bit_exact.equal = json["equal"].boolean();
  w.bit_exact.samples = json["samples"].integer();
  for (const Json& e : json["executions"].items()) w.bit_exact.executions.push_back(e.string());
  w.bit_exact.detail = json["detail"].string();
  if (json.contains("verdict")) w.verdict = verdict_from_json(json["verdict"]);
  return w;
}

/// The float metric of the network that the winner's int8 model came from, on the test split.
Result<double> float_test_metric(Context& context, const RankedFinalist& finalist,
                                 const FinalPlan& plan) {
  const FinalRun& run = finalist.best_run();
  ATML_TRY(const network::Network network,
           space::decode(finalist.trial.configuration, context.dataset.shape,
                         context.dataset.outputs()));
  ATML_TRY(const auto trainer,
           train::Trainer::create(
               network, context.dataset,
               training_settings(
                   context, finalist.trial.configuration,
                   plan.epochs - tuning_epochs(context.settings, network, plan.epochs), run.seed)));
  ATML_TRY(const auto checkpoint,
           context.store->get_blob(run.trial, final_checkpoint_kind(run.seed_index)));
  if (!checkpoint)
    return Error{Code::kNotFound,
                 fmt::format("trial {}: its final weights are missing", run.trial)};
  ATML_TRY_STATUS(trainer->restore(*checkpoint));
  return trainer->evaluate(context.dataset.test).metric;
}

Result<FinalPlan> stored_plan(Context& context) {
  ATML_TRY(const auto note, context.store->get_note("final_plan"));
  if (!note) return Error{Code::kNotFound, "the study has no plan of finals"};
  ATML_TRY(const Json json, Json::parse(*note));
  return final_plan_from_json(json);
}

Result<Winner> score(Context& context, const RankedFinalist& finalist,
                     const quantize::Int8Model& model, const StopToken& stop) {
  Winner w;
  w.trial = finalist.trial.number;
  w.seed_index = finalist.best_run().seed_index;
  ATML_TRY(const codegen::Options options, firmware_options(context.settings, context.limits));
  ATML_TRY(w.bit_exact,
           verify_bit_exact(model, context.target, options, context.dataset, context.dataset.test));
  ATML_TRY(const quantize::Score test,
           quantize::evaluate(model, context.dataset, context.dataset.test, stop));
  w.test = test.metric;
  if (context.dataset.task == data::Task::kClassification)
    w.test_interval = wilson_interval(test.metric, test.samples);
  for (const auto& row : test.confusion)
    w.confusion.insert(w.confusion.end(), row.begin(), row.end());
  ATML_TRY(const FinalPlan plan, stored_plan(context));
  ATML_TRY(w.float_test, float_test_metric(context, finalist, plan));
  return w;
}

std::string refusal_of(const deploy::Deployability& verdict) {
  if (!verdict.computable) return "not computable: " + verdict.reason;
  std::string text;
  for (const deploy::Violation& v : verdict.violations) text += (text.empty() ? "" : "; ") + v.text;
  return text;
}

/// A licence server may be down for a moment: the work of the whole search hangs on this answer.
Result<deploy::Deployability> ask(Context& context, const quantize::Int8Model& model,
                                  const StopToken& stop) {
  const int most = context.sizes_are_known() ? 1 : kAsked;
  ATML_TRY(auto verdict, context.full_oracle->check(model, context.target, context.limits, stop));
  for (int asked = 1; asked < most && !verdict.computable; ++asked) {
    ATML_TRY(verdict, context.full_oracle->check(model, context.target, context.limits, stop));
  }
  return verdict;
}

}  // namespace

report::Interval wilson_interval(double proportion, std::size_t n) {
  // E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
  // (1927).
  constexpr double kZ = 1.959963984540054;
  const double count = static_cast<double>(n);
  const double centre = proportion + kZ * kZ / (2 * count);
  const double spread =
      kZ * std::sqrt(proportion * (1 - proportion) / count + kZ * kZ / (4 * count * count));
  const double scale = 1 + kZ * kZ / count;
  return {std::max(0.0, (centre - spread) / scale), std::min(1.0, (centre + spread) / scale)};
}

Result<std::optional<Winner>> crown(Context& context, const std::vector<RankedFinalist>& ranking,
                                    const StopToken& stop, std::string* refusal) {
  ATML_TRY(const auto note, context.store->get_note(kNote));
  if (note) {
    ATML_TRY(const Json json, Json::parse(*note));
    return std::optional(from_json(json));
  }
  for (const RankedFinalist& finalist : ranking) {
    const FinalRun& run = finalist.best_run();
    ATML_TRY(const quantize::Int8Model model,
             get_model(*context.store, run.trial, final_model_kind(run.seed_index)));
    ATML_TRY(const auto verdict, ask(context, model, stop));
    if (!verdict.deployable()) {
      context.events->warning(
          fmt::format("trial {} fitted with random weights but not with its trained ones; it is "
                      "passed over: {}",
                      run.trial, refusal_of(verdict)));
      if (refusal != nullptr && refusal->empty()) *refusal = refusal_of(verdict);
      continue;
    }
    ATML_TRY(Winner winner, score(context, finalist, model, stop));
    winner.verdict = verdict;
    ATML_TRY_STATUS(context.store->put_note(kNote, to_json(winner).dump()));
    return std::optional(winner);
  }
  return std::optional<Winner>();
}

}  // namespace atml::search
