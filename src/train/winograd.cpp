// 3x3 convolutions of stride 1 with fewer multiplications: Winograd's F(2x2, 3x3) as A. Lavin and
// S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, write it. Each 2x2
// square of outputs is A^T [sum over channels (G g G^T) . (B^T d B)] A of a 4x4 square d of inputs:
// 16 products where the direct way takes 36, for additions that grow with the channels only.
//
// In 16 planes of transformed squares the products are 16 matrix products (Gemm) over channels.
// The data gradient is the same with rotated kernels; weight gradients stay direct.
#include <algorithm>

#include "train/op.h"

namespace atml::train {
namespace {

constexpr int kPoints = 16;
constexpr std::size_t kApart = 16;    // floats that keep points out of one cache set
constexpr int kBlockBytes = 1 << 20;  // of both transformed sides: half of a second-level cache

// One direction: from the planes of one tensor to those of another of the same height and width.
struct Direction {
  std::vector<Position> tiles;  // corner of the 4x4 square read, of the 2x2 square written
  std::vector<std::int32_t> k_offset, m_offset;  // of the transformed squares
  std::ptrdiff_t from_channel = 0, to_channel = 0;
  std::unique_ptr<Buffer> packed;

  int k() const { return static_cast<int>(k_offset.size()); }
  int rows() const { return static_cast<int>(m_offset.size()); }
};

class WinogradOp : public Op {
 public:
  WinogradOp(const Kernels& kernels, const ConvSpec& spec, const Tensor& in, const Tensor& out,
             GradientTarget target, int workers, std::unique_ptr<Op> direct)
      : spec_(spec), in_(in), out_(out), target_(target), direct_(std::move(direct)) {
    const int channels = in.layout.shape.channels, filters = spec.filters;
    const int vector = kernels.lanes * static_cast<int>(sizeof(float));
    const int fit = kBlockBytes / (kPoints * (channels + filters) * vector);
    block_ = std::clamp(fit / 6 * 6, 6, 48);  // 6: positions of the widest tile of Gemm
    pitch_ = (block_ | 1) * kernels.lanes;
    build(forward_, in.layout, out.layout, channels, filters);
    if (target.wanted) build(backward_, out.layout, in.layout, filters, channels);
    for (int t = 0; t < block_; ++t) positions_.push_back({t * kernels.lanes, t * kernels.lanes});
    side_ =
        static_cast<std::size_t>(kPoints * point_pitch(std::max(channels, filters), kernels.lanes));
    points_ = std::make_unique<Buffer>(
        kPoints *
        (static_cast<std::size_t>(channels) * static_cast<std::size_t>(filters) + kApart));
    scratch_ = std::make_unique<Buffer>(2 * side_ * static_cast<std::size_t>(workers));
  }

  int channels() const override { return 1; }
  bool shared() const override { return true; }

  void pack(const Pass& pass) override {
    const float* w = pass.parameters.value + spec_.kernel.first;
    const auto inputs = static_cast<std::ptrdiff_t>(forward_.k());
    pack_points(pass, forward_, w, spec_.m_stride, 1, inputs);
  }
  void pack_backward(const Pass& pass) override {
    direct_->pack_backward(pass);
    if (!target_.wanted) return;
    const float* w = pass.parameters.value + spec_.kernel.first;
    const std::ptrdiff_t tap = forward_.k();
    pack_points(pass, backward_, w + 8 * tap, 1, spec_.m_stride, -tap);  // rotated by half a turn
  }

  void forward(const Pass& pass, int, int) override {
    const float* bias = spec_.bias.size > 0 ? pass.parameters.value + spec_.bias.first : nullptr;
    run(pass, forward_, in_.plane(0), out_.plane(0), bias, false);
  }
  void backward(const Pass& pass, int first, int last) override {
    direct_->backward(pass, first, last);  // weights and bias
    if (!target_.wanted) return;
    run(pass, backward_, out_.gradient_plane(0), in_.gradient_plane(0), nullptr,
        target_.accumulate);
  }

 private:
  void build(Direction& d, const Layout& from, const Layout& to, int channels, int filters) const {
    d.from_channel = from.channel;
    d.to_channel = to.channel;
    for (int g = 0; g < from.groups; ++g) {
      for (int y = 0; y < to.shape.height; y += 2) {
        for (int x = 0; x < to.shape.width; x += 2) {
          d.tiles.push_back({static_cast<std::int32_t>(from.at(0, g, y - 1, x - 1)),
                             static_cast<std::int32_t>(to.at(0, g, y, x))});
        }
      }
    }
    for (int k = 0; k < channels; ++k) d.k_offset.push_back(k * pitch_);
    for (int m = 0; m < filters; ++m) d.m_offset.push_back(m * pitch_);
    d.packed = std::make_unique<Buffer>(static_cast<std::size_t>(kPoints * channels) *
                                        static_cast<std::size_t>(filters));
  }

