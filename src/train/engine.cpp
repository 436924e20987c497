#include "train/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "train/fake_quantise.h"

namespace atml::train {
namespace {

using network::Activate;
using network::Layer;

template <class T>
const T* as(const Layer& layer) {
  return std::get_if<T>(&layer.op);
}

Act act_of(network::Activation kind) {
  switch (kind) {
    case network::Activation::kRelu:
      return Act::kRelu;
    case network::Activation::kRelu6:
      return Act::kRelu6;
    case network::Activation::kHardSwish:
      return Act::kHardSwish;
  }
  ATML_UNREACHABLE("activation");
}

std::vector<std::vector<int>> readers_of(const network::Network& net) {
  std::vector<std::vector<int>> readers(static_cast<std::size_t>(net.size()));
  for (int i = 0; i < net.size(); ++i) {
    for (const int input : net.layer(i).inputs)
      readers[static_cast<std::size_t>(input)].push_back(i);
  }
  return readers;
}

// A layer that only renames its input: the same numbers in the same memory.
bool renames(const network::Network& net, const std::vector<std::vector<int>>& readers, int i) {
  const Layer& layer = net.layer(i);
  if (const auto* d = as<network::Dropout>(layer)) return d->rate == 0;
  if (as<network::Flatten>(layer) == nullptr) return false;
  const Shape& in = net.source_shape(i);
  if (in.height == 1 && in.width == 1) return true;
  // Dense layers read their input in HWC order anyway.
  const std::vector<int>& r = readers[static_cast<std::size_t>(i)];
  return !r.empty() &&
         std::ranges::all_of(r, [&](int j) { return as<network::Dense>(net.layer(j)) != nullptr; });
}

}  // namespace

Engine::Engine(const network::Network& network, int batch, const Kernels& kernels,
               const QuantisationPlan* plan, int most_threads)
    : network_(network),
      kernels_(kernels),
      batch_(batch),
      most_threads_(most_threads),
      crew_(std::make_unique<Crew>(1)) {
  if (plan != nullptr) {
    plan_ = *plan;
    plan_->outputs.resize(static_cast<std::size_t>(network_.size()));
    ranges_.resize(plan_->outputs.size());
    set_ranges(*plan_);
  }
  ATML_ASSERT(batch > 0 && batch % kernels.lanes == 0, "the batch must be a multiple of the lanes");
  count_parameters();
  choose_tensors();
  std::vector<Halo> halos(static_cast<std::size_t>(network_.size()));
  require_halos(halos);
  lay_out(halos);
  if (plan_) rounded_ = Buffer(parameter_count_);
  build_ops();
  allocate();
}

void Engine::set_threads(int count) {
  ATML_ASSERT(count >= 1 && count <= most_threads_, "more threads than the engine was made for");
  if (count != crew_->size()) crew_ = std::make_unique<Crew>(count);
}

void Engine::set_ranges(const QuantisationPlan& plan) {
  for (std::size_t i = 0; i < ranges_.size() && i < plan.outputs.size(); ++i) {
    if (plan.outputs[i] && plan_->outputs[i]) ranges_[i] = *plan.outputs[i];
  }
}

// The activation that batch normalisation `i` can apply itself: its only reader. -1: none. What the
// int8 model keeps between the two must be rounded there.
int Engine::fused_activation(const std::vector<std::vector<int>>& readers, int i) const {
  const std::vector<int>& r = readers[static_cast<std::size_t>(i)];
  if (as<network::BatchNorm>(network_.layer(i)) == nullptr || r.size() != 1) return -1;
  if (plan_ && plan_->outputs[static_cast<std::size_t>(i)]) return -1;
  return as<Activate>(network_.layer(r[0])) != nullptr ? r[0] : -1;
}

void Engine::count_parameters() {
  const auto take = [&](std::int64_t n) {
    const Slice s{parameter_count_, static_cast<std::size_t>(n)};
    parameter_count_ += s.size;
    return s;
  };
  const auto take_statistics = [&](int n) {
    const Slice s{statistics_count_, static_cast<std::size_t>(n)};
    statistics_count_ += s.size;
    return s;
  };
  for (int i = 0; i < network_.size(); ++i) {
    const Layer& layer = network_.layer(i);
    LayerSlices s;
    const auto kernel = [&](std::int64_t area, std::int64_t in, std::int64_t out, std::int64_t size,
                            bool bias) {
      s.kernel = take(size);
      decayed_.push_back(s.kernel);
      if (bias) s.bias = take(layer.output.channels);
      s.fan_in = static_cast<int>(area * in);
      s.fan_out = static_cast<int>(area * out);
    };
    if (const auto* c = as<network::Conv>(layer)) {
      const std::int64_t area = static_cast<std::int64_t>(c->window.kernel_h) * c->window.kernel_w;
      const int in = network_.source_shape(i).channels;
      kernel(area, in, c->filters, area * in * c->filters, c->bias);
    } else if (const auto* d = as<network::Depthwise>(layer)) {
      const std::int64_t area = static_cast<std::int64_t>(d->window.kernel_h) * d->window.kernel_w;
      kernel(area, 1, d->multiplier, area * layer.output.channels, d->bias);
    } else if (const auto* e = as<network::Dense>(layer)) {
      const std::int64_t in = network_.source_shape(i).elements();
      kernel(1, in, e->units, in * e->units, e->bias);
    } else if (as<network::BatchNorm>(layer) != nullptr) {
      s.gamma = take(layer.output.channels);
      s.beta = take(layer.output.channels);
      s.mean = take_statistics(layer.output.channels);
      s.variance = take_statistics(layer.output.channels);
    }
    slices_.push_back(s);
  }
  parameters_ = Buffer(parameter_count_);
  gradients_ = Buffer(parameter_count_);
  statistics_ = Buffer(statistics_count_);
}

void Engine::choose_tensors() {
  const auto readers = readers_of(network_);
  for (int i = 0; i < network_.size(); ++i) {
    const Layer& layer = network_.layer(i);
    bool trained = slices_[static_cast<std::size_t>(i)].kernel.size +
                       slices_[static_cast<std::size_t>(i)].gamma.size >
                   0;
    for (const int input : layer.inputs)
      trained = trained || trained_[static_cast<std::size_t>(input)];
    trained_.push_back(trained);
    int home = i;
    if (renames(network_, readers, i)) home = alias_[static_cast<std::size_t>(layer.inputs[0])];
    if (const int act = fused_activation(readers, i); act >= 0) home = act;
    alias_.push_back(home);
  }
}

void Engine::require_halos(std::vector<Halo>& halos) const {
  for (int i = 1; i < network_.size(); ++i) {
    const Layer& layer = network_.layer(i);
    const network::Window* window = nullptr;
    if (const auto* c = as<network::Conv>(layer)) window = &c->window;
    if (const auto* d = as<network::Depthwise>(layer)) window = &d->window;
    if (window == nullptr) continue;
    const auto in = static_cast<std::size_t>(alias_[static_cast<std::size_t>(layer.inputs[0])]);
    const Shape& source = network_.source_shape(i);
    halos[in].include(conv_input_halo(*window, source, layer.output));
    if (trained_[static_cast<std::size_t>(layer.inputs[0])]) {
      halos[static_cast<std::size_t>(alias_[static_cast<std::size_t>(i)])].include(
          conv_gradient_halo(*window, source, layer.output));
    }
  }
}

void Engine::lay_out(const std::vector<Halo>& halos) {
  tensors_.resize(static_cast<std::size_t>(network_.size()));
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    tensors_[i].layout =
        Layout(network_.layer(static_cast<int>(i)).output, groups(), kernels_.lanes, halos[i]);
    tensor_of_.push_back(&tensors_[static_cast<std::size_t>(alias_[i])]);
  }
}

