// Op: one executable step of a network, forward and backward, and the tensors between steps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "network/network.h"
#include "train/kernels.h"
#include "train/layout.h"

namespace atml::train {

/// An activation and its gradient; the pointers are at interior (0, 0) of channel 0, group 0. The
/// channel pitches are those of the layout, or 0 where one channel's memory serves all channels in
/// turn (see memory_plan.h).
struct Tensor {
  Layout layout;
  float* value = nullptr;
  float* gradient = nullptr;  // null where nothing before it is trained
  std::ptrdiff_t value_channel = 0;
  std::ptrdiff_t gradient_channel = 0;

  Plane plane(int c) const { return {value + c * value_channel, layout.group, layout.row}; }
  Plane gradient_plane(int c) const {
    return {gradient + c * gradient_channel, layout.group, layout.row};
  }
};

/// A trained array inside the network's flat parameter vector.
struct Slice {
  std::size_t first = 0;
  std::size_t size = 0;
};

/// The flat arrays that all steps share; a step keeps Slices of them.
struct Parameters {
  float* value = nullptr;
  float* gradient = nullptr;
  float* statistics = nullptr;  // running means and variances of batch normalisation
};

struct Pass {
  const Kernels* kernels = nullptr;
  Parameters parameters;
  bool training = false;
  std::uint64_t noise = 0;      // seed of this batch's dropout
  bool weights_changed = true;  // since the last forward pass: packed copies must be made again
};

class Op {
 public:
  virtual ~Op() = default;

  /// The number of independent channel steps: forward(pass, 0, channels()) does it all. Steps that
  /// mix channels have 1. Neighbouring steps of equal channels() > 1 run channel by channel, each
  /// channel through all of them while its planes are in the cache.
  virtual int channels() const = 0;
  virtual void forward(const Pass& pass, int first, int last) = 0;
  /// Writes its output once more from its input, as in the forward pass of this batch, without side
  /// effects: before backward() where the output was not kept.
  virtual void recompute(const Pass& pass, int first, int last) { forward(pass, first, last); }
  /// Reads the gradient of its output; writes those of its parameters and of its inputs.
  virtual void backward(const Pass& pass, int first, int last) = 0;
};

/// Where a gradient goes: added where another reader of the same tensor has written before.
struct GradientTarget {
  bool wanted = false;
  bool accumulate = false;
};

// Factories, one source each. Tensors outlive the steps.

/// Convolution, depthwise and dense layers: a grouped convolution.
struct ConvSpec {
  network::Window window;
  int groups = 1;   // of channels; depthwise: all
  int filters = 1;  // outputs of one group
  Slice kernel;
  Slice bias;                       // size 0: none
  std::ptrdiff_t m_stride = 0;      // of the kernel array: next output of the group,
  std::ptrdiff_t k_stride = 1;      // next (kernel row, kernel column, input channel of the group),
  std::ptrdiff_t group_stride = 0;  // next group
};
Halo conv_input_halo(const network::Window& window, const Shape& in, const Shape& out);
Halo conv_gradient_halo(const network::Window& window, const Shape& in, const Shape& out);
std::unique_ptr<Op> make_conv(const Kernels& kernels, const ConvSpec& spec, const Tensor& in,
                              const Tensor& out, GradientTarget target);

struct NormSpec {
  Slice gamma, beta;     // of the parameters
  Slice mean, variance;  // of the statistics
  Act act = Act::kNone;
};
std::unique_ptr<Op> make_norm(const NormSpec& spec, const Tensor& in, const Tensor& out,
                              GradientTarget target);

std::unique_ptr<Op> make_activation(Act act, const Tensor& in, const Tensor& out,
                                    GradientTarget target);
std::unique_ptr<Op> make_max_pool(const network::Window& window, const Tensor& in,
                                  const Tensor& out, GradientTarget target);
std::unique_ptr<Op> make_average_pool(const network::Window& window, const Tensor& in,
                                      const Tensor& out, GradientTarget target);
std::unique_ptr<Op> make_global_average(const Tensor& in, const Tensor& out, GradientTarget target);
std::unique_ptr<Op> make_add(const Tensor& a, const Tensor& b, const Tensor& out,
                             GradientTarget target_a, GradientTarget target_b);
std::unique_ptr<Op> make_concat(std::vector<const Tensor*> in, const Tensor& out,
                                std::vector<GradientTarget> targets);
std::unique_ptr<Op> make_flatten(const Tensor& in, const Tensor& out, GradientTarget target);
std::unique_ptr<Op> make_dropout(float rate, int layer, const Tensor& in, const Tensor& out,
                                 GradientTarget target);
/// Rounds a tensor in place to what int8 holds; its gradient stops where a value was clipped.
std::unique_ptr<Op> make_fake_quantise(float scale, int zero_point, const Tensor& tensor);

}  // namespace atml::train
