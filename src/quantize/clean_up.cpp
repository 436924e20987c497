#include "quantize/clean_up.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "quantize/requantize.h"

namespace atml::quantize {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// ---- values that channels can take ----

struct Interval {
  int low = -128, high = 127;
  bool is_constant() const { return low == high; }
};
using Intervals = std::vector<Interval>;  // one a channel

Interval join(Interval a, Interval b) { return {std::min(a.low, b.low), std::max(a.high, b.high)}; }

Interval join_all(const Intervals& list) {
  Interval all = list.front();
  for (const Interval& i : list) all = join(all, i);
  return all;
}

bool has_padding(const network::Window& w, const Shape& in, const Shape& out) {
  const auto pads = [](int pad, int out_size, int stride, int kernel, int dilation, int in_size) {
    return pad > 0 || (out_size - 1) * stride - pad + (kernel - 1) * dilation >= in_size;
  };
  return pads(w.pad_top(in.height), out.height, w.stride_h, w.kernel_h, w.dilation_h, in.height) ||
         pads(w.pad_left(in.width), out.width, w.stride_w, w.kernel_w, w.dilation_w, in.width);
}

// The filter of an operator in one form.
struct View {
  const Filter* filter = nullptr;
  int outputs = 0, inputs = 0;  // channels; inputs of a dense layer: of its input tensor
  int taps = 0;                 // positions of the window, or of a dense layer's input
  bool depthwise = false;
  int multiplier = 1;
  bool padded = false;

  std::int8_t weight(int o, int tap, int i) const {
    const std::int64_t index = depthwise ? static_cast<std::int64_t>(tap) * outputs + o
                                         : (static_cast<std::int64_t>(o) * taps + tap) * inputs + i;
    return filter->weights[static_cast<std::size_t>(index)];
  }
};

const Filter* filter_in(const OpKind& kind) {
  if (const auto* c = std::get_if<Conv>(&kind)) return &c->filter;
  if (const auto* d = std::get_if<Depthwise>(&kind)) return &d->filter;
  if (const auto* d = std::get_if<Dense>(&kind)) return &d->filter;
  return nullptr;
}

View view_of(const Int8Model& model, const Op& op) {
  View v;
  v.filter = filter_in(op.kind);
  if (v.filter == nullptr) return v;
  const Shape& in = model.input_of(op).shape;
  const Shape& out = model.output_of(op).shape;
  v.outputs = out.channels;
  v.inputs = in.channels;
  const network::Window* w = nullptr;
  if (const auto* c = std::get_if<Conv>(&op.kind)) w = &c->window;
  if (const auto* d = std::get_if<Depthwise>(&op.kind)) {
    w = &d->window;
    v.depthwise = true;
    v.multiplier = d->multiplier;
  }
  v.taps = w != nullptr ? w->kernel_h * w->kernel_w : in.height * in.width;
  v.padded = w != nullptr && has_padding(*w, in, out);
  return v;
}

Interval filtered(const View& v, const FilterParams& p, Rounding rounding, int o,
                  const Intervals& in) {
  std::int64_t low = v.filter->bias[at(o)], high = low;
  const auto add = [&](int weight, const Interval& x) {
    std::int64_t a = x.low + p.input_offset, b = x.high + p.input_offset;
    if (v.padded) a = std::min<std::int64_t>(a, 0), b = std::max<std::int64_t>(b, 0);
    low += weight >= 0 ? weight * a : weight * b;
    high += weight >= 0 ? weight * b : weight * a;
  };
  for (int tap = 0; tap < v.taps; ++tap) {
    if (v.depthwise) {
      add(v.weight(o, tap, 0), in[at(o / v.multiplier)]);
      continue;
    }
    for (int i = 0; i < v.inputs; ++i) add(v.weight(o, tap, i), in[at(i)]);
  }
  const auto finish = [&](std::int64_t acc) {
    const auto y = multiply(static_cast<std::int32_t>(acc), p.multipliers[at(o)], rounding);
    return static_cast<int>(clamp_to_int8(y + p.output_offset, p.low, p.high));
  };
  return {finish(low), finish(high)};
}

struct ValueRange {
  const Int8Model& model;
  const Op& op;
  const std::vector<Intervals>& known;

