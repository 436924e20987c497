#include "quantize/batch.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "quantize/batch_kernels.h"
#include "quantize/interpreter.h"
#include "quantize/requantize.h"

namespace atml::quantize {
namespace {

using batch::FilterCall;
using batch::Kernels;
using batch::Scale;

int quads_of(const Shape& s) { return (s.channels + 3) / 4; }
std::int64_t positions_of(const Shape& s) { return static_cast<std::int64_t>(s.height) * s.width; }

const Kernels& kernels_of(Isa isa) {
#if defined(ATML_HAVE_X86_KERNELS)
  if (isa == Isa::kAvx512Vnni) return batch::avx512_kernels();
  if (isa == Isa::kAvx2) return batch::avx2_kernels();
#endif
  (void)isa;
  return batch::portable_kernels();
}

Scale split(Multiplier m) { return {m.mantissa, std::max(0, m.shift), std::max(0, -m.shift)}; }

// Block offsets of every tap of every output position, kPadding outside.
std::vector<std::int32_t> tap_offsets(const network::Window& w, const Shape& in, const Shape& out) {
  std::vector<std::int32_t> offsets;
  offsets.reserve(static_cast<std::size_t>(positions_of(out) * w.kernel_h * w.kernel_w));
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      for (int tap = 0; tap < w.kernel_h * w.kernel_w; ++tap) {
        const int in_y = y * w.stride_h - w.pad_top(in.height) + tap / w.kernel_w * w.dilation_h;
        const int in_x = x * w.stride_w - w.pad_left(in.width) + tap % w.kernel_w * w.dilation_w;
        const bool inside = in_y >= 0 && in_y < in.height && in_x >= 0 && in_x < in.width;
        offsets.push_back(inside ? (in_y * in.width + in_x) * quads_of(in) : batch::kPadding);
      }
    }
  }
  return offsets;
}

// Four weights as the kernels read them: bytes in one word, or (0, 2) and (1, 3) as int16 pairs.
void pack(const std::array<int, 4>& w, int words, std::int32_t* out) {
  const auto low = [](int value, int bits) {
    return static_cast<std::uint32_t>(value) & ((1u << bits) - 1);
  };
  if (words == 1) {
    out[0] = static_cast<std::int32_t>(low(w[0], 8) | low(w[1], 8) << 8 | low(w[2], 8) << 16 |
                                       low(w[3], 8) << 24);
    return;
  }
  out[0] = static_cast<std::int32_t>(low(w[0], 16) | low(w[2], 16) << 16);
  out[1] = static_cast<std::int32_t>(low(w[1], 16) | low(w[3], 16) << 16);
}

// The buffers behind one FilterCall.
struct FilterData {
  std::vector<std::int32_t> offsets, weights, quads, bias;
  std::vector<Scale> scales;
  std::vector<std::uint8_t> padding;
};

}  // namespace

struct BatchInterpreter::Plan {
  Plan(const Int8Model& m, const Kernels& k)
      : model(m), kernels(k), lanes(static_cast<std::size_t>(k.lanes)) {
    for (const Tensor& t : m.tensors) {
      activations.emplace_back(static_cast<std::size_t>(positions_of(t.shape) * quads_of(t.shape)) *
                               4 * lanes);
    }
    for (const Op& op : m.ops)
      steps.push_back(std::visit([&](const auto& kind) { return step(op, kind); }, op.kind));
  }

  void run_block() {
    for (const auto& step : steps) step();
  }

  void load(const std::int8_t* samples, std::size_t count);
  void store(std::int8_t* samples, std::size_t count) const;

  const Int8Model& model;
  const Kernels& kernels;
  const std::size_t lanes;

 private:
  using Step = std::function<void()>;

