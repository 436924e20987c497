#include "train/inherit.h"

#include "train/inherit_align.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "base/random.h"

namespace atml::train {
namespace {

using network::Network;
using network::Window;

/// A channel map of a tensor: new channel -> old channel it repeats, and how many copies that has.
struct Channels {
  std::vector<int> source;
  std::vector<int> copies;  // one a new channel: of its source
};

Channels widened(int old_count, int new_count) {
  Channels c;
  std::vector<int> counts(static_cast<std::size_t>(old_count), 0);
  for (int i = 0; i < new_count; ++i) {
    c.source.push_back(i % old_count);
    ++counts[static_cast<std::size_t>(i % old_count)];
  }
  for (const int s : c.source) c.copies.push_back(counts[static_cast<std::size_t>(s)]);
  return c;
}

Error differs(const network::Layer& layer, const std::string& how) {
  return {Code::kUnsupported, fmt::format("layer '{}' {}", layer.name, how)};
}

std::vector<float> repeated(const std::vector<float>& v, const Channels& c) {
  std::vector<float> result;
  if (v.empty()) return result;
  for (const int s : c.source) result.push_back(v[static_cast<std::size_t>(s)]);
  return result;
}

/// Old tap of a new one, or -1 in the zeros round it.
int old_tap(int tap, int old_size, int new_size) {
  const int old = tap - (new_size - old_size) / 2;
  return old >= 0 && old < old_size ? old : -1;
}

struct Shapes {
  int old_h, old_w, new_h, new_w;  // kernel
  int old_in, new_in;              // input channels; dense: inputs
};

// [filters][h][w][in]
std::vector<float> grown(const std::vector<float>& old, const Shapes& s, const Channels& in,
                         const Channels& out) {
  std::vector<float> kernel;
  for (const int filter : out.source) {
    for (int y = 0; y < s.new_h; ++y) {
      for (int x = 0; x < s.new_w; ++x) {
        const int oy = old_tap(y, s.old_h, s.new_h), ox = old_tap(x, s.old_w, s.new_w);
        for (int i = 0; i < s.new_in; ++i) {
          const auto n = static_cast<std::size_t>(i);
          const auto at = static_cast<std::size_t>(
              ((filter * s.old_h + oy) * s.old_w + ox) * s.old_in + in.source[n]);
          kernel.push_back(oy < 0 || ox < 0 ? 0 : old[at] / static_cast<float>(in.copies[n]));
        }
      }
    }
  }
  return kernel;
}

class Heir {
 public:
  Heir(const Network& from, const Weights& trained, const Network& to)
      : from_(from), trained_(trained), to_(to) {}

  Result<Inherited> run() {
    if (from_.size() > to_.size() ||
        trained_.layers.size() != static_cast<std::size_t>(from_.size()))
      return Error{Code::kUnsupported,
                   fmt::format("{} layers cannot inherit from {}", to_.size(), from_.size())};
    if (from_.size() == to_.size()) {
      for (int i = 0; i < to_.size(); ++i) plan_.push_back({Role::kMatched, i});
    } else {
      ATML_TRY(plan_, align(from_, to_));
    }
    for (int i = 0; i < to_.size(); ++i) {
      const network::Layer& b = to_.layer(i);
      if (role(i) != Role::kMatched) {
        ATML_TRY_STATUS(added(i));
        continue;
      }
      const network::Layer& a = from_.layer(old(i));
      if (a.op.index() != b.op.index() || !reads_the_same(a, b))
        return differs(b, "stands elsewhere in the other network");
      if (b.output.channels < a.output.channels) return differs(b, "became narrower");
      result_.exact = result_.exact && computes_the_same(a, b);
      ATML_TRY_STATUS(layer(i));
    }
    return std::move(result_);
  }

 private:
  const Channels& channels(int layer) const { return channels_[static_cast<std::size_t>(layer)]; }
  Role role(int i) const { return plan_[static_cast<std::size_t>(i)].role; }
  int old(int i) const { return plan_[static_cast<std::size_t>(i)].old; }

  bool reads_the_same(const network::Layer& a, const network::Layer& b) const {
    return std::ranges::equal(a.inputs, b.inputs, {}, {}, [&](int input) { return old(input); });
  }

  // Layers without weights, whose options weights cannot make up for.
  static bool computes_the_same(const network::Layer& a, const network::Layer& b) {
    const bool has_options = std::holds_alternative<network::Activate>(b.op) ||
                             std::holds_alternative<network::MaxPool>(b.op) ||
                             std::holds_alternative<network::AveragePool>(b.op);
    return !has_options || a.op == b.op;
  }