  const Intervals& in(int n = 0) const { return known[at(op.inputs[at(n)])]; }
  int channels() const { return model.output_of(op).shape.channels; }
  Intervals anything(int low = -128, int high = 127) const {
    return Intervals(at(channels()), {low, high});
  }

  Intervals filter() const {
    const View v = view_of(model, op);
    const FilterParams p = filter_params(model, op);
    Intervals out;
    for (int o = 0; o < v.outputs; ++o) out.push_back(filtered(v, p, model.rounding, o, in()));
    return out;
  }
  Intervals clamped(int low, int high) const {
    Intervals out = in();
    for (Interval& i : out) i = {std::clamp(i.low, low, high), std::clamp(i.high, low, high)};
    return out;
  }

  Intervals operator()(const Conv&) const { return filter(); }
  Intervals operator()(const Depthwise&) const { return filter(); }
  Intervals operator()(const Dense&) const { return filter(); }
  Intervals operator()(const MaxPool& p) const { return clamped(p.low, p.high); }
  Intervals operator()(const AveragePool& p) const { return clamped(p.low, p.high); }
  Intervals operator()(const Mean&) const {
    const MeanParams p = mean_params(model, op);
    const Shape& shape = model.input_of(op).shape;
    const int positions = shape.height * shape.width;
    Intervals out;
    for (const Interval& i : in()) {
      const auto finish = [&](int x) {
        const auto y = multiply(x * positions + p.sum_offset, p.multiplier, model.rounding);
        return static_cast<int>(clamp_to_int8(y + p.output_offset, -128, 127));
      };
      out.push_back({finish(i.low), finish(i.high)});
    }
    return out;
  }
  Intervals operator()(const Add&) const {
    const AddParams p = add_params(model, op);
    Intervals out;
    for (std::size_t c = 0; c < in().size(); ++c) {
      const auto finish = [&](int x, int y) {
        const auto a = multiply((x + p.offset_1) << p.left_shift, p.input_1, model.rounding);
        const auto b = multiply((y + p.offset_2) << p.left_shift, p.input_2, model.rounding);
        const auto sum = multiply(a + b, p.output, model.rounding);
        return static_cast<int>(clamp_to_int8(sum + p.output_offset, p.low, p.high));
      };
      out.push_back({finish(in(0)[c].low, in(1)[c].low), finish(in(0)[c].high, in(1)[c].high)});
    }
    return out;
  }
  Intervals operator()(const Mul& m) const { return anything(m.low, m.high); }
  Intervals operator()(const Concat&) const {
    Intervals out;
    for (int n = 0; n < static_cast<int>(op.inputs.size()); ++n) {
      const Tensor& from = model.input_of(op, n);
      const bool same = rescale_params(from, model.output_of(op)).identity;
      const auto table = rescale_table(from, model.output_of(op), model.rounding);
      for (const Interval& i : in(n)) {
        if (same)
          out.push_back(i);
        else
          out.push_back({table[at(i.low + 128)], table[at(i.high + 128)]});
      }
    }
    return out;
  }
  Intervals operator()(const Pad& p) const {
    const int zero = model.output_of(op).zero_point;
    Intervals out(at(p.front), {zero, zero});
    const bool around = p.top + p.bottom + p.left + p.right > 0;
    for (const Interval& i : in()) out.push_back(around ? join(i, {zero, zero}) : i);
    out.resize(out.size() + at(p.back), {zero, zero});
    return out;
  }
  Intervals operator()(const Reshape&) const {
    const std::size_t from = in().size(), to = at(channels());
    if (to % from != 0) return Intervals(to, join_all(in()));
    Intervals out;
    for (std::size_t c = 0; c < to; ++c) out.push_back(in()[c % from]);
    return out;
  }
  Intervals operator()(const Softmax&) const { return anything(); }
  Intervals operator()(const Table& t) const {
    Intervals out;
    for (const Interval& i : in()) {
      const auto first = t.values.begin() + i.low + 128, last = t.values.begin() + i.high + 129;
      const auto [low, high] = std::minmax_element(first, last);
      out.push_back({*low, *high});
    }
    return out;
  }
};

std::vector<Intervals> intervals_of(const Int8Model& model) {
  std::vector<Intervals> known(model.tensors.size());
  for (std::size_t t = 0; t < known.size(); ++t)
    known[t].assign(at(model.tensors[t].shape.channels), {});
  for (const Op& op : model.ops)
    known[at(op.output)] = std::visit(ValueRange{model, op, known}, op.kind);
  return known;
}

// ---- channels that stay or go together ----

// Channels of all tensors; those that an operator maps to each other are in one class.
class Channels {
 public:
  explicit Channels(const Int8Model& model) : model_(model) {
    int count = 0;
    for (const Tensor& t : model.tensors) {
      first_.push_back(count);
      count += t.shape.channels;
    }
    parent_.resize(at(count));
    std::iota(parent_.begin(), parent_.end(), 0);
    pinned_.assign(at(count), false);
    for (const Op& op : model.ops) tie(op);
    pin(model.input);
    pin(model.output);
  }