  std::uint8_t* data(int tensor) { return activations[static_cast<std::size_t>(tensor)].data(); }
  std::size_t byte(const Shape& s, std::int64_t position, int channel, std::size_t lane) const {
    const std::size_t block = static_cast<std::size_t>(position * quads_of(s) + channel / 4);
    return (block * lanes + lane) * 4 + static_cast<std::size_t>(channel % 4);
  }

  Step step(const Op& op, const Conv& c) { return filter_step(op, c.window, c.filter); }
  Step step(const Op& op, const Depthwise& d) { return depthwise_step(op, d); }
  Step step(const Op& op, const Dense& d) {
    const Shape& in = model.input_of(op).shape;
    return filter_step(
        op, network::Window{in.height, in.width, 1, 1, 1, 1, network::Padding::kValid}, d.filter);
  }
  Step step(const Op& op, const MaxPool& p) {
    return pool_step(op, p.window, p.low, p.high, kernels.max_pool);
  }
  Step step(const Op& op, const AveragePool& p) {
    // Beyond this the kernels' float division is not exact.
    if (static_cast<std::int64_t>(p.window.kernel_h) * p.window.kernel_w > 32768)
      return scalar_step(op);
    return pool_step(op, p.window, p.low, p.high, kernels.average_pool);
  }
  Step step(const Op& op, const Add& a);
  Step step(const Op& op, const Table& t);
  Step step(const Op& op, const Concat&);
  Step step(const Op& op, const Reshape&);
  Step step(const Op& op, const Mean&) { return scalar_step(op); }
  Step step(const Op& op, const Mul&) { return scalar_step(op); }
  Step step(const Op& op, const Pad&) { return scalar_step(op); }
  Step step(const Op& op, const Softmax&) { return scalar_step(op); }

  void fill_common(const Op& op, const network::Window& w, const Filter& filter, FilterData& d,
                   FilterCall& call) const;
  Step filter_step(const Op& op, const network::Window& w, const Filter& filter);
  Step depthwise_step(const Op& op, const Depthwise& depthwise);
  Step pool_step(const Op& op, const network::Window& w, int low, int high,
                 void (*kernel)(const batch::PoolCall&));
  Step scalar_step(const Op& op);

  void gather(int tensor, std::size_t lane, std::int8_t* out) const;
  void scatter(int tensor, std::size_t lane, const std::int8_t* in);

  std::vector<std::vector<std::uint8_t>>
      activations;  // one a tensor, in the layout of batch_kernels.h
  std::vector<Step> steps;
};

void BatchInterpreter::Plan::fill_common(const Op& op, const network::Window& w,
                                         const Filter& filter, FilterData& d,
                                         FilterCall& call) const {
  const Tensor& in = model.input_of(op);
  const Shape& out = model.output_of(op).shape;
  const FilterParams p = filter_params(model, op);
  const std::size_t padded = static_cast<std::size_t>(quads_of(out)) * 4;
  d.offsets = tap_offsets(w, in.shape, out);
  d.padding.assign(static_cast<std::size_t>(quads_of(in.shape)) * 4 * lanes,
                   static_cast<std::uint8_t>(in.zero_point + 128));
  d.bias = filter.bias;
  d.bias.resize(padded, 0);
  for (const Multiplier& m : p.multipliers) d.scales.push_back(split(m));
  d.scales.resize(padded);
  call.in_quads = quads_of(in.shape);
  call.out_quads = quads_of(out);
  call.positions = positions_of(out);
  call.taps = w.kernel_h * w.kernel_w;
  call.single_rounding = model.rounding == Rounding::kSingle;
  call.output_offset = p.output_offset;
  call.low = p.low;
  call.high = p.high;
}

namespace {

// Pointers into the data, once it will not move any more.
void connect(const FilterData& d, FilterCall& call) {
  call.padding = d.padding.data();
  call.offsets = d.offsets.data();
  call.weights = d.weights.data();
  call.quads = d.quads.data();
  call.bias = d.bias.data();
  call.scales = d.scales.data();
}

// w (q - zero point) = w (byte - 128 - zero point), modulo 2^32 as the kernels add.
std::int32_t corrected(std::int32_t bias, std::int64_t weight_sum, int zero_point) {
  return static_cast<std::int32_t>(
      static_cast<std::uint32_t>(bias - weight_sum * (128 + zero_point)));
}

}  // namespace

