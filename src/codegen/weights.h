// The constants of a firmware as named arrays in flash, in two forms with the same symbols,
// sections and sizes: C arrays, or one blob that an assembler file includes (.incbin), which takes
// milliseconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "codegen/kernel_choice.h"

namespace atml::codegen {

enum class ArrayType { kInt8, kUint8, kInt16, kInt32 };

struct ConstArray {
  std::string name;  // C identifier with prefix
  ArrayType type = ArrayType::kInt8;
  std::string bytes;  // little endian, padded with zeros to a multiple of 4
};

/// Weights of 4 bits, two a byte, the first in the low half (atml_nibbles.h); each in [-8, 7].
std::string pack_nibbles(const std::string& weights);
/// The stream of atml_packed_filter (atml_filters.h says its form; weights of 4 bits are packed)
/// and its multipliers (pairs, or one pair).
std::string pack_stream(const quantize::Int8Model& model, const quantize::Op& op);
/// The stream of atml_swar.h: channels of bias and chunks, each chunk as long as the sums of two
/// pixels are sure to stay in int16; weights of 4 bits two a byte, without chunks.
std::string pack_swar_stream(const quantize::Int8Model& model, const quantize::Op& op);
/// Each channel's word of a stream: 64 x folded bias + right shift - 1.
std::vector<std::int32_t> channel_words(const quantize::Int8Model& model, const quantize::Op& op);
std::string pack_pair_multipliers(const quantize::FilterParams& params, bool per_channel);
/// kDepthwisePacked: taps [channel][row][tap along x].
std::string pack_taps(const quantize::Op& op, const FilterShape& shape, bool transposed);
/// Its biases and factors, and the right shift that the short ones count from (atml_filters.h).
std::string pack_depthwise_bias(const quantize::Filter& filter, bool wide);
std::string pack_depthwise_factors(const quantize::FilterParams& params,
                                   const KernelChoice& choice);
int depthwise_right(const quantize::FilterParams& params, const KernelChoice& choice);

/// kDepthwiseRows: words of int16 pairs, see atml_rows_depthwise (atml_stream.h).
std::vector<std::int32_t> pack_row_taps(const quantize::Op& op, const FilterShape& shape);
std::vector<std::int32_t> pack_row_table(const quantize::Filter& filter,
                                         const quantize::FilterParams& params);

/// Biases with the zero point of the input folded in.
std::vector<std::int32_t> folded_bias(const quantize::Int8Model& model, const quantize::Op& op);

std::string int32_bytes(const std::vector<std::int32_t>& values);

/// "extern const ...;" for each array; the C definitions; the assembler file for blob `blob_path`;
/// the blob.
std::string declarations(const std::vector<ConstArray>& arrays, const std::string& section_macro);
std::string c_definitions(const std::vector<ConstArray>& arrays, const std::string& section_macro);
std::string assembly_definitions(const std::vector<ConstArray>& arrays,
                                 const std::string& blob_path);
std::string blob(const std::vector<ConstArray>& arrays);

}  // namespace atml::codegen
