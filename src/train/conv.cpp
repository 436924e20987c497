// Convolution, depthwise and dense layers as indirect matrix products: offset tables say where the
// window of each output position starts and where each tap lies, so that one inner loop serves
// every kernel, stride, dilation and padding, forward and backward.
//
//   forward    out[m][p]  = bias[m] + sum_k W[m][k] in[k_offset[k] + p]
//   data       for each phase (qy mod stride, qx mod stride) of input positions q the same product
//              over (tap of the phase, m), reading the output's gradient
//   weights    dW[m][k] = sum_p dout[m][p] in[k_offset[k] + p]
#include <algorithm>

#include "base/assert.h"
#include "train/op.h"

namespace atml::train {
namespace {

using network::Window;

int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// How far `size` positions of the gradient are overrun, before and after, when every input position
// collects from the outputs that its taps touch.
void gradient_overrun(int in, int out, int kernel, int stride, int dilation, int pad, int& before,
                      int& after) {
  for (int k = 0; k < kernel; ++k) {
    // Smallest and largest output index p with p * stride + k * dilation - pad inside the input, or
    // next to it.
    const int low = floor_div(pad - k * dilation + stride - 1, stride);
    const int high = floor_div(in - 1 + pad - k * dilation, stride);
    if (high < low) continue;
    before = std::max(before, -low);
    after = std::max(after, high - (out - 1));
  }
}

// One matrix product over all positions, for each group of channels.
struct Product {
  TileShape shape = TileShape::kWide;
  std::vector<std::int32_t> k_offset;
  std::vector<std::int32_t> m_offset;
  std::vector<Position> positions;
  std::vector<Run> runs;
  int in_step = 0, out_step = 0;
  std::vector<int> taps;  // backward: the taps of this phase
  std::unique_ptr<Buffer> packed;
  std::size_t packed_group = 0;

  int k() const { return static_cast<int>(k_offset.size()); }
  int rows() const { return static_cast<int>(m_offset.size()); }
  int most_rows(const Kernels& kernels) const {
    if (shape == TileShape::kSingle) return 1;
    return shape == TileShape::kTall ? kernels.tall_rows : kernels.wide_rows;
  }
  void finish(int groups) {
    shape = rows() == 1             ? TileShape::kSingle
            : positions.size() <= 4 ? TileShape::kTall
                                    : TileShape::kWide;
    if (shape == TileShape::kSingle) find_runs();
    packed_group = static_cast<std::size_t>(k()) * m_offset.size();
    packed = std::make_unique<Buffer>(packed_group * static_cast<std::size_t>(groups));
  }
  void find_runs() {
    if (positions.size() > 1) {
      in_step = positions[1].in - positions[0].in;
      out_step = positions[1].out - positions[0].out;
    }
    for (const Position& p : positions) {
      const bool follows = !runs.empty() && p.in == runs.back().in + runs.back().count * in_step &&
                           p.out == runs.back().out + runs.back().count * out_step;
      if (follows) {
        ++runs.back().count;
      } else {
        runs.push_back({p.in, p.out, 1});
      }
    }
  }
  Gemm gemm(int group) const {
    Gemm g;
    g.shape = shape;
    g.a = packed->data() + packed_group * static_cast<std::size_t>(group);
    g.k_offset = k_offset.data();
    g.m_offset = m_offset.data();
    g.positions = positions.data();
    g.k = k();
    g.rows = rows();
    g.position_count = static_cast<int>(positions.size());
    g.runs = runs.data();
    g.run_count = static_cast<int>(runs.size());
    g.in_step = in_step;
    g.out_step = out_step;
    return g;
  }
};

class ConvOp : public Op {
 public:
  ConvOp(const Kernels& kernels, const ConvSpec& spec, const Tensor& in, const Tensor& out,
         GradientTarget target, int workers)
      : spec_(spec),
        in_(in),
        out_(out),
        target_(target),
        inputs_(in.layout.shape.channels / spec.groups) {
    build_forward();
    if (target.wanted) build_backward();
    scratch_worker_ = dot_scratch(forward_.rows(), forward_.k(), kernels.lanes);
    scratch_ = std::make_unique<Buffer>(scratch_worker_ * static_cast<std::size_t>(workers));
  }

  // A depthwise layer with multiplier 1 treats every channel alone.
  int channels() const override {
    return spec_.groups > 1 && spec_.filters == 1 ? spec_.groups : 1;
  }

  bool shared() const override { return channels() == 1; }