BatchInterpreter::Plan::Step BatchInterpreter::Plan::filter_step(const Op& op,
                                                                 const network::Window& w,
                                                                 const Filter& filter) {
  auto d = std::make_shared<FilterData>();
  FilterCall call;
  fill_common(op, w, filter, *d, call);
  const Tensor& in = model.input_of(op);
  const auto channels = in.shape.channels;
  const int words = kernels.words;
  const auto outputs = static_cast<int>(filter.bias.size());
  d->weights.assign(static_cast<std::size_t>(call.out_quads) * static_cast<std::size_t>(call.taps) *
                        static_cast<std::size_t>(call.in_quads * 4 * words),
                    0);
  std::int32_t* to = d->weights.data();
  std::vector<std::int64_t> sums(d->bias.size(), 0);
  for (int oq = 0; oq < call.out_quads; ++oq) {
    for (int tap = 0; tap < call.taps; ++tap) {
      for (int iq = 0; iq < call.in_quads; ++iq) {
        for (int oc = 4 * oq; oc < 4 * oq + 4; ++oc, to += words) {
          if (oc >= outputs) continue;
          std::array<int, 4> four{};
          for (int k = 0; k < 4 && 4 * iq + k < channels; ++k) {
            four[static_cast<std::size_t>(k)] =
                filter.weights[(static_cast<std::size_t>(oc) * static_cast<std::size_t>(call.taps) +
                                static_cast<std::size_t>(tap)) *
                                   static_cast<std::size_t>(channels) +
                               static_cast<std::size_t>(4 * iq + k)];
            sums[static_cast<std::size_t>(oc)] += four[static_cast<std::size_t>(k)];
          }
          pack(four, words, to);
        }
      }
    }
  }
  for (std::size_t oc = 0; oc < d->bias.size(); ++oc)
    d->bias[oc] = corrected(d->bias[oc], sums[oc], in.zero_point);
  connect(*d, call);
  call.in = data(op.inputs[0]);
  call.out = data(op.output);
  return [d, call, kernel = kernels.conv] { kernel(call); };
}

BatchInterpreter::Plan::Step BatchInterpreter::Plan::depthwise_step(const Op& op,
                                                                    const Depthwise& depthwise) {
  auto d = std::make_shared<FilterData>();
  FilterCall call;
  fill_common(op, depthwise.window, depthwise.filter, *d, call);
  const auto outputs = static_cast<int>(depthwise.filter.bias.size());
  const int words = kernels.words;
  const std::size_t padded = d->bias.size();
  d->weights.assign(static_cast<std::size_t>(call.taps) * padded * static_cast<std::size_t>(words),
                    0);
  d->quads.assign(padded, 0);
  for (int oc = 0; oc < outputs; ++oc) {
    const int ic = oc / depthwise.multiplier;
    d->quads[static_cast<std::size_t>(oc)] = ic / 4;
    std::int64_t sum = 0;
    for (int tap = 0; tap < call.taps; ++tap) {
      const int weight = depthwise.filter.weights[static_cast<std::size_t>(tap * outputs + oc)];
      std::array<int, 4> four{};
      four[static_cast<std::size_t>(ic % 4)] = weight;
      pack(four, words,
           d->weights.data() +
               (static_cast<std::size_t>(tap) * padded + static_cast<std::size_t>(oc)) *
                   static_cast<std::size_t>(words));
      sum += weight;
    }
    auto& bias = d->bias[static_cast<std::size_t>(oc)];
    bias = corrected(bias, sum, model.input_of(op).zero_point);
  }
  connect(*d, call);
  call.in = data(op.inputs[0]);
  call.out = data(op.output);
  return [d, call, kernel = kernels.depthwise] { kernel(call); };
}

