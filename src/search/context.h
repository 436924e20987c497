// Context: everything that the stages of a search share. Filled once by search.cpp; the values are
// constant while workers run, the services behind pointers are thread safe unless they say
// otherwise.
#pragma once

#include <filesystem>
#include <memory>

#include "base/events.h"
#include "base/stop.h"
#include "data/dataset.h"
#include "deploy/deployability.h"
#include "propose/strategy.h"
#include "quantize/model.h"
#include "search/plan.h"
#include "search/settings.h"
#include "space/space.h"
#include "study/store.h"
#include "target/target.h"

namespace atml::search {

struct Context {
  Settings settings;
  int jobs = 1;
  data::Dataset dataset;
  space::Space space;
  target::Target target;
  target::Limits limits;
  Plan plan;
  std::unique_ptr<deploy::Oracle> oracle;       // inside the search: may stop early on a violation
  std::unique_ptr<deploy::Oracle> full_oracle;  // every figure, for winners and explanations
  std::unique_ptr<propose::Strategy> strategy;  // used under the turn only: not thread safe
  std::unique_ptr<study::Store> store;
  EventSink* events = nullptr;
  std::filesystem::path out;
  double started = 0;          // now_seconds() of this run
  double earlier_seconds = 0;  // spent by earlier runs of a resumed study

  quantize::Rounding rounding() const {
    return settings.single_rounding ? quantize::Rounding::kSingle : quantize::Rounding::kDouble;
  }
  /// Sizes follow from the structure; of a black box they must be learnt.
  bool sizes_are_known() const { return !settings.oracle.starts_with("external:"); }
  double elapsed() const { return now_seconds() - started + earlier_seconds; }
  /// Wall seconds that the study may take in all; infinite without a budget.
  double budget() const { return settings.budget ? settings.budget->value : 1e300; }
};

/// "accuracy", "r2" or "reconstruction": what the objective is called.
inline const char* metric_name(data::Task task) {
  switch (task) {
    case data::Task::kClassification:
      return "accuracy";
    case data::Task::kRegression:
      return "r2";
    case data::Task::kAnomaly:
      return "reconstruction";
  }
  return "";
}

}  // namespace atml::search
