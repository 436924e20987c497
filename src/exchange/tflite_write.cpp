// An Int8Model as a .tflite file: operators to the format's (tflite_writer.h), then to bytes
// (tflite_file.h).
#include <variant>

#include "base/assert.h"
#include "exchange/tflite.h"
#include "exchange/tflite_writer.h"

namespace atml::exchange {

using namespace quantize;

Result<OutGraph> TfliteWriter::run() {
  choose_ranks();
  for (std::size_t t = 0; t < model_.tensors.size(); ++t) {
    if (static_cast<int>(t) == model_.input)
      index_[t] = add_activation(model_.tensors[t], rank_2_[t]);
  }
  for (const Op& op : model_.ops) {
    const auto out = static_cast<std::size_t>(op.output);
    const Status status =
        std::visit([&](const auto& kind) { return translate(op, kind); }, op.kind);
    if (!status.ok()) return status.error().with_context("operator '" + op.name + "'");
    ATML_ASSERT(index_[out] >= 0, "an operator wrote no tensor");
  }
  graph_.input = index_[static_cast<std::size_t>(model_.input)];
  graph_.output = index_[static_cast<std::size_t>(model_.output)];
  return std::move(graph_);
}

Result<std::string> write_tflite(const Int8Model& model) {
  ATML_TRY_STATUS(model.verify());
  if (model.rounding == Rounding::kSingle) {
    return Error{Code::kUnsupported,
                 "a .tflite file means double rounding, the model has single rounding; quantise "
                 "again with double rounding"};
  }
  ATML_TRY(const OutGraph graph, TfliteWriter(model).run());
  return serialise(graph, model.name);
}

}  // namespace atml::exchange
