#include "codegen/operator_order.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "quantize/clean_up.h"

namespace atml::codegen {

using namespace quantize;

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// All orders, depth first, lowest operator first: the given order comes first. One more than
// kMostOrders means too many.
struct Enumeration {
  const Int8Model& model;
  std::vector<bool> is_there;  // tensors
  std::vector<bool> has_run;
  std::vector<int> order;
  std::vector<std::vector<int>> found;

  explicit Enumeration(const Int8Model& m)
      : model(m), is_there(m.tensors.size(), false), has_run(m.ops.size(), false) {
    is_there[at(m.input)] = true;
  }

  bool can_run(int op) const {
    return !has_run[at(op)] &&
           std::ranges::all_of(model.ops[at(op)].inputs, [&](int t) { return is_there[at(t)]; });
  }

  void run() {
    if (static_cast<int>(found.size()) > kMostOrders) return;
    if (order.size() == model.ops.size()) {
      found.push_back(order);
      return;
    }
    for (int op = 0; op < static_cast<int>(model.ops.size()); ++op) {
      if (!can_run(op)) continue;
      const int output = model.ops[at(op)].output;
      has_run[at(op)] = is_there[at(output)] = true;
      order.push_back(op);
      run();
      order.pop_back();
      has_run[at(op)] = is_there[at(output)] = false;
    }
  }
};

std::vector<int> given_order(const Int8Model& model) {
  std::vector<int> order(model.ops.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

// Operators are told by what they write.
std::vector<int> order_of(const Int8Model& model, const Int8Model& reordered) {
  std::vector<int> order;
  for (const Op& op : reordered.ops) {
    const auto same = std::ranges::find(model.ops, op.output, &Op::output);
    order.push_back(static_cast<int>(same - model.ops.begin()));
  }
  return order;
}

OrderedPlan plan_of(const Int8Model& model, const std::vector<KernelChoice>& choices,
                    std::vector<int> order, const Planning& planning) {
  OrderedPlan plan;
  for (const int op : order) plan.choices.push_back(choices[at(op)]);
  if (!std::ranges::is_sorted(order)) {
    plan.reordered = model;
    for (std::size_t i = 0; i < order.size(); ++i) plan.reordered->ops[i] = model.ops[at(order[i])];
  }
  plan.order = std::move(order);
  plan.memory = choose_plan(plan.model(model), plan.choices, planning);
  plan.memory.plan.order = plan.order;
  return plan;
}

// Less is better.
auto measure(const Int8Model& model, const OrderedPlan& plan, const Planning& planning) {
  const std::int64_t arena = plan.memory.plan.arena.value;
  const std::int64_t price = streaming_price(plan.model(model), plan.memory.groups);
  const bool fits = planning.streaming == Streaming::kAuto && arena <= planning.arena_limit.value;
  if (!fits) return std::tuple(1, arena, price);
  return std::tuple(0, price <= planning.free_price ? 0 : price, arena);
}

}  // namespace

std::vector<std::vector<int>> operator_orders(const Int8Model& model) {
  Enumeration all(model);
  all.run();
  if (static_cast<int>(all.found.size()) <= kMostOrders) return all.found;
  std::vector<std::vector<int>> orders{given_order(model)};
  auto best = order_of(model, order_for_memory(model));
  if (best != orders[0]) orders.push_back(std::move(best));
  return orders;
}

OrderedPlan choose_order(const Int8Model& model, const std::vector<KernelChoice>& choices,
                         const Planning& planning) {
  std::optional<OrderedPlan> best;
  for (auto& order : operator_orders(model)) {
    OrderedPlan plan = plan_of(model, choices, std::move(order), planning);
    if (!best || measure(model, plan, planning) < measure(model, *best, planning))
      best = std::move(plan);
  }
  return std::move(*best);
}

}  // namespace atml::codegen
