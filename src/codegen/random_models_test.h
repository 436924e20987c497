// Test support: random models with live weights, some with tight clamps or factors above one.
#pragma once

#include <gtest/gtest.h>

#include "codegen/host_program_test.h"
#include "codegen/kernel_choice.h"
#include "codegen/random_network_test.h"
#include "quantize/requantize.h"

namespace atml::codegen::testing {

/// Clamps that the packed kernels do not know, and factors that only the plain kernels can compute.
inline void roughen(quantize::Int8Model& model, Rng& rng) {
  for (auto& op : model.ops) {
    const bool tight = rng.chance(0.15);
    const auto clamp = [&](auto& kind) {
      if (!tight) return;
      kind.low = std::max(kind.low, -90);
      kind.high = std::min(kind.high, 70);
    };
    if (auto* c = std::get_if<quantize::Conv>(&op.kind)) clamp(*c);
    if (auto* d = std::get_if<quantize::Depthwise>(&op.kind)) clamp(*d);
    if (auto* a = std::get_if<quantize::Add>(&op.kind)) clamp(*a);
    if (auto* p = std::get_if<quantize::AveragePool>(&op.kind)) clamp(*p);
    auto* filter = const_cast<quantize::Filter*>(filter_of(op));
    if (filter == nullptr || !rng.chance(0.1)) continue;
    const float in = model.input_of(op).scale, out = model.output_of(op).scale;
    filter->scales[0] = 1.5f * out / in;  // a left shift
  }
}

/// The model under this rounding, tables included, and roughened where that is still a valid model.
inline quantize::Int8Model roughened(quantize::Int8Model model, quantize::Rounding rounding,
                                     Rng& rng) {
  model.rounding = rounding;
  for (auto& op : model.ops) {
    if (auto* table = std::get_if<quantize::Table>(&op.kind)) {
      table->values = *quantize::function_table(table->function, model.input_of(op),
                                                model.output_of(op), rounding);
    }
  }
  auto rough = model;
  roughen(rough, rng);
  return rough.verify().ok() ? rough : model;
}

/// Weight i of every filter is weight(i).
template <class Weight>
void set_weights(quantize::Int8Model& model, const Weight& weight) {
  for (auto& op : model.ops) {
    auto* filter = const_cast<quantize::Filter*>(filter_of(op));
    if (filter == nullptr) continue;
    for (std::size_t i = 0; i < filter->weights.size(); ++i)
      filter->weights[i] = static_cast<std::int8_t>(weight(i));
  }
}

inline const quantize::Op& first_filter_op(const quantize::Int8Model& model) {
  for (const auto& op : model.ops) {
    if (filter_of(op) != nullptr) return op;
  }
  ATML_UNREACHABLE("no operator with weights");
}

inline std::vector<quantize::Int8Model> random_models(int count, std::uint64_t seed,
                                                      quantize::Rounding rounding) {
  std::vector<quantize::Int8Model> models;
  for (int i = 0; i < count; ++i) {
    Rng rng = Rng::derive(seed, "random networks", static_cast<std::uint64_t>(i));
    auto model = quantize::random_model(random_network(rng), seed + static_cast<std::uint64_t>(i));
    models.push_back(roughened(std::move(model), rounding, rng));
  }
  return models;
}

inline void expect_same_layers(const std::vector<quantize::Int8Model>& models,
                               const HostProgram& program, const Options& options = {}) {
  const auto out = program.run(models, options, 2);
  ASSERT_TRUE(out.ok()) << out.error().message.substr(0, 3000);
  const std::string expected = expected_layers(models, 2);
  ASSERT_EQ(out->size(), expected.size());
  EXPECT_TRUE(*out == expected) << "first difference at byte "
                                << std::mismatch(out->begin(), out->end(), expected.begin()).first -
                                       out->begin();
}

}  // namespace atml::codegen::testing