  int of(int tensor, int channel) const {
    int n = first_[at(tensor)] + channel;
    while (parent_[at(n)] != n) n = parent_[at(n)];
    return n;
  }
  std::size_t count() const { return parent_.size(); }
  // Classes that must stay whatever their readers do.
  std::vector<bool> pinned() const {
    std::vector<bool> result(count(), false);
    for (int t = 0; t < static_cast<int>(model_.tensors.size()); ++t) {
      for (int c = 0; c < model_.tensor(t).shape.channels; ++c) {
        if (pinned_[at(first_[at(t)] + c)]) result[at(of(t, c))] = true;
      }
    }
    return result;
  }

 private:
  void pin(int tensor) {
    for (int c = 0; c < model_.tensor(tensor).shape.channels; ++c)
      pinned_[at(first_[at(tensor)] + c)] = true;
  }
  void join(int t, int c, int u, int d) {
    const int a = of(t, c), b = of(u, d);
    parent_[at(std::max(a, b))] = std::min(a, b);
  }

  void tie(const Op& op) {
    const int in = op.inputs[0], out = op.output;
    const int from = model_.tensor(in).shape.channels, to = model_.tensor(out).shape.channels;
    if (std::holds_alternative<Conv>(op.kind) || std::holds_alternative<Dense>(op.kind)) return;
    if (std::holds_alternative<Concat>(op.kind)) {
      int offset = 0;
      for (const int t : op.inputs) {
        for (int c = 0; c < model_.tensor(t).shape.channels; ++c) join(t, c, out, offset + c);
        offset += model_.tensor(t).shape.channels;
      }
      return;
    }
    if (const auto* p = std::get_if<Pad>(&op.kind); p != nullptr && p->front + p->back > 0) {
      pin(in), pin(out);
      return;
    }
    if (std::holds_alternative<Softmax>(op.kind) || std::holds_alternative<Mul>(op.kind) ||
        (std::holds_alternative<Reshape>(op.kind) && to % from != 0)) {
      for (const int t : op.inputs) pin(t);
      pin(out);
      return;
    }
    if (const auto* d = std::get_if<Depthwise>(&op.kind)) {
      for (int c = 0; c < to; ++c) join(in, c / d->multiplier, out, c);
      return;
    }
    for (const int t : op.inputs) {
      for (int c = 0; c < to; ++c) join(t, c % model_.tensor(t).shape.channels, out, c);
    }
  }

  const Int8Model& model_;
  std::vector<int> first_, parent_;
  std::vector<bool> pinned_;
};

// A reader can do without a channel: it is constant and its part is the same at every position.
bool folds(const View& v, const Interval& x, int zero_point) {
  return x.is_constant() && (!v.padded || x.low == zero_point);
}

class Pruner {
 public:
  explicit Pruner(const Int8Model& model)
      : model_(model), intervals_(intervals_of(model)), channels_(model) {
    kept_.assign(channels_.count(), true);
    while (drop()) {
    }
  }

  int removed() const {
    int count = 0;
    for (int t = 0; t < static_cast<int>(model_.tensors.size()); ++t)
      count += model_.tensor(t).shape.channels - static_cast<int>(list(t).size());
    return count;
  }

