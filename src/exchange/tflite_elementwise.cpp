#include "exchange/tflite_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "quantize/interpreter.h"
#include "quantize/requantize.h"

namespace atml::exchange {

using namespace schema;
using namespace quantize;
using network::Padding;
using network::Window;

bool TfliteReader::is_constant(int index) const {
  return index >= 0 && tensor_of_[static_cast<std::size_t>(index)] < 0 && !raw(index).data.empty();
}

// Constant values as a tensor, from operators that there are: one pixel of the input (a max pool
// that steps over the rest) goes through a dense layer without weights, whose biases are the
// values. Exact: the factor is 1/2, the biases are doubled.
int TfliteReader::constant(const Tensor& t, std::string_view values) {
  constexpr int kLongestStep = 255;  // of the runtime's windows
  int from = model_.input;
  Shape s = model_.tensor(from).shape;
  if (s.height == 1 && s.width == 1 && s.channels > 4) {
    from = reshaped(from, {s.channels, 1, 1});
    s = model_.tensor(from).shape;
  }
  while (s.height > 1 || s.width > 1) {
    MaxPool step;
    step.window.stride_h = std::min(s.height, kLongestStep);
    step.window.stride_w = std::min(s.width, kLongestStep);
    step.window.padding = Padding::kValid;
    s = {step.window.output_height(s.height), step.window.output_width(s.width), s.channels};
    const int to = copy_of(from, s);
    emit_named("", step, {from}, to);
    from = to;
  }
  const Tensor pixel = model_.tensor(from);
  Dense d;
  d.filter.weights.assign(values.size() * static_cast<std::size_t>(s.channels), 0);
  d.filter.scales.assign(values.size(), 0.5f * (t.scale / pixel.scale));
  for (const char v : values)
    d.filter.bias.push_back(2 * (static_cast<std::int8_t>(v) - t.zero_point));
  model_.tensors.push_back(
      {t.name, {1, 1, static_cast<int>(values.size())}, t.scale, t.zero_point});
  const int vector = static_cast<int>(model_.tensors.size()) - 1;
  emit_named("", std::move(d), {from}, vector);
  return reshaped(vector, t.shape);
}

// An activation, or a constant made into one.
Result<int> TfliteReader::operand(const RawOp& op, std::size_t n) {
  if (n >= op.inputs.size() || !is_constant(op.inputs[n])) return activation(op, n);
  ATML_TRY(const Tensor t, checked_tensor(op.inputs[n]));
  const std::string_view values = raw(op.inputs[n]).data;
  if (static_cast<std::int64_t>(values.size()) != t.shape.elements())
    return unsupported(fmt::format("constant '{}' holds {} bytes for {} values", t.name,
                                   values.size(), t.shape.elements()));
  return constant(t, values);
}

// Copies of a value side by side where TFLite repeats it: one a position along the channels, or one
// a channel over all positions.
Result<int> TfliteReader::expanded(int t, const Shape& to) {
  constexpr std::int64_t kMostCopies = 256;
  const Shape s = model_.tensor(t).shape;
  if (s == to) return t;
  const bool positions = s == Shape{1, 1, to.channels};
  const bool channels = s == Shape{to.height, to.width, 1};
  const std::int64_t copies = to.elements() / s.elements();
  if ((!positions && !channels) || copies > kMostCopies)
    return unsupported(fmt::format("broadcasting {} to {}", s.text(), to.text()));
  Shape joined = s;
  joined.channels = static_cast<int>(s.channels * copies);
  const int out = copy_of(t, joined);
  emit_named("", Concat{}, std::vector<int>(static_cast<std::size_t>(copies), t), out);
  return reshaped(out, to);
}

// With a constant number, an operator is a function of one value: a table, whose entries the
// reference interpreter's arithmetic gives.
template <class Kind>
Status TfliteReader::with_scalar(const RawOp& op, Kind kind, std::size_t scalar) {
  ATML_TRY(const int in, activation(op, 1 - scalar));
  ATML_TRY(Tensor number, checked_tensor(op.inputs[scalar]));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  ATML_TRY(const Bounds range, bounds(op, kElementwiseActivation, model_.tensor(out)));
  kind.low = range.low;
  kind.high = range.high;
  Int8Model tiny;
  tiny.name = "m";
  tiny.tensors = {model_.tensor(in), number, model_.tensor(out)};
  for (Tensor& t : tiny.tensors) t.shape = {1, 1, 256};
  tiny.output = 2;
  tiny.ops.push_back({"op", kind, {0, 1}, 2});
  // Verified with the number as a second input; then run on all values.
  Int8Model check = tiny;
  check.ops.insert(check.ops.begin(),
                   {"copy", Table{"quantize", std::vector<std::int8_t>(256)}, {0}, 1});
  ATML_TRY_STATUS(check.verify());
  std::vector<std::int8_t> x(256), y(256, static_cast<std::int8_t>(raw(op.inputs[scalar]).data[0])),
      values(256);
  for (int v = -128; v < 128; ++v)
    x[static_cast<std::size_t>(v + 128)] = static_cast<std::int8_t>(v);
  const std::vector<const std::int8_t*> inputs{x.data(), y.data()};
  run_op(tiny, tiny.ops[0], inputs, values.data());
  if (model_.tensor(in).shape.elements() != model_.tensor(out).shape.elements())
    return unsupported("an output of another size than the input");
  emit(op, Table{std::is_same_v<Kind, Mul> ? "mul_constant" : "add_constant", std::move(values)},
       {reshaped(in, model_.tensor(out).shape)}, out);
  return {};
}

template <class Kind>
Status TfliteReader::elementwise(const RawOp& op, Kind kind) {
  ATML_TRY_STATUS(expect_counts(op, 2, 2));
  for (const std::size_t n : {0u, 1u}) {
    if (is_constant(op.inputs[n]) && raw(op.inputs[n]).data.size() == 1)
      return with_scalar(op, kind, n);
  }
  ATML_TRY(int a, operand(op, 0));
  ATML_TRY(int b, operand(op, 1));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  const Shape to = model_.tensor(out).shape;
  // Values of one batch and fewer dimensions: TFLite aligns dimensions at the last.
  const auto aligned = [&](int t) {
    const Shape& s = model_.tensor(t).shape;
    return s.elements() == to.elements() ? reshaped(t, to) : t;
  };
  a = aligned(a);
  b = aligned(b);
  // What is repeated comes second; both operators are commutative bit for bit.
  if (!(model_.tensor(a).shape == to)) std::swap(a, b);
  if (!(model_.tensor(a).shape == to))
    return unsupported(fmt::format("broadcasting {} and {} to {}", model_.tensor(a).shape.text(),
                                   model_.tensor(b).shape.text(), to.text()));
  if (!(model_.tensor(b).shape == Shape{1, 1, to.channels})) {
    ATML_TRY(b, expanded(b, to));
  }
  ATML_TRY(const Bounds range, bounds(op, kElementwiseActivation, model_.tensor(out)));
  kind.low = range.low;
  kind.high = range.high;
  emit(op, std::move(kind), {a, b}, out);
  return {};
}

Status TfliteReader::add(const RawOp& op) { return elementwise(op, Add{}); }
Status TfliteReader::mul(const RawOp& op) { return elementwise(op, Mul{}); }

// As TFLite's reference kernel: one factor for values from zero upwards, another below.
Status TfliteReader::leaky_relu(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 1, 1));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  ATML_TRY_STATUS(check_scales(in, out));
  const Tensor &from = model_.tensor(in), &to = model_.tensor(out);
  const float alpha = op.option_float(kLeakyReluAlpha, 0.0f);
  const double ratio = static_cast<double>(from.scale * alpha / to.scale);
  if (!(ratio >= 0 && ratio <= 256)) return unsupported(fmt::format("alpha {}", alpha));
  const Multiplier above = quantize_multiplier(static_cast<double>(from.scale / to.scale));
  const Multiplier below = quantize_multiplier(ratio);
  Table t{"leaky_relu", {}};
  for (int x = -128; x < 128; ++x) {
    const int value = x - from.zero_point;
    t.values.push_back(clamp_to_int8(
        to.zero_point + multiply(value, value >= 0 ? above : below, model_.rounding), -128, 127));
  }
  emit(op, std::move(t), {in}, out);
  return {};
}

Status TfliteReader::softmax(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 1, 1));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  emit(op, Softmax{op.option_float(kSoftmaxBeta, 0.0f)}, {in}, out);
  return {};
}

Status TfliteReader::table(const RawOp& op, const std::string& function) {
  ATML_TRY_STATUS(expect_counts(op, 1, 1));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  ATML_TRY_STATUS(check_scales(in, out));
  ATML_TRY(auto values,
           function_table(function, model_.tensor(in), model_.tensor(out), model_.rounding));
  emit(op, Table{function, std::move(values)}, {in}, out);
  return {};
}

// What a table needs before its values can be computed; verify() comes too late for that.
Status TfliteReader::check_scales(int in, int out) const {
  const double ratio =
      static_cast<double>(model_.tensor(in).scale) / static_cast<double>(model_.tensor(out).scale);
  return ratio <= 256 ? Status{}
                      : Status(unsupported(fmt::format("a requantisation factor of {}", ratio)));
}

}  // namespace atml::exchange
