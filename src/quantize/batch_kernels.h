// What the batch evaluator asks of one instruction set: plain structs and function pointers, so
// that the files compiled for AVX2 or AVX-512 instantiate no template that others could link to.
// Private to quantize.
//
// Layout of an activation of `lanes` samples: [position][channel / 4][lane][channel % 4], each byte
// q + 128. One vector register holds four channels of `lanes` samples at one position: a "block" of
// 4 x lanes bytes. Bytes of channels past the last one have any value; their weights are zero.
#pragma once

#include <cstdint>

namespace atml::quantize::batch {

/// A requantisation factor, shifts split: left applied before the multiplication, right after it.
struct Scale {
  std::int32_t mantissa = 0;
  std::int32_t left = 0;
  std::int32_t right = 0;
};

/// Convolution, dense (a kernel as large as the input) and depthwise. Offsets are in blocks from
/// `in`; kPadding stands for a tap outside the input.
inline constexpr std::int32_t kPadding = -1;

struct FilterCall {
  const std::uint8_t* in = nullptr;
  const std::uint8_t* padding = nullptr;  // in_quads blocks of zero point + 128
  std::uint8_t* out = nullptr;
  const std::int32_t* offsets = nullptr;  // [position][tap]
  std::int64_t positions = 0;
  int taps = 0;
  int in_quads = 0;
  int out_quads = 0;
  /// Convolution: [out quad][tap][in quad][4 outputs][words]; depthwise: [tap][output][words], the
  /// weight at the byte of the input channel and zeros at the other three.
  const std::int32_t* weights = nullptr;
  const std::int32_t* quads = nullptr;  // depthwise: the input quad of each output
  const std::int32_t* bias =
      nullptr;                    // one an output, corrected for the offset of 128 + zero point
  const Scale* scales = nullptr;  // one an output
  bool single_rounding = false;
  int output_offset = 0;
  int low = -128;
  int high = 127;
};

struct PoolCall {
  const std::uint8_t* in = nullptr;
  std::uint8_t* out = nullptr;
  const std::int32_t* offsets = nullptr;  // [position][tap]
  std::int64_t positions = 0;
  int taps = 0;
  int quads = 0;
  int low = -128;
  int high = 127;
};

struct AddCall {
  const std::uint8_t* in_1 = nullptr;
  const std::uint8_t* in_2 = nullptr;
  std::uint8_t* out = nullptr;
  std::int64_t blocks = 0;
  int offset_1 = 0, offset_2 = 0, left_shift = 20;
  Scale input_1, input_2, output;
  bool single_rounding = false;
  int output_offset = 0;
  int low = -128;
  int high = 127;
};

struct Kernels {
  int lanes;
  int words;  // 32-bit words that hold four weights: 1 (bytes) or 2 (even and odd as int16 pairs)
  void (*conv)(const FilterCall&);
  void (*depthwise)(const FilterCall&);
  void (*max_pool)(const PoolCall&);
  void (*average_pool)(const PoolCall&);
  void (*add)(const AddCall&);
};

const Kernels& portable_kernels();
#if defined(ATML_HAVE_X86_KERNELS)
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
#endif

}  // namespace atml::quantize::batch
