// Engine: one Network laid out in memory for batches of a fixed size, with its parameters: forward
// and backward passes. It knows no data set, loss or optimiser. Everything is allocated at
// construction.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/random.h"
#include "network/network.h"
#include "train/crew.h"
#include "train/memory_plan.h"
#include "train/op.h"
#include "train/qat.h"
#include "train/weights.h"

namespace atml::train {

class Engine {
 public:
  /// `batch` is a multiple of kernels.lanes. The network must pass verify(). With a plan, both
  /// passes compute with rounded weights and activations (the parameters themselves stay as they
  /// are). `most_threads`: the most that set_threads() will ask for.
  Engine(const network::Network& network, int batch, const Kernels& kernels,
         const QuantisationPlan* plan = nullptr, int most_threads = 1);

  /// Threads that share the next passes, 1 .. most_threads. The results do not depend on it.
  void set_threads(int count);
  int threads() const { return crew_->size(); }
  int most_threads() const { return most_threads_; }
  /// Runs work(thread) on all of them at once.
  void on_all_threads(const std::function<void(int)>& work) { crew_->run(work); }

  /// Other ranges for the tensors that the plan of the constructor has ranges for.
  void set_ranges(const QuantisationPlan& plan);

  int batch() const { return batch_; }
  int groups() const { return batch_ / kernels_.lanes; }
  const Kernels& kernels() const { return kernels_; }
  const network::Network& network() const { return network_; }

  /// He et al. (ICCV 2015) normal kernels (the last layer: Glorot), gamma 1, beta and bias 0, mean
  /// 0, variance 1.
  void initialise(Rng rng);

  /// Flat parameters (kernels in TFLite's layouts, biases, gammas, betas), their gradients, and the
  /// running statistics. After writing to values() call values_changed().
  std::span<float> values() { return {parameters_.data(), parameter_count_}; }
  std::span<const float> gradients() const { return {gradients_.data(), parameter_count_}; }
  std::span<float> gradients() { return {gradients_.data(), parameter_count_}; }
  std::span<float> statistics() { return {statistics_.data(), statistics_count_}; }
  void values_changed() { values_changed_ = true; }
  /// The kernels among the parameters, which weight decay acts on.
  const std::vector<Slice>& decayed() const { return decayed_; }

  const Tensor& input() const { return *tensor_of_[0]; }
  const Tensor& output() const { return *tensor_of_.back(); }

  /// `noise` seeds dropout and is the same in both passes of a batch.
  void forward(bool training, std::uint64_t noise = 0);
  /// Reads output().gradient (and reuses its memory: write it before each call), fills gradients().
  /// After a forward pass in training mode only.
  void backward();

  /// `values` with kernels rounded as the plan says (without a plan: as they are).
  std::vector<float> rounded(std::span<const float> values) const;

  /// The inverse of weights(): sets values() and statistics(). Fails where a size differs.
  Status set_weights(const Weights& weights);

  /// Parameters as Weights (layouts of weights.h), read from arrays shaped like values() and
  /// statistics().
  Weights weights(std::span<const float> values, std::span<const float> statistics) const;

 private:
  struct LayerSlices {
    Slice kernel, bias, gamma, beta, mean, variance;
    int fan_in = 0, fan_out = 0;
  };
  void count_parameters();
  int fused_activation(const std::vector<std::vector<int>>& readers, int layer) const;
  void choose_tensors();
  void require_halos(std::vector<Halo>& halos) const;
  void lay_out(const std::vector<Halo>& halos);
  void build_ops();
  void allocate();
  void share_gradient(std::vector<TensorUse>& uses, int segment) const;
  void clear_halo(const Tensor& tensor, const Pass& pass) const;
  void add_rounding(int layer);
  void round_weights(float* values) const;
  void build_op(int layer, const std::vector<GradientTarget>& targets);
  ConvSpec conv_spec(int layer) const;
  Pass make_pass(bool training, std::uint64_t noise, int worker) const;
  void forward_share(const Pass& pass, bool pack);
  void backward_share(const Pass& pass);
  bool takes_part(std::size_t op, const Pass& pass) const;

  network::Network network_;
  const Kernels& kernels_;
  int batch_;
  int most_threads_;
  std::unique_ptr<Crew> crew_;

  std::vector<LayerSlices> slices_;
  std::size_t parameter_count_ = 0;
  std::size_t statistics_count_ = 0;
  std::vector<Slice> decayed_;

  std::vector<int> alias_;       // layer -> the layer whose tensor it uses
  std::vector<bool> trained_;    // layer: its output depends on a parameter
  std::vector<Tensor> tensors_;  // one per layer, unused where aliased
  std::vector<const Tensor*> tensor_of_;
  std::vector<std::unique_ptr<Op>> ops_;  // in execution order
  std::vector<int> op_layer_;
  std::vector<bool> op_rounds_;  // step: rounds the output of its layer in place
  std::vector<Segment> segments_;
  std::vector<bool> recomputed_;  // step: its output must be written again before backward
  std::vector<std::vector<const Tensor*>>
      to_clear_;  // segment: gradients that begin their life there

  Buffer memory_{0};
  Buffer parameters_{0};
  Buffer gradients_{0};
  Buffer statistics_{0};
  std::optional<QuantisationPlan> plan_;
  std::vector<ActivationRange> ranges_;  // layer: what its rounding step uses
  Buffer rounded_{0};                    // parameters with rounded kernels
  bool values_changed_ = true;
  std::uint64_t noise_ = 0;
};

}  // namespace atml::train