BatchInterpreter::Plan::Step BatchInterpreter::Plan::pool_step(
    const Op& op, const network::Window& w, int low, int high,
    void (*kernel)(const batch::PoolCall&)) {
  const Shape& in = model.input_of(op).shape;
  const Shape& out = model.output_of(op).shape;
  auto offsets = std::make_shared<std::vector<std::int32_t>>(tap_offsets(w, in, out));
  batch::PoolCall call;
  call.in = data(op.inputs[0]);
  call.out = data(op.output);
  call.offsets = offsets->data();
  call.positions = positions_of(out);
  call.taps = w.kernel_h * w.kernel_w;
  call.quads = quads_of(in);
  call.low = low;
  call.high = high;
  return [offsets, call, kernel] { kernel(call); };
}

BatchInterpreter::Plan::Step BatchInterpreter::Plan::step(const Op& op, const Add&) {
  if (!(model.input_of(op, 1).shape == model.output_of(op).shape)) return scalar_step(op);
  const AddParams p = add_params(model, op);
  const Shape& out = model.output_of(op).shape;
  batch::AddCall call;
  call.in_1 = data(op.inputs[0]);
  call.in_2 = data(op.inputs[1]);
  call.out = data(op.output);
  call.blocks = positions_of(out) * quads_of(out);
  call.offset_1 = p.offset_1;
  call.offset_2 = p.offset_2;
  call.left_shift = p.left_shift;
  call.input_1 = split(p.input_1);
  call.input_2 = split(p.input_2);
  call.output = split(p.output);
  call.single_rounding = model.rounding == Rounding::kSingle;
  call.output_offset = p.output_offset;
  call.low = p.low;
  call.high = p.high;
  return [call, kernel = kernels.add] { kernel(call); };
}

BatchInterpreter::Plan::Step BatchInterpreter::Plan::step(const Op& op, const Table& t) {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t i = 0; i < 256; ++i) table[i] = static_cast<std::uint8_t>(t.values[i] + 128);
  const std::size_t count = activations[static_cast<std::size_t>(op.output)].size();
  return [table, count, in = data(op.inputs[0]), out = data(op.output)] {
    for (std::size_t i = 0; i < count; ++i) out[i] = table[in[i]];
  };
}

BatchInterpreter::Plan::Step BatchInterpreter::Plan::step(const Op& op, const Concat&) {
  return [this, &op] {
    const Shape& out = model.output_of(op).shape;
    std::uint8_t* to = data(op.output);
    int first = 0;
    for (std::size_t n = 0; n < op.inputs.size(); ++n) {
      const Tensor& in = model.input_of(op, static_cast<int>(n));
      const auto table = rescale_table(in, model.output_of(op), model.rounding);
      const std::uint8_t* from = data(op.inputs[n]);
      for (std::int64_t position = 0; position < positions_of(out); ++position) {
        for (int c = 0; c < in.shape.channels; ++c) {
          for (std::size_t lane = 0; lane < lanes; ++lane) {
            to[byte(out, position, first + c, lane)] =
                static_cast<std::uint8_t>(table[from[byte(in.shape, position, c, lane)]] + 128);
          }
        }
      }
      first += in.shape.channels;
    }
  };
}

BatchInterpreter::Plan::Step BatchInterpreter::Plan::step(const Op& op, const Reshape&) {
  const Shape& in = model.input_of(op).shape;
  const Shape& out = model.output_of(op).shape;
  if (in.channels % 4 != 0 || out.channels % 4 != 0) return scalar_step(op);
  const std::size_t size = activations[static_cast<std::size_t>(op.output)].size();
  return [size, from = data(op.inputs[0]), to = data(op.output)] { std::memcpy(to, from, size); };
}

