#include "exchange/onnx.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/files.h"
#include "exchange/tflite.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"
#include "quantize/requantize.h"

namespace atml::exchange {
namespace {

using namespace quantize;

std::vector<std::int8_t> run(const Int8Model& model, std::span<const std::int8_t> input) {
  std::vector<std::int8_t> output(
      static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
  Interpreter(model).run(input, output);
  return output;
}

void expect_same(const Filter& a, const Filter& b) {
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.bias, b.bias);
  EXPECT_EQ(a.scales, b.scales);
  EXPECT_EQ(a.weight_bits, b.weight_bits);
}

template <class Kind>
void expect_same_kind(const Kind& a, const Kind& b) {
  if constexpr (requires { a.window; }) {
    const network::Window &v = a.window, &w = b.window;
    EXPECT_TRUE(v == w) << v.kernel_h << "x" << v.kernel_w << " " << static_cast<int>(v.padding)
                        << static_cast<int>(w.padding);
  }
  if constexpr (requires { a.filter; }) expect_same(a.filter, b.filter);
  if constexpr (requires { a.low; }) {
    EXPECT_EQ(a.low, b.low);
    EXPECT_EQ(a.high, b.high);
  }
  if constexpr (requires { a.multiplier; }) {
    EXPECT_EQ(a.multiplier, b.multiplier);
  }
  if constexpr (requires { a.shared_product; }) {
    EXPECT_EQ(a.shared_product, b.shared_product);
  }
  if constexpr (requires { a.values; }) {
    EXPECT_EQ(a.function, b.function);
    EXPECT_EQ(a.values, b.values);
  }
  if constexpr (requires { a.beta; }) {
    EXPECT_EQ(a.beta, b.beta);
  }
  if constexpr (requires { a.front; }) {
    EXPECT_EQ((std::vector{a.top, a.bottom, a.left, a.right, a.front, a.back}),
              (std::vector{b.top, b.bottom, b.left, b.right, b.front, b.back}));
  }
}

// Every field, up to the numbering of tensors.
void expect_same(const Int8Model& a, const Int8Model& b) {
  EXPECT_EQ(a.rounding, b.rounding);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  ASSERT_EQ(a.ops.size(), b.ops.size());
  const auto tensor = [](const Tensor& x, const Tensor& y) {
    EXPECT_EQ(x.name, y.name);
    EXPECT_TRUE(x.shape == y.shape) << x.shape.text() << " " << y.shape.text();
    EXPECT_EQ(x.scale, y.scale);
    EXPECT_EQ(x.zero_point, y.zero_point);
  };
  tensor(a.tensor(a.input), b.tensor(b.input));
  tensor(a.tensor(a.output), b.tensor(b.output));
  for (std::size_t i = 0; i < a.ops.size(); ++i) {
    const Op &x = a.ops[i], &y = b.ops[i];
    EXPECT_EQ(x.name, y.name);
    ASSERT_EQ(x.kind.index(), y.kind.index()) << x.name;
    ASSERT_EQ(x.inputs.size(), y.inputs.size());
    for (int n = 0; n < static_cast<int>(x.inputs.size()); ++n)
      tensor(a.input_of(x, n), b.input_of(y, n));
    tensor(a.output_of(x), b.output_of(y));
    std::visit(
        [&](const auto& kind) {
          expect_same_kind(kind, std::get<std::decay_t<decltype(kind)>>(y.kind));
        },
        x.kind);
  }
}

TEST(Onnx, RoundTripGivesTheSameModel) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto network = RandomNetwork(seed).make();
    const Int8Model model = random_model(network, seed);
    const auto bytes = write_onnx(model);
    ASSERT_TRUE(bytes.ok()) << seed << ": " << bytes.error().message;
    const auto again = read_onnx(*bytes, model.name);
    ASSERT_TRUE(again.ok()) << seed << ": " << again.error().message << "\n" << network.text();
    expect_same(model, *again);
    const auto input = random_inputs(model, 1, seed);
    EXPECT_EQ(run(*again, input), run(model, input));
    ASSERT_FALSE(HasFailure()) << seed << "\n" << network.text();
  }
}