ConvSpec Engine::conv_spec(int i) const {
  const Layer& layer = network_.layer(i);
  const LayerSlices& s = slices_[static_cast<std::size_t>(i)];
  const Shape& in = tensor_of_[static_cast<std::size_t>(layer.inputs[0])]->layout.shape;
  ConvSpec spec;
  spec.kernel = s.kernel;
  spec.bias = s.bias;
  if (const auto* d = as<network::Depthwise>(layer)) {
    spec.window = d->window;
    spec.groups = in.channels;
    spec.filters = d->multiplier;
    spec.m_stride = 1;
    spec.k_stride = layer.output.channels;
    spec.group_stride = d->multiplier;
    return spec;
  }
  if (const auto* c = as<network::Conv>(layer)) {
    spec.window = c->window;
  } else {
    spec.window.kernel_h = in.height;
    spec.window.kernel_w = in.width;
    spec.window.padding = network::Padding::kValid;
  }
  spec.filters = layer.output.channels;
  spec.m_stride =
      static_cast<std::ptrdiff_t>(spec.window.kernel_h) * spec.window.kernel_w * in.channels;
  spec.k_stride = 1;
  return spec;
}

void Engine::build_ops() {
  // Backward runs from the last step to the first: the last reader of a tensor writes its gradient,
  // the earlier ones add to it.
  std::vector<std::vector<GradientTarget>> targets(static_cast<std::size_t>(network_.size()));
  std::vector<bool> written(static_cast<std::size_t>(network_.size()), false);
  const auto readers = readers_of(network_);
  const auto skipped = [&](int i) {
    if (i == 0 || renames(network_, readers, i)) return true;
    return as<Activate>(network_.layer(i)) != nullptr &&
           fused_activation(readers, network_.layer(i).inputs[0]) == i;
  };
  for (int i = network_.last(); i > 0; --i) {
    if (skipped(i)) continue;
    for (const int input : network_.layer(i).inputs) {
      const auto home = static_cast<std::size_t>(alias_[static_cast<std::size_t>(input)]);
      targets[static_cast<std::size_t>(i)].push_back({trained_[home], written[home]});
      written[home] = true;
    }
  }
  for (int i = 0; i < network_.size(); ++i) {
    if (!skipped(i)) build_op(i, targets[static_cast<std::size_t>(i)]);
    if (plan_) add_rounding(i);
  }
}

