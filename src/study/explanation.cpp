#include "study/explanation.h"

namespace atml::study {
namespace {

Json number_or_null(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

std::optional<double> optional_number(const Json& json) {
  return json.is_number() ? std::optional(json.number()) : std::nullopt;
}

}  // namespace

Json to_json(const Explanation& e) {
  Json feasible = Json::object();
  for (const auto& [name, probability] : e.chances) feasible.set(name, probability);
  return Json::object()
      .set("kind", e.kind)
      .set("acquisition", e.acquisition)
      .set("mean", number_or_null(e.mean))
      .set("deviation", number_or_null(e.deviation))
      .set("best", number_or_null(e.best))
      .set("computable", number_or_null(e.computable))
      .set("feasible", std::move(feasible));
}

Explanation explanation_from(const Json& json) {
  Explanation e;
  e.kind = json["kind"].string();
  e.acquisition = json["acquisition"].string();
  e.mean = optional_number(json["mean"]);
  e.deviation = optional_number(json["deviation"]);
  e.best = optional_number(json["best"]);
  e.computable = optional_number(json["computable"]);
  for (const auto& [name, probability] : json["feasible"].members())
    e.chances.push_back({name, probability.number()});
  return e;
}

}  // namespace atml::study