  void pack(const Pass& pass) override {
    for (int group = 0; group < spec_.groups; ++group) pack_forward(pass, group);
  }

  void pack_backward(const Pass& pass) override {
    for (Product& p : backward_) {
      for (int group = 0; group < spec_.groups; ++group) pack_transposed(pass, p, group);
    }
  }

  void forward(const Pass& pass, int first, int last) override {
    group_range(first, last);
    for (int group = first; group < last; ++group) {
      if (has_window3()) {
        window_product(pass, group);
      } else {
        product(pass, group);
      }
    }
  }

  void backward(const Pass& pass, int first, int last) override {
    group_range(first, last);
    for (int group = first; group < last; ++group) {
      if (spec_.bias.size > 0) bias_gradient(pass, group);
      weight_gradient(pass, group);
      if (target_.wanted) data_gradient(pass, group);
    }
  }

 private:
  // The worker's share of the positions; a depthwise channel belongs to one worker.
  static void take_share(const Pass& pass, bool shared, Gemm& g) {
    if (!shared || pass.workers == 1) return;
    if (g.shape == TileShape::kSingle) {
      const Share runs = share_of(pass, g.run_count);
      g.runs += runs.first;
      g.run_count = runs.last - runs.first;
      return;
    }
    const Share positions = share_of(pass, g.position_count);
    g.positions += positions.first;
    g.position_count = positions.last - positions.first;
  }

  // 3x3 at stride 1, channel by channel: a kernel of its own.
  bool has_window3() const {
    const Window& w = spec_.window;
    return channels() > 1 && w.kernel_h == 3 && w.kernel_w == 3 && w.stride_h == 1 &&
           w.stride_w == 1 && w.dilation_h == 1 && w.dilation_w == 1;
  }
  static Extent extent_of(const Layout& l) { return {l.groups, l.shape.height, l.shape.width}; }
  // The plane moved to the first tap of position (0, 0).
  static Plane moved(Plane p, const Layout& l, int rows, int cols) {
    p.data += l.at(0, 0, rows, cols);
    return p;
  }
  Plane window_start(int group) const {
    const Window& w = spec_.window;
    const Layout& l = in_.layout;
    return moved(in_.plane(group), l, -w.pad_top(l.shape.height), -w.pad_left(l.shape.width));
  }

  void window_product(const Pass& pass, int group) const {
    Window3 n;
    n.w = forward_.gemm(group).a;
    if (spec_.bias.size > 0)
      n.bias = pass.parameters.value[spec_.bias.first + static_cast<std::size_t>(group)];
    pass.kernels->window3(extent_of(out_.layout), window_start(group), out_.plane(group), n);
  }

  // Input (r, c) meets output (r + top - i, c + left - j) through tap (i, j).
  void window_data_gradient(const Pass& pass, int group) const {
    const Window& w = spec_.window;
    const Layout& l = in_.layout;
    Window3 n;
    n.w = backward_[0].gemm(group).a;
    n.flipped = true;
    n.accumulate = target_.accumulate;
    const Plane dy = moved(out_.gradient_plane(group), out_.layout, w.pad_top(l.shape.height) - 2,
                           w.pad_left(l.shape.width) - 2);
    pass.kernels->window3(extent_of(l), dy, in_.gradient_plane(group), n);
  }

  void product(const Pass& pass, int group) const {
    Gemm g = forward_.gemm(group);
    take_share(pass, shared(), g);
    g.x = in_.plane(group * inputs_).data;
    g.out = out_.plane(group * spec_.filters).data;
    if (spec_.bias.size > 0) {
      g.bias = pass.parameters.value + spec_.bias.first +
               static_cast<std::size_t>(group * spec_.filters);
    }
    pass.kernels->gemm(g);
  }

  void group_range(int& first, int& last) const {
    if (channels() == 1) {
      first = 0;
      last = spec_.groups;
    }
  }

  void build_forward() {
    const Window& w = spec_.window;
    const Layout& x = in_.layout;
    const Layout& y = out_.layout;
    const int top = w.pad_top(x.shape.height), left = w.pad_left(x.shape.width);
    for (int i = 0; i < w.kernel_h; ++i) {
      for (int j = 0; j < w.kernel_w; ++j) {
        for (int c = 0; c < inputs_; ++c) {
          forward_.k_offset.push_back(static_cast<std::int32_t>(
              x.at(c, 0, i * w.dilation_h - top, j * w.dilation_w - left)));
        }
      }
    }
    for (int m = 0; m < spec_.filters; ++m)
      forward_.m_offset.push_back(static_cast<std::int32_t>(m * y.channel));
    for (int g = 0; g < y.groups; ++g) {
      for (int r = 0; r < y.shape.height; ++r) {
        for (int c = 0; c < y.shape.width; ++c) {
          forward_.positions.push_back(
              {static_cast<std::int32_t>(x.at(0, g, r * w.stride_h, c * w.stride_w)),
               static_cast<std::int32_t>(y.at(0, g, r, c))});
        }
      }
    }
    forward_.finish(spec_.groups);
  }

