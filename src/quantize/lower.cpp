#include "quantize/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace atml::quantize {
namespace {

using network::Network;

bool fuses(network::Activation a) { return a != network::Activation::kHardSwish; }

// TFLite's operators with a fused activation.
bool takes_activation(const OpKind& kind) {
  return std::holds_alternative<Conv>(kind) || std::holds_alternative<Depthwise>(kind) ||
         std::holds_alternative<Dense>(kind) || std::holds_alternative<MaxPool>(kind) ||
         std::holds_alternative<AveragePool>(kind) || std::holds_alternative<Add>(kind);
}
bool takes_norm(const OpKind& kind) {
  return std::holds_alternative<Conv>(kind) || std::holds_alternative<Depthwise>(kind) ||
         std::holds_alternative<Dense>(kind);
}

Filter empty_filter(std::int64_t outputs, std::int64_t taps, int bits) {
  const auto n = static_cast<std::size_t>(outputs);
  Filter f;
  f.weights.assign(n * static_cast<std::size_t>(taps), 0);
  f.bias.assign(n, 0);
  f.scales.assign(n, 1.0f);
  f.weight_bits = bits;
  return f;
}

std::int64_t area(const network::Window& w) {
  return static_cast<std::int64_t>(w.kernel_h) * w.kernel_w;
}

class Lowerer {
 public:
  explicit Lowerer(const Network& network)
      : network_(network), consumers_(static_cast<std::size_t>(network.size()), 0) {
    for (const network::Layer& l : network.layers()) {
      for (const int input : l.inputs) ++consumers_[static_cast<std::size_t>(input)];
    }
    result_.model.name = "model";
    tensor_of_.assign(static_cast<std::size_t>(network.size()), -1);
  }

  Lowering run() {
    tensor_of_[0] = new_tensor(0);
    for (int i = 1; i < network_.size(); ++i) lower_layer(i);
    result_.model.input = 0;
    result_.model.output = tensor(network_.last());
    if (result_.model.output == 0) {  // nothing but dropout: a model needs an operator
      emit(network_.last(), Reshape{});
      result_.model.output = tensor(network_.last());
    }
    group_scales();
    return std::move(result_);
  }

 private:
  int tensor(int layer) const { return tensor_of_[static_cast<std::size_t>(layer)]; }

  int new_tensor(int layer) {
    const network::Layer& l = network_.layer(layer);
    result_.model.tensors.push_back({l.name, l.output, 1.0f, 0});
    result_.tensor_layers.push_back(layer);
    result_.scale_groups.push_back(0);
    return static_cast<int>(result_.model.tensors.size()) - 1;
  }

  // Letters other than those of a C identifier cannot come from a network; a digit in front can.
  static std::string identifier(const std::string& name) {
    return name.empty() || (name[0] >= '0' && name[0] <= '9') ? "layer_" + name : name;
  }

  void emit(int layer, OpKind kind) {
    Op op{identifier(network_.layer(layer).name), std::move(kind), {}, 0};
    for (const int input : network_.layer(layer).inputs) op.inputs.push_back(tensor(input));
    op.output = new_tensor(layer);
    tensor_of_[static_cast<std::size_t>(layer)] = op.output;
    result_.model.ops.push_back(std::move(op));
    result_.origins.push_back({layer, {}, std::nullopt});
  }

  // The operator that computes a layer's only input and that nothing else reads, or -1. Dropouts
  // between them share its tensor, so every layer that holds the tensor must have one reader at
  // most.
  int sole_producer(int layer) const {
    const int source = tensor(network_.layer(layer).inputs[0]);
    for (int i = 0; i < layer; ++i) {
      if (tensor(i) == source && consumers_[static_cast<std::size_t>(i)] > 1) return -1;
    }
    for (std::size_t i = 0; i < result_.model.ops.size(); ++i) {
      if (result_.model.ops[i].output == source) return static_cast<int>(i);
    }
    return -1;
  }

  // The layer's output is that of an operator already there; its tensor now means this layer.
  void absorb(int layer, int op) {
    const int t = result_.model.ops[static_cast<std::size_t>(op)].output;
    tensor_of_[static_cast<std::size_t>(layer)] = t;
    result_.tensor_layers[static_cast<std::size_t>(t)] = layer;
    result_.model.tensors[static_cast<std::size_t>(t)].name = network_.layer(layer).name;
  }

  void alias(int layer) {
    tensor_of_[static_cast<std::size_t>(layer)] = tensor(network_.layer(layer).inputs[0]);
  }

