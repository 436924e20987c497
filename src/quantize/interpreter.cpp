#include "quantize/interpreter.h"

#include <algorithm>

#include "quantize/requantize.h"

namespace atml::quantize {
namespace {

using network::Window;
using Input = const std::int8_t*;
using Output = std::int8_t*;

// One operator with everything a kernel looks at.
struct Call {
  const Int8Model& model;
  const Op& op;
  std::span<const Input> inputs;
  Output output;
  const Tensor& in() const { return model.input_of(op); }
  const Tensor& out() const { return model.output_of(op); }
};

std::size_t at(const Shape& s, int y, int x, int c) {
  return (static_cast<std::size_t>(y) * static_cast<std::size_t>(s.width) +
          static_cast<std::size_t>(x)) *
             static_cast<std::size_t>(s.channels) +
         static_cast<std::size_t>(c);
}

// Calls visit(tap, y, x) for each tap of the window at an output position that lies inside the
// input.
template <class Visit>
void for_taps(const Window& w, const Shape& in, int out_y, int out_x, Visit&& visit) {
  for (int ky = 0; ky < w.kernel_h; ++ky) {
    for (int kx = 0; kx < w.kernel_w; ++kx) {
      const int y = out_y * w.stride_h - w.pad_top(in.height) + ky * w.dilation_h;
      const int x = out_x * w.stride_w - w.pad_left(in.width) + kx * w.dilation_w;
      if (y >= 0 && y < in.height && x >= 0 && x < in.width) visit(ky * w.kernel_w + kx, y, x);
    }
  }
}

// Calls visit(y, x, c, flat index) for every output element in HWC order.
template <class Visit>
void for_elements(const Shape& s, Visit&& visit) {
  std::size_t flat = 0;
  for (int y = 0; y < s.height; ++y) {
    for (int x = 0; x < s.width; ++x) {
      for (int c = 0; c < s.channels; ++c) visit(y, x, c, flat++);
    }
  }
}

std::int8_t finish(std::int32_t accumulator, const FilterParams& p, std::size_t channel,
                   Rounding rounding) {
  return clamp_to_int8(multiply(accumulator, p.multipliers[channel], rounding) + p.output_offset,
                       p.low, p.high);
}

void run(const Call& call, const Conv& conv) {
  const Shape& in = call.in().shape;
  const FilterParams p = filter_params(call.model, call.op);
  const std::size_t channels = static_cast<std::size_t>(in.channels);
  const std::size_t taps = static_cast<std::size_t>(conv.window.kernel_h) *
                           static_cast<std::size_t>(conv.window.kernel_w);
  for_elements(call.out().shape, [&](int y, int x, int oc, std::size_t flat) {
    const std::size_t channel = static_cast<std::size_t>(oc);
    const std::int8_t* kernel = conv.filter.weights.data() + channel * taps * channels;
    std::int32_t sum = conv.filter.bias[channel];
    for_taps(conv.window, in, y, x, [&](int tap, int in_y, int in_x) {
      const std::int8_t* values = call.inputs[0] + at(in, in_y, in_x, 0);
      const std::int8_t* weights = kernel + static_cast<std::size_t>(tap) * channels;
      for (std::size_t ic = 0; ic < channels; ++ic)
        sum += weights[ic] * (values[ic] + p.input_offset);
    });
    call.output[flat] = finish(sum, p, channel, call.model.rounding);
  });
}

void run(const Call& call, const Depthwise& depthwise) {
  const Shape& in = call.in().shape;
  const FilterParams p = filter_params(call.model, call.op);
  const std::size_t outputs = static_cast<std::size_t>(call.out().shape.channels);
  for_elements(call.out().shape, [&](int y, int x, int oc, std::size_t flat) {
    const std::size_t channel = static_cast<std::size_t>(oc);
    std::int32_t sum = depthwise.filter.bias[channel];
    for_taps(depthwise.window, in, y, x, [&](int tap, int in_y, int in_x) {
      const int value = call.inputs[0][at(in, in_y, in_x, oc / depthwise.multiplier)];
      sum += depthwise.filter.weights[static_cast<std::size_t>(tap) * outputs + channel] *
             (value + p.input_offset);
    });
    call.output[flat] = finish(sum, p, channel, call.model.rounding);
  });
}

void run(const Call& call, const Dense& dense) {
  const FilterParams p = filter_params(call.model, call.op);
  const std::size_t count = static_cast<std::size_t>(call.in().shape.elements());
  for (std::size_t unit = 0; unit < p.multipliers.size(); ++unit) {
    std::int32_t sum = dense.filter.bias[unit];
    const std::int8_t* weights = dense.filter.weights.data() + unit * count;
    for (std::size_t i = 0; i < count; ++i)
      sum += weights[i] * (call.inputs[0][i] + p.input_offset);
    call.output[unit] = finish(sum, p, unit, call.model.rounding);
  }
}

void run(const Call& call, const MaxPool& pool) {
  const Shape& in = call.in().shape;
  for_elements(call.out().shape, [&](int y, int x, int c, std::size_t flat) {
    int largest = -128;
    for_taps(pool.window, in, y, x, [&](int, int in_y, int in_x) {
      largest = std::max<int>(largest, call.inputs[0][at(in, in_y, in_x, c)]);
    });
    call.output[flat] = clamp_to_int8(largest, pool.low, pool.high);
  });
}

void run(const Call& call, const AveragePool& pool) {
  const Shape& in = call.in().shape;
  for_elements(call.out().shape, [&](int y, int x, int c, std::size_t flat) {
    std::int32_t sum = 0;
    std::int32_t count = 0;
    for_taps(pool.window, in, y, x, [&](int, int in_y, int in_x) {
      sum += call.inputs[0][at(in, in_y, in_x, c)];
      ++count;
    });
    // Rounds half away from zero: the division truncates.
    const std::int32_t mean = sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
    call.output[flat] = clamp_to_int8(mean, pool.low, pool.high);
  });
}

void run(const Call& call, const Mean&) {
  const Shape& in = call.in().shape;
  const MeanParams p = mean_params(call.model, call.op);
  for (int c = 0; c < in.channels; ++c) {
    std::int32_t sum = p.sum_offset;
    for (int y = 0; y < in.height; ++y) {
      for (int x = 0; x < in.width; ++x) sum += call.inputs[0][at(in, y, x, c)];
    }
    const std::int32_t q = multiply(sum, p.multiplier, call.model.rounding) + p.output_offset;
    call.output[c] = clamp_to_int8(q, -128, 127);
  }
}

void run(const Call& call, const Add&) {
  const AddParams p = add_params(call.model, call.op);
  const Rounding rounding = call.model.rounding;
  const std::size_t count = static_cast<std::size_t>(call.out().shape.elements());
  // The second input may be one value a channel.
  const std::size_t period =
      static_cast<std::size_t>(call.model.input_of(call.op, 1).shape.elements());
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t a =
        multiply((call.inputs[0][i] + p.offset_1) * (1 << p.left_shift), p.input_1, rounding);
    const std::int32_t b = multiply((call.inputs[1][i % period] + p.offset_2) * (1 << p.left_shift),
                                    p.input_2, rounding);
    call.output[i] =
        clamp_to_int8(multiply(a + b, p.output, rounding) + p.output_offset, p.low, p.high);
  }
}

void run(const Call& call, const Mul&) {
  const MulParams p = mul_params(call.model, call.op);
  const std::size_t count = static_cast<std::size_t>(call.out().shape.elements());
  // The second input may be one value a channel.
  const std::size_t period =
      static_cast<std::size_t>(call.model.input_of(call.op, 1).shape.elements());
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t product =
        (call.inputs[0][i] + p.offset_1) * (call.inputs[1][i % period] + p.offset_2);
    const std::int32_t q = multiply(product, p.multiplier, call.model.rounding) + p.output_offset;
    call.output[i] = clamp_to_int8(q, p.low, p.high);
  }
}

