#include "probes.h"

#include <utility>

#include "base/assert.h"
#include "codegen/kernel_choice.h"
#include "network/network.h"
#include "quantize/quantize.h"
#include "quantize/requantize.h"

namespace atml::bench {
namespace {

using quantize::Int8Model;
using quantize::Rounding;

constexpr std::uint64_t kSeed = 11;

// The first probe that fails to verify is a bug of this file.
Int8Model checked(Int8Model model, Rounding rounding) {
  model.rounding = rounding;
  for (auto& op : model.ops) {
    if (auto* table = std::get_if<quantize::Table>(&op.kind))
      table->values = *quantize::function_table(table->function, model.input_of(op),
                                                model.output_of(op), rounding);
  }
  const Status status = model.verify();
  ATML_ASSERT(status.ok(), status.ok() ? "" : status.error().message);
  return model;
}

Int8Model layers(const Shape& input, const std::vector<network::Op>& ops, Rounding rounding) {
  network::Network net(input);
  int last = 0;
  for (const network::Op& op : ops) {
    const auto added = net.add(op, {last});
    ATML_ASSERT(added.ok(), added.ok() ? "" : added.error().message);
    last = *added;
  }
  return checked(quantize::random_model(net, kSeed), rounding);
}

Int8Model by_hand(quantize::OpKind kind, const Shape& in, const Shape& out, int inputs,
                  Rounding rounding, float out_scale = 0.06f, int out_zero = 2) {
  Int8Model m;
  m.name = "probe";
  m.tensors = {{"in", in, 0.05f, 3}, {"out", out, out_scale, out_zero}};
  m.ops = {{"probe", std::move(kind), std::vector<int>(static_cast<std::size_t>(inputs), 0), 1}};
  m.input = 0;
  m.output = 1;
  return checked(std::move(m), rounding);
}

network::Window window(int height, int width, int stride_h = 1, int stride_w = 1) {
  network::Window w;
  w.kernel_h = height;
  w.kernel_w = width;
  w.stride_h = stride_h;
  w.stride_w = stride_w;
  return w;
}

// A clamp that packed kernels do not know.
Int8Model clamped(Int8Model model) {
  std::visit(
      [](auto& kind) {
        if constexpr (requires { kind.low = 0; }) {
          kind.low = -90;
          kind.high = 70;
        }
      },
      model.ops[0].kind);
  return model;
}

// A left shift: only plain kernels do it.
Int8Model plain(Int8Model model) {
  const auto& op = model.ops[0];
  auto* filter = const_cast<quantize::Filter*>(codegen::filter_of(op));
  filter->scales[0] = 1.5f * model.output_of(op).scale / model.input_of(op).scale;
  return checked(model, model.rounding);
}

void add_filters(std::vector<Int8Model>& all, int bits, Rounding rounding) {
  using network::Conv, network::Depthwise, network::Dense;
  const auto add = [&](const Shape& input, network::Op op) {
    all.push_back(layers(input, {std::move(op)}, rounding));
  };
  add({12, 12, 8}, Conv{16, window(3, 3), true, bits});
  add({12, 12, 3}, Conv{8, window(3, 3, 2, 2), true, bits});
  add({9, 7, 5}, Conv{7, window(3, 3), true, bits});
  add({32, 1, 9}, Conv{16, window(5, 1, 2, 1), true, bits});
  add({10, 10, 8}, Conv{16, window(1, 1), true, bits});
  add({7, 5, 5}, Conv{7, window(1, 1), true, bits});
  add({32, 1, 16}, Conv{24, window(1, 1), true, bits});
  add({12, 12, 8}, Depthwise{1, window(3, 3), true, bits});
  add({12, 12, 8}, Depthwise{1, window(3, 3, 2, 2), true, bits});
  add({9, 7, 5}, Depthwise{1, window(5, 5), true, bits});
  add({32, 1, 16}, Depthwise{1, window(3, 1), true, bits});
  add({32, 1, 16}, Depthwise{1, window(7, 1, 2, 1), true, bits});
  add({1, 1, 40}, Dense{10, true, bits});
  add({1, 1, 17}, Dense{5, true, bits});
  add({6, 6, 4}, Depthwise{2, window(3, 3), true, bits});
}

// Every kind of layer that streams, alone in front of a layer that ends the rows, and behind
// others: of two kinds, as what all probes of a kernel have in common is taken for the kernel's
// own.
void add_streamed(std::vector<Int8Model>& all, const Shape& s, Rounding rounding) {
  const int wide = s.width > 1 ? 3 : 1;
  const network::MaxPool pool{window(2, s.width > 1 ? 2 : 1, 2, s.width > 1 ? 2 : 1)};
  const std::vector<network::Op> kinds{network::Conv{24, window(3, wide), true},
                                       network::Conv{24, window(3, wide), true, 4},
                                       network::Conv{24, window(1, 1), true},
                                       network::Conv{24, window(1, 1), true, 4},
                                       network::Depthwise{1, window(3, wide), true},
                                       network::Depthwise{1, window(3, wide), true, 4},
                                       network::MaxPool{window(3, wide)},
                                       network::AveragePool{window(3, wide)}};
  const network::Conv expand{24, window(1, 1), true};
  const network::Depthwise depthwise{1, window(3, wide), true};
  const network::Conv last{4, window(3, wide), true};
  for (const network::Op& kind : kinds) {
    all.push_back(layers(s, {kind, pool}, rounding));
    all.push_back(layers(s, {kind, network::GlobalAveragePool{}}, rounding));
    all.push_back(layers(s, {expand, kind, pool}, rounding));
    all.push_back(layers(s, {expand, kind, last}, rounding));
    all.push_back(layers(s, {depthwise, kind, pool}, rounding));
  }
}

}  // namespace

std::vector<Int8Model> single_probes(Rounding rounding) {
  std::vector<Int8Model> all;
  add_filters(all, 8, rounding);
  const std::size_t filters = all.size();
  for (std::size_t i = 0; i < filters; ++i) {
    all.push_back(clamped(all[i]));
    all.push_back(plain(all[i]));
  }
  add_filters(all, 4, rounding);
  for (const Shape& s : {Shape{12, 12, 8}, Shape{9, 7, 5}, Shape{32, 1, 16}}) {
    const int wide = s.width > 1 ? 2 : 1;
    all.push_back(layers(s, {network::MaxPool{window(2, wide, 2, wide)}}, rounding));
    all.push_back(layers(s, {network::MaxPool{window(3, 1)}}, rounding));
    all.push_back(layers(s, {network::AveragePool{window(2, wide, 2, wide)}}, rounding));
    all.push_back(layers(s, {network::GlobalAveragePool{}}, rounding));
    all.push_back(clamped(all.back()));
    const Shape point{1, 1, s.channels};
    all.push_back(by_hand(quantize::Mean{}, s, point, 1, rounding));
    all.push_back(by_hand(quantize::Add{}, s, s, 2, rounding));  // 5 : 6 has ties
    all.push_back(by_hand(quantize::Add{}, s, s, 2, rounding, 0.0617f));
    all.push_back(clamped(all.back()));
    all.push_back(by_hand(quantize::Mul{}, s, s, 2, rounding));
    all.push_back(by_hand(quantize::Concat{}, s, {s.height, s.width, 2 * s.channels}, 2, rounding));
    all.push_back(by_hand(quantize::Pad{1, 1, 0, 0, 0, 0}, s, {s.height + 2, s.width, s.channels},
                          1, rounding, 0.05f, 3));
    all.push_back(by_hand(quantize::Softmax{1}, point, point, 1, rounding, 1 / 256.0f, -128));
  }
  all.push_back(table_chain(1, rounding));
  return all;
}

std::vector<Int8Model> streamed_probes(Rounding rounding) {
  std::vector<Int8Model> all;
  for (const Shape& s : {Shape{24, 12, 8}, Shape{48, 1, 8}}) add_streamed(all, s, rounding);
  return all;
}

Int8Model dense_in_front(bool table, Rounding rounding) {
  std::vector<network::Op> ops{network::Dense{12, true}};
  if (table) ops.emplace_back(network::Activate{network::Activation::kHardSwish});
  return layers({1, 1, 40}, ops, rounding);
}

Int8Model table_chain(int count, Rounding rounding) {
  const Shape shape{1, 1, 64};
  Int8Model m;
  m.name = "chain";
  m.tensors = {{"in", shape, 0.05f, 3}};
  for (int i = 0; i < count; ++i) {
    m.tensors.push_back({"t" + std::to_string(i), shape, 0.06f + 0.01f * static_cast<float>(i), 2});
    m.ops.push_back({"op_" + std::to_string(i), quantize::Table{"hard_swish", {}}, {i}, i + 1});
  }
  m.output = count;
  return checked(std::move(m), rounding);
}

Int8Model empty_model() {
  Int8Model m;
  m.name = "empty";
  m.tensors = {{"in", {2, 2, 2}, 0.05f, 3}, {"out", {1, 1, 8}, 0.05f, 3}};
  m.ops = {{"reshape", quantize::Reshape{}, {0}, 1}};
  m.output = 1;
  return checked(std::move(m), Rounding::kDouble);
}

}  // namespace atml::bench
