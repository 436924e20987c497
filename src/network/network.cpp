#include "network/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace atml::network {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Result<Shape> slide(const Window& w, const Shape& in, int channels) {
  if (std::min({w.kernel_h, w.kernel_w, w.stride_h, w.stride_w, w.dilation_h, w.dilation_w}) < 1) {
    return invalid("kernel, stride and dilation must be at least 1");
  }
  const Shape out{w.output_height(in.height), w.output_width(in.width), channels};
  if (out.height < 1 || out.width < 1) {
    return invalid(fmt::format("a {}x{} kernel does not fit into {} without padding", w.kernel_h,
                               w.kernel_w, in.text()));
  }
  return out;
}

Status check_bits(int bits) {
  if (bits == 8 || bits == 4) return {};
  return invalid(fmt::format("weight bits must be 8 or 4, not {}", bits));
}

Result<Shape> output_shape(const Op& op, const std::vector<Shape>& in) {
  return std::visit(
      Overloaded{
          [](const Input&) -> Result<Shape> { return invalid("a network has one input layer"); },
          [&](const Conv& c) -> Result<Shape> {
            if (c.filters < 1) return invalid("a convolution needs at least one filter");
            ATML_TRY_STATUS(check_bits(c.weight_bits));
            return slide(c.window, in[0], c.filters);
          },
          [&](const Depthwise& d) -> Result<Shape> {
            if (d.multiplier < 1) return invalid("the depth multiplier must be at least 1");
            ATML_TRY_STATUS(check_bits(d.weight_bits));
            return slide(d.window, in[0], in[0].channels * d.multiplier);
          },
          [&](const Dense& d) -> Result<Shape> {
            if (d.units < 1) return invalid("a dense layer needs at least one unit");
            ATML_TRY_STATUS(check_bits(d.weight_bits));
            return Shape{1, 1, d.units};
          },
          [&](const BatchNorm&) -> Result<Shape> { return in[0]; },
          [&](const Activate&) -> Result<Shape> { return in[0]; },
          [&](const MaxPool& p) -> Result<Shape> { return slide(p.window, in[0], in[0].channels); },
          [&](const AveragePool& p) -> Result<Shape> {
            return slide(p.window, in[0], in[0].channels);
          },
          [&](const GlobalAveragePool&) -> Result<Shape> {
            return Shape{1, 1, in[0].channels};
          },
          [&](const Add&) -> Result<Shape> {
            if (in[0] == in[1]) return in[0];
            return invalid(fmt::format("cannot add {} and {}", in[0].text(), in[1].text()));
          },
          [&](const Concat&) -> Result<Shape> {
            Shape out = in[0];
            out.channels = 0;
            for (const Shape& s : in) {
              if (s.height != out.height || s.width != out.width) {
                return invalid(fmt::format("cannot join {} and {} along the channels", in[0].text(),
                                           s.text()));
              }
              out.channels += s.channels;
            }
            return out;
          },
          [&](const Flatten&) -> Result<Shape> {
            return Shape{1, 1, static_cast<int>(in[0].elements())};
          },
          [&](const Dropout& d) -> Result<Shape> {
            if (d.rate >= 0 && d.rate < 1) return in[0];
            return invalid(fmt::format("dropout rate must be in [0, 1), not {}", d.rate));
          },
      },
      op);
}

Status check_input_count(const Op& op, std::size_t count) {
  if (std::holds_alternative<Concat>(op)) {
    if (count >= 2) return {};
    return invalid("concat needs at least two inputs");
  }
  const std::size_t wanted = std::holds_alternative<Add>(op) ? 2 : 1;
  if (count == wanted) return {};
  return invalid(fmt::format("{} needs {} input(s), got {}", kind_name(op), wanted, count));
}

std::int64_t window_area(const Window& w) {
  return static_cast<std::int64_t>(w.kernel_h) * w.kernel_w;
}

}  // namespace

