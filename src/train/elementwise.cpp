// Steps without weights that treat every number alone: activation, add, concat, flatten, dropout.
#include "train/op.h"

namespace atml::train {
namespace {

// gradient of `from` (+)= that of `to`, channel by channel.
void pass_gradient(const Pass& pass, const Tensor& to, int to_channel, const Tensor& from,
                   int from_channel, GradientTarget target) {
  if (!target.wanted) return;
  pass.kernels->scale(common_extent(to.layout, from.layout), to.gradient_plane(to_channel),
                      from.gradient_plane(from_channel), 1, target.accumulate);
}

class ActivationOp : public Op {
 public:
  ActivationOp(Act act, const Tensor& in, const Tensor& out, GradientTarget target)
      : act_(act),
        in_(in),
        out_(out),
        target_(target),
        extent_(common_extent(in.layout, out.layout)) {}
  int channels() const override { return in_.layout.shape.channels; }
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c)
      pass.kernels->affine(extent_, in_.plane(c), out_.plane(c), 1, 0, act_);
  }
  void backward(const Pass& pass, int first, int last) override {
    if (!target_.wanted) return;
    NormBackward n;  // scale 1, shift 0, slope 0: dx = act'(x) dy
    n.act = act_;
    n.accumulate = target_.accumulate;
    for (int c = first; c < last; ++c) {
      pass.kernels->norm_backward(extent_, in_.plane(c), out_.gradient_plane(c),
                                  in_.gradient_plane(c), n);
    }
  }

 private:
  Act act_;
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
  Extent extent_;
};

class AddOp : public Op {
 public:
  AddOp(const Tensor& a, const Tensor& b, const Tensor& out, GradientTarget target_a,
        GradientTarget target_b)
      : a_(a), b_(b), out_(out), target_a_(target_a), target_b_(target_b) {
    extent_ = common_extent(a.layout, b.layout);
    if (!out.layout.rows_touch()) extent_ = common_extent(out.layout, out.layout);
  }
  int channels() const override { return out_.layout.shape.channels; }
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c)
      pass.kernels->add(extent_, a_.plane(c), b_.plane(c), out_.plane(c));
  }
  void backward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c) {
      pass_gradient(pass, out_, c, a_, c, target_a_);
      pass_gradient(pass, out_, c, b_, c, target_b_);
    }
  }

 private:
  const Tensor& a_;
  const Tensor& b_;
  const Tensor& out_;
  GradientTarget target_a_, target_b_;
  Extent extent_;
};

class ConcatOp : public Op {
 public:
  ConcatOp(std::vector<const Tensor*> in, const Tensor& out, std::vector<GradientTarget> targets)
      : in_(std::move(in)), out_(out), targets_(std::move(targets)) {}
  int channels() const override { return 1; }
  void forward(const Pass& pass, int, int) override {
    int to = 0;
    for (const Tensor* t : in_) {
      for (int c = 0; c < t->layout.shape.channels; ++c, ++to) {
        pass.kernels->scale(common_extent(t->layout, out_.layout), t->plane(c), out_.plane(to), 1,
                            false);
      }
    }
  }
  void backward(const Pass& pass, int, int) override {
    int from = 0;
    for (std::size_t i = 0; i < in_.size(); ++i) {
      for (int c = 0; c < in_[i]->layout.shape.channels; ++c, ++from) {
        pass_gradient(pass, out_, from, *in_[i], c, targets_[i]);
      }
    }
  }

 private:
  std::vector<const Tensor*> in_;
  const Tensor& out_;
  std::vector<GradientTarget> targets_;
};

// Copies (y, x, c) to channel (y * width + x) * channels + c of a 1 x 1 plane.
class FlattenOp : public Op {
 public:
  FlattenOp(const Tensor& in, const Tensor& out, GradientTarget target)
      : in_(in), out_(out), target_(target) {}
  int channels() const override { return 1; }
  void forward(const Pass& pass, int, int) override {
    each([&](Plane pixel, int c) { pass.kernels->scale(one(), pixel, out_.plane(c), 1, false); },
         false);
  }
  void backward(const Pass& pass, int, int) override {
    if (!target_.wanted) return;
    each(
        [&](Plane pixel, int c) {
          pass.kernels->scale(one(), out_.gradient_plane(c), pixel, 1, target_.accumulate);
        },
        true);
  }

 private:
  Extent one() const { return {in_.layout.groups, 1, 1}; }
  template <class Visit>
  void each(Visit visit, bool gradient) const {
    const Layout& l = in_.layout;
    int to = 0;
    for (int y = 0; y < l.shape.height; ++y) {
      for (int x = 0; x < l.shape.width; ++x) {
        for (int c = 0; c < l.shape.channels; ++c, ++to) {
          visit(Plane{(gradient ? in_.gradient : in_.value) + l.at(c, 0, y, x), l.group, l.row},
                to);
        }
      }
    }
  }
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
};

class DropoutOp : public Op {
 public:
  DropoutOp(float rate, int layer, const Tensor& in, const Tensor& out, GradientTarget target)
      : rate_(rate),
        layer_(layer),
        in_(in),
        out_(out),
        target_(target),
        extent_(common_extent(in.layout, out.layout)) {}
  int channels() const override { return in_.layout.shape.channels; }
  void forward(const Pass& pass, int first, int last) override {
    for (int c = first; c < last; ++c) {
      if (pass.training) {
        pass.kernels->dropout(extent_, in_.plane(c), out_.plane(c), rate_, seed(pass, c), false);
      } else {
        pass.kernels->scale(extent_, in_.plane(c), out_.plane(c), 1, false);
      }
    }
  }
  void backward(const Pass& pass, int first, int last) override {
    if (!target_.wanted) return;
    for (int c = first; c < last; ++c) {
      pass.kernels->dropout(extent_, out_.gradient_plane(c), in_.gradient_plane(c), rate_,
                            seed(pass, c), target_.accumulate);
    }
  }

 private:
  // Of batch, layer and channel: the backward pass draws the same mask again.
  std::uint32_t seed(const Pass& pass, int c) const {
    std::uint64_t h =
        pass.noise ^ (static_cast<std::uint64_t>(layer_) << 32 | static_cast<std::uint32_t>(c));
    h = (h ^ (h >> 31)) * 0x9e3779b97f4a7c15ull;
    return static_cast<std::uint32_t>(h >> 32);
  }
  float rate_;
  int layer_;
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
  Extent extent_;
};

}  // namespace

std::unique_ptr<Op> make_activation(Act act, const Tensor& in, const Tensor& out,
                                    GradientTarget target) {
  return std::make_unique<ActivationOp>(act, in, out, target);
}
std::unique_ptr<Op> make_add(const Tensor& a, const Tensor& b, const Tensor& out,
                             GradientTarget target_a, GradientTarget target_b) {
  return std::make_unique<AddOp>(a, b, out, target_a, target_b);
}
std::unique_ptr<Op> make_concat(std::vector<const Tensor*> in, const Tensor& out,
                                std::vector<GradientTarget> targets) {
  return std::make_unique<ConcatOp>(std::move(in), out, std::move(targets));
}
std::unique_ptr<Op> make_flatten(const Tensor& in, const Tensor& out, GradientTarget target) {
  return std::make_unique<FlattenOp>(in, out, target);
}
std::unique_ptr<Op> make_dropout(float rate, int layer, const Tensor& in, const Tensor& out,
                                 GradientTarget target) {
  return std::make_unique<DropoutOp>(rate, layer, in, out, target);
}

}  // namespace atml::train