// The reference kernel, lane by lane: for what is rare or cheap.
BatchInterpreter::Plan::Step BatchInterpreter::Plan::scalar_step(const Op& op) {
  return [this, &op] {
    std::vector<std::vector<std::int8_t>> inputs;
    for (const int t : op.inputs)
      inputs.emplace_back(static_cast<std::size_t>(model.tensor(t).shape.elements()));
    std::vector<std::int8_t> output(static_cast<std::size_t>(model.output_of(op).shape.elements()));
    std::vector<const std::int8_t*> pointers;
    for (const auto& input : inputs) pointers.push_back(input.data());
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      for (std::size_t n = 0; n < inputs.size(); ++n) gather(op.inputs[n], lane, inputs[n].data());
      run_op(model, op, pointers, output.data());
      scatter(op.output, lane, output.data());
    }
  };
}

void BatchInterpreter::Plan::gather(int tensor, std::size_t lane, std::int8_t* out) const {
  const Shape& s = model.tensor(tensor).shape;
  const auto& bytes = activations[static_cast<std::size_t>(tensor)];
  for (std::int64_t position = 0; position < positions_of(s); ++position) {
    for (int c = 0; c < s.channels; ++c)
      *out++ = static_cast<std::int8_t>(bytes[byte(s, position, c, lane)] - 128);
  }
}

void BatchInterpreter::Plan::scatter(int tensor, std::size_t lane, const std::int8_t* in) {
  const Shape& s = model.tensor(tensor).shape;
  auto& bytes = activations[static_cast<std::size_t>(tensor)];
  for (std::int64_t position = 0; position < positions_of(s); ++position) {
    for (int c = 0; c < s.channels; ++c)
      bytes[byte(s, position, c, lane)] = static_cast<std::uint8_t>(*in++ + 128);
  }
}

void BatchInterpreter::Plan::load(const std::int8_t* samples, std::size_t count) {
  const auto size = static_cast<std::size_t>(model.tensor(model.input).shape.elements());
  // Lanes past the last sample hold what was there: their results are not read.
  for (std::size_t lane = 0; lane < count; ++lane)
    scatter(model.input, lane, samples + lane * size);
}

void BatchInterpreter::Plan::store(std::int8_t* samples, std::size_t count) const {
  const auto size = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  for (std::size_t lane = 0; lane < count; ++lane)
    gather(model.output, lane, samples + lane * size);
}

Isa best_isa() {
#if defined(ATML_HAVE_X86_KERNELS)
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
  if (wide) return Isa::kAvx512Vnni;
  if (__builtin_cpu_supports("avx2")) return Isa::kAvx2;
#endif
  return Isa::kPortable;
}

std::string_view to_string(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      return "portable";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512Vnni:
      return "avx512-vnni";
  }
  ATML_UNREACHABLE("instruction set");
}

BatchInterpreter::BatchInterpreter(const Int8Model& model, Isa isa)
    : plan_(std::make_unique<Plan>(model, kernels_of(isa))) {}
BatchInterpreter::BatchInterpreter(BatchInterpreter&&) noexcept = default;
BatchInterpreter::~BatchInterpreter() = default;

void BatchInterpreter::run(std::span<const std::int8_t> in, std::size_t n,
                           std::span<std::int8_t> out) {
  const auto in_size =
      static_cast<std::size_t>(plan_->model.tensor(plan_->model.input).shape.elements());
  const auto out_size =
      static_cast<std::size_t>(plan_->model.tensor(plan_->model.output).shape.elements());
  ATML_ASSERT(in.size() == n * in_size && out.size() == n * out_size,
              "batch size does not suit the model");
  for (std::size_t first = 0; first < n; first += plan_->lanes) {
    const std::size_t count = std::min(plan_->lanes, n - first);
    plan_->load(in.data() + first * in_size, count);
    plan_->run_block();
    plan_->store(out.data() + first * out_size, count);
  }
}

}  // namespace atml::quantize