// After the step that writes the layer's tensor: batch normalisation writes that of its activation.
void Engine::add_rounding(int i) {
  const auto at = static_cast<std::size_t>(i);
  if (!plan_->outputs[at].has_value()) return;
  const bool renamed = alias_[at] != i;
  const bool pool =
      as<network::MaxPool>(network_.layer(i)) != nullptr;  // its input is rounded already
  if (renamed || pool) return;
  ops_.push_back(make_fake_quantise(ranges_[at], tensors_[at]));
  op_layer_.push_back(i);
  op_rounds_.push_back(true);
}

void Engine::build_op(int i, const std::vector<GradientTarget>& targets) {
  const Layer& layer = network_.layer(i);
  const LayerSlices& s = slices_[static_cast<std::size_t>(i)];
  const auto source = [&](std::size_t n) -> const Tensor& {
    return *tensor_of_[static_cast<std::size_t>(layer.inputs[n])];
  };
  const Tensor& out = *tensor_of_[static_cast<std::size_t>(i)];
  std::unique_ptr<Op> op;
  if (as<network::Conv>(layer) || as<network::Depthwise>(layer) || as<network::Dense>(layer)) {
    op = make_conv(kernels_, conv_spec(i), source(0), out, targets[0], most_threads_);
  } else if (as<network::BatchNorm>(layer)) {
    NormSpec spec{s.gamma, s.beta, s.mean, s.variance, Act::kNone};
    const int home = alias_[static_cast<std::size_t>(i)];
    if (home != i) spec.act = act_of(as<Activate>(network_.layer(home))->kind);
    op = make_norm(spec, source(0), out, targets[0]);
  } else if (const auto* a = as<Activate>(layer)) {
    op = make_activation(act_of(a->kind), source(0), out, targets[0]);
  } else if (const auto* m = as<network::MaxPool>(layer)) {
    op = make_max_pool(m->window, source(0), out, targets[0]);
  } else if (const auto* p = as<network::AveragePool>(layer)) {
    op = make_average_pool(p->window, source(0), out, targets[0]);
  } else if (as<network::GlobalAveragePool>(layer)) {
    op = make_global_average(source(0), out, targets[0]);
  } else if (as<network::Add>(layer)) {
    op = make_add(source(0), source(1), out, targets[0], targets[1]);
  } else if (as<network::Concat>(layer)) {
    std::vector<const Tensor*> sources;
    for (std::size_t n = 0; n < layer.inputs.size(); ++n) sources.push_back(&source(n));
    op = make_concat(std::move(sources), out, targets);
  } else if (as<network::Flatten>(layer)) {
    op = make_flatten(source(0), out, targets[0]);
  } else if (const auto* d = as<network::Dropout>(layer)) {
    op = make_dropout(d->rate, i, source(0), out, targets[0]);
  }
  ATML_ASSERT(op != nullptr, "layer kind without a step");
  ops_.push_back(std::move(op));
  op_layer_.push_back(i);
  op_rounds_.push_back(false);
}

