#include "data/describe.h"

#include <set>

#include "data/audit.h"
#include "data/normalise.h"

namespace atml::data {
namespace {

std::size_t distinct(const std::vector<std::int32_t>& groups) {
  return std::set<std::int32_t>(groups.begin(), groups.end()).size();
}

std::vector<ClassCounts> count_classes(const Dataset& dataset) {
  std::vector<ClassCounts> classes;
  for (const std::string& name : dataset.classes) classes.push_back({name, {}});
  for (const std::int32_t label : dataset.train.labels)
    ++classes[static_cast<std::size_t>(label)].samples.train;
  for (const std::int32_t label : dataset.validation.labels)
    ++classes[static_cast<std::size_t>(label)].samples.validation;
  for (const std::int32_t label : dataset.test.labels)
    ++classes[static_cast<std::size_t>(label)].samples.test;
  return classes;
}

std::vector<ChannelRange> channel_ranges(const Dataset& dataset) {
  std::vector<ChannelRange> ranges;
  for (const ChannelStatistics& c : measure_channels(dataset.train.x)) {
    const std::size_t index = ranges.size();
    const std::string name =
        index < dataset.channels.size() ? dataset.channels[index] : std::to_string(index);
    ranges.push_back({name, c.min, c.max, c.mean, c.deviation});
  }
  return ranges;
}

}  // namespace

Summary describe(const Dataset& dataset) {
  Summary summary;
  summary.name = dataset.name;
  summary.task = dataset.task;
  summary.shape = dataset.shape;
  summary.type = dataset.train.x.type();
  summary.scale = dataset.train.x.scale();
  summary.sample_rate_hz = dataset.sample_rate_hz;
  summary.bytes = dataset.train.x.bytes().size() + dataset.validation.x.bytes().size() +
                  dataset.test.x.bytes().size();
  summary.samples = {dataset.train.size(), dataset.validation.size(), dataset.test.size()};
  summary.groups = {distinct(dataset.train.groups), distinct(dataset.validation.groups),
                    distinct(dataset.test.groups)};
  if (dataset.task == Task::kClassification) summary.classes = count_classes(dataset);
  summary.channels = channel_ranges(dataset);
  summary.normalisation = dataset.normalisation;
  summary.fingerprint = dataset.fingerprint;
  summary.notes = audit(dataset, summary);
  return summary;
}

}  // namespace atml::data