  // TFLite rounds a dense layer's factors otherwise when all its scales are equal: losing an output
  // must not change the others.
  bool keeps_factors(const Int8Model& pruned) const {
    for (std::size_t i = 0; i < model_.ops.size(); ++i) {
      if (filter_in(model_.ops[i].kind) == nullptr) continue;
      const FilterParams before = filter_params(model_, model_.ops[i]);
      const FilterParams after = filter_params(pruned, pruned.ops[i]);
      const std::vector<int> outs = list(model_.ops[i].output);
      for (std::size_t n = 0; n < outs.size(); ++n) {
        if (!(after.multipliers[n] == before.multipliers[at(outs[n])])) return false;
      }
    }
    return true;
  }

  Int8Model result() const {
    Int8Model m = model_;
    for (int t = 0; t < static_cast<int>(m.tensors.size()); ++t)
      m.tensors[at(t)].shape.channels = static_cast<int>(list(t).size());
    for (Op& op : m.ops) rewrite(op);
    return m;
  }

 private:
  bool kept(int tensor, int channel) const { return kept_[at(channels_.of(tensor, channel))]; }

  // Channels of a tensor that stay.
  std::vector<int> list(int tensor) const {
    std::vector<int> result;
    for (int c = 0; c < model_.tensor(tensor).shape.channels; ++c) {
      if (kept(tensor, c)) result.push_back(c);
    }
    return result;
  }

  bool is_read(const Op& op, const View& v, int channel) const {
    const int in = op.inputs[0];
    if (folds(v, intervals_[at(in)][at(channel)], model_.tensor(in).zero_point)) return false;
    for (int o = 0; o < v.outputs; ++o) {
      // A constant output that stays gets zero weights and the bias that gives its value.
      if (!kept(op.output, o) || intervals_[at(op.output)][at(o)].is_constant()) continue;
      for (int tap = 0; tap < v.taps; ++tap) {
        if (v.weight(o, tap, channel) != 0) return true;
      }
    }
    return false;
  }

  // One round; true when a class went.
  bool drop() {
    std::vector<bool> needed = channels_.pinned();
    for (const Op& op : model_.ops) {
      const View v = view_of(model_, op);
      if (v.filter == nullptr || v.depthwise) continue;
      for (int c = 0; c < v.inputs; ++c) {
        const int k = channels_.of(op.inputs[0], c);
        if (!needed[at(k)] && kept_[at(k)] && is_read(op, v, c)) needed[at(k)] = true;
      }
    }
    keep_one_of_each(needed);
    const bool changed = needed != kept_;
    kept_ = needed;
    return changed;
  }

  // No activation and no input of a concatenation may lose all its channels.
  void keep_one_of_each(std::vector<bool>& needed) const {
    for (int t = 0; t < static_cast<int>(model_.tensors.size()); ++t) {
      const int count = model_.tensor(t).shape.channels;
      bool any = false;
      for (int c = 0; c < count; ++c) any = any || needed[at(channels_.of(t, c))];
      if (any) continue;
      for (int c = 0; c < count && !any; ++c) {
        if (!kept_[at(channels_.of(t, c))]) continue;
        needed[at(channels_.of(t, c))] = any = true;
      }
    }
  }