void Engine::allocate() {
  segments_ = group_segments(ops_);
  std::vector<TensorUse> uses(tensors_.size());
  for (std::size_t i = 0; i < uses.size(); ++i) uses[i].trained = trained_[i];
  const auto home = [&](int layer) {
    return static_cast<std::size_t>(alias_[static_cast<std::size_t>(layer)]);
  };
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    for (std::size_t op = segments_[s].first; op < segments_[s].last; ++op) {
      const auto read = [&](TensorUse& use) {
        if (use.first_reader < 0) use.first_reader = static_cast<int>(s);
        use.last_reader = static_cast<int>(s);
      };
      TensorUse& output = uses[home(op_layer_[op])];
      if (op_rounds_[op]) {
        read(output);
        continue;
      }
      output.writer = static_cast<int>(s);
      for (const int input : network_.layer(op_layer_[op]).inputs) read(uses[home(input)]);
    }
  }
  uses[home(0)].kept = uses[home(network_.last())].kept = true;
  for (std::size_t i = 0; i < uses.size(); ++i) uses[i].used = alias_[i] == static_cast<int>(i);
  for (std::size_t s = 0; s < segments_.size(); ++s) share_gradient(uses, static_cast<int>(s));
  memory_ = place_tensors(uses, segments_, most_threads_, tensors_);

  for (const int layer : op_layer_) recomputed_.push_back(uses[home(layer)].internal(segments_));
  to_clear_.resize(segments_.size());
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const bool shared =
        uses[i].used && uses[i].trained && !uses[i].internal(segments_) && uses[i].last_reader >= 0;
    const Halo& h = tensors_[i].layout.halo;
    if (shared && h.top + h.bottom + h.left + h.right > 0) {
      to_clear_[static_cast<std::size_t>(uses[i].last_reader)].push_back(&tensors_[i]);
    }
  }
}

// A segment that begins with the only reader of its input and ends with the writer of its output
// takes the output's gradient of a channel apart before it writes the input's: the same memory
// does.
void Engine::share_gradient(std::vector<TensorUse>& uses, int segment) const {
  const Segment& s = segments_[static_cast<std::size_t>(segment)];
  if (s.channels == 1 || s.last - s.first < 2) return;
  const auto home = [&](int layer) { return alias_[static_cast<std::size_t>(layer)]; };
  const std::vector<int>& sources = network_.layer(op_layer_[s.first]).inputs;
  if (sources.size() != 1) return;
  const int in = home(sources[0]), out = home(op_layer_[s.last - 1]);
  for (std::size_t i = s.first; i < s.last; ++i) {
    if (op_rounds_[i]) return;
    // One chain: every step reads what the one before wrote, and nobody else does.
    const std::vector<int>& inputs = network_.layer(op_layer_[i]).inputs;
    if (inputs.size() != 1) return;
    if (i > s.first && home(inputs[0]) != home(op_layer_[i - 1])) return;
    const TensorUse& output = uses[static_cast<std::size_t>(home(op_layer_[i]))];
    if (i + 1 < s.last && !output.internal(segments_)) return;
  }
  TensorUse& use = uses[static_cast<std::size_t>(in)];
  const Layout &a = tensors_[static_cast<std::size_t>(in)].layout,
               &b = tensors_[static_cast<std::size_t>(out)].layout;
  const bool same = a.channel == b.channel && a.group == b.group && a.row == b.row &&
                    a.origin == b.origin && a.shape == b.shape;
  if (same && use.trained && use.writer >= 0 && use.first_reader == segment &&
      use.last_reader == segment) {
    use.gradient_over = out;
  }
}

