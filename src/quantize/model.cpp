#include "quantize/model.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "quantize/requantize.h"

namespace atml::quantize {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

std::int64_t area(const network::Window& w) {
  return static_cast<std::int64_t>(w.kernel_h) * w.kernel_w;
}

bool is_identifier(const std::string& text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  for (const char c : text) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!good) return false;
  }
  return true;
}

// Far above any microcontroller, low enough that no size computation overflows.
constexpr int kLargestSide = 1 << 20;
constexpr std::int64_t kMostElements = std::int64_t{1} << 28;

Status check_tensor(const Tensor& t) {
  const Shape& s = t.shape;
  const auto side_ok = [](int n) { return n >= 1 && n <= kLargestSide; };
  if (!side_ok(s.height) || !side_ok(s.width) || !side_ok(s.channels) ||
      s.elements() > kMostElements) {
    return invalid(fmt::format("tensor '{}': bad shape {}", t.name, s.text()));
  }
  if (!(t.scale > 0) || !std::isfinite(t.scale)) {
    return invalid(fmt::format("tensor '{}': scale {} is not a positive number", t.name, t.scale));
  }
  if (t.zero_point < -128 || t.zero_point > 127) {
    return invalid(
        fmt::format("tensor '{}': zero point {} is outside [-128, 127]", t.name, t.zero_point));
  }
  return {};
}

Status check_range(int low, int high) {
  if (low >= -128 && high <= 127 && low <= high) return {};
  return invalid(fmt::format("activation range [{}, {}] is not inside [-128, 127]", low, high));
}

Status check_window(const network::Window& w, const Shape& in, const Shape& out) {
  const int limit = 1 << 16;
  for (const int n : {w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w}) {
    if (n < 1 || n > limit)
      return invalid(
          fmt::format("kernel, stride and dilation must be in [1, {}], not {}", limit, n));
  }
  if (static_cast<std::int64_t>(w.kernel_h) * w.dilation_h > limit ||
      static_cast<std::int64_t>(w.kernel_w) * w.dilation_w > limit) {
    return invalid("the dilated kernel is too large");
  }
  if (out.height == w.output_height(in.height) && out.width == w.output_width(in.width)) return {};
  return invalid(fmt::format("output {} does not follow from input {} and kernel {}x{}", out.text(),
                             in.text(), w.kernel_h, w.kernel_w));
}

Status same_quantisation(const Tensor& a, const Tensor& b) {
  if (a.scale == b.scale && a.zero_point == b.zero_point) return {};
  return invalid(
      fmt::format("input and output must share scale and zero point, not ({}, {}) and ({}, {})",
                  a.scale, a.zero_point, b.scale, b.zero_point));
}

Status check_factor(double real) {
  // TFLite shifts accumulators left for factors above 1; beyond 2^8 no useful model goes.
  if (std::isfinite(real) && real >= 0 && real <= 256) return {};
  return invalid(fmt::format("the requantisation factor {} is outside [0, 256]", real));
}

// The weight of `output` channel and `tap`; the layout differs for depthwise.
struct FilterView {
  const Filter& filter;
  std::int64_t outputs;
  std::int64_t taps;
  bool channel_last;
  int weight(std::int64_t output, std::int64_t tap) const {
    const std::int64_t at = channel_last ? tap * outputs + output : output * taps + tap;
    return filter.weights[static_cast<std::size_t>(at)];
  }
};

// The largest |accumulator| any input can give: every tap at its worst value, plus the bias; also
// every partial sum, as all terms of a bound have one sign.
std::int64_t worst_accumulator(const FilterView& view, std::int64_t output, int zero_point) {
  std::int64_t most = 0, least = 0;
  for (std::int64_t tap = 0; tap < view.taps; ++tap) {
    const std::int64_t w = view.weight(output, tap);
    const std::int64_t a = w * (127 - zero_point), b = w * (-128 - zero_point);
    most += std::max(a, b);
    least += std::min(a, b);
  }
  const std::int64_t bias = view.filter.bias[static_cast<std::size_t>(output)];
  const std::int64_t magnitude = std::max(most, -least);
  return magnitude + std::abs(bias);
}

