// Models of one operator (and streamed ones of two), from which what a runtime kernel costs in code
// and stack is read.
#pragma once

#include <string>
#include <vector>

#include "quantize/model.h"

namespace atml::bench {

/// Every kind of operator in the shapes that make the generator choose each of the runtime's
/// kernels, with weights of 8 and 4 bits, clamps and factors above one. All pass verify().
std::vector<quantize::Int8Model> single_probes(quantize::Rounding rounding);

/// Pairs of operators that stream row by row under Streaming::kOn.
std::vector<quantize::Int8Model> streamed_probes(quantize::Rounding rounding);

/// One table after the other, `count` of them: what one more operator adds.
quantize::Int8Model table_chain(int count, quantize::Rounding rounding);

/// A dense layer, alone or with a table behind it.
quantize::Int8Model dense_in_front(bool table, quantize::Rounding rounding);

/// A reshape alone: a firmware without any kernel.
quantize::Int8Model empty_model();

}  // namespace atml::bench