// Kinds that networks of our own do not have: pad, mul, softmax, tables, reshapes.
Int8Model rare_kinds() {
  Int8Model m;
  m.name = "rare";
  const auto tensor = [&](const char* name, Shape s, float scale, int zero) {
    m.tensors.push_back({name, s, scale, zero});
    return static_cast<int>(m.tensors.size()) - 1;
  };
  const auto op = [&](const char* name, OpKind kind, std::vector<int> inputs, int out) {
    m.ops.push_back({name, std::move(kind), std::move(inputs), out});
  };
  const auto table = [&](const char* name, const char* function, int in, int out) {
    op(name, Table{function, *function_table(function, m.tensor(in), m.tensor(out), m.rounding)},
       {in}, out);
  };
  m.input = tensor("in", {4, 3, 2}, 0.05f, 3);
  const int padded = tensor("padded", {6, 4, 3}, 0.05f, 3);
  op("pad", Pad{1, 1, 0, 1, 1, 0}, {m.input}, padded);
  const int six = tensor("six", {6, 4, 3}, 0.02f, -128);
  table("relu_six", "relu6", padded, six);
  const int swish = tensor("swish", {6, 4, 3}, 0.04f, -100);
  table("swish_op", "hard_swish", padded, swish);
  const int gate = tensor("gate", {6, 4, 3}, 1.0f / 256, -128);
  table("sigmoid", "logistic", swish, gate);
  const int product = tensor("product", {6, 4, 3}, 0.03f, 5);
  op("mul", Mul{-100, 90}, {six, gate}, product);
  const int same = tensor("same", {6, 4, 3}, 0.03f, 5);
  table("requantise", "quantize", product, same);
  const int turned = tensor("turned", {3, 4, 6}, 0.03f, 5);
  op("turn", Reshape{}, {same}, turned);
  const int mean = tensor("mean", {1, 1, 6}, 0.02f, 1);
  op("average", Mean{}, {turned}, mean);
  const int scaled = tensor("scaled", {3, 4, 6}, 0.04f, 2);
  op("per_channel", Mul{}, {turned, mean}, scaled);
  const int curve = tensor("curve", {3, 4, 6}, 1.0f / 128, 0);
  table("tanh_op", "tanh", scaled, curve);
  const int flat = tensor("flat", {1, 1, 72}, 1.0f / 128, 0);
  op("flatten", Reshape{}, {curve}, flat);
  const int again = tensor("again", {1, 1, 72}, 1.0f / 128, 0);
  op("flatten_again", Reshape{}, {flat}, again);
  m.output = tensor("result", {1, 1, 72}, 1.0f / 256, -128);
  op("softmax_op", Softmax{}, {again}, m.output);
  return m;
}

TEST(Onnx, RoundTripOfRareKinds) {
  for (const Rounding rounding : {Rounding::kDouble, Rounding::kSingle}) {
    Int8Model model = rare_kinds();
    model.rounding = rounding;
    for (Op& op : model.ops) {
      if (auto* t = std::get_if<Table>(&op.kind))
        t->values = *function_table(t->function, model.input_of(op), model.output_of(op), rounding);
    }
    ASSERT_TRUE(model.verify().ok()) << model.verify().error().message;
    const auto bytes = write_onnx(model);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    EXPECT_EQ(*bytes, *write_onnx(model));
    const auto again = read_onnx(*bytes, model.name);
    ASSERT_TRUE(again.ok()) << again.error().message;
    expect_same(model, *again);
    const auto input = random_inputs(model, 1, 7);
    EXPECT_EQ(run(*again, input), run(model, input));
  }
}

TEST(Onnx, RefusesWhatOnnxCannotSay) {
  Int8Model model = rare_kinds();
  std::get<Softmax>(model.ops.back().kind).beta = 2;
  EXPECT_EQ(write_onnx(model).error().message,
            "operator 'softmax_op' (softmax): Softmax of .onnx has no beta 2");
  model = rare_kinds();
  std::get<Table>(model.ops[1].kind).function = "leaky_relu";
  EXPECT_EQ(write_onnx(model).error().message,
            "operator 'relu_six' (table): no operator of .onnx computes 'leaky_relu'");
}

TEST(Onnx, SaysWhatIsWrongWithOtherFiles) {
  EXPECT_EQ(read_onnx("", "m").error().message, "not an .onnx file: it has no graph with nodes");
  EXPECT_EQ(read_onnx(std::string(64, '\xff'), "m").error().message,
            "not an .onnx file, or cut or damaged: its 64 bytes are no protobuf message");
  const std::string bytes = *write_onnx(rare_kinds());
  for (std::size_t length = 0; length < bytes.size(); length += 7)
    EXPECT_FALSE(read_onnx(std::string_view(bytes).substr(0, length), "m").ok()) << length;
  // Another operator in the place of one we know, and an older opset.
  std::string other = bytes;
  other.replace(other.find("\x22\x07Sigmoid"), 9, "\x22\x07Sigmund");
  const std::string message = read_onnx(other, "m").error().message;
  EXPECT_NE(message.find("'sigmoid' (Sigmund): not supported"), std::string::npos) << message;
}

// A written model, changed as other exporters or attackers would; the error it then gives.
template <class Change>
std::string error_after(Change change) {
  onnx::ModelProto file;
  EXPECT_TRUE(file.ParseFromString(*write_onnx(rare_kinds())));
  change(file);
  const auto model = read_onnx(file.SerializeAsString(), "m");
  return model.ok() ? "" : model.error().message;
}
onnx::TensorProto& initializer(onnx::ModelProto& file, const std::string& name) {
  for (auto& t : *file.mutable_graph()->mutable_initializer()) {
    if (t.name() == name) return t;
  }
  throw std::runtime_error("no initializer " + name);
}