// The memory held another gradient before. Each worker clears its channels.
void Engine::clear_halo(const Tensor& t, const Pass& pass) const {
  const Layout& l = t.layout;
  const auto clear = [&](float* from, std::ptrdiff_t floats) {
    if (floats > 0) kernels_.clear(from, static_cast<std::size_t>(floats));
  };
  const Share channels = share_of(pass, l.shape.channels);
  for (int c = channels.first; c < channels.last; ++c) {
    for (int g = 0; g < l.groups; ++g) {
      float* plane = t.gradient - l.origin + l.at(c, g, 0, 0);
      const std::ptrdiff_t inner = static_cast<std::ptrdiff_t>(l.shape.width) * l.lanes;
      const std::ptrdiff_t right = static_cast<std::ptrdiff_t>(l.halo.right) * l.lanes;
      clear(plane, l.origin);
      float* gap = plane + l.origin + inner;  // right halo and the next row's left halo
      for (int y = 0; y + 1 < l.shape.height; ++y) clear(gap + y * l.row, l.row - inner);
      float* last = gap + (l.shape.height - 1) * l.row;
      clear(last, right + l.halo.bottom * l.row);
    }
  }
}

void Engine::initialise(Rng rng) {
  values_changed_ = true;
  for (std::size_t i = 0; i < slices_.size(); ++i) {
    const LayerSlices& s = slices_[i];
    const bool last = static_cast<int>(i) == network_.last();
    const double variance = last ? 2.0 / (s.fan_in + s.fan_out) : 2.0 / std::max(1, s.fan_in);
    for (std::size_t k = 0; k < s.kernel.size; ++k) {
      parameters_.data()[s.kernel.first + k] =
          static_cast<float>(std::sqrt(variance) * rng.normal());
    }
    std::fill_n(parameters_.data() + s.bias.first, s.bias.size, 0.0f);
    std::fill_n(parameters_.data() + s.gamma.first, s.gamma.size, 1.0f);
    std::fill_n(parameters_.data() + s.beta.first, s.beta.size, 0.0f);
    std::fill_n(statistics_.data() + s.mean.first, s.mean.size, 0.0f);
    std::fill_n(statistics_.data() + s.variance.first, s.variance.size, 1.0f);
  }
}

Pass Engine::make_pass(bool training, std::uint64_t noise, int worker) const {
  Pass pass;
  pass.kernels = &kernels_;
  pass.parameters = {plan_ ? rounded_.data() : parameters_.data(), gradients_.data(),
                     statistics_.data()};
  pass.training = training;
  pass.frozen_statistics = plan_ && plan_->frozen_statistics;
  pass.noise = noise;
  pass.worker = worker;
  pass.workers = crew_->size();
  return pass;
}

void Engine::forward(bool training, std::uint64_t noise) {
  noise_ = noise;
  if (plan_ && values_changed_) {
    std::copy_n(parameters_.data(), parameter_count_, rounded_.data());
    round_weights(rounded_.data());
  }
  const bool pack = values_changed_;
  crew_->run([&](int worker) { forward_share(make_pass(training, noise, worker), pack); });
  values_changed_ = false;
}

// A step that mixes channels and cannot be shared is worker 0's.
bool Engine::takes_part(std::size_t op, const Pass& pass) const {
  return ops_[op]->shared() || pass.worker == 0;
}

// Channel c belongs to worker c mod workers, whose slot of memory it uses (Tensor::slots).
void Engine::forward_share(const Pass& pass, bool pack) {
  const auto workers = static_cast<std::size_t>(pass.workers);
  if (pack) {
    for (std::size_t i = static_cast<std::size_t>(pass.worker); i < ops_.size(); i += workers)
      ops_[i]->pack(pass);
    crew_->barrier();
  }
  for (const Segment& s : segments_) {
    if (s.channels == 1) {
      if (takes_part(s.first, pass)) ops_[s.first]->forward(pass, 0, 1);
    } else {
      for (int c = pass.worker; c < s.channels; c += pass.workers) {
        for (std::size_t i = s.first; i < s.last; ++i) ops_[i]->forward(pass, c, c + 1);
      }
    }
    crew_->barrier();
  }
}

void Engine::backward() {
  crew_->run([&](int worker) { backward_share(make_pass(true, noise_, worker)); });
}

