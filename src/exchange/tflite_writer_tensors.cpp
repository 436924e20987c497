// Ranks of tensors, activations, constants, and the fused activation of a range.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "exchange/elementwise.h"
#include "exchange/tflite_writer.h"

namespace atml::exchange {

using namespace schema;
using namespace quantize;

// Dense layers give [1, n], as do reshapes to vectors and what works element by element on them;
// an input vector that only dense layers read is [1, n] too. All else is [1, h, w, c].
void TfliteWriter::choose_ranks() {
  const auto flat = [&](int t) { return static_cast<bool>(rank_2_[static_cast<std::size_t>(t)]); };
  const Shape& in = model_.tensor(model_.input).shape;
  bool vector_input = in.height == 1 && in.width == 1;
  for (const Op& op : model_.ops) {
    const bool reads = std::ranges::find(op.inputs, model_.input) != op.inputs.end();
    if (reads && !std::holds_alternative<Dense>(op.kind)) vector_input = false;
  }
  rank_2_[static_cast<std::size_t>(model_.input)] = vector_input;
  for (const Op& op : model_.ops) {
    const Shape& out = model_.output_of(op).shape;
    const bool vector = out.height == 1 && out.width == 1;
    rank_2_[static_cast<std::size_t>(op.output)] =
        std::holds_alternative<Dense>(op.kind) ||
        (std::holds_alternative<Reshape>(op.kind) && vector) ||
        (is_elementwise(op.kind) && std::ranges::all_of(op.inputs, flat));
  }
}

int TfliteWriter::add_activation(const Tensor& t, bool flat) {
  const Shape& s = t.shape;
  OutTensor out;
  out.name = t.name;
  out.dims =
      flat ? std::vector<int>{1, s.channels} : std::vector<int>{1, s.height, s.width, s.channels};
  out.scales = {t.scale};
  out.zero_points = {t.zero_point};
  graph_.tensors.push_back(std::move(out));
  return static_cast<int>(graph_.tensors.size()) - 1;
}

int TfliteWriter::add_output(const Op& op) {
  const auto t = static_cast<std::size_t>(op.output);
  index_[t] = add_activation(model_.tensors[t], rank_2_[t]);
  return index_[t];
}

int TfliteWriter::add_constant(OutTensor t) {
  graph_.tensors.push_back(std::move(t));
  return static_cast<int>(graph_.tensors.size()) - 1;
}

int TfliteWriter::add_ints(const std::string& name, const std::vector<int>& values,
                           std::vector<int> dims) {
  OutTensor t{name, std::move(dims), kInt32, bytes_of(values), {}, {}, 0};
  return add_constant(std::move(t));
}

// The operator's n-th input; with four dimensions where the operator needs them.
int TfliteWriter::input_of(const Op& op, int n, bool four) {
  const auto t = static_cast<std::size_t>(op.inputs[static_cast<std::size_t>(n)]);
  if (!four || !rank_2_[t]) return index_[t];
  return reshaped(model_.tensors[t], index_[t], fmt::format("{}_input_{}", op.name, n));
}

int TfliteWriter::reshaped(const Tensor& t, int from, const std::string& name) {
  Tensor copy = t;
  copy.name = name;
  const int shape =
      add_ints(name + "_shape", {1, t.shape.height, t.shape.width, t.shape.channels}, {4});
  const int to = add_activation(copy, false);
  graph_.ops.push_back({kReshape, 1, {from, shape}, to, kReshapeOptions, {}});
  return to;
}

bool TfliteWriter::any_four(const Op& op) const {
  return std::ranges::any_of(op.inputs,
                             [&](int t) { return !rank_2_[static_cast<std::size_t>(t)]; });
}

// The fused activation whose range is [low, high] on this tensor's scale.
Result<std::int8_t> TfliteWriter::activation(const Tensor& t, int low, int high) const {
  const auto bound = [&](float real) {
    return static_cast<int>(
        std::clamp(static_cast<float>(t.zero_point) + std::round(real / t.scale), -128.0f, 127.0f));
  };
  if (low == -128 && high == 127) return static_cast<std::int8_t>(kNone);
  if (low == bound(0) && high == 127) return static_cast<std::int8_t>(kRelu);
  if (low == bound(0) && high == bound(6)) return static_cast<std::int8_t>(kRelu6);
  if (low == bound(-1) && high == bound(1)) return static_cast<std::int8_t>(kReluN1To1);
  return Error{Code::kUnsupported,
               fmt::format("no activation of .tflite has the range [{}, {}]", low, high)};
}

}  // namespace atml::exchange