Status check_filter(const FilterView& view, const Tensor& in, const Tensor& out) {
  const Filter& f = view.filter;
  if (f.weight_bits != 8 && f.weight_bits != 4)
    return invalid(fmt::format("weight bits must be 8 or 4, not {}", f.weight_bits));
  const auto size_is = [](const auto& v, std::int64_t n) {
    return static_cast<std::int64_t>(v.size()) == n;
  };
  if (!size_is(f.weights, view.outputs * view.taps) || !size_is(f.bias, view.outputs) ||
      !size_is(f.scales, view.outputs)) {
    return invalid(fmt::format("{} weights, {} biases, {} scales do not suit {} outputs of {} taps",
                               f.weights.size(), f.bias.size(), f.scales.size(), view.outputs,
                               view.taps));
  }
  const int bound = f.weight_bits == 4 ? 7 : 127;
  for (const std::int8_t w : f.weights) {
    if (w < -bound || w > bound)
      return invalid(fmt::format("weight {} is outside [-{}, {}]", w, bound, bound));
  }
  for (std::int64_t oc = 0; oc < view.outputs; ++oc) {
    const float scale = f.scales[static_cast<std::size_t>(oc)];
    if (!(scale > 0) || !std::isfinite(scale))
      return invalid(
          fmt::format("weight scale {} of channel {} is not a positive number", scale, oc));
    const double real =
        static_cast<double>(in.scale) * static_cast<double>(scale) / static_cast<double>(out.scale);
    ATML_TRY_STATUS(check_factor(real));
    // A factor above 1 shifts the accumulator left first: that must fit int32 too.
    const int left = std::max(0, quantize_multiplier(real).shift);
    const std::int64_t worst = worst_accumulator(view, oc, in.zero_point) << left;
    if (worst > std::numeric_limits<std::int32_t>::max()) {
      return invalid(fmt::format(
          "the accumulator of channel {} may reach {}, which overflows 32 bits", oc, worst));
    }
  }
  return {};
}

Status check_same_shape(const Tensor& a, const Tensor& b) {
  if (a.shape == b.shape) return {};
  return invalid(fmt::format("shapes differ: {} and {}", a.shape.text(), b.shape.text()));
}

Status expect_shape(const Tensor& t, const Shape& shape) {
  if (t.shape == shape) return {};
  return invalid(fmt::format("output is {}, must be {}", t.shape.text(), shape.text()));
}

// A sum of that many int8 values stays inside 32 bits.
constexpr std::int64_t kMostSummed = std::int64_t{1} << 23;

Status check_sum(const Shape& s) {
  if (static_cast<std::int64_t>(s.height) * s.width <= kMostSummed) return {};
  return invalid(fmt::format("a mean over {}x{} positions overflows 32 bits", s.height, s.width));
}

Status check_pool(const network::Window& w, int low, int high, const Tensor& in,
                  const Tensor& out) {
  ATML_TRY_STATUS(check_sum(in.shape));
  ATML_TRY_STATUS(check_range(low, high));
  ATML_TRY_STATUS(check_window(w, in.shape, out.shape));
  if (in.shape.channels != out.shape.channels) return invalid("pooling keeps the channels");
  return same_quantisation(in, out);
}

Status check_concat(const Int8Model& m, const Op& op) {
  const Tensor& out = m.output_of(op);
  int channels = 0;
  for (int n = 0; n < static_cast<int>(op.inputs.size()); ++n) {
    const Tensor& in = m.input_of(op, n);
    if (in.shape.height != out.shape.height || in.shape.width != out.shape.width) {
      return invalid(fmt::format("cannot join {} into {}", in.shape.text(), out.shape.text()));
    }
    channels += in.shape.channels;
    ATML_TRY_STATUS(check_factor(static_cast<double>(in.scale) / static_cast<double>(out.scale)));
  }
  return channels == out.shape.channels ? Status{}
                                        : invalid(fmt::format("inputs have {} channels, output {}",
                                                              channels, out.shape.channels));
}

Status check_add(const Add& a, const Tensor& x, const Tensor& y, const Tensor& out) {
  ATML_TRY_STATUS(check_range(a.low, a.high));
  ATML_TRY_STATUS(check_same_shape(x, out));
  const bool per_channel = y.shape == Shape{1, 1, x.shape.channels};
  if (!per_channel) ATML_TRY_STATUS(check_same_shape(x, y));
  const double factor =
      2.0 * std::max(x.scale, y.scale) / (static_cast<double>(1 << 20) * out.scale);
  if (factor < 1) return {};
  return invalid(fmt::format("output scale {} is too fine for input scales {} and {}", out.scale,
                             x.scale, y.scale));
}

