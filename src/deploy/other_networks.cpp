#include "deploy/other_networks.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "quantize/quantize.h"

namespace atml::deploy {
namespace {

using network::Network;

constexpr std::uint64_t kSeed = 1;
constexpr float kRangeOf4Bits = 7.0f / 127.0f;

quantize::Filter* filter_of(quantize::OpKind& kind) {
  return std::visit(
      [](auto& k) -> quantize::Filter* {
        if constexpr (requires { k.filter; }) return &k.filter;
        return nullptr;
      },
      kind);
}

void to_4_bits(quantize::Filter& filter) {
  filter.weight_bits = 4;
  for (std::int8_t& w : filter.weights)
    w = static_cast<std::int8_t>(std::lround(kRangeOf4Bits * static_cast<float>(w)));
  for (float& scale : filter.scales) scale /= kRangeOf4Bits;
}

network::Window twice_the_stride(network::Window window, const Shape& in) {
  if (in.height > 1) window.stride_h *= 2;
  if (in.width > 1) window.stride_w *= 2;
  return window;
}

// Turns operators back into layers; what has no layer ends it.
class Rebuild {
 public:
  explicit Rebuild(const quantize::Int8Model& model)
      : model_(model), net_(model.tensor(model.input).shape) {
    layer_of_[model.input] = 0;
  }

  std::optional<Network> with_smaller_stem() {
    for (const quantize::Op& op : model_.ops) {
      op_ = &op;
      if (!std::visit(*this, op.kind)) return std::nullopt;
    }
    return stem_done_ ? std::optional(net_) : std::nullopt;
  }

  bool operator()(const quantize::Conv& c) {
    network::Window window = c.window;
    if (!stem_done_) window = twice_the_stride(window, model_.input_of(*op_).shape);
    stem_done_ = true;
    return add(network::Conv{channels(), window, true, c.filter.weight_bits});
  }
  bool operator()(const quantize::Depthwise& d) {
    return stem_done_ &&
           add(network::Depthwise{d.multiplier, d.window, true, d.filter.weight_bits});
  }
  bool operator()(const quantize::Dense& d) {
    return add(network::Dense{channels(), true, d.filter.weight_bits});
  }
  bool operator()(const quantize::MaxPool& p) { return add(network::MaxPool{p.window}); }
  bool operator()(const quantize::AveragePool& p) {
    const Shape& in = model_.input_of(*op_).shape;
    const bool global = p.window.kernel_h == in.height && p.window.kernel_w == in.width;
    return global ? add(network::GlobalAveragePool{}) : add(network::AveragePool{p.window});
  }
  bool operator()(const quantize::Mean&) { return add(network::GlobalAveragePool{}); }
  bool operator()(const quantize::Add&) { return add(network::Add{}); }
  bool operator()(const quantize::Concat&) { return add(network::Concat{}); }
  bool operator()(const quantize::Reshape&) { return add(network::Flatten{}); }
  bool operator()(const quantize::Table&) {
    return add(network::Activate{network::Activation::kHardSwish});
  }
  // At the end only, where it comes back behind the rebuilt network.
  bool operator()(const quantize::Softmax&) { return op_ == &model_.ops.back(); }
  bool operator()(const quantize::Mul&) { return false; }
  bool operator()(const quantize::Pad&) { return false; }

 private:
  int channels() const { return model_.output_of(*op_).shape.channels; }

  bool add(network::Op op) {
    std::vector<int> inputs;
    for (const int tensor : op_->inputs) inputs.push_back(layer_of_.at(tensor));
    const auto added = net_.add(std::move(op), std::move(inputs));
    if (added.ok()) layer_of_[op_->output] = *added;
    return added.ok();
  }

  const quantize::Int8Model& model_;
  const quantize::Op* op_ = nullptr;
  Network net_;
  std::map<int, int> layer_of_;  // of a tensor
  bool stem_done_ = false;
};

void append_softmax(quantize::Int8Model& model) {
  const int from = model.output;
  model.tensors.push_back({"probabilities", model.tensor(from).shape, 1 / 256.0f, -128});
  model.output = static_cast<int>(model.tensors.size()) - 1;
  model.ops.push_back({"softmax", quantize::Softmax{}, {from}, model.output});
}

}  // namespace

std::vector<OtherNetwork> with_smaller_weights(const quantize::Int8Model& model) {
  OtherNetwork other{"weights of 4 bits, trained again", model};
  bool changed = false;
  for (quantize::Op& op : other.model.ops) {
    quantize::Filter* filter = filter_of(op.kind);
    if (filter == nullptr || filter->weight_bits == 4) continue;
    to_4_bits(*filter);
    changed = true;
  }
  if (!changed || !other.model.verify().ok()) return {};
  return {std::move(other)};
}

std::vector<OtherNetwork> with_smaller_stem(const quantize::Int8Model& model) {
  const auto network = Rebuild(model).with_smaller_stem();
  if (!network) return {};
  OtherNetwork other{"a smaller stem (twice the stride in the first convolution), trained again",
                     quantize::random_model(*network, kSeed)};
  other.model.rounding = model.rounding;
  if (std::holds_alternative<quantize::Softmax>(model.ops.back().kind)) append_softmax(other.model);
  if (!other.model.verify().ok()) return {};
  return {std::move(other)};
}

}  // namespace atml::deploy