TEST(Onnx, RefusesOtherTypesVersionsAndSizesByName) {
  EXPECT_EQ(error_after([](auto&) {}), "");
  EXPECT_EQ(error_after([](auto& f) {
              initializer(f, "gate_zero_point").set_data_type(onnx::TensorProto::UINT8);
            }),
            "tensor 'gate_zero_point': type UINT8; supported are INT8, INT32, INT64 and FLOAT "
            "(quantise weights and activations to QInt8)");
  EXPECT_EQ(error_after([](auto& f) { f.mutable_opset_import(0)->set_version(12); }),
            "opset 12; 13 is the least that has scales for every channel: convert the model");
  EXPECT_EQ(error_after([](auto& f) {
              initializer(f, "gate_scale").set_data_location(onnx::TensorProto::EXTERNAL);
            }),
            "tensor 'gate_scale': its data are in another file; save the model as one file");
  EXPECT_EQ(error_after([](auto& f) { initializer(f, "gate_scale").add_dims(1ll << 40); }),
            "tensor 'gate_scale': dimensions [1099511627776] are empty or have more than 4194304 "
            "elements");
  EXPECT_EQ(error_after([](auto& f) {
              initializer(f, "gate_scale").set_raw_data(std::string("\0\0\xc0\x7f", 4));
            }),
            "node 12 'sigmoid_quantize' (QuantizeLinear): scale nan is not a positive number");
  EXPECT_EQ(error_after([](auto& f) { f.mutable_graph()->mutable_input(0)->set_name("other"); }),
            "node 0 'input_quantize' (QuantizeLinear): reads 'input', which no earlier node gives");
  EXPECT_EQ(error_after(
                [](auto& f) { f.mutable_graph()->mutable_node(0)->mutable_input()->RemoveLast(); }),
            "node 0 'input_quantize' (QuantizeLinear): no zero point, which means uint8; only int8 "
            "is supported");
}

TEST(Onnx, RefusesAWindowThatTflitePaddingCannotSay) {
  const auto network = [] {
    network::Network net(Shape{9, 9, 2});
    EXPECT_TRUE(net.add(network::MaxPool{{3, 3, 2, 2}}, {0}).ok());
    EXPECT_TRUE(net.add(network::Dense{3}, {1}).ok());
    return net;
  }();
  onnx::ModelProto file;
  ASSERT_TRUE(file.ParseFromString(*write_onnx(random_model(network, 1))));
  for (auto& node : *file.mutable_graph()->mutable_node()) {
    for (auto& a : *node.mutable_attribute()) {
      if (node.op_type() == "MaxPool" && a.name() == "pads") a.set_ints(0, 0);
    }
  }
  const auto model = read_onnx(file.SerializeAsString(), "m");
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().message.find("(MaxPool): its pads are not those of SAME_UPPER"),
            std::string::npos)
      << model.error().message;
}

// As PyTorch exports a strided convolution: padding before and after, where TensorFlow pads after.
TEST(Onnx, ReadsSymmetricPaddingAsPadAndConvolution) {
  network::Network net(Shape{8, 8, 2});
  ASSERT_TRUE(net.add(network::Conv{4, {3, 3, 2, 2}, true}, {0}).ok());
  ASSERT_TRUE(net.add(network::Dense{3}, {1}).ok());
  const Int8Model model = random_model(net, 3);
  onnx::ModelProto file;
  ASSERT_TRUE(file.ParseFromString(*write_onnx(model)));
  for (auto& node : *file.mutable_graph()->mutable_node()) {
    for (auto& a : *node.mutable_attribute()) {
      if (node.op_type() == "Conv" && a.name() == "pads") {
        for (int i = 0; i < 4; ++i) a.set_ints(i, 1);
      }
    }
  }
  const auto read = read_onnx(file.SerializeAsString(), "m");
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_EQ(read->ops.size(), model.ops.size() + 1);
  const auto* pad = std::get_if<Pad>(&read->ops[0].kind);
  ASSERT_NE(pad, nullptr);
  EXPECT_EQ((std::vector{pad->top, pad->bottom, pad->left, pad->right}), (std::vector{1, 1, 1, 1}));
  EXPECT_EQ(std::get<Conv>(read->ops[1].kind).window.padding, network::Padding::kValid);
}

// The public models, where this machine has them (beside the source tree, or in $ATML_MODELS).
TEST(Onnx, ModelsOfTfliteGiveTheSameBytes) {
  const char* given = std::getenv("ATML_MODELS");
  const auto folder = given != nullptr
                          ? std::filesystem::path(given)
                          : std::filesystem::path(ATML_SOURCE_DIR) / ".." / "shared" / "models";
  if (!std::filesystem::exists(folder / "kws.tflite")) GTEST_SKIP() << folder << " has no models";
  for (const char* name : {"kws.tflite", "ad.tflite"}) {
    const auto bytes = read_file(folder / name);
    ASSERT_TRUE(bytes.ok()) << bytes.error().message;
    const auto model = read_tflite(*bytes, "m");
    ASSERT_TRUE(model.ok()) << model.error().message;
    const auto written = write_onnx(*model);
    ASSERT_TRUE(written.ok()) << written.error().message;
    const auto again = read_onnx(*written, "m");
    ASSERT_TRUE(again.ok()) << again.error().message;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const auto input = random_inputs(*model, 1, seed);
      EXPECT_EQ(run(*again, input), run(*model, input)) << name;
    }
  }
}

}  // namespace
}  // namespace atml::exchange