  // A kernel that covers its whole input (a dense layer): every weight has its own input position.
  bool covers_input() const {
    const Shape& x = in_.layout.shape;
    const Window& w = spec_.window;
    return w.kernel_h == x.height && w.kernel_w == x.width &&
           w.padding == network::Padding::kValid && w.dilation_h == 1 && w.dilation_w == 1;
  }

  void build_backward() {
    if (covers_input()) {
      Product p;
      p.k_offset = forward_.m_offset;
      p.m_offset = forward_.k_offset;
      for (const Position& q : forward_.positions) p.positions.push_back({q.out, q.in});
      p.finish(spec_.groups);
      backward_.push_back(std::move(p));
      return;
    }
    for (int ry = 0; ry < spec_.window.stride_h; ++ry) {
      for (int rx = 0; rx < spec_.window.stride_w; ++rx) add_phase(ry, rx);
    }
  }

  // The input positions q with (q + pad) mod stride = (ry, rx): they see the taps whose offset has
  // the same remainder, and (q + pad) / stride - tap offset / stride is the output that the tap
  // belongs to.
  void add_phase(int ry, int rx) {
    const Window& w = spec_.window;
    const Layout& x = in_.layout;
    const Layout& y = out_.layout;
    const int top = w.pad_top(x.shape.height), left = w.pad_left(x.shape.width);
    Product p;
    for (int i = 0; i < w.kernel_h; ++i) {
      for (int j = 0; j < w.kernel_w; ++j) {
        if (i * w.dilation_h % w.stride_h != ry || j * w.dilation_w % w.stride_w != rx) continue;
        p.taps.push_back(i * w.kernel_w + j);
        for (int m = 0; m < spec_.filters; ++m) {
          p.k_offset.push_back(static_cast<std::int32_t>(
              y.at(m, 0, -(i * w.dilation_h / w.stride_h), -(j * w.dilation_w / w.stride_w))));
        }
      }
    }
    for (int c = 0; c < inputs_; ++c)
      p.m_offset.push_back(static_cast<std::int32_t>(c * x.channel));
    for (int g = 0; g < y.groups; ++g) {
      for (int r = 0; r < x.shape.height; ++r) {
        if ((r + top) % w.stride_h != ry) continue;
        for (int c = 0; c < x.shape.width; ++c) {
          if ((c + left) % w.stride_w != rx) continue;
          p.positions.push_back({static_cast<std::int32_t>(
                                     y.at(0, g, (r + top) / w.stride_h, (c + left) / w.stride_w)),
                                 static_cast<std::int32_t>(x.at(0, g, r, c))});
        }
      }
    }
    if (p.positions.empty()) return;
    p.finish(spec_.groups);
    backward_.push_back(std::move(p));
  }

  const float* kernel(const Pass& pass, int group) const {
    return pass.parameters.value + spec_.kernel.first + group * spec_.group_stride;
  }

  void pack_forward(const Pass& pass, int group) {
    pack_rows(kernel(pass, group), spec_.m_stride, spec_.k_stride, forward_.rows(), forward_.k(),
              forward_.most_rows(*pass.kernels),
              forward_.packed->data() + forward_.packed_group * static_cast<std::size_t>(group));
  }

  void weight_gradient(const Pass& pass, int group) {
    if (has_window3()) {
      pass.kernels->window3_weights(
          extent_of(out_.layout), window_start(group), out_.gradient_plane(group),
          pass.parameters.gradient + spec_.kernel.first + group * spec_.group_stride,
          spec_.k_stride);
      return;
    }
    Dot d;
    d.dy = out_.gradient_plane(group * spec_.filters).data;
    d.x = in_.plane(group * inputs_).data;
    d.dw = pass.parameters.gradient + spec_.kernel.first + group * spec_.group_stride;
    d.scratch = scratch_->data() + scratch_worker_ * static_cast<std::size_t>(pass.worker);
    d.k_offset = forward_.k_offset.data();
    d.m_offset = forward_.m_offset.data();
    d.positions = forward_.positions.data();
    d.k = d.columns = forward_.k();
    d.rows = forward_.rows();
    d.position_count = static_cast<int>(forward_.positions.size());
    d.m_stride = spec_.m_stride;
    d.k_stride = spec_.k_stride;
    if (shared() && pass.workers > 1) {
      const Share columns = share_of(pass, d.k);
      d.k_offset += columns.first;
      d.dw += columns.first * d.k_stride;
      d.k = columns.last - columns.first;
      if (d.k == 0) return;
    }
    pass.kernels->dot(d);
  }