  void rewrite(Op& op) const {
    const View v = view_of(model_, op);
    if (v.filter == nullptr) return;
    Filter f = *v.filter;
    f.weights.clear(), f.bias.clear(), f.scales.clear();
    const std::vector<int> outs = list(op.output), ins = list(op.inputs[0]);
    const int zero = model_.input_of(op).zero_point;
    for (const int o : outs) {
      std::int64_t bias = v.filter->bias[at(o)];
      if (!v.depthwise) {
        for (int i = 0; i < v.inputs; ++i) {
          if (kept(op.inputs[0], i)) continue;
          const Interval& x = intervals_[at(op.inputs[0])][at(i)];
          if (!folds(v, x, zero)) continue;  // all its weights are zero or its output is constant
          for (int tap = 0; tap < v.taps; ++tap) bias += v.weight(o, tap, i) * (x.low - zero);
        }
      }
      f.bias.push_back(static_cast<std::int32_t>(bias));
      f.scales.push_back(v.filter->scales[at(o)]);
    }
    if (v.depthwise) {
      for (int tap = 0; tap < v.taps; ++tap) {
        for (const int o : outs) f.weights.push_back(v.weight(o, tap, 0));
      }
    } else {
      for (std::size_t n = 0; n < outs.size(); ++n) {
        const int o = outs[n];
        const bool constant = intervals_[at(op.output)][at(o)].is_constant();
        if (constant) f.bias[n] = constant_bias(op, o);
        for (int tap = 0; tap < v.taps; ++tap) {
          for (const int i : ins)
            f.weights.push_back(constant ? std::int8_t{0} : v.weight(o, tap, i));
        }
      }
    }
    std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.filter; }) kind.filter = std::move(f);
        },
        op.kind);
  }

  // An accumulator that gives the constant output: any in the range that the channel can have.
  std::int32_t constant_bias(const Op& op, int o) const {
    const View v = view_of(model_, op);
    const FilterParams p = filter_params(model_, op);
    std::int64_t low = v.filter->bias[at(o)];
    for (int tap = 0; tap < v.taps; ++tap) {
      for (int i = 0; i < v.inputs; ++i) {
        const Interval& x = intervals_[at(op.inputs[0])][at(i)];
        std::int64_t a = x.low + p.input_offset, b = x.high + p.input_offset;
        if (v.padded) a = std::min<std::int64_t>(a, 0), b = std::max<std::int64_t>(b, 0);
        const int w = v.weight(o, tap, i);
        low += w >= 0 ? w * a : w * b;
      }
    }
    return static_cast<std::int32_t>(low);
  }

  const Int8Model& model_;
  std::vector<Intervals> intervals_;
  Channels channels_;
  std::vector<bool> kept_;
};

// ---- operators ----

int readers_of(const Int8Model& m, int tensor) {
  int count = tensor == m.output ? 1 : 0;
  for (const Op& op : m.ops) count += static_cast<int>(std::ranges::count(op.inputs, tensor));
  return count;
}

int writer_of(const Int8Model& m, int tensor) {
  for (std::size_t i = 0; i < m.ops.size(); ++i) {
    if (m.ops[i].output == tensor) return static_cast<int>(i);
  }
  return -1;
}

bool same_numbers(const Tensor& a, const Tensor& b) {
  return a.scale == b.scale && a.zero_point == b.zero_point;
}

// All readers of `from` read `to` instead.
void redirect(Int8Model& m, int from, int to) {
  for (Op& op : m.ops) std::ranges::replace(op.inputs, from, to);
  if (m.output == from) m.output = to;
}

bool is_identity(const Int8Model& m, const Op& op) {
  const bool same = m.input_of(op).shape == m.output_of(op).shape;
  if (std::holds_alternative<Reshape>(op.kind)) return same;
  if (op.output == m.output) return false;  // keeps the output's name and scale
  if (const auto* t = std::get_if<Table>(&op.kind)) {
    for (int i = 0; i < 256; ++i) {
      if (t->values[at(i)] != i - 128) return false;
    }
    return same_numbers(m.input_of(op), m.output_of(op));
  }
  if (const auto* p = std::get_if<Pad>(&op.kind))
    return p->top + p->bottom + p->left + p->right + p->front + p->back == 0;
  return false;
}

// The table is a clamp to [low, high].
std::optional<std::pair<int, int>> as_clamp(const Table& t) {
  const int low = t.values.front(), high = t.values.back();
  for (int i = -128; i < 128; ++i) {
    if (t.values[at(i + 128)] != std::clamp(i, low, high)) return std::nullopt;
  }
  return std::pair(low, high);
}

