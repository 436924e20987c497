// Shrinks a model that fails a check to a small one that still fails: operators are cut off at the
// end and at the start, then the output channels of the last filter are halved.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "codegen/kernel_choice.h"
#include "quantize/model.h"

namespace atml::differential {

using quantize::Int8Model;
using Check = std::function<bool(const Int8Model&)>;  // true: the model fails

/// The part of a model from tensor `input` to the output of operator `last`; nothing where that
/// output also depends on tensors before `input`.
inline std::optional<Int8Model> cut(const Int8Model& model, int input, std::size_t last) {
  std::set<int> needed{model.ops[last].output};
  std::vector<quantize::Op> ops;
  for (std::size_t i = last + 1; i-- > 0;) {
    const quantize::Op& op = model.ops[i];
    if (!needed.contains(op.output) || op.output == input) continue;
    needed.insert(op.inputs.begin(), op.inputs.end());
    ops.insert(ops.begin(), op);
  }
  if (ops.empty() || !needed.contains(input)) return {};
  if (input != model.input && needed.contains(model.input)) return {};
  Int8Model part = model;
  part.tensors.clear();
  std::map<int, int> index;
  for (const int tensor : needed) {
    index[tensor] = static_cast<int>(part.tensors.size());
    part.tensors.push_back(model.tensor(tensor));
  }
  for (quantize::Op& op : ops) {
    for (int& tensor : op.inputs) tensor = index.at(tensor);
    op.output = index.at(op.output);
  }
  part.ops = std::move(ops);
  part.input = index.at(input);
  part.output = part.ops.back().output;
  if (!part.verify().ok()) return {};
  return part;
}

/// The last operator with half its output channels, where it is a convolution or dense layer.
inline std::optional<Int8Model> halve_outputs(const Int8Model& model) {
  Int8Model half = model;
  quantize::Op& op = half.ops.back();
  auto* filter = const_cast<quantize::Filter*>(codegen::filter_of(op));
  if (filter == nullptr || std::holds_alternative<quantize::Depthwise>(op.kind)) return {};
  Shape& shape = half.tensors[static_cast<std::size_t>(op.output)].shape;
  if (shape.channels < 2) return {};
  const std::size_t inputs = filter->weights.size() / static_cast<std::size_t>(shape.channels);
  shape.channels /= 2;
  const auto channels = static_cast<std::size_t>(shape.channels);
  filter->weights.resize(inputs * channels);
  filter->bias.resize(channels);
  filter->scales.resize(channels);
  if (!half.verify().ok()) return {};
  return half;
}

/// `model` must fail; so does what is returned, and no single further step keeps it failing.
inline Int8Model shrink(Int8Model model, const Check& fails) {
  for (bool smaller = true; smaller;) {
    smaller = false;
    std::vector<std::optional<Int8Model>> candidates;
    for (std::size_t last = 0; last + 1 < model.ops.size(); ++last)
      candidates.push_back(cut(model, model.input, last));
    for (std::size_t first = model.ops.size() - 1; first > 0; --first)
      candidates.push_back(cut(model, model.ops[first].inputs[0], model.ops.size() - 1));
    candidates.push_back(halve_outputs(model));
    for (auto& candidate : candidates) {
      if (!candidate || !fails(*candidate)) continue;
      model = std::move(*candidate);
      smaller = true;
      break;
    }
  }
  return model;
}

inline std::string describe(const Int8Model& model) {
  std::string text;
  for (const quantize::Op& op : model.ops) {
    text += std::string(quantize::kind_name(op.kind)) + " " + model.input_of(op).shape.text() +
            " -> " + model.output_of(op).shape.text() + "\n";
  }
  return text;
}

}  // namespace atml::differential