  void bias_gradient(const Pass& pass, int group) {
    const Share outputs = shared() ? share_of(pass, spec_.filters) : Share{0, spec_.filters};
    for (int m = outputs.first; m < outputs.last; ++m) {
      const int c = group * spec_.filters + m;
      double sum = 0, squares = 0;
      pass.kernels->moments(common_extent(out_.layout, out_.layout), out_.gradient_plane(c), 0,
                            &sum, &squares);
      pass.parameters.gradient[spec_.bias.first + static_cast<std::size_t>(c)] =
          static_cast<float>(sum);
    }
  }

  void data_gradient(const Pass& pass, int group) {
    if (has_window3()) return window_data_gradient(pass, group);
    for (const Product& p : backward_) {
      Gemm g = p.gemm(group);
      take_share(pass, shared(), g);
      g.x = out_.gradient_plane(group * spec_.filters).data;
      g.out = in_.gradient_plane(group * inputs_).data;
      g.accumulate = target_.accumulate;
      pass.kernels->gemm(g);
    }
  }

  // The rows of the transposed product are input channels (of a covering kernel: its inputs), its
  // columns (tap, output).
  void pack_transposed(const Pass& pass, Product& p, int group) const {
    const float* w = kernel(pass, group);
    float* a = p.packed->data() + p.packed_group * static_cast<std::size_t>(group);
    if (covers_input()) {
      pack_rows(w, spec_.k_stride, spec_.m_stride, p.rows(), p.k(), p.most_rows(*pass.kernels), a);
      return;
    }
    const int most = p.most_rows(*pass.kernels);
    const int tiles = (p.rows() + most - 1) / most;
    int row = 0;
    for (int t = 0; t < tiles; ++t) {
      const int height = p.rows() / tiles + (t < p.rows() % tiles ? 1 : 0);
      for (const int tap : p.taps) {
        for (int m = 0; m < spec_.filters; ++m) {
          const float* from = w + m * spec_.m_stride +
                              (static_cast<std::ptrdiff_t>(tap) * inputs_ + row) * spec_.k_stride;
          for (int i = 0; i < height; ++i) *a++ = from[i * spec_.k_stride];
        }
      }
      row += height;
    }
  }

  ConvSpec spec_;
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
  int inputs_;  // input channels of one group
  Product forward_;
  std::vector<Product> backward_;
  std::unique_ptr<Buffer> scratch_;  // of the weight gradients, one part a worker
  std::size_t scratch_worker_ = 0;
};

}  // namespace

Halo conv_input_halo(const Window& w, const Shape& in, const Shape& out) {
  const int top = w.pad_top(in.height), left = w.pad_left(in.width);
  return {top,
          std::max(0, (out.height - 1) * w.stride_h + (w.kernel_h - 1) * w.dilation_h + 1 - top -
                          in.height),
          left,
          std::max(0, (out.width - 1) * w.stride_w + (w.kernel_w - 1) * w.dilation_w + 1 - left -
                          in.width)};
}

Halo conv_gradient_halo(const Window& w, const Shape& in, const Shape& out) {
  Halo h;
  gradient_overrun(in.height, out.height, w.kernel_h, w.stride_h, w.dilation_h,
                   w.pad_top(in.height), h.top, h.bottom);
  gradient_overrun(in.width, out.width, w.kernel_w, w.stride_w, w.dilation_w, w.pad_left(in.width),
                   h.left, h.right);
  return h;
}

std::unique_ptr<Op> make_conv(const Kernels& kernels, const ConvSpec& spec, const Tensor& in,
                              const Tensor& out, GradientTarget target, int workers) {
  if (winograd_is_faster(kernels, spec, in)) {
    auto direct = std::make_unique<ConvOp>(kernels, spec, in, out, GradientTarget{}, workers);
    return make_winograd(kernels, spec, in, out, target, workers, std::move(direct));
  }
  return std::make_unique<ConvOp>(kernels, spec, in, out, target, workers);
}

}  // namespace atml::train
