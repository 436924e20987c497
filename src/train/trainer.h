// Trainer: trains one Network on one Dataset in float32, one epoch at a time, on the calling
// thread. Not thread safe; a search runs several Trainers in parallel, one a thread (there is no
// shared state).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/stop.h"
#include "data/dataset.h"
#include "network/network.h"
#include "train/augment.h"
#include "train/qat.h"
#include "train/weights.h"

namespace atml::train {

/// AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019. SGD: with
/// Nesterov momentum (Sutskever et al., ICML 2013), weight decay added to the gradient.
/// In both, weight decay acts on kernels only, not on biases and batch normalisation.
enum class Optimizer { kSgd, kAdamW };

/// Both are described at learning_rate() in optimiser.h.
enum class Schedule { kCosine, kOneCycle };

struct Settings {
  Optimizer optimizer = Optimizer::kAdamW;
  Schedule schedule = Schedule::kCosine;
  double learning_rate = 3e-3;        // > 0; peak of the schedule
  double weight_decay = 1e-4;         // >= 0
  double momentum = 0.9;              // SGD: momentum; AdamW: beta1. [0, 1)
  int batch_size = 32;                // >= 1; rounded up to a multiple of 16 on every machine
  int epochs = 10;                    // >= 1; length of the whole schedule, not of one call
  double warmup_epochs = 1;           // >= 0; shortened to half of the schedule where it is longer
  double label_smoothing = 0;         // [0, 1); classification only
  double gradient_clip = 0;           // largest global L2 norm of the gradient; 0: off
  Augmentation augmentation;          // feature vectors (1x1xn) are never augmented
  double mixup = 0;                   // parameter of the Beta distribution, 0 (off) .. 1
  std::vector<double> class_weights;  // classification: one a class, >= 0; empty: all 1. The loss
                                      // of a sample counts so many times
  double ema_decay = 0;  // weight averaging a step, e.g. 0.998; 0: off. evaluate(), predict() and
                         // weights() then use the averaged weights
  /// Weights are rounded in every forward pass from the start, to the bits of their layer: for
  /// layers of 4 bits, which lose too much when they are rounded after training only.
  bool round_weights = false;
  double teacher_weight = 0.5;  // 0 .. 1: of the teacher's part of the loss, see set_teacher()
  double temperature = 2;       // > 0: softens teacher and student
  int most_threads = 1;         // >= 1: that set_threads() may ask for
  std::uint64_t seed = 0;       // of initial weights, order of samples, augmentation and dropout
};

/// Weights that count every class alike: samples / (classes x samples of the class).
std::vector<double> balanced_class_weights(const data::Dataset& dataset);

struct EpochReport {
  int epoch = 0;  // 0, 1, 2, ...
  double train_loss =
      0;  // mean over the epoch's batches, as they were trained (augmented, smoothed)
  double train_metric = 0;  // the same batches' metric, see Evaluation
  std::size_t steps = 0;    // of the optimiser
  double seconds = 0;       // wall time
};

/// kDiverged: the loss or a weight became NaN or infinite, or the loss stays more than 20 times
/// above its start. The Trainer must not be used further after it. kStopped: the epoch was
/// abandoned.
enum class TrainEnd { kOk, kDiverged, kStopped };

struct Evaluation {
  double loss = 0;    // cross-entropy in nats without smoothing, or mean squared error
  double metric = 0;  // higher is better. Classification: accuracy 0..1; regression: R2 over all
                      // outputs; anomaly (autoencoder, target = normalised input): -mse
  std::size_t samples = 0;
};

class Trainer {
 public:
  /// Copies the network; the dataset must outlive the Trainer. Fails where the network does not
  /// suit the data set (input shape, number of outputs), the train split is empty or without
  /// labels, or a setting is out of range.
  static Result<std::unique_ptr<Trainer>> create(const network::Network& network,
                                                 const data::Dataset& dataset,
                                                 const Settings& settings);
  /// Starts from given weights (of the same network: warm start) instead of random ones; with a
  /// plan the forward pass rounds as the int8 model does: quantisation-aware fine tuning (qat.h),
  /// also in evaluate() and predict(). weights() stay float. The optimiser's moments and the
  /// schedule start anew.
  static Result<std::unique_ptr<Trainer>> create_from(const network::Network& network,
                                                      const data::Dataset& dataset,
                                                      const Settings& settings,
                                                      const Weights& start,
                                                      const QuantisationPlan* plan = nullptr);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Threads that share the work from now on, 1 .. Settings::most_threads. No result depends on it.
  void set_threads(int count);

  /// Other activation ranges for the tensors that the plan of create_from() has ranges for. The
  /// trainer is then one that was created with them: checkpoints belong to the new plan.
  void set_ranges(const QuantisationPlan& plan);

  /// Knowledge distillation: from now on training also follows the outputs of a trained network for
  /// the same (augmented) samples. Fails where the teacher does not suit the data set or its
  /// weights. To be called again before restore() of a checkpoint taken under it.
  Status set_teacher(const network::Network& network, const Weights& weights);

  /// Trains one epoch (every training sample at least once; the last batch is filled from the start
  /// of the epoch's order). A stop request is obeyed within one batch; the state is then that of
  /// the epoch's start, so that a repetition gives the same bits as an epoch that was never
  /// stopped. Beyond Settings::epochs the learning rate stays at its last value.
  TrainEnd run_epoch(const StopToken& stop, EpochReport& report);
  int epochs_done() const;

  /// Inference mode (running statistics of batch normalisation, no dropout); any size of split. An
  /// empty split, or one without labels, gives metric 0 and samples 0.
  Evaluation evaluate(const data::Split& split);
  /// samples x outputs, row after row: logits, values, or the reconstruction (HWC).
  std::vector<float> predict(const data::Split& split);

  /// The numbers evaluate() uses, layouts as weights.h says.
  Weights weights() const;
  /// The same with kernels rounded as the forward pass rounds them: what fine tuning has trained.
  /// Without a plan: weights().
  Weights rounded_weights() const;

  /// The complete state as bytes, versioned and checksummed: a Trainer created with the same
  /// network, data set and settings goes on bit-identically after restore(), on a machine of the
  /// same lanes().
  std::string checkpoint() const;
  /// Fails where the bytes are damaged, of another version, or of another network or settings; the
  /// Trainer is then unchanged.
  Status restore(std::string_view bytes);

  /// Samples in one SIMD vector on this machine: 16 (AVX-512), 8 (AVX2) or 4.
  int lanes() const;

 private:
  struct Impl;
  explicit Trainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace atml::train
