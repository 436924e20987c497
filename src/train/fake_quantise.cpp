// Rounding to int8 inside the forward pass (see qat.h).
#include "train/fake_quantise.h"

#include <algorithm>
#include <cmath>

#include "train/op.h"

namespace atml::train {
namespace {

class FakeQuantiseOp : public Op {
 public:
  FakeQuantiseOp(const ActivationRange& range, const Tensor& tensor)
      : range_(range), tensor_(tensor), extent_(common_extent(tensor.layout, tensor.layout)) {}
  int channels() const override { return tensor_.layout.shape.channels; }
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c)
      pass.kernels->fake_quantise(extent_, tensor_.plane(c), range_.scale, zero());
  }
  void backward(const Pass& pass, int first, int last) override {
    if (tensor_.gradient == nullptr) return;
    for (int c = first; c < last; ++c) {
      pass.kernels->fake_quantise_backward(extent_, tensor_.plane(c), tensor_.gradient_plane(c),
                                           range_.scale, zero());
    }
  }

 private:
  float zero() const { return static_cast<float>(range_.zero_point); }
  const ActivationRange& range_;
  const Tensor& tensor_;
  Extent extent_;
};

template <class T>
T squared_error(const T* w, std::ptrdiff_t stride, std::size_t count, T step, T bound) {
  T sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const T v = w[static_cast<std::ptrdiff_t>(i) * stride];
    const T error = v - std::clamp(std::round(v / step), -bound, bound) * step;
    sum += error * error;
  }
  return sum;
}

template <class T>
T step_of(const T* w, std::ptrdiff_t stride, std::size_t count, int bits) {
  T most = 0;
  for (std::size_t i = 0; i < count; ++i)
    most = std::max(most, std::abs(w[static_cast<std::ptrdiff_t>(i) * stride]));
  const T bound = static_cast<T>((1 << (bits - 1)) - 1);
  const T widest = most / bound;
  if (bits > 4 || !(most > 0)) return widest;
  T best = widest, best_error = squared_error(w, stride, count, widest, bound);
  for (const T share : {T(0.875), T(0.75), T(0.625)}) {
    const T error = squared_error(w, stride, count, widest * share, bound);
    if (error >= best_error) continue;
    best = widest * share;
    best_error = error;
  }
  return best;
}

}  // namespace

std::unique_ptr<Op> make_fake_quantise(const ActivationRange& range, const Tensor& tensor) {
  return std::make_unique<FakeQuantiseOp>(range, tensor);
}

double weight_step(const double* w, std::ptrdiff_t stride, std::size_t count, int bits) {
  return step_of(w, stride, count, bits);
}
float weight_step(const float* w, std::ptrdiff_t stride, std::size_t count, int bits) {
  return step_of(w, stride, count, bits);
}

void round_channel(float* w, std::ptrdiff_t stride, std::size_t count, int bits) {
  const float step = weight_step(w, stride, count, bits);
  if (!(step > 0)) return;
  const auto bound = static_cast<float>((1 << (bits - 1)) - 1);
  for (std::size_t i = 0; i < count; ++i) {
    float& v = w[static_cast<std::ptrdiff_t>(i) * stride];
    v = std::clamp(std::round(v / step), -bound, bound) * step;
  }
}

}  // namespace atml::train
