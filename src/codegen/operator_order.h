// The order in which a model's operators run: the graph leaves a choice, the arena decides.
#pragma once

#include <optional>
#include <vector>

#include "codegen/memory_plan.h"

namespace atml::codegen {

/// Orders that the graph allows, the given one first. All of them up to kMostOrders; else only the
/// given one and that of quantize::order_for_memory().
constexpr int kMostOrders = 24;
std::vector<std::vector<int>> operator_orders(const quantize::Int8Model& model);

/// A plan in its order of execution. Everything in `memory` counts operators in that order.
struct OrderedPlan {
  std::vector<int> order;                        // operators of the given model
  std::optional<quantize::Int8Model> reordered;  // empty: the given order
  std::vector<KernelChoice> choices;             // in order of execution
  PlannedMemory memory;

  const quantize::Int8Model& model(const quantize::Int8Model& given) const {
    return reordered ? *reordered : given;
  }
};

/// choose_plan() for every order of operator_orders(); the best by the same measure, the first of
/// equals. `choices` are in the given order.
OrderedPlan choose_order(const quantize::Int8Model& model, const std::vector<KernelChoice>& choices,
                         const Planning& planning);

}  // namespace atml::codegen
