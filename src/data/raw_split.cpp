#include "data/raw_split.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace atml::data {
namespace {

Status check_length(const Array& array, const char* what, std::size_t samples,
                    const std::string& x_name) {
  if (array.rank() > 0 && array.dims[0] == samples) return {};
  return Error{
      Code::kInvalidArgument,
      fmt::format("{}: shape {} does not fit the {} samples of {}: expected one {} a sample",
                  array.name, array.dims_text(), samples, x_name, what)};
}

Status check_integers(const Array& array, const char* what) {
  if (is_float(array.type)) {
    return Error{Code::kInvalidArgument,
                 fmt::format("{}: {} are {}, expected integers; save y.astype('int32')", array.name,
                             what, to_string(array.type))};
  }
  if (array.rank() == 1 || (array.rank() == 2 && array.dims[1] == 1)) return {};
  return Error{Code::kInvalidArgument,
               fmt::format("{}: {} have shape {}, expected one integer a sample", array.name, what,
                           array.dims_text())};
}

Result<std::vector<std::int32_t>> to_groups(const Array& array) {
  ATML_TRY_STATUS(check_integers(array, "groups"));
  std::vector<std::int32_t> groups(array.elements());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::int64_t value = array.integer(i);
    if (value < std::numeric_limits<std::int32_t>::min() ||
        value > std::numeric_limits<std::int32_t>::max()) {
      return Error{
          Code::kInvalidArgument,
          fmt::format("{}: group {} of sample {} does not fit 32 bits", array.name, value, i)};
    }
    groups[i] = static_cast<std::int32_t>(value);
  }
  return groups;
}

Result<std::vector<float>> to_targets(const Array& array) {
  if (array.rank() > 2) {
    return Error{Code::kInvalidArgument,
                 fmt::format("{}: targets have shape {}, expected (samples) or (samples, values)",
                             array.name, array.dims_text())};
  }
  const std::size_t width = array.rank() == 2 ? array.dims[1] : 1;
  std::vector<float> targets(array.elements());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    targets[i] = static_cast<float>(array.number(i));
    if (!std::isfinite(targets[i])) {
      return Error{Code::kInvalidArgument,
                   fmt::format("{}: target {} of sample {} is not finite; remove or "
                               "repair that sample",
                               array.name, i % width, i / width)};
    }
  }
  return targets;
}

}  // namespace

Result<std::vector<std::int32_t>> to_labels(const Array& array, std::size_t classes) {
  ATML_TRY_STATUS(check_integers(array, "labels"));
  std::vector<std::int32_t> labels(array.elements());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::int64_t value = array.integer(i);
    if (value < 0 || value >= static_cast<std::int64_t>(classes)) {
      return Error{
          Code::kInvalidArgument,
          fmt::format("{}: label {} of sample {} is out of range: {} classes are numbered 0 to {}",
                      array.name, value, i, classes, classes - 1)};
    }
    labels[i] = static_cast<std::int32_t>(value);
  }
  return labels;
}

Result<Split> make_split(RawSplit raw, const Form& form) {
  const std::string x_name = raw.x.name;
  Split split;
  ATML_TRY(split.x, to_samples(std::move(raw.x), form.layout, form.scale));
  if (raw.y) {
    ATML_TRY_STATUS(check_length(*raw.y, "label", split.size(), x_name));
    if (form.task == Task::kRegression) {
      ATML_TRY(split.targets, to_targets(*raw.y));
    } else {
      const std::size_t classes = form.task == Task::kAnomaly ? 2 : form.classes;
      ATML_TRY(split.labels, to_labels(*raw.y, classes));
    }
  }
  if (raw.groups) {
    ATML_TRY_STATUS(check_length(*raw.groups, "group", split.size(), x_name));
    ATML_TRY(split.groups, to_groups(*raw.groups));
  }
  return split;
}

}  // namespace atml::data
