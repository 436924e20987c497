#include "quantize/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantize/batch.h"
#include "quantize/input.h"

namespace atml::quantize {
namespace {

constexpr std::size_t kChunk = 512;  // samples between two looks at the stop token

double real_output(const Tensor& t, std::int8_t q) {
  return static_cast<double>(t.scale) * (q - t.zero_point);
}

Status check(const Int8Model& model, const data::Dataset& dataset, const data::Split& split) {
  const auto invalid = [](std::string message) {
    return Error{Code::kInvalidArgument, std::move(message)};
  };
  if (split.size() == 0) return invalid("no samples to evaluate on");
  const Shape& in = model.tensor(model.input).shape;
  if (!(in == dataset.shape))
    return invalid(
        fmt::format("samples are {}, the model reads {}", dataset.shape.text(), in.text()));
  const std::int64_t outputs = model.tensor(model.output).shape.elements();
  if (outputs != dataset.outputs())
    return invalid(fmt::format("the model gives {} values, the data set asks for {}", outputs,
                               dataset.outputs()));
  return {};
}

Status run_chunks(const Int8Model& model, const data::Dataset& dataset, const data::Split& split,
                  const StopToken& stop, std::vector<std::int8_t>& outputs) {
  const Tensor& in = model.tensor(model.input);
  const auto in_size = static_cast<std::size_t>(in.shape.elements());
  const auto out_size = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  outputs.resize(split.size() * out_size);
  BatchInterpreter interpreter(model);
  std::vector<float> sample(in_size);
  std::vector<std::int8_t> inputs;
  for (std::size_t first = 0; first < split.size(); first += kChunk) {
    if (stop.stop_requested())
      return Error{Code::kCancelled,
                   fmt::format("evaluation stopped after {} of {} samples", first, split.size())};
    const std::size_t n = std::min(kChunk, split.size() - first);
    inputs.clear();
    for (std::size_t i = first; i < first + n; ++i) {
      split.x.read(i, sample);
      dataset.normalisation.apply(sample);
      append_quantized(in, sample, inputs);
    }
    interpreter.run(inputs, n, std::span(outputs).subspan(first * out_size, n * out_size));
  }
  return {};
}

void score_classes(const data::Dataset& dataset, const data::Split& split, Score& score) {
  const std::size_t classes = dataset.classes.size();
  score.metric_name = "accuracy";
  score.confusion.assign(classes, std::vector<int>(classes, 0));
  std::size_t right = 0;
  for (std::size_t i = 0; i < split.size(); ++i) {
    const auto first = score.outputs.begin() + static_cast<std::ptrdiff_t>(i * classes);
    const auto predicted = static_cast<std::size_t>(
        std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first);
    const auto label = static_cast<std::size_t>(split.labels[i]);
    ++score.confusion[label][predicted];
    right += predicted == label;
  }
  score.metric = static_cast<double>(right) / static_cast<double>(split.size());
  score.loss_like = 1 - score.metric;
}

// R2 over all targets: 1 - sum of squared residuals / sum of squared distances from each target's
// mean.
void score_regression(const Tensor& out, const data::Dataset& dataset, const data::Split& split,
                      Score& score) {
  const auto width = static_cast<std::size_t>(dataset.target_size);
  std::vector<double> means(width, 0.0);
  for (std::size_t i = 0; i < split.targets.size(); ++i)
    means[i % width] += static_cast<double>(split.targets[i]) / static_cast<double>(split.size());
  double residual = 0, total = 0;
  for (std::size_t i = 0; i < split.targets.size(); ++i) {
    const double target = static_cast<double>(split.targets[i]);
    const double error = real_output(out, score.outputs[i]) - target;
    residual += error * error;
    total += (target - means[i % width]) * (target - means[i % width]);
  }
  score.metric_name = "r2";
  score.loss_like = residual / static_cast<double>(split.targets.size());
  score.metric = total > 0 ? 1 - residual / total : (residual > 0 ? 0 : 1);
}

void score_reconstruction(const Tensor& out, const data::Dataset& dataset, const data::Split& split,
                          Score& score) {
  const auto size = static_cast<std::size_t>(dataset.shape.elements());
  std::vector<float> sample(size);
  double sum = 0;
  for (std::size_t i = 0; i < split.size(); ++i) {
    split.x.read(i, sample);
    dataset.normalisation.apply(sample);
    for (std::size_t k = 0; k < size; ++k) {
      const double error =
          real_output(out, score.outputs[i * size + k]) - static_cast<double>(sample[k]);
      sum += error * error;
    }
  }
  score.metric_name = "reconstruction";
  score.loss_like = sum / static_cast<double>(split.size() * size);
  score.metric = -score.loss_like;
}

}  // namespace

void append_quantized(const Tensor& input, std::span<const float> values,
                      std::vector<std::int8_t>& out) {
  for (const float v : values) {
    const float q = std::round(v / input.scale) + static_cast<float>(input.zero_point);
    out.push_back(static_cast<std::int8_t>(std::clamp(q, -128.0f, 127.0f)));
  }
}

std::vector<std::int8_t> quantize_inputs(const Int8Model& model, const data::Dataset& dataset,
                                         const data::Split& split) {
  std::vector<std::int8_t> inputs;
  std::vector<float> sample(static_cast<std::size_t>(dataset.shape.elements()));
  inputs.reserve(split.size() * sample.size());
  for (std::size_t i = 0; i < split.size(); ++i) {
    split.x.read(i, sample);
    dataset.normalisation.apply(sample);
    append_quantized(model.tensor(model.input), sample, inputs);
  }
  return inputs;
}

Result<Score> evaluate(const Int8Model& model, const data::Dataset& dataset,
                       const data::Split& split, const StopToken& stop) {
  ATML_TRY_STATUS(check(model, dataset, split));
  Score score;
  score.samples = split.size();
  ATML_TRY_STATUS(run_chunks(model, dataset, split, stop, score.outputs));
  const Tensor& out = model.tensor(model.output);
  switch (dataset.task) {
    case data::Task::kClassification:
      score_classes(dataset, split, score);
      break;
    case data::Task::kRegression:
      score_regression(out, dataset, split, score);
      break;
    case data::Task::kAnomaly:
      score_reconstruction(out, dataset, split, score);
      break;
  }
  return score;
}

}  // namespace atml::quantize