// Where the only reader of an operator's output is the second one, they become one: a table after
// a table, a clamp after an operator with a clamp, a pad before a window, a reshape after a
// reshape.
bool merge(Int8Model& m, std::size_t second) {
  Op& op = m.ops[second];
  const int middle = op.inputs[0];
  const int before = writer_of(m, middle);
  if (before < 0 || op.inputs.size() != 1 || readers_of(m, middle) != 1) return false;
  Op& first = m.ops[at(before)];
  if (std::holds_alternative<Reshape>(op.kind) && std::holds_alternative<Reshape>(first.kind)) {
    op.inputs = first.inputs;
    return true;
  }
  if (auto* t = std::get_if<Table>(&op.kind)) {
    if (const auto* f = std::get_if<Table>(&first.kind)) {
      std::vector<std::int8_t> values;
      for (const std::int8_t v : f->values) values.push_back(t->values[at(v + 128)]);
      t->values = std::move(values);
      t->function = f->function + "_" + t->function;
      op.inputs = first.inputs;
      return true;
    }
    const auto range = as_clamp(*t);
    if (!range || !same_numbers(m.tensor(middle), m.output_of(op))) return false;
    const bool done = std::visit(
        [&](auto& kind) {
          if constexpr (requires { kind.low; }) {
            kind.low = std::clamp(kind.low, range->first, range->second);
            kind.high = std::clamp(kind.high, range->first, range->second);
            return true;
          } else {
            return false;
          }
        },
        first.kind);
    if (!done) return false;
    // The first operator writes the second's tensor; the second is left without effect.
    const int output = op.output;
    op.output = middle;
    op.inputs = {output};
    first.output = output;
    m.ops.erase(m.ops.begin() + static_cast<std::ptrdiff_t>(second));
    return true;
  }
  const auto* pad = std::get_if<Pad>(&first.kind);
  if (pad == nullptr || pad->front + pad->back > 0) return false;
  network::Window* w = nullptr;
  if (auto* c = std::get_if<Conv>(&op.kind)) w = &c->window;
  if (auto* d = std::get_if<Depthwise>(&op.kind)) w = &d->window;
  if (w == nullptr || w->padding != network::Padding::kValid) return false;
  network::Window same = *w;
  same.padding = network::Padding::kSame;
  const Shape& in = m.input_of(first).shape;
  const Shape& out = m.output_of(op).shape;
  if (!same_numbers(m.input_of(first), m.tensor(middle)) ||
      same.output_height(in.height) != out.height || same.output_width(in.width) != out.width ||
      same.pad_top(in.height) != pad->top || same.pad_left(in.width) != pad->left)
    return false;
  *w = same;
  op.inputs = first.inputs;
  return true;
}

