// Bit-exactness: the reference interpreter, the C on the host (plain and under sanitizers) and the
// C on the emulated part run the same samples, and every output byte is compared.
#pragma once

#include "codegen/firmware.h"
#include "data/dataset.h"
#include "quantize/model.h"
#include "report/report_data.h"
#include "target/target.h"

namespace atml::search {

inline constexpr std::size_t kVerifySamples = 200;

/// `options`: of the firmware that is shipped, so that the very same C is run. Runs the first
/// kVerifySamples of a split (all of a smaller one, then seeded random inputs up to that number). A
/// difference is an answer (equal = false, with the first place); an Error means a missing tool.
Result<report::BitExactness> verify_bit_exact(const quantize::Int8Model& model,
                                              const target::Target& target,
                                              const codegen::Options& options,
                                              const data::Dataset& dataset,
                                              const data::Split& split);

}  // namespace atml::search