std::string_view kind_name(const Op& op) {
  return std::visit(
      Overloaded{[](const Input&) { return "input"; }, [](const Conv&) { return "conv"; },
                 [](const Depthwise&) { return "depthwise"; }, [](const Dense&) { return "dense"; },
                 [](const BatchNorm&) { return "batch_norm"; },
                 [](const Activate& a) {
                   switch (a.kind) {
                     case Activation::kRelu:
                       return "relu";
                     case Activation::kRelu6:
                       return "relu6";
                     case Activation::kHardSwish:
                       return "hard_swish";
                   }
                   ATML_UNREACHABLE("activation");
                 },
                 [](const MaxPool&) { return "max_pool"; },
                 [](const AveragePool&) { return "average_pool"; },
                 [](const GlobalAveragePool&) { return "global_average_pool"; },
                 [](const Add&) { return "add"; }, [](const Concat&) { return "concat"; },
                 [](const Flatten&) { return "flatten"; },
                 [](const Dropout&) { return "dropout"; }},
      op);
}

Network::Network(Shape input) { layers_.push_back({"input_0", Input{input}, {}, input}); }

Result<int> Network::add(Op op, std::vector<int> inputs, std::string name) {
  if (name.empty()) name = fmt::format("{}_{}", kind_name(op), size());
  const auto context = [&](const Error& error) {
    return error.with_context("layer '" + name + "'");
  };
  if (std::ranges::any_of(layers_, [&](const Layer& l) { return l.name == name; })) {
    return invalid(fmt::format("layer '{}' exists already", name));
  }
  std::vector<Shape> shapes;
  for (const int input : inputs) {
    if (input < 0 || input >= size())
      return invalid(fmt::format("layer '{}': no layer {} to read from", name, input));
    shapes.push_back(layer(input).output);
  }
  if (const Status status = check_input_count(op, inputs.size()); !status.ok())
    return context(status.error());
  const Result<Shape> shape = ::atml::network::output_shape(op, shapes);
  if (!shape.ok()) return context(shape.error());
  layers_.push_back({std::move(name), std::move(op), std::move(inputs), *shape});
  return last();
}

Macs Network::macs(int index) const {
  const Layer& l = layer(index);
  if (const auto* c = std::get_if<Conv>(&l.op)) {
    return Macs(l.output.elements() * window_area(c->window) * source_shape(index).channels);
  }
  if (const auto* d = std::get_if<Depthwise>(&l.op))
    return Macs(l.output.elements() * window_area(d->window));
  if (const auto* d = std::get_if<Dense>(&l.op))
    return Macs(source_shape(index).elements() * d->units);
  return Macs(0);
}

Macs Network::macs() const {
  Macs total;
  for (int i = 0; i < size(); ++i) total += macs(i);
  return total;
}

std::int64_t Network::parameters(int index) const {
  const Layer& l = layer(index);
  const std::int64_t biases = l.output.channels;
  if (const auto* c = std::get_if<Conv>(&l.op)) {
    return window_area(c->window) * source_shape(index).channels * c->filters + biases;
  }
  if (const auto* d = std::get_if<Depthwise>(&l.op))
    return window_area(d->window) * l.output.channels + biases;
  if (const auto* d = std::get_if<Dense>(&l.op))
    return source_shape(index).elements() * d->units + biases;
  return 0;
}

std::int64_t Network::parameters() const {
  std::int64_t total = 0;
  for (int i = 0; i < size(); ++i) total += parameters(i);
  return total;
}

Status Network::verify() const {
  if (size() < 2) return invalid("a network needs at least one layer beside its input");
  std::set<int> read;
  for (const Layer& l : layers_) read.insert(l.inputs.begin(), l.inputs.end());
  for (int i = 0; i < last(); ++i) {
    if (!read.contains(i))
      return invalid(
          fmt::format("the output of layer '{}' is read by no other layer", layer(i).name));
  }
  return {};
}

}  // namespace atml::network