Status check_mul(const Mul& mul, const Tensor& x, const Tensor& y, const Tensor& out) {
  ATML_TRY_STATUS(check_range(mul.low, mul.high));
  ATML_TRY_STATUS(check_same_shape(x, out));
  const bool per_channel = y.shape == Shape{1, 1, x.shape.channels};
  if (!per_channel) ATML_TRY_STATUS(check_same_shape(x, y));
  return check_factor(static_cast<double>(x.scale) * y.scale / out.scale);
}

Status check_pad(const Pad& p, const Tensor& in, const Tensor& out) {
  for (const int n : {p.top, p.bottom, p.left, p.right, p.front, p.back}) {
    if (n < 0 || n > kLargestSide) return invalid(fmt::format("padding {} is out of range", n));
  }
  ATML_TRY_STATUS(same_quantisation(in, out));
  const Shape& s = in.shape;
  return expect_shape(out, {s.height + p.top + p.bottom, s.width + p.left + p.right,
                            s.channels + p.front + p.back});
}

Status check_kind(const Int8Model& m, const Op& op) {
  const Tensor& in = m.input_of(op);
  const Tensor& out = m.output_of(op);
  return std::visit(
      Overloaded{
          [&](const Conv& c) -> Status {
            ATML_TRY_STATUS(check_range(c.low, c.high));
            ATML_TRY_STATUS(check_window(c.window, in.shape, out.shape));
            return check_filter(
                {c.filter, out.shape.channels, area(c.window) * in.shape.channels, false}, in, out);
          },
          [&](const Depthwise& d) -> Status {
            ATML_TRY_STATUS(check_range(d.low, d.high));
            ATML_TRY_STATUS(check_window(d.window, in.shape, out.shape));
            if (d.multiplier < 1 ||
                static_cast<std::int64_t>(in.shape.channels) * d.multiplier != out.shape.channels) {
              return invalid(fmt::format("{} input channels x {} are not {} output channels",
                                         in.shape.channels, d.multiplier, out.shape.channels));
            }
            return check_filter({d.filter, out.shape.channels, area(d.window), true}, in, out);
          },
          [&](const Dense& d) -> Status {
            ATML_TRY_STATUS(check_range(d.low, d.high));
            ATML_TRY_STATUS(expect_shape(out, {1, 1, out.shape.channels}));
            return check_filter({d.filter, out.shape.channels, in.shape.elements(), false}, in,
                                out);
          },
          [&](const MaxPool& p) -> Status { return check_pool(p.window, p.low, p.high, in, out); },
          [&](const AveragePool& p) -> Status {
            return check_pool(p.window, p.low, p.high, in, out);
          },
          [&](const Mean&) -> Status {
            ATML_TRY_STATUS(check_sum(in.shape));
            ATML_TRY_STATUS(
                check_factor(static_cast<double>(in.scale) / static_cast<double>(out.scale)));
            return expect_shape(out, {1, 1, in.shape.channels});
          },
          [&](const Add& a) -> Status { return check_add(a, in, m.input_of(op, 1), out); },
          [&](const Mul& a) -> Status { return check_mul(a, in, m.input_of(op, 1), out); },
          [&](const Concat&) -> Status { return check_concat(m, op); },
          [&](const Pad& p) -> Status { return check_pad(p, in, out); },
          [&](const Reshape&) -> Status {
            ATML_TRY_STATUS(same_quantisation(in, out));
            if (in.shape.elements() == out.shape.elements()) return {};
            return invalid(
                fmt::format("cannot reshape {} into {}", in.shape.text(), out.shape.text()));
          },
          [&](const Softmax& s) -> Status {
            ATML_TRY_STATUS(check_same_shape(in, out));
            if (!(s.beta > 0) || !std::isfinite(s.beta))
              return invalid(fmt::format("beta {} is not a positive number", s.beta));
            if (!(static_cast<double>(s.beta) * static_cast<double>(in.scale) >=
                  std::ldexp(1.0, -26)))
              return invalid(
                  fmt::format("softmax with beta {} of scale {} is too flat", s.beta, in.scale));
            if (in.shape.channels > 1 << 12)
              return invalid("softmax over more than 4096 values overflows its sum");
            if (out.scale == 1.0f / 256 && out.zero_point == -128) return {};
            return invalid("softmax gives scale 1/256 and zero point -128");
          },
          [&](const Table& t) -> Status {
            ATML_TRY_STATUS(check_same_shape(in, out));
            if (t.values.size() == 256) return {};
            return invalid(fmt::format("a table has 256 values, not {}", t.values.size()));
          },
      },
      op.kind);
}

