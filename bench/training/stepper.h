// What the parts of the training benchmark share: options, clocks, and a network that takes steps.
#pragma once

#include <algorithm>
#include <ctime>
#include <string>
#include <vector>

#include "train/denormals.h"
#include "train/engine.h"
#include "train/loss.h"
#include "train/optimiser.h"

namespace atml::bench {

struct Options {
  std::string peer;
  std::string json;
  std::string only;  // networks whose names contain it
  int repetitions = 5;
  double seconds = 0.5;
  bool layers = true;
  bool threads = false;
  bool seeds = false;
};

/// The kernels that are measured: the processor's best, or those that --kernels names.
inline const train::Kernels*& measured_kernels() {
  static const train::Kernels* chosen = &train::best_kernels();
  return chosen;
}

inline double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

inline double median(std::vector<double> v) {
  std::ranges::sort(v);
  return v[v.size() / 2];
}

// Floating-point operations of a training step for one sample: forward, weight and data gradients
// of every layer, without the data gradient of the first.
inline double flops(const network::Network& net) {
  double first = 0;
  for (int i = 0; i < net.size() && first == 0; ++i) first = static_cast<double>(net.macs(i).value);
  return 6 * static_cast<double>(net.macs().value) - 2 * first;
}

inline double wall_seconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// One network with random data, ready to take training steps.
class Stepper {
 public:
  Stepper(const network::Network& net, int batch, int threads = 1)
      : classes_(static_cast<int>(net.output_shape().elements())),
        engine_(net, batch, *measured_kernels(), nullptr, threads),
        optimiser_(train::Settings{}),
        loss_(data::Task::kClassification, classes_, 0),
        score_(data::Task::kClassification, classes_) {
    engine_.set_threads(threads);
    engine_.initialise(Rng(1));
    optimiser_.prepare(engine_.values().size(), state_);
    Rng rng(2);
    const train::Layout& l = engine_.input().layout;
    for (int ch = 0; ch < l.shape.channels; ++ch)
      for (int g = 0; g < l.groups; ++g)
        for (int y = 0; y < l.shape.height; ++y)
          for (int x = 0; x < l.shape.width * l.lanes; ++x)
            engine_.input().value[l.at(ch, g, y, 0) + x] = static_cast<float>(rng.normal());
    for (int i = 0; i < batch; ++i) {
      split_.labels.push_back(rng.integer(0, classes_ - 1));
      indices_.push_back(static_cast<std::size_t>(i));
    }
  }
  void step() {
    engine_.forward(true);
    loss_.run(engine_, split_, indices_, indices_.size(), true, {}, {}, score_);
    engine_.backward();
    optimiser_.step(engine_, state_, 1e-3);
  }
  void passes() {  // forward and backward with whatever gradient is there
    engine_.forward(true);
    engine_.backward();
  }

 private:
  int classes_;
  train::Engine engine_;
  train::Optimiser optimiser_;
  train::State state_;
  train::Loss loss_;
  train::Score score_;
  data::Split split_;
  std::vector<std::size_t> indices_;
};

// Calls of `work` a second of the clock, the median of the repetitions.
template <class Clock, class Work>
double rate_of(const Options& o, Clock clock, Work work) {
  const train::FlushDenormals flush;
  for (int i = 0; i < 10; ++i) work();
  std::vector<double> rates;
  for (int r = 0; r < o.repetitions; ++r) {
    const double start = clock();
    int count = 0;
    do {
      work();
      ++count;
    } while (clock() - start < o.seconds);
    rates.push_back(count / (clock() - start));
  }
  return median(rates);
}

}  // namespace atml::bench