  void lower_layer(int i) {
    const network::Op& op = network_.layer(i).op;
    const Shape& in = network_.source_shape(i);
    const Shape& out = network_.layer(i).output;
    if (const auto* c = std::get_if<network::Conv>(&op)) {
      emit(i, Conv{c->window,
                   empty_filter(c->filters, area(c->window) * in.channels, c->weight_bits)});
    } else if (const auto* d = std::get_if<network::Depthwise>(&op)) {
      emit(i, Depthwise{d->window, d->multiplier,
                        empty_filter(out.channels, area(d->window), d->weight_bits)});
    } else if (const auto* f = std::get_if<network::Dense>(&op)) {
      emit(i, Dense{empty_filter(f->units, in.elements(), f->weight_bits)});
    } else if (std::holds_alternative<network::BatchNorm>(op)) {
      lower_norm(i);
    } else if (const auto* a = std::get_if<network::Activate>(&op)) {
      lower_activation(i, a->kind);
    } else if (const auto* p = std::get_if<network::MaxPool>(&op)) {
      emit(i, MaxPool{p->window});
    } else if (const auto* q = std::get_if<network::AveragePool>(&op)) {
      emit(i, AveragePool{q->window});
    } else if (std::holds_alternative<network::GlobalAveragePool>(op)) {
      emit(i,
           AveragePool{network::Window{in.height, in.width, 1, 1, 1, 1, network::Padding::kValid}});
    } else if (std::holds_alternative<network::Add>(op)) {
      emit(i, Add{});
    } else if (std::holds_alternative<network::Concat>(op)) {
      emit(i, Concat{});
    } else if (std::holds_alternative<network::Flatten>(op)) {
      in == out ? alias(i) : emit(i, Reshape{});
    } else {
      alias(i);  // dropout
    }
  }

  void lower_norm(int i) {
    const int producer = sole_producer(i);
    if (producer >= 0) {
      Origin& origin = result_.origins[static_cast<std::size_t>(producer)];
      if (takes_norm(result_.model.ops[static_cast<std::size_t>(producer)].kind) &&
          !origin.activation) {
        origin.norms.push_back(i);
        absorb(i, producer);
        return;
      }
    }
    emit(i, Depthwise{network::Window{}, 1, empty_filter(network_.layer(i).output.channels, 1, 8)});
    result_.origins.back().norms.push_back(i);
  }

  void lower_activation(int i, network::Activation kind) {
    const int producer = sole_producer(i);
    if (producer >= 0 && fuses(kind)) {
      Origin& origin = result_.origins[static_cast<std::size_t>(producer)];
      if (takes_activation(result_.model.ops[static_cast<std::size_t>(producer)].kind) &&
          !origin.activation) {
        origin.activation = kind;
        absorb(i, producer);
        return;
      }
    }
    emit(i, Table{std::string(network::kind_name(network::Activate{kind})),
                  std::vector<std::int8_t>(256, 0)});
  }

  // Pools, reshapes and pads cannot rescale; a concat copies when its inputs are on its own scale.
  void group_scales() {
    std::vector<int>& group = result_.scale_groups;
    std::iota(group.begin(), group.end(), 0);
    const auto merge = [&](int a, int b) {
      const int from = group[static_cast<std::size_t>(a)], to = group[static_cast<std::size_t>(b)];
      std::ranges::replace(group, std::max(from, to), std::min(from, to));
    };
    for (const Op& op : result_.model.ops) {
      const bool keeps = std::holds_alternative<MaxPool>(op.kind) ||
                         std::holds_alternative<AveragePool>(op.kind) ||
                         std::holds_alternative<Reshape>(op.kind);
      if (keeps) merge(op.inputs[0], op.output);
    }
    for (const Op& op : result_.model.ops) {
      if (!std::holds_alternative<Concat>(op.kind)) continue;
      for (const int input : op.inputs) {
        // The model's input keeps its own scale (pixels stay exact); such a part is requantised.
        const bool is_input = group[static_cast<std::size_t>(input)] == group[0];
        if (!is_input && group[static_cast<std::size_t>(op.output)] != group[0])
          merge(input, op.output);
      }
    }
  }

  const Network& network_;
  std::vector<int> consumers_;
  std::vector<int> tensor_of_;  // network layer -> tensor
  Lowering result_;
};

int quantised_bound(const Tensor& t, float value) {
  const float q = static_cast<float>(t.zero_point) + std::round(value / t.scale);
  return static_cast<int>(std::clamp(q, -128.0f, 127.0f));
}

}  // namespace

Lowering lower(const Network& network) { return Lowerer(network).run(); }

void set_activation_range(Int8Model& model, Op& op, std::optional<network::Activation> activation) {
  if (!activation) return;
  const Tensor& out = model.output_of(op);
  const int low = quantised_bound(out, 0);
  const int high = *activation == network::Activation::kRelu6 ? quantised_bound(out, 6) : 127;
  std::visit(
      [&](auto& kind) {
        if constexpr (requires { kind.low; }) {
          kind.low = low;
          kind.high = high;
        }
      },
      op.kind);
}

Filter* filter_of(Op& op) {
  if (auto* c = std::get_if<Conv>(&op.kind)) return &c->filter;
  if (auto* d = std::get_if<Depthwise>(&op.kind)) return &d->filter;
  if (auto* d = std::get_if<Dense>(&op.kind)) return &d->filter;
  return nullptr;
}

std::int64_t taps_of(const Int8Model& model, const Op& op) {
  if (const auto* c = std::get_if<Conv>(&op.kind))
    return area(c->window) * model.input_of(op).shape.channels;
  if (const auto* d = std::get_if<Depthwise>(&op.kind)) return area(d->window);
  return model.input_of(op).shape.elements();
}

std::size_t weight_index(const Op& op, std::int64_t outputs, std::int64_t taps, std::int64_t output,
                         std::int64_t tap) {
  const bool channel_last = std::holds_alternative<Depthwise>(op.kind);
  return static_cast<std::size_t>(channel_last ? tap * outputs + output : output * taps + tap);
}

}  // namespace atml::quantize
