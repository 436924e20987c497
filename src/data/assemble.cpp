#include "data/assemble.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/fingerprint.h"
#include "data/normalise.h"
#include "data/split.h"

namespace atml::data {
namespace {

/// Moves the held-out samples of `from` into the result.
Result<Split> carve(Split& from, const Dataset& head, double fraction, std::uint64_t seed,
                    const char* purpose) {
  ATML_TRY(const Division division, divide(from, head.classes, fraction, seed, purpose));
  Split held = from.select(division.held_out);
  from = from.select(division.kept);
  return held;
}

Status check_same_form(const Dataset& dataset, const Split& split, const char* name) {
  if (split.x.shape() != dataset.train.x.shape()) {
    return Error{Code::kInvalidArgument,
                 fmt::format("samples of {} are {}, those of train {}; all must have one shape",
                             name, split.x.shape().text(), dataset.train.x.shape().text())};
  }
  const std::size_t width = split.targets.size() / split.size();
  if (dataset.task == Task::kRegression && width != static_cast<std::size_t>(dataset.target_size)) {
    return Error{Code::kInvalidArgument,
                 fmt::format("{} has {} target values a sample, train has {}", name, width,
                             dataset.target_size)};
  }
  return {};
}

Status check_classes(const Dataset& dataset) {
  if (dataset.task != Task::kClassification) return {};
  if (dataset.classes.size() < 2) {
    return Error{
        Code::kInvalidArgument,
        fmt::format("{} class to tell apart, at least 2 are needed", dataset.classes.size())};
  }
  std::vector<std::size_t> counts(dataset.classes.size(), 0);
  for (const std::int32_t label : dataset.train.labels) ++counts[static_cast<std::size_t>(label)];
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] > 0) continue;
    return Error{Code::kInvalidArgument,
                 fmt::format("class {} ('{}') has no sample in train ({} samples); add some or "
                             "remove the class from 'classes'",
                             c, dataset.classes[c], dataset.train.size())};
  }
  return {};
}

Status check_normal_only(const Dataset& dataset) {
  if (dataset.task != Task::kAnomaly) return {};
  const auto bad = std::ranges::find(dataset.train.labels, 1);
  if (bad == dataset.train.labels.end()) return {};
  return Error{Code::kInvalidArgument,
               fmt::format("sample {} of train is labelled 1 (anomalous); an anomaly detector "
                           "learns from normal samples only",
                           bad - dataset.train.labels.begin())};
}

}  // namespace

Result<Dataset> assemble(Dataset dataset, Parts parts, const LoadOptions& options) {
  dataset.shape = parts.train.x.shape();
  dataset.train = std::move(parts.train);
  if (dataset.task == Task::kRegression) {
    dataset.target_size = static_cast<int>(dataset.train.targets.size() / dataset.train.size());
  }
  ATML_TRY_STATUS(check_classes(dataset));
  ATML_TRY_STATUS(check_normal_only(dataset));
  if (!parts.test) {
    ATML_TRY(parts.test, carve(dataset.train, dataset, parts.test_fraction, options.seed, "test"));
  }
  if (!parts.validation) {
    ATML_TRY(parts.validation, carve(dataset.train, dataset, options.validation_fraction,
                                     options.seed, "validation"));
  }
  dataset.validation = std::move(*parts.validation);
  dataset.test = std::move(*parts.test);
  ATML_TRY_STATUS(check_same_form(dataset, dataset.validation, "validation"));
  ATML_TRY_STATUS(check_same_form(dataset, dataset.test, "test"));
  ATML_ASSERT(check_classes(dataset).ok(), "a split emptied a class of train");
  dataset.normalisation = measure_normalisation(dataset.train.x);
  dataset.fingerprint = fingerprint(dataset);
  return dataset;
}

}  // namespace atml::data