void run(const Call& call, const Concat&) {
  const Shape& out = call.out().shape;
  int first = 0;
  for (std::size_t n = 0; n < call.inputs.size(); ++n) {
    const Tensor& in = call.model.input_of(call.op, static_cast<int>(n));
    const auto table = rescale_table(in, call.out(), call.model.rounding);
    for_elements(in.shape, [&](int y, int x, int c, std::size_t flat) {
      call.output[at(out, y, x, first + c)] =
          table[static_cast<std::size_t>(call.inputs[n][flat] + 128)];
    });
    first += in.shape.channels;
  }
}

void run(const Call& call, const Pad& pad) {
  const Shape& in = call.in().shape;
  const Shape& out = call.out().shape;
  std::fill_n(call.output, out.elements(), static_cast<std::int8_t>(call.out().zero_point));
  for_elements(in, [&](int y, int x, int c, std::size_t flat) {
    call.output[at(out, y + pad.top, x + pad.left, c + pad.front)] = call.inputs[0][flat];
  });
}

void run(const Call& call, const Reshape&) {
  std::copy_n(call.inputs[0], call.out().shape.elements(), call.output);
}

void run(const Call& call, const Softmax&) {
  const SoftmaxParams p = softmax_params(call.model, call.op);
  const Shape& s = call.out().shape;
  const std::int64_t rows = s.elements() / s.channels;
  for (std::int64_t row = 0; row < rows; ++row) {
    softmax_row(call.inputs[0] + row * s.channels, call.output + row * s.channels, s.channels, p);
  }
}

void run(const Call& call, const Table& table) {
  const std::size_t count = static_cast<std::size_t>(call.out().shape.elements());
  for (std::size_t i = 0; i < count; ++i) {
    call.output[i] = table.values[static_cast<std::size_t>(call.inputs[0][i] + 128)];
  }
}

}  // namespace

void run_op(const Int8Model& model, const Op& op, std::span<const std::int8_t* const> inputs,
            std::int8_t* output) {
  const Call call{model, op, inputs, output};
  std::visit([&](const auto& kind) { run(call, kind); }, op.kind);
}

Interpreter::Interpreter(const Int8Model& model) : model_(model) {
  for (const Tensor& t : model.tensors)
    activations_.emplace_back(static_cast<std::size_t>(t.shape.elements()));
}

void Interpreter::run(std::span<const std::int8_t> in, std::span<std::int8_t> out) {
  auto& input = activations_[static_cast<std::size_t>(model_.input)];
  const auto& output = activations_[static_cast<std::size_t>(model_.output)];
  ATML_ASSERT(in.size() == input.size() && out.size() == output.size(),
              "sample size does not suit the model");
  std::ranges::copy(in, input.begin());
  std::vector<const std::int8_t*> inputs;
  for (const Op& op : model_.ops) {
    inputs.clear();
    for (const int tensor : op.inputs)
      inputs.push_back(activations_[static_cast<std::size_t>(tensor)].data());
    run_op(model_, op, inputs, activations_[static_cast<std::size_t>(op.output)].data());
  }
  std::ranges::copy(output, out.begin());
}

}  // namespace atml::quantize
