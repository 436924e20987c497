// Memory plan: what each activation and gradient of a network needs, and where it lies.
//
// Tiny networks are limited by the memory they touch, so as little as possible is touched:
// * A tensor that is written and read inside one segment (neighbouring channel-wise steps, which
// run
//   channel by channel) has memory for one channel only (a worker): it stays in the nearest cache.
//   Its values are computed again in the backward pass.
// * Gradients live from their first writer to the step that consumes them, and share memory
// otherwise.
#pragma once

#include <cstddef>
#include <vector>

#include "train/op.h"

namespace atml::train {

/// Steps [first, last) that run channel by channel, or one step that mixes channels.
struct Segment {
  std::size_t first = 0;
  std::size_t last = 0;
  int channels = 1;
};
std::vector<Segment> group_segments(const std::vector<std::unique_ptr<Op>>& ops);

/// How one tensor is used, by segment. A tensor that no step writes (the input) has writer -1.
struct TensorUse {
  bool used = false;      // false: an alias of another
  bool trained = false;   // has a gradient
  bool kept = false;      // the network's input or output: never for one channel only
  int writer = -1;        // segment
  int first_reader = -1;  // segments, -1: none
  int last_reader = -1;
  int gradient_over = -1;  // tensor over whose gradient this one's is written, channel by channel

  bool internal(const std::vector<Segment>& segments) const {
    return !kept && writer >= 0 && first_reader == writer && last_reader == writer &&
           segments[static_cast<std::size_t>(writer)].channels > 1;
  }
};

/// Sets the pointers and slots of the tensors into one new Buffer, for passes by up to `workers`.
Buffer place_tensors(const std::vector<TensorUse>& uses, const std::vector<Segment>& segments,
                     int workers, std::vector<Tensor>& tensors);

}  // namespace atml::train