  // G g G^T of every kernel, tap (i, j) of row m and column k at w[m * m_stride + k * k_stride +
  // (3 i + j) * tap], packed for Gemm point after point.
  void pack_points(const Pass& pass, Direction& d, const float* w, std::ptrdiff_t m_stride,
                   std::ptrdiff_t k_stride, std::ptrdiff_t tap) const {
    const std::size_t size = d.k_offset.size() * d.m_offset.size();
    const std::size_t pitch = size + kApart;
    float* points = points_->data();
    for (std::size_t n = 0, m = 0; m < d.m_offset.size(); ++m) {
      for (std::size_t k = 0; k < d.k_offset.size(); ++k, ++n) {
        const float* g = w + static_cast<std::ptrdiff_t>(m) * m_stride +
                         static_cast<std::ptrdiff_t>(k) * k_stride;
        float half[4][3];  // G g
        for (int j = 0; j < 3; ++j) {
          const float a = g[j * tap], b = g[(3 + j) * tap], c = g[(6 + j) * tap];
          half[0][j] = a;
          half[1][j] = 0.5f * (a + b + c);
          half[2][j] = 0.5f * (a - b + c);
          half[3][j] = c;
        }
        for (std::size_t i = 0; i < 4; ++i) {
          const float a = half[i][0], b = half[i][1], c = half[i][2];
          points[(4 * i) * pitch + n] = a;
          points[(4 * i + 1) * pitch + n] = 0.5f * (a + b + c);
          points[(4 * i + 2) * pitch + n] = 0.5f * (a - b + c);
          points[(4 * i + 3) * pitch + n] = c;
        }
      }
    }
    for (std::size_t p = 0; p < kPoints; ++p) {
      pack_rows(points + p * pitch, d.k(), 1, d.rows(), d.k(), pass.kernels->wide_rows,
                d.packed->data() + p * size);
    }
  }

  // An odd number of vectors: a square's 16 points must not fall into one cache set.
  std::ptrdiff_t point_pitch(int channels, int lanes) const {
    return (static_cast<std::ptrdiff_t>(channels) * (pitch_ / lanes) | 1) * lanes;
  }

  // Each worker has its share of the squares.
  void run(const Pass& pass, const Direction& d, Plane from, Plane to, const float* bias,
           bool accumulate) const {
    float* before = scratch_->data() + 2 * side_ * static_cast<std::size_t>(pass.worker);
    float* after = before + side_;
    const std::ptrdiff_t before_point = point_pitch(d.k(), pass.kernels->lanes);
    const std::ptrdiff_t after_point = point_pitch(d.rows(), pass.kernels->lanes);
    const Share share = share_of(pass, static_cast<int>(d.tiles.size()));
    for (int first = share.first; first < share.last; first += block_) {
      const int count = std::min(block_, share.last - first);
      const Position* tiles = d.tiles.data() + first;
      for (int k = 0; k < d.k(); ++k) {
        pass.kernels->winograd_in(from.data + k * d.from_channel, from.row, tiles, count,
                                  before + static_cast<std::ptrdiff_t>(k) * pitch_, before_point);
      }
      Gemm g;
      g.k_offset = d.k_offset.data();
      g.m_offset = d.m_offset.data();
      g.positions = positions_.data();
      g.k = d.k();
      g.rows = d.rows();
      g.position_count = count;
      for (int p = 0; p < kPoints; ++p) {
        g.a = d.packed->data() + static_cast<std::ptrdiff_t>(p) * d.k() * d.rows();
        g.x = before + p * before_point;
        g.out = after + p * after_point;
        pass.kernels->gemm(g);
      }
      for (int m = 0; m < d.rows(); ++m) {
        pass.kernels->winograd_out(after + static_cast<std::ptrdiff_t>(m) * pitch_, after_point,
                                   to.data + m * d.to_channel, to.row, tiles, count,
                                   bias != nullptr ? bias[m] : 0, accumulate);
      }
    }
  }

  ConvSpec spec_;
  const Tensor& in_;
  const Tensor& out_;
  GradientTarget target_;
  std::unique_ptr<Op> direct_;  // without a data gradient
  Direction forward_, backward_;
  int block_ = 6;  // squares that are transformed at a time
  int pitch_ = 0;  // floats from channel to channel of one point
  std::vector<Position> positions_;
  std::size_t side_ = 0;
  std::unique_ptr<Buffer> points_;   // transformed kernels before they are packed
  std::unique_ptr<Buffer> scratch_;  // of each worker: squares before and after the products
};

}  // namespace

bool winograd_applies(const ConvSpec& spec, const Tensor& in) {
  const network::Window& w = spec.window;
  const Shape& s = in.layout.shape;
  return spec.groups == 1 && w.kernel_h == 3 && w.kernel_w == 3 && w.stride_h == 1 &&
         w.stride_w == 1 && w.dilation_h == 1 && w.dilation_w == 1 &&
         w.padding == network::Padding::kSame && s.height % 2 == 0 && s.width % 2 == 0;
}

// Measured (bench/results/training.md) with 16 lanes and 32 registers: equal at 16 to 24 channels,
// where the transformations, which grow with the sum of the channels, eat up the products saved,
// which grow with their product; faster from 32 on both sides. Not measured: other vectors.
bool winograd_is_faster(const Kernels& kernels, const ConvSpec& spec, const Tensor& in) {
  const int channels = in.layout.shape.channels, filters = spec.filters;
  return kernels.lanes == 16 && winograd_applies(spec, in) &&
         channels * filters >= 14 * (channels + filters);
}

std::unique_ptr<Op> make_winograd(const Kernels& kernels, const ConvSpec& spec, const Tensor& in,
                                  const Tensor& out, GradientTarget target, int workers,
                                  std::unique_ptr<Op> direct) {
  return std::make_unique<WinogradOp>(kernels, spec, in, out, target, workers, std::move(direct));
}

}  // namespace atml::train
