#include "exchange/tflite_reader.h"

#include <fmt/format.h>

namespace atml::exchange {

using namespace schema;
using namespace quantize;
using network::Padding;
using network::Window;

template <class Pool>
Status TfliteReader::pool(const RawOp& op, Pool kind) {
  ATML_TRY_STATUS(expect_counts(op, 1, 1));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(kind.window, window(op, op.option_int(kPoolFilterH, 0), op.option_int(kPoolFilterW, 0),
                               kPoolPadding, kPoolStrideW, kPoolStrideH, -1, -1));
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  ATML_TRY(const Bounds b, bounds(op, kPoolActivation, model_.tensor(out)));
  kind.low = b.low;
  kind.high = b.high;
  emit(op, std::move(kind), {in}, out);
  return {};
}

Status TfliteReader::max_pool(const RawOp& op) { return pool(op, MaxPool{}); }
Status TfliteReader::average_pool(const RawOp& op) { return pool(op, AveragePool{}); }

// Axes that lie together, as TFLite stores values, may be reduced as one axis.
Result<AxisView> TfliteReader::reduced_axes(const RawOp& op) {
  ATML_TRY(const auto axes, integers(op, 1));
  const auto& dims = raw(op.inputs[0]).dims;
  const auto rank = static_cast<std::int64_t>(dims.size());
  std::set<std::int64_t> reduced;
  for (const std::int64_t axis : axes) {
    const std::int64_t at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank)
      return unsupported(fmt::format("axis {} of {} dimensions", axis, rank));
    if (dims[static_cast<std::size_t>(at)] > 1) reduced.insert(at);
  }
  AxisView view;
  for (std::int64_t d = 0; d < rank; ++d) {
    const int length = dims[static_cast<std::size_t>(d)];
    if (reduced.contains(d)) {
      view.length *= length;
    } else if (reduced.empty() || d < *reduced.begin()) {
      view.outer *= length;
    } else if (d > *reduced.rbegin()) {
      view.inner *= length;
    } else if (length > 1) {
      return unsupported("reduced axes that are not neighbours");
    }
  }
  if (reduced.empty()) view = {1, 1, view.outer};
  return view;
}

Status TfliteReader::mean(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 2, 2));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(const AxisView view, reduced_axes(op));
  // Mean is over height and width: the axes before the reduced ones must have length 1.
  if (view.outer != 1)
    return unsupported(
        fmt::format("a mean along an inner axis ({} x {} x {}); supported are axes "
                    "with nothing but 1 before them, as height and width",
                    view.outer, view.length, view.inner));
  const Shape in_shape = model_.tensor(in).shape;
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  if (view.inner == in_shape.channels) {
    emit(op, Mean{}, {in}, output_as(out, {1, 1, view.inner}));
  } else {
    emit(op, Mean{}, {reshaped(in, {view.length, 1, view.inner})},
         output_as(out, {1, 1, view.inner}));
  }
  finish_output(out);
  return {};
}

// The largest value along an axis: a pooling window as long as the axis.
Status TfliteReader::reduce_max(const RawOp& op) {
  ATML_TRY_STATUS(expect_counts(op, 2, 2));
  ATML_TRY(const int in, activation(op, 0));
  ATML_TRY(const AxisView view, reduced_axes(op));
  const Shape s = model_.tensor(in).shape;
  ATML_TRY(const int out, add_tensor(op.outputs[0]));
  MaxPool pool;
  pool.window.padding = Padding::kValid;
  int from = in;
  if (view.outer == 1 && view.inner == s.channels) {  // height and width as they are
    pool.window.kernel_h = s.height;
    pool.window.kernel_w = s.width;
    emit(op, pool, {from}, output_as(out, {1, 1, s.channels}));
  } else {
    from = reshaped(in, {view.outer, view.length, view.inner});
    pool.window.kernel_w = view.length;
    emit(op, pool, {from}, output_as(out, {view.outer, 1, view.inner}));
  }
  finish_output(out);
  return {};
}

}  // namespace atml::exchange