void Engine::backward_share(const Pass& pass) {
  const auto workers = static_cast<std::size_t>(pass.workers);
  for (std::size_t i = static_cast<std::size_t>(pass.worker); i < ops_.size(); i += workers)
    ops_[i]->pack_backward(pass);
  crew_->barrier();
  for (std::size_t n = segments_.size(); n-- > 0;) {
    const Segment& s = segments_[n];
    for (const Tensor* t : to_clear_[n]) clear_halo(*t, pass);
    if (s.channels == 1) {
      if (takes_part(s.first, pass)) ops_[s.first]->backward(pass, 0, 1);
    } else {
      for (int c = pass.worker; c < s.channels; c += pass.workers) {
        for (std::size_t i = s.first; i < s.last; ++i) {
          if (recomputed_[i]) ops_[i]->recompute(pass, c, c + 1);
        }
        for (std::size_t i = s.last; i-- > s.first;) ops_[i]->backward(pass, c, c + 1);
      }
    }
    crew_->barrier();
  }
}

std::vector<float> Engine::rounded(std::span<const float> values) const {
  std::vector<float> result(values.begin(), values.end());
  if (plan_) round_weights(result.data());
  return result;
}

void Engine::round_weights(float* values) const {
  for (int i = 0; i < network_.size(); ++i) {
    const Slice& kernel = slices_[static_cast<std::size_t>(i)].kernel;
    if (kernel.size == 0) continue;
    const Layer& layer = network_.layer(i);
    const auto channels = static_cast<std::size_t>(layer.output.channels);
    const std::size_t each = kernel.size / channels;
    int bits = 8;
    if (const auto* c = as<network::Conv>(layer)) bits = c->weight_bits;
    if (const auto* d = as<network::Depthwise>(layer)) bits = d->weight_bits;
    if (const auto* e = as<network::Dense>(layer)) bits = e->weight_bits;
    if (as<network::Dense>(layer) != nullptr && bits == 8) {  // one step for all
      round_channel(values + kernel.first, 1, kernel.size, bits);
      continue;
    }
    const bool last = as<network::Depthwise>(layer) != nullptr;  // the channel is the last index
    for (std::size_t c = 0; c < channels; ++c) {
      round_channel(values + kernel.first + (last ? c : c * each),
                    last ? static_cast<std::ptrdiff_t>(channels) : 1, each, bits);
    }
  }
}

Status Engine::set_weights(const Weights& weights) {
  if (weights.layers.size() != slices_.size()) {
    return Error{Code::kInvalidArgument, fmt::format("weights of {} layers for a network of {}",
                                                     weights.layers.size(), slices_.size())};
  }
  for (std::size_t i = 0; i < slices_.size(); ++i) {
    const LayerSlices& s = slices_[i];
    const LayerWeights& w = weights.layers[i];
    const std::tuple<const Slice&, const std::vector<float>&, float*> parts[] = {
        {s.kernel, w.kernel, parameters_.data()}, {s.bias, w.bias, parameters_.data()},
        {s.gamma, w.gamma, parameters_.data()},   {s.beta, w.beta, parameters_.data()},
        {s.mean, w.mean, statistics_.data()},     {s.variance, w.variance, statistics_.data()}};
    for (const auto& [slice, from, to] : parts) {
      if (from.size() != slice.size) {
        return Error{
            Code::kInvalidArgument,
            fmt::format("layer '{}': {} weights where the network has {}",
                        network_.layer(static_cast<int>(i)).name, from.size(), slice.size)};
      }
      std::ranges::copy(from, to + slice.first);
    }
  }
  values_changed_ = true;
  return {};
}

Weights Engine::weights(std::span<const float> values, std::span<const float> statistics) const {
  Weights w;
  const auto copy = [](std::span<const float> from, const Slice& s) {
    const auto part = from.subspan(s.first, s.size);
    return std::vector<float>(part.begin(), part.end());
  };
  for (const LayerSlices& s : slices_) {
    w.layers.push_back({copy(values, s.kernel), copy(values, s.bias), copy(values, s.gamma),
                        copy(values, s.beta), copy(statistics, s.mean),
                        copy(statistics, s.variance)});
  }
  return w;
}

}  // namespace atml::train
