// Weights in a prefix code, decoded while the layer runs: flash for instructions, by the user's
// choice (Options::compress_weights). Only dense layers, which use each weight once an inference.
//
// Rice codes (Golomb, IEEE Trans. Inf. Theory 12, 1966; Rice, JPL 79-22, 1979), one parameter a
// channel: optimal for weights whose frequencies fall geometrically with their size, as those of
// trained dense layers nearly do. Unlike a Huffman code (as in Han et al., Deep Compression, ICLR
// 2016) they need no table, and channels of different scale each get their own.
#pragma once

#include <string>
#include <vector>

#include "codegen/lowering.h"

namespace atml::codegen {

/// Bits of the longest code, which the kernel relies on.
constexpr int kLongestCode = 16;

/// The codes of atml_coded_filter (atml_filters.h), padded to words.
std::string pack_codes(const quantize::Int8Model& model, const quantize::Op& op);
/// Its multipliers: of every channel, or one.
std::string pack_multipliers(const quantize::FilterParams& params, bool per_channel);

/// Gives dense layers of 8-bit weights the coded kernel where it saves a sixteenth of their bytes
/// or more; none where all together would not pay for the decoder.
void compress_weights(const quantize::Int8Model& model, std::vector<Step>& steps);

}  // namespace atml::codegen
