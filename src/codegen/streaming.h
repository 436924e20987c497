// Row streaming: which operators run together, row by row over line buffers, and what that needs.
// runtime/kernels/stream.c is the machine that runs a group; simulate() here is the same machine.
#pragma once

#include <cstdint>
#include <vector>

#include "codegen/kernel_choice.h"
#include "codegen/overlap.h"

namespace atml::codegen {

/// An activation as a group sees it.
struct StreamBuffer {
  int tensor = 0;
  bool given = false;  // whole, there before the group starts
  bool line = false;   // only `capacity` rows are held; else it is whole
  int capacity = 0;    // rows
  int height = 0;
  std::int64_t row_bytes = 0;
};

struct StreamStage {
  int op = 0;
  std::vector<int> inputs;              // buffers; at most 2
  int output = 0;                       // buffer
  int stride = 1, pad = 0, extent = 1;  // of the window along the rows
  std::int64_t scratch = 0;             // bytes
};

/// Operators first_op .. last_op, both included. "Parts" number the line buffers' and stages'
/// memory: part b is buffer b, part buffers.size() + s the scratch of stage s.
struct StreamGroup {
  int first_op = 0, last_op = 0;
  std::vector<StreamBuffer> buffers;
  std::vector<StreamStage> stages;
  std::int64_t sums = 0;  // bytes of the int32 sums of a global average that ends the group, or 0

  // What the simulation found.
  std::vector<std::vector<bool>> together;  // parts that hold something at one moment
  std::int64_t peak = 0;                    // bytes of all parts at the worst moment
  std::int64_t moved = 0;                   // bytes that line buffers shift in all
  std::int64_t rows = 0;                    // rows computed in all
  struct OverInput {
    int input = 0, output = 0;  // buffers: given and whole
    Overlap rule;
  };
  std::vector<OverInput> over_inputs;  // outputs that may grow over a given activation

  std::size_t part_of_scratch(std::size_t stage) const { return buffers.size() + stage; }
};

/// The kernel that computes one operator row by row: another one for depthwise and global average.
/// kNone where it cannot be streamed.
KernelChoice row_kernel(const quantize::Int8Model& model, const quantize::Op& op,
                        const KernelChoice& choice);

/// The group of these operators; false where they cannot be streamed or nothing is saved.
bool make_group(const quantize::Int8Model& model, const std::vector<KernelChoice>& choices,
                int first_op, int last_op, StreamGroup& group);

/// Instructions (Cortex-M4) that streaming costs beside the same operators one after another: an
/// estimate to rank plans by (see streaming.cpp). Nothing is computed
/// twice; the price is row-wise depthwise kernels, shifts and calls.
std::int64_t streaming_price(const quantize::Int8Model& model, const StreamGroup& group);

/// The least that this operator adds to the price of any group it is in.
std::int64_t least_streaming_price(const quantize::Int8Model& model, int op,
                                   const KernelChoice& row_kernel);

}  // namespace atml::codegen
