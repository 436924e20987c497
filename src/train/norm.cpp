// Batch normalisation (Ioffe and Szegedy, ICML 2015) with the activation that follows it, per
// channel.
//
// Notation: x input, N numbers a channel, s = gamma / sqrt(variance + epsilon), z = s (x - mean) +
// beta, y = act(z), dz = act'(z) dy.
//   dbeta = sum dz,  dgamma = sum dz (x - mean) / sqrt(variance + epsilon)
//   dx = s (dz - dbeta / N - (x - mean) / sqrt(variance + epsilon) * dgamma / N)
// z is recomputed from x in the backward pass rather than stored. With frozen statistics, as after
// folding into a convolution, the mean and variance are the running ones and dx = s dz.
#include <algorithm>
#include <cmath>

#include "train/op.h"
#include "train/weights.h"

namespace atml::train {
namespace {

// Part of the old running statistics that a batch keeps.
constexpr double kStatisticsMomentum = 0.9;

class NormOp : public Op {
 public:
  NormOp(const NormSpec& spec, const Tensor& in, const Tensor& out, GradientTarget target)
      : spec_(spec),
        in_(in),
        out_(out),
        target_(target),
        extent_(common_extent(in.layout, out.layout)),
        count_(static_cast<double>(extent_.groups) * extent_.rows * extent_.cols * in.layout.lanes),
        channels_(static_cast<std::size_t>(in.layout.shape.channels)) {}

  int channels() const override { return in_.layout.shape.channels; }

  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c) {
      const auto i = static_cast<std::size_t>(c);
      if (pass.training && !pass.frozen_statistics) {
        measure(pass, c);
      } else {
        channels_[i].mean = pass.parameters.statistics[spec_.mean.first + i];
        channels_[i].variance = pass.parameters.statistics[spec_.variance.first + i];
      }
      const double mean = channels_[i].mean;
      const double variance = channels_[i].variance;
      const double inverse = 1 / std::sqrt(variance + kBatchNormEpsilon);
      const double scale = pass.parameters.value[spec_.gamma.first + i] * inverse;
      const double shift = pass.parameters.value[spec_.beta.first + i] - mean * scale;
      channels_[i].inverse = inverse;
      channels_[i].scale = static_cast<float>(scale);
      channels_[i].shift = static_cast<float>(shift);
      recompute(pass, c, c + 1);
    }
  }

  void recompute(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c) {
      const Channel& k = channels_[static_cast<std::size_t>(c)];
      pass.kernels->affine(extent_, in_.plane(c), out_.plane(c), k.scale, k.shift, spec_.act);
    }
  }

  void backward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const Channel& k = channels_[i];
      NormBackward n;
      n.scale = k.scale;
      n.shift = k.shift;
      n.mean = static_cast<float>(k.mean);
      n.act = spec_.act;
      n.accumulate = target_.accumulate;
      double sum = 0, product = 0;
      pass.kernels->norm_backward_sums(extent_, in_.plane(c), out_.gradient_plane(c), n, &sum,
                                       &product);
      pass.parameters.gradient[spec_.beta.first + i] = static_cast<float>(sum);
      pass.parameters.gradient[spec_.gamma.first + i] = static_cast<float>(product * k.inverse);
      if (!target_.wanted) continue;
      if (!pass.frozen_statistics) {  // else mean and variance do not depend on x
        const double slope =
            -static_cast<double>(k.scale) * k.inverse * k.inverse * product / count_;
        n.slope = static_cast<float>(slope);
        n.offset =
            static_cast<float>(-slope * k.mean - static_cast<double>(k.scale) * sum / count_);
      }
      pass.kernels->norm_backward(extent_, in_.plane(c), out_.gradient_plane(c),
                                  in_.gradient_plane(c), n);
    }
  }

 private:
  struct Channel {
    double mean = 0, variance = 1, inverse = 1;
    float scale = 1, shift = 0;
  };

  void measure(const Pass& pass, int c) {
    const auto i = static_cast<std::size_t>(c);
    const Plane x = in_.plane(c);
    // One pass over the data: squares about a sample's value instead of about zero, so that a mean
    // far from zero does not cancel the variance.
    const float about = x.data[0];
    double sum = 0, squares = 0;
    pass.kernels->moments(extent_, x, about, &sum, &squares);
    const double offset = sum / count_;
    const double variance = std::max(squares / count_ - offset * offset, 0.0);
    channels_[i].mean = about + offset;
    channels_[i].variance = variance;
    float& mean = pass.parameters.statistics[spec_.mean.first + i];
    float& running = pass.parameters.statistics[spec_.variance.first + i];
    const double unbiased = variance * (count_ > 1 ? count_ / (count_ - 1) : 1);
    mean = static_cast<float>(kStatisticsMomentum * mean +
                              (1 - kStatisticsMomentum) * channels_[i].mean);
    running =
        static_cast<float>(kStatisticsMomentum * running + (1 - kStatisticsMomentum) * unbiased);
  }

  NormSpec spec_;
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
  Extent extent_;
  double count_;
  std::vector<Channel> channels_;
};

}  // namespace

std::unique_ptr<Op> make_norm(const NormSpec& spec, const Tensor& in, const Tensor& out,
                              GradientTarget target) {
  return std::make_unique<NormOp>(spec, in, out, target);
}

}  // namespace atml::train