void drop_unread(Int8Model& m) {
  for (std::size_t i = m.ops.size(); i-- > 0;) {
    if (readers_of(m, m.ops[i].output) == 0)
      m.ops.erase(m.ops.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// Tensors that no operator touches any more go; indices close up.
void drop_tensors(Int8Model& m) {
  std::set<int> used{m.input, m.output};
  for (const Op& op : m.ops) {
    used.insert(op.output);
    used.insert(op.inputs.begin(), op.inputs.end());
  }
  std::vector<int> index(m.tensors.size(), -1);
  std::vector<Tensor> tensors;
  for (const int t : used) {
    index[at(t)] = static_cast<int>(tensors.size());
    tensors.push_back(m.tensor(t));
  }
  m.tensors = std::move(tensors);
  m.input = index[at(m.input)];
  m.output = index[at(m.output)];
  for (Op& op : m.ops) {
    op.output = index[at(op.output)];
    for (int& t : op.inputs) t = index[at(t)];
  }
}

bool simplify_once(Int8Model& m) {
  for (std::size_t i = 0; i < m.ops.size(); ++i) {
    if (is_identity(m, m.ops[i]) && m.ops[i].inputs[0] != m.input) {
      redirect(m, m.ops[i].output, m.ops[i].inputs[0]);
      drop_unread(m);
      return true;
    }
    Int8Model merged = m;
    if (!merge(merged, i)) continue;
    drop_unread(merged);
    drop_tensors(merged);
    if (!merged.verify().ok()) continue;
    m = std::move(merged);
    return true;
  }
  return false;
}

}  // namespace

namespace {

// Live bytes by the set of operators that ran, for graphs of at most 64 operators.
class Orders {
 public:
  explicit Orders(const Int8Model& m) : m_(m) {
    for (const Op& op : m.ops) {
      std::uint64_t before = 0;
      for (const int t : op.inputs) {
        const int writer = writer_of(m, t);
        if (writer >= 0) before |= bit(writer);
      }
      before_.push_back(before);
    }
  }

  // Bytes while an operator runs after the set `done` has run.
  std::int64_t bytes(std::uint64_t done, int op) const {
    std::int64_t total = m_.output_of(m_.ops[at(op)]).shape.elements();
    for (int t = 0; t < static_cast<int>(m_.tensors.size()); ++t) {
      const int writer = writer_of(m_, t);
      const bool there = writer >= 0 ? (done & bit(writer)) != 0 : t == m_.input;
      if (there && is_read_later(done, t)) total += m_.tensor(t).shape.elements();
    }
    return total;
  }

  std::int64_t peak_as_given() const {
    std::int64_t peak = 0;
    std::uint64_t done = 0;
    for (int i = 0; i < count(); ++i) {
      peak = std::max(peak, bytes(done, i));
      done |= bit(i);
    }
    return peak;
  }

  // Dynamic programme over the sets that can have run; empty where there are too many of them.
  std::vector<int> best() const {
    std::map<std::uint64_t, State> level{{0, {0, {}}}};
    for (int size = 0; size < count(); ++size) {
      std::map<std::uint64_t, State> next;
      for (const auto& [done, state] : level) {
        for (int i = 0; i < count(); ++i) {
          if ((done & bit(i)) != 0 || (before_[at(i)] & ~done) != 0) continue;
          const std::int64_t peak = std::max(state.peak, bytes(done, i));
          const auto [it, added] = next.try_emplace(done | bit(i));
          if (!added && it->second.peak <= peak) continue;
          it->second = {peak, state.order};
          it->second.order.push_back(i);
        }
      }
      if (next.size() > kMostStates) return {};
      level = std::move(next);
    }
    return level.begin()->second.order;
  }

  std::int64_t peak_of(const std::vector<int>& order) const {
    std::int64_t peak = 0;
    std::uint64_t done = 0;
    for (const int i : order) {
      peak = std::max(peak, bytes(done, i));
      done |= bit(i);
    }
    return peak;
  }

 private:
  static constexpr std::size_t kMostStates = 2000;
  struct State {
    std::int64_t peak = 0;
    std::vector<int> order;
  };
  static std::uint64_t bit(int i) { return std::uint64_t{1} << i; }
  int count() const { return static_cast<int>(m_.ops.size()); }

  bool is_read_later(std::uint64_t done, int tensor) const {
    if (tensor == m_.output) return true;
    for (int i = 0; i < count(); ++i) {
      if ((done & bit(i)) == 0 && std::ranges::count(m_.ops[at(i)].inputs, tensor) > 0) return true;
    }
    return false;
  }

  const Int8Model& m_;
  std::vector<std::uint64_t> before_;
};

}  // namespace

Int8Model order_for_memory(const Int8Model& model) {
  if (model.ops.size() > 64) return model;
  const Orders orders(model);
  const std::vector<int> order = orders.best();
  if (order.empty() || orders.peak_of(order) >= orders.peak_as_given()) return model;
  Int8Model result = model;
  for (std::size_t i = 0; i < order.size(); ++i) result.ops[i] = model.ops[at(order[i])];
  return result;
}

CleanUp clean_up(const Int8Model& model) {
  CleanUp result{model, 0, 0};
  drop_unread(result.model);
  while (simplify_once(result.model)) {
  }
  drop_tensors(result.model);
  for (;;) {
    const Pruner pruner(result.model);
    if (pruner.removed() == 0) break;
    Int8Model pruned = pruner.result();
    if (!pruned.verify().ok() || !pruner.keeps_factors(pruned)) break;
    result.channels_removed += pruner.removed();
    result.model = std::move(pruned);
  }
  result.model = order_for_memory(result.model);
  result.operators_removed =
      static_cast<int>(model.ops.size()) - static_cast<int>(result.model.ops.size());
  ATML_ASSERT(result.model.verify().ok(), "clean-up made a model that does not verify");
  return result;
}

}  // namespace atml::quantize