  // A layer that the old network does not have: passes its input on, answers 0, or is free.
  Status added(int i) {
    const network::Layer& b = to_.layer(i);
    const Shape in = to_.source_shape(i);
    const auto outputs = static_cast<std::size_t>(b.output.channels);
    LayerWeights w;
    int area = 0, middle = 0, inputs = in.channels;
    bool bias = false;
    if (const auto* c = std::get_if<network::Conv>(&b.op)) {
      area = c->window.kernel_h * c->window.kernel_w;
      middle = c->window.kernel_h / 2 * c->window.kernel_w + c->window.kernel_w / 2;
      bias = c->bias;
    } else if (const auto* d = std::get_if<network::Depthwise>(&b.op)) {
      area = d->window.kernel_h * d->window.kernel_w;
      middle = d->window.kernel_h / 2 * d->window.kernel_w + d->window.kernel_w / 2;
      bias = d->bias;
      inputs = 1;
    } else if (const auto* e = std::get_if<network::Dense>(&b.op)) {
      area = 1;
      inputs = static_cast<int>(in.elements());
      bias = e->bias;
    }
    w.kernel.assign(static_cast<std::size_t>(area * inputs) * outputs, 0.0f);
    if (role(i) == Role::kFree) draw(w.kernel, i, area * inputs);
    if (role(i) == Role::kIdentity && area > 0) {
      for (std::size_t c = 0; c < outputs; ++c) {
        const bool depthwise = inputs == 1 && std::holds_alternative<network::Depthwise>(b.op);
        const auto taps = static_cast<std::size_t>(area), n = static_cast<std::size_t>(inputs),
                   m = static_cast<std::size_t>(middle);
        w.kernel[depthwise ? m * outputs + c : (c * taps + m) * n + c] = 1;
      }
    }
    if (bias) w.bias.assign(outputs, 0.0f);
    if (std::holds_alternative<network::BatchNorm>(b.op)) {
      const float gamma = role(i) == Role::kZero ? 0 : std::sqrt(1 + kBatchNormEpsilon);
      w.gamma.assign(outputs, gamma);
      w.beta.assign(outputs, 0.0f);
      w.mean.assign(outputs, 0.0f);
      w.variance.assign(outputs, 1.0f);
    }
    result_.weights.layers.push_back(std::move(w));
    ++result_.added;
    channels_.push_back(role(i) == Role::kIdentity ? channels(identity_source(i)) : Channels{});
    return {};
  }

  // The input that an added layer hands on: of a sum, the one that is not the new branch.
  int identity_source(int i) const {
    const std::vector<int>& inputs = to_.layer(i).inputs;
    return role(inputs[0]) == Role::kZero ? inputs[1] : inputs[0];
  }

  // He et al. (ICCV 2015), always the same numbers.
  static void draw(std::vector<float>& kernel, int layer, int fan_in) {
    Rng rng = Rng::derive(0, "inherited branch", static_cast<std::uint64_t>(layer));
    const double deviation = std::sqrt(2.0 / std::max(1, fan_in));
    for (float& v : kernel) v = static_cast<float>(deviation * rng.normal());
  }

  Status layer(int i) {
    const network::Layer& a = from_.layer(old(i));
    const network::Layer& b = to_.layer(i);
    const LayerWeights& old = trained_.layers[static_cast<std::size_t>(this->old(i))];
    LayerWeights w;
    Channels out = widened(a.output.channels, b.output.channels);
    if (i == 0) {
      if (!(a.output == b.output)) return differs(b, "reads another input");
    } else if (const auto* c = std::get_if<network::Conv>(&b.op)) {
      const auto& o = std::get<network::Conv>(a.op);
      ATML_TRY_STATUS(check_window(b, o.window, c->window));
      w.kernel = grown(old.kernel, shapes(o.window, c->window, i), channels(b.inputs[0]), out);
    } else if (const auto* d = std::get_if<network::Depthwise>(&b.op)) {
      const auto& o = std::get<network::Depthwise>(a.op);
      ATML_TRY_STATUS(check_window(b, o.window, d->window));
      if (o.multiplier != d->multiplier) return differs(b, "has another multiplier");
      out = through(channels(b.inputs[0]), d->multiplier);
      w.kernel = grown_depthwise(old.kernel, shapes(o.window, d->window, i), out);
    } else if (std::holds_alternative<network::Dense>(b.op)) {
      const Shape in = to_.source_shape(i);
      const Shape& before = from_.source_shape(this->old(i));
      if (in.height != before.height || in.width != before.width)
        return differs(b, "reads a map of another size");
      // A flattened map keeps the copies of its channels position by position.
      w.kernel = grown(old.kernel,
                       {in.height, in.width, in.height, in.width, before.channels, in.channels},
                       channels(b.inputs[0]), out);
    } else {
      ATML_TRY(out, passed_on(i));
    }
    w.bias = repeated(old.bias, out);
    w.gamma = repeated(old.gamma, out);
    w.beta = repeated(old.beta, out);
    w.mean = repeated(old.mean, out);
    w.variance = repeated(old.variance, out);
    result_.layers += !old.kernel.empty() || !old.gamma.empty();
    result_.weights.layers.push_back(std::move(w));
    channels_.push_back(std::move(out));
    return {};
  }

