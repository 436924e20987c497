#include "codegen/packable.h"

#include <utility>

#include "codegen/kernel_choice.h"
#include "codegen/packable_channels.h"
#include "codegen/packable_windows.h"
#include "codegen/packing_bounds.h"

namespace atml::codegen {

using namespace quantize;

namespace {

Op eased(const Int8Model& model, const Op& op, bool assume_live) {
  if (assume_live && all_zero(*filter_of(op))) return op;
  return with_packable_channels(model, op).value_or(op);
}

}  // namespace

Int8Model packable(const Int8Model& model, bool assume_live) {
  Int8Model result = model;
  for (Op& op : result.ops) {
    if (filter_of(op) == nullptr) continue;
    if (const auto other = with_packable_window(model, op)) {
      Op candidate = eased(model, *other, assume_live);
      if (is_packed(model, candidate, assume_live)) {
        op = std::move(candidate);
        continue;
      }
    }
    op = eased(model, op, assume_live);
  }
  return result;
}

}  // namespace atml::codegen
