// Op: one executable step of a network, forward and backward, and the tensors between steps.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "network/network.h"
#include "train/kernels.h"
#include "train/layout.h"
#include "train/qat.h"

namespace atml::train {

/// An activation and its gradient; the pointers are at interior (0, 0) of channel 0, group 0.
struct Tensor {
  Layout layout;
  float* value = nullptr;
  float* gradient = nullptr;  // null where nothing before it is trained
  int slots = 0;  // 0: every channel has its memory; else the memory of `slots` channels serves all
                  // in turn, channel c that of c mod slots (see memory_plan.h)

  Plane plane(int c) const { return {value + offset(c), layout.group, layout.row}; }
  Plane gradient_plane(int c) const { return {gradient + offset(c), layout.group, layout.row}; }

 private:
  std::ptrdiff_t offset(int c) const {
    return (slots == 0 ? c : slots == 1 ? 0 : c % slots) * layout.channel;
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
  bool frozen_statistics = false;  // batch normalisation uses and keeps the running statistics
  std::uint64_t noise = 0;         // seed of this batch's dropout
  int worker = 0;                  // of the crew that runs the pass
  int workers = 1;
};

/// The part of `count` things that one of the workers does: [first, last).
struct Share {
  int first = 0;
  int last = 0;
};
inline Share share_of(const Pass& pass, int count) {
  return {count * pass.worker / pass.workers, count * (pass.worker + 1) / pass.workers};
}

class Op {
 public:
  virtual ~Op() = default;

  /// The number of independent channel steps: forward(pass, 0, channels()) does it all. Steps that
  /// mix channels have 1. Neighbouring steps of equal channels() > 1 run channel by channel, each
  /// channel through all of them while its planes are in the cache.
  virtual int channels() const = 0;
  /// Steps that mix channels: whether each worker of the crew does its share of forward() and
  /// backward() (outputs are shared out, never sums, so that the result does not depend on the
  /// number of workers). Otherwise worker 0 does all.
  virtual bool shared() const { return false; }
  /// Copies of the weights in the order in which the passes read them: after every change of the
  /// weights before forward(), and before backward().
  virtual void pack(const Pass&) {}
  virtual void pack_backward(const Pass&) {}
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
/// For passes by up to `workers`.
std::unique_ptr<Op> make_conv(const Kernels& kernels, const ConvSpec& spec, const Tensor& in,
                              const Tensor& out, GradientTarget target, int workers);

/// Whether a convolution can be done as winograd.cpp does it, and where that was measured to be
/// faster. `direct` does what it leaves: the gradients of weights and bias.
bool winograd_applies(const ConvSpec& spec, const Tensor& in);
bool winograd_is_faster(const Kernels& kernels, const ConvSpec& spec, const Tensor& in);
std::unique_ptr<Op> make_winograd(const Kernels& kernels, const ConvSpec& spec, const Tensor& in,
                                  const Tensor& out, GradientTarget target, int workers,
                                  std::unique_ptr<Op> direct);

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
/// `range` outlives the step and may change between passes.
std::unique_ptr<Op> make_fake_quantise(const ActivationRange& range, const Tensor& tensor);

}  // namespace atml::train
