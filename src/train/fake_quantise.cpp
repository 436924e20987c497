// Rounding to int8 inside the forward pass (see qat.h).
#include "train/fake_quantise.h"

#include <algorithm>
#include <cmath>

#include "train/op.h"

namespace atml::train {
namespace {

class FakeQuantiseOp : public Op {
 public:
  FakeQuantiseOp(float scale, int zero_point, const Tensor& tensor)
      : scale_(scale),
        zero_(static_cast<float>(zero_point)),
        tensor_(tensor),
        extent_(common_extent(tensor.layout, tensor.layout)) {}
  int channels() const override { return tensor_.layout.shape.channels; }
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c)
      pass.kernels->fake_quantise(extent_, tensor_.plane(c), scale_, zero_);
  }
  void backward(const Pass& pass, int first, int last) override {
    if (tensor_.gradient == nullptr) return;
    for (int c = first; c < last; ++c) {
      pass.kernels->fake_quantise_backward(extent_, tensor_.plane(c), tensor_.gradient_plane(c),
                                           scale_, zero_);
    }
  }

 private:
  float scale_, zero_;
  const Tensor& tensor_;
  Extent extent_;
};

}  // namespace

std::unique_ptr<Op> make_fake_quantise(float scale, int zero_point, const Tensor& tensor) {
  return std::make_unique<FakeQuantiseOp>(scale, zero_point, tensor);
}

void round_channel(float* w, std::ptrdiff_t stride, std::size_t count, int bits) {
  float most = 0;
  for (std::size_t i = 0; i < count; ++i)
    most = std::max(most, std::abs(w[static_cast<std::ptrdiff_t>(i) * stride]));
  const float levels = static_cast<float>((1 << (bits - 1)) - 1);
  if (!(most > 0)) return;
  const float step = most / levels;
  for (std::size_t i = 0; i < count; ++i) {
    float& v = w[static_cast<std::ptrdiff_t>(i) * stride];
    v = std::round(v / step) * step;
  }
}

}  // namespace atml::train