bool input_count_ok(const OpKind& kind, std::size_t count) {
  if (std::holds_alternative<Concat>(kind)) return count >= 1;
  const bool two = std::holds_alternative<Add>(kind) || std::holds_alternative<Mul>(kind);
  return count == (two ? 2u : 1u);
}

Status check_op(const Int8Model& m, const Op& op, std::vector<bool>& written) {
  const int count = static_cast<int>(m.tensors.size());
  if (!input_count_ok(op.kind, op.inputs.size()))
    return invalid(fmt::format("wrong number of inputs: {}", op.inputs.size()));
  for (const int input : op.inputs) {
    if (input < 0 || input >= count) return invalid(fmt::format("there is no tensor {}", input));
    if (!written[static_cast<std::size_t>(input)])
      return invalid(fmt::format("tensor {} is read before it is written", input));
  }
  if (op.output < 0 || op.output >= count)
    return invalid(fmt::format("there is no tensor {}", op.output));
  if (written[static_cast<std::size_t>(op.output)])
    return invalid(fmt::format("tensor {} is written twice", op.output));
  ATML_TRY_STATUS(check_kind(m, op));
  written[static_cast<std::size_t>(op.output)] = true;
  return {};
}

}  // namespace

std::string_view kind_name(const OpKind& kind) {
  return std::visit(
      Overloaded{[](const Conv&) { return "conv"; }, [](const Depthwise&) { return "depthwise"; },
                 [](const Dense&) { return "dense"; }, [](const MaxPool&) { return "max_pool"; },
                 [](const AveragePool&) { return "average_pool"; },
                 [](const Mean&) { return "mean"; }, [](const Add&) { return "add"; },
                 [](const Mul&) { return "mul"; }, [](const Concat&) { return "concat"; },
                 [](const Pad&) { return "pad"; }, [](const Reshape&) { return "reshape"; },
                 [](const Softmax&) { return "softmax"; }, [](const Table&) { return "table"; }},
      kind);
}

Macs Int8Model::macs(const Op& op) const {
  const Shape& out = output_of(op).shape;
  if (const auto* c = std::get_if<Conv>(&op.kind)) {
    return Macs(out.elements() * area(c->window) * input_of(op).shape.channels);
  }
  if (const auto* d = std::get_if<Depthwise>(&op.kind))
    return Macs(out.elements() * area(d->window));
  if (std::holds_alternative<Dense>(op.kind))
    return Macs(input_of(op).shape.elements() * out.channels);
  return Macs(0);
}

Macs Int8Model::macs() const {
  Macs total;
  for (const Op& op : ops) total += macs(op);
  return total;
}

Status Int8Model::verify() const {
  if (!is_identifier(name))
    return invalid(fmt::format("model name '{}' is not a C identifier", name));
  const int count = static_cast<int>(tensors.size());
  if (ops.empty()) return invalid("the model has no operator");
  if (input < 0 || input >= count || output < 0 || output >= count)
    return invalid("the model has no input or output");
  for (const Tensor& t : tensors) ATML_TRY_STATUS(check_tensor(t));
  std::set<std::string> names;
  std::vector<bool> written(tensors.size(), false);
  written[static_cast<std::size_t>(input)] = true;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Op& op = ops[i];
    const std::string place = fmt::format("operator {} '{}' ({})", i, op.name, kind_name(op.kind));
    if (!is_identifier(op.name)) return invalid(place + ": the name is not a C identifier");
    if (!names.insert(op.name).second) return invalid(place + ": the name is used twice");
    if (const Status status = check_op(*this, op, written); !status.ok())
      return status.error().with_context(place);
  }
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    if (!written[t])
      return invalid(fmt::format("tensor {} '{}' is never written", t, tensors[t].name));
  }
  if (output == input) return invalid("the output is the input");
  return {};
}

}  // namespace atml::quantize
