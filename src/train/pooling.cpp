// Maximum, average and global average pooling, per channel.
#include "train/op.h"

namespace atml::train {
namespace {

Pool pool_of(const network::Window& w, const Tensor& in, const Tensor& out) {
  const Shape& x = in.layout.shape;
  const Shape& y = out.layout.shape;
  return {
      in.layout.groups,   x.height,   x.width,    y.height,     y.width,      w.kernel_h,
      w.kernel_w,         w.stride_h, w.stride_w, w.dilation_h, w.dilation_w, w.pad_top(x.height),
      w.pad_left(x.width)};
}

class PoolOp : public Op {
 public:
  PoolOp(const network::Window& window, const Tensor& in, const Tensor& out, GradientTarget target)
      : pool_(pool_of(window, in, out)), in_(in), out_(out), target_(target) {}
  int channels() const override { return in_.layout.shape.channels; }
  void backward(const Pass& pass, int first, int last) override {
    if (!target_.wanted) return;
    for (int c = first; c < last; ++c) {
      // Windows may overlap or leave positions out: start from zero and add.
      if (!target_.accumulate) {
        const Plane p = in_.gradient_plane(c);
        pass.kernels->clear(p.data - in_.layout.origin,
                            static_cast<std::size_t>(in_.layout.groups * in_.layout.group));
      }
      scatter(pass, c);
    }
  }

 protected:
  virtual void scatter(const Pass& pass, int c) = 0;
  Pool pool_;
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
};

class MaxPoolOp : public PoolOp {
 public:
  using PoolOp::PoolOp;
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c) pass.kernels->max_pool(pool_, in_.plane(c), out_.plane(c));
  }

 private:
  void scatter(const Pass& pass, int c) override {
    pass.kernels->max_pool_backward(pool_, in_.plane(c), out_.plane(c), out_.gradient_plane(c),
                                    in_.gradient_plane(c));
  }
};

class AveragePoolOp : public PoolOp {
 public:
  using PoolOp::PoolOp;
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c)
      pass.kernels->average_pool(pool_, in_.plane(c), out_.plane(c));
  }

 private:
  void scatter(const Pass& pass, int c) override {
    pass.kernels->average_pool_backward(pool_, out_.gradient_plane(c), in_.gradient_plane(c));
  }
};

class GlobalAverageOp : public Op {
 public:
  GlobalAverageOp(const Tensor& in, const Tensor& out, GradientTarget target)
      : in_(in), out_(out), target_(target), extent_(common_extent(in.layout, in.layout)) {}
  int channels() const override { return in_.layout.shape.channels; }
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c)
      pass.kernels->global_average(extent_, in_.plane(c), out_.plane(c));
  }
  void backward(const Pass& pass, int first, int last) override {
    if (!target_.wanted) return;
    for (int c = first; c < last; ++c) {
      pass.kernels->global_average_backward(extent_, out_.gradient_plane(c), in_.gradient_plane(c),
                                            target_.accumulate);
    }
  }

 private:
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
  Extent extent_;
};

}  // namespace

std::unique_ptr<Op> make_max_pool(const network::Window& window, const Tensor& in,
                                  const Tensor& out, GradientTarget target) {
  return std::make_unique<MaxPoolOp>(window, in, out, target);
}
std::unique_ptr<Op> make_average_pool(const network::Window& window, const Tensor& in,
                                      const Tensor& out, GradientTarget target) {
  return std::make_unique<AveragePoolOp>(window, in, out, target);
}
std::unique_ptr<Op> make_global_average(const Tensor& in, const Tensor& out,
                                        GradientTarget target) {
  return std::make_unique<GlobalAverageOp>(in, out, target);
}

}  // namespace atml::train