  static Status check_window(const network::Layer& b, const Window& o, const Window& n) {
    if (n.kernel_h < o.kernel_h || n.kernel_w < o.kernel_w || o.stride_h != n.stride_h ||
        o.stride_w != n.stride_w || o.dilation_h != n.dilation_h || o.dilation_w != n.dilation_w ||
        o.padding != n.padding || (n.kernel_h - o.kernel_h) % 2 != 0 ||
        (n.kernel_w - o.kernel_w) % 2 != 0)
      return differs(b, "has a window that the old one does not fit into");
    return {};
  }

  Shapes shapes(const Window& o, const Window& n, int i) const {
    return {o.kernel_h,
            o.kernel_w,
            n.kernel_h,
            n.kernel_w,
            from_.source_shape(old(i)).channels,
            to_.source_shape(i).channels};
  }

  static Channels through(const Channels& in, int multiplier) {
    Channels out;
    for (std::size_t c = 0; c < in.source.size(); ++c) {
      for (int m = 0; m < multiplier; ++m) {
        out.source.push_back(in.source[c] * multiplier + m);
        out.copies.push_back(in.copies[c]);
      }
    }
    return out;
  }

  // [h][w][out]
  static std::vector<float> grown_depthwise(const std::vector<float>& old, const Shapes& s,
                                            const Channels& out) {
    const auto old_out = static_cast<int>(old.size()) / (s.old_h * s.old_w);
    std::vector<float> kernel;
    for (int y = 0; y < s.new_h; ++y) {
      for (int x = 0; x < s.new_w; ++x) {
        const int oy = old_tap(y, s.old_h, s.new_h), ox = old_tap(x, s.old_w, s.new_w);
        for (const int c : out.source) {
          const auto at = static_cast<std::size_t>((oy * s.old_w + ox) * old_out + c);
          kernel.push_back(oy < 0 || ox < 0 ? 0 : old[at]);
        }
      }
    }
    return kernel;
  }

  // Layers without a kernel: their channels are those of their inputs.
  Result<Channels> passed_on(int i) const {
    const network::Layer& b = to_.layer(i);
    if (std::holds_alternative<network::Concat>(b.op)) {
      Channels out;
      int offset = 0;
      for (const int input : b.inputs) {
        for (std::size_t c = 0; c < channels(input).source.size(); ++c) {
          out.source.push_back(offset + channels(input).source[c]);
          out.copies.push_back(channels(input).copies[c]);
        }
        offset += from_.layer(old(input)).output.channels;
      }
      return out;
    }
    if (std::holds_alternative<network::Flatten>(b.op)) {
      const Shape& s = from_.source_shape(old(i));
      const Channels& in = channels(b.inputs[0]);
      if (s.height != to_.source_shape(i).height || s.width != to_.source_shape(i).width)
        return differs(b, "flattens a map of another size");
      Channels out;
      for (int p = 0; p < s.height * s.width; ++p) {
        for (std::size_t c = 0; c < in.source.size(); ++c) {
          out.source.push_back(p * s.channels + in.source[c]);
          out.copies.push_back(in.copies[c]);
        }
      }
      return out;
    }
    for (const int input : b.inputs) {
      if (channels(input).source != channels(b.inputs[0]).source)
        return differs(b, "joins channels that were repeated differently");
    }
    return channels(b.inputs[0]);
  }

  const Network& from_;
  const Weights& trained_;
  const Network& to_;
  std::vector<Aligned> plan_;       // one a layer of to_
  std::vector<Channels> channels_;  // of the layers done
  Inherited result_;
};

}  // namespace

Result<Inherited> inherit(const Network& from, const Weights& trained, const Network& to) {
  return Heir(from, trained, to).run();
}

}  // namespace atml::train
