// Operators without weights.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "exchange/tflite_writer.h"
#include "quantize/requantize.h"

namespace atml::exchange {

using namespace schema;
using namespace quantize;

Status TfliteWriter::pool(const Op& op, Operator code, const network::Window& w, int low,
                          int high) {
  ATML_TRY(const std::int8_t act, activation(model_.output_of(op), low, high));
  if (w.dilation_h != 1 || w.dilation_w != 1)
    return Error{Code::kUnsupported, "pooling in .tflite has no dilation"};
  const int in = input_of(op, 0, true);
  graph_.ops.push_back({code,
                        2,
                        {in},
                        add_output(op),
                        kPool2dOptions,
                        {{kPoolPadding, padding_of(w)},
                         {kPoolStrideW, w.stride_w},
                         {kPoolStrideH, w.stride_h},
                         {kPoolFilterW, w.kernel_w},
                         {kPoolFilterH, w.kernel_h},
                         {kPoolActivation, act}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const MaxPool& p) {
  return pool(op, kMaxPool2d, p.window, p.low, p.high);
}

Status TfliteWriter::translate(const Op& op, const AveragePool& p) {
  return pool(op, kAveragePool2d, p.window, p.low, p.high);
}

Status TfliteWriter::translate(const Op& op, const Mean&) {
  const int in = input_of(op, 0, true);
  const int axes = add_ints(op.name + "_axes", {1, 2}, {2});
  graph_.ops.push_back(
      {kMean, 2, {in, axes}, add_output(op), kReducerOptions, {{kReducerKeepDims, true}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Add& a) {
  ATML_TRY(const std::int8_t act, activation(model_.output_of(op), a.low, a.high));
  const bool four = any_four(op);
  const int x = input_of(op, 0, four), y = input_of(op, 1, four);
  graph_.ops.push_back(
      {kAdd, 2, {x, y}, add_output(op), kAddOptions, {{kElementwiseActivation, act}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Mul& m) {
  ATML_TRY(const std::int8_t act, activation(model_.output_of(op), m.low, m.high));
  const bool four = any_four(op);
  const int x = input_of(op, 0, four), y = input_of(op, 1, four);
  graph_.ops.push_back(
      {kMul, 2, {x, y}, add_output(op), kMulOptions, {{kElementwiseActivation, act}}});
  return {};
}

// TFLite joins only tensors of one scale: others are requantised by an operator of their own.
Status TfliteWriter::translate(const Op& op, const Concat&) {
  const bool four = any_four(op);
  const Tensor& out = model_.output_of(op);
  std::vector<int> inputs;
  for (int n = 0; n < static_cast<int>(op.inputs.size()); ++n) {
    const Tensor& t = model_.input_of(op, n);
    int in = input_of(op, n, four);
    if (t.scale != out.scale || t.zero_point != out.zero_point) {
      const int to = add_activation(
          {fmt::format("{}_rescaled_{}", op.name, n), t.shape, out.scale, out.zero_point}, !four);
      graph_.ops.push_back({kQuantize, 2, {in}, to, kNoOptions, {}});
      in = to;
    }
    inputs.push_back(in);
  }
  graph_.ops.push_back({kConcatenation,
                        2,
                        std::move(inputs),
                        add_output(op),
                        kConcatenationOptions,
                        {{kConcatAxis, four ? 3 : 1}, {kConcatActivation, std::int8_t{kNone}}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Pad& p) {
  const int in = input_of(op, 0, true);
  const int paddings = add_ints(op.name + "_paddings",
                                {0, 0, p.top, p.bottom, p.left, p.right, p.front, p.back}, {4, 2});
  graph_.ops.push_back({kPad, 2, {in, paddings}, add_output(op), kPadOptions, {}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Reshape&) {
  const int in = input_of(op, 0, false);
  const Shape& s = model_.output_of(op).shape;
  const bool flat = rank_2_[static_cast<std::size_t>(op.output)];
  const std::vector<int> dims =
      flat ? std::vector<int>{1, s.channels} : std::vector<int>{1, s.height, s.width, s.channels};
  const int shape = add_ints(op.name + "_shape", dims, {static_cast<int>(dims.size())});
  graph_.ops.push_back({kReshape, 1, {in, shape}, add_output(op), kReshapeOptions, {}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Softmax& s) {
  const int in = input_of(op, 0, false);
  graph_.ops.push_back(
      {kSoftmax, 2, {in}, add_output(op), kSoftmaxOptions, {{kSoftmaxBeta, s.beta}}});
  return {};
}

Status TfliteWriter::translate(const Op& op, const Table& t) {
  static const std::map<std::string, std::pair<Operator, int>> known = {
      {"logistic", {kLogistic, 2}}, {"tanh", {kTanh, 2}},     {"hard_swish", {kHardSwish, 1}},
      {"relu", {kReluOp, 2}},       {"relu6", {kRelu6Op, 2}}, {"relu_n1_to_1", {kReluN1To1Op, 2}},
      {"quantize", {kQuantize, 2}}};
  const auto it = known.find(t.function);
  if (it == known.end())
    return Error{Code::kUnsupported,
                 fmt::format("no operator of .tflite computes '{}'", t.function)};
  ATML_TRY_STATUS(check_table(model_, op, t));
  const int in = input_of(op, 0, false);
  graph_.ops.push_back({it->second.first, it->second.second, {in}, add_output(op), kNoOptions, {}});
  return {};
}

}  // namespace atml::exchange
