#include "train/inherit_align.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace atml::train {
namespace {

using network::Layer;
using network::Network;

template <class T>
const T* as(const Layer& layer) {
  return std::get_if<T>(&layer.op);
}

// Odd kernels of stride 1 that keep height and width have a middle.
bool has_middle(const network::Window& w) {
  return w.kernel_h % 2 == 1 && w.kernel_w % 2 == 1 && w.stride_h == 1 && w.stride_w == 1 &&
         (w.padding == network::Padding::kSame || (w.kernel_h == 1 && w.kernel_w == 1));
}

// Whether all outputs are at least 0, and (with six) at most 6.
bool stays_within(const Network& net, int i, bool six) {
  const Layer& l = net.layer(i);
  if (const auto* a = as<network::Activate>(l)) {
    return a->kind == network::Activation::kRelu6 ||
           (!six && a->kind == network::Activation::kRelu);
  }
  const bool keeps = as<network::MaxPool>(l) || as<network::AveragePool>(l) ||
                     as<network::GlobalAveragePool>(l) || as<network::Flatten>(l) ||
                     as<network::Concat>(l) || as<network::Dropout>(l) ||
                     (!six && as<network::Add>(l));
  return keeps &&
         std::ranges::all_of(l.inputs, [&](int input) { return stays_within(net, input, six); });
}

class Aligner {
 public:
  Aligner(const Network& from, const Network& to)
      : from_(from), to_(to), readers_(static_cast<std::size_t>(to.size()), 0) {
    for (const Layer& l : to.layers())
      for (const int input : l.inputs) ++readers_[static_cast<std::size_t>(input)];
  }

  Result<std::vector<Aligned>> run() {
    plan_.push_back({Role::kMatched, 0});
    if (next(1, 1)) return plan_;
    return Error{Code::kUnsupported,
                 fmt::format("layer '{}' stands elsewhere in the other network, and is none that "
                             "can be added without changing what is computed",
                             to_.layer(std::min(furthest_, to_.last())).name)};
  }

 private:
  const Aligned& plan(int i) const { return plan_[static_cast<std::size_t>(i)]; }

  // Layers [i, end) of the new network, of which the next to match is `old`. Tries to match before
  // it adds; a search that finds no end soon is given up.
  bool next(int i, int old) {
    furthest_ = std::max(furthest_, i);
    if (i == to_.size()) return old == from_.size();
    if (to_.size() - i < from_.size() - old || ++steps_ > 20000) return false;
    if (old < from_.size() && matches(i, old) && with(i, {{Role::kMatched, old}}, old + 1))
      return true;
    if (const int same = handed_on(i); same >= 0 && with(i, {{Role::kIdentity, same}}, old))
      return true;
    const std::vector<Aligned> block = residual_block(i);
    return !block.empty() && with(i, block, old);
  }
  bool with(int i, const std::vector<Aligned>& chosen, int old) {
    plan_.insert(plan_.end(), chosen.begin(), chosen.end());
    if (next(i + static_cast<int>(chosen.size()), old)) return true;
    plan_.resize(static_cast<std::size_t>(i));
    return false;
  }

  bool matches(int i, int old) const {
    const Layer& a = from_.layer(old);
    const Layer& b = to_.layer(i);
    if (a.op.index() != b.op.index() || a.inputs.size() != b.inputs.size() ||
        b.output.channels < a.output.channels || a.output.height != b.output.height ||
        a.output.width != b.output.width)
      return false;
    for (std::size_t n = 0; n < a.inputs.size(); ++n) {
      if (plan(b.inputs[n]).old != a.inputs[n]) return false;
    }
    return true;
  }

  // The old layer whose output an added layer can hand on, or -1.
  int handed_on(int i) const {
    const Layer& l = to_.layer(i);
    const int old = plan(l.inputs[0]).old;
    if (old < 0) return -1;
    const Shape& in = to_.source_shape(i);
    bool can = as<network::BatchNorm>(l) != nullptr || as<network::Dropout>(l) != nullptr;
    if (const auto* c = as<network::Conv>(l)) can = has_middle(c->window) && l.output == in;
    if (const auto* d = as<network::Depthwise>(l))
      can = has_middle(d->window) && d->multiplier == 1;
    if (as<network::Dense>(l)) can = l.output == in;
    if (const auto* a = as<network::Activate>(l)) {
      can = a->kind != network::Activation::kHardSwish &&
            stays_within(from_, old, a->kind == network::Activation::kRelu6);
    }
    return can ? old : -1;
  }

  // Layers i, i + 1, ... that form a branch from x = input of i and end with add(branch, x).
  std::vector<Aligned> residual_block(int i) const {
    const int x = to_.layer(i).inputs[0];
    if (plan(x).old < 0) return {};
    std::vector<Aligned> block;
    for (int j = i; j < to_.size(); ++j) {
      const Layer& l = to_.layer(j);
      if (as<network::Add>(l)) {
        const bool closes =
            l.inputs == std::vector<int>{j - 1, x} || l.inputs == std::vector<int>{x, j - 1};
        if (j == i || !closes || !can_answer_zero(j - 1)) return {};
        block.back().role = Role::kZero;
        block.push_back({Role::kIdentity, plan(x).old});
        return block;
      }
      const bool chained = l.inputs.size() == 1 && l.inputs[0] == (j == i ? x : j - 1);
      if (!chained || readers_[static_cast<std::size_t>(j)] != 1) return {};
      block.push_back({Role::kFree, -1});
    }
    return {};
  }
  bool can_answer_zero(int i) const {
    const Layer& l = to_.layer(i);
    return as<network::BatchNorm>(l) || as<network::Conv>(l) || as<network::Depthwise>(l) ||
           as<network::Dense>(l);
  }

  const Network& from_;
  const Network& to_;
  std::vector<int> readers_;
  std::vector<Aligned> plan_;
  int furthest_ = 0;
  int steps_ = 0;
};

}  // namespace

Result<std::vector<Aligned>> align(const Network& from, const Network& to) {
  return Aligner(from, to).run();
}

}  // namespace atml::train
