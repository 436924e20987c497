#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/random.h"
#include "quantize/evaluate.h"
#include "quantize/float_forward.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace atml::quantize {
namespace {

// Weights as training leaves them: He-scaled kernels, batch normalisation near the statistics of
// its input.
train::Weights plausible_weights(const network::Network& net, std::uint64_t seed) {
  Rng rng = Rng::derive(seed, "weights");
  train::Weights weights;
  const auto normals = [&](std::size_t n, double mean, double deviation) {
    std::vector<float> v(n);
    for (float& x : v) x = static_cast<float>(mean + deviation * rng.normal());
    return v;
  };
  for (int i = 0; i < net.size(); ++i) {
    train::LayerWeights w;
    const network::Op& op = net.layer(i).op;
    const auto channels = static_cast<std::size_t>(net.layer(i).output.channels);
    const auto parameters = static_cast<std::size_t>(net.parameters(i));
    if (parameters > 0) {
      const std::size_t kernel = parameters - channels;
      w.kernel =
          normals(kernel, 0,
                  std::sqrt(2.0 / (static_cast<double>(kernel) / static_cast<double>(channels))));
      const auto* c = std::get_if<network::Conv>(&op);
      const auto* d = std::get_if<network::Depthwise>(&op);
      if ((c == nullptr || c->bias) && (d == nullptr || d->bias))
        w.bias = normals(channels, 0, 0.1);
    }
    if (std::holds_alternative<network::BatchNorm>(op)) {
      w.gamma = normals(channels, 1, 0.2);
      w.beta = normals(channels, 0, 0.3);
      w.mean = normals(channels, 0, 0.2);
      for (float v : normals(channels, 0, 0.3)) w.variance.push_back(std::exp(v));
    }
    weights.layers.push_back(std::move(w));
  }
  return weights;
}

// Smooth random signals; labels are what the float network says, so that its accuracy is 1.
data::Dataset dataset_for(const network::Network& net, const train::Weights& weights, std::size_t n,
                          std::uint64_t seed) {
  Rng rng = Rng::derive(seed, "dataset");
  data::Dataset d;
  d.shape = net.input_shape();
  const auto channels = static_cast<std::size_t>(d.shape.channels);
  d.normalisation.mean.assign(channels, 0.25f);
  d.normalisation.gain.assign(channels, 2.0f);
  d.classes.resize(static_cast<std::size_t>(net.output_shape().elements()));
  const auto size = static_cast<std::size_t>(d.shape.elements());
  std::vector<float> values(n * size), sample(size);
  FloatForward forward(net, weights);
  for (std::size_t s = 0; s < n; ++s) {
    const double phase = rng.uniform(0, 6.28), speed = rng.uniform(0.05, 0.9),
                 level = rng.normal() * 0.4;
    for (std::size_t i = 0; i < size; ++i) {
      values[s * size + i] = static_cast<float>(
          0.25 +
          0.5 * (level + std::sin(phase + speed * static_cast<double>(i)) + 0.3 * rng.normal()));
      sample[i] = values[s * size + i];
    }
    d.normalisation.apply(sample);
    const auto& out = forward.run(sample).back();
    d.train.labels.push_back(
        static_cast<std::int32_t>(std::ranges::max_element(out) - out.begin()));
  }
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  d.train.x = data::Samples(d.shape, data::ElementType::kFloat32, std::move(bytes));
  return d;
}

network::Network small_cnn() {
  const auto net = network::Network::from_text(
      "input_0 = input() shape=12x12x2\n"
      "c1 = conv(input_0) filters=8 kernel=3x3 stride=2x2 padding=same bias=0\n"
      "b1 = batch_norm(c1)\n"
      "r1 = relu(b1)\n"
      "d1 = depthwise(r1) multiplier=1 kernel=3x3 stride=1x1 padding=same bias=0\n"
      "b2 = batch_norm(d1)\n"
      "r2 = relu6(b2)\n"
      "p1 = conv(r2) filters=8 kernel=1x1 stride=1x1 padding=same bias=0\n"
      "b3 = batch_norm(p1)\n"
      "a1 = add(r1,b3)\n"
      "r3 = relu(a1)\n"
      "m1 = max_pool(r3) kernel=2x2 stride=2x2 padding=valid\n"
      "f1 = flatten(m1)\n"
      "dr = dropout(f1) rate=0.2\n"
      "out = dense(dr) units=6 bias=1\n");
  ATML_ASSERT(net.ok(), net.ok() ? "" : net.error().message);
  return *net;
}

double relative_error(const Int8Model& model, const network::Network& net,
                      const train::Weights& weights, const data::Dataset& d) {
  FloatForward forward(net, weights);
  Interpreter interpreter(model);
  const auto inputs = quantize_inputs(model, d, d.train);
  const auto size = static_cast<std::size_t>(d.shape.elements());
  const Tensor& t = model.tensor(model.output);
  std::vector<std::int8_t> out(static_cast<std::size_t>(t.shape.elements()));
  std::vector<float> sample(size);
  double error = 0, power = 0;
  for (std::size_t s = 0; s < d.train.size(); ++s) {
    d.train.x.read(s, sample);
    d.normalisation.apply(sample);
    const auto& wanted = forward.run(sample).back();
    interpreter.run(std::span(inputs).subspan(s * size, size), out);
    double mean = 0;
    for (const float w : wanted)
      mean += static_cast<double>(w) / static_cast<double>(wanted.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double value = static_cast<double>(t.scale) * (out[i] - t.zero_point);
      error += std::pow(value - static_cast<double>(wanted[i]), 2);
      power += std::pow(static_cast<double>(wanted[i]) - mean, 2);
    }
  }
  return std::sqrt(error / power);
}

TEST(Quantize, FoldsAndFusesAsTheStructureSays) {
  const auto net = small_cnn();
  const auto weights = plausible_weights(net, 1);
  const auto d = dataset_for(net, weights, 64, 1);
  const auto model = quantize(net, weights, d, {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  const Int8Model structure = structure_model(net);
  ASSERT_EQ(model->ops.size(), 7u);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(model->ops[i].name, structure.ops[i].name);
  const char* kinds[] = {"conv", "depthwise", "conv", "add", "max_pool", "reshape", "dense"};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(kind_name(model->ops[i].kind), kinds[i]);
  // relu: the clamp begins at the quantised zero.
  EXPECT_EQ(std::get<Conv>(model->ops[0].kind).low, model->output_of(model->ops[0]).zero_point);
  EXPECT_EQ(std::get<Add>(model->ops[3].kind).low, model->output_of(model->ops[3]).zero_point);
}

TEST(Quantize, StaysCloseToTheFloatNetwork) {
  const auto net = small_cnn();
  double worst = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const auto weights = plausible_weights(net, seed);
    const auto d = dataset_for(net, weights, 300, seed);
    const auto model = quantize(net, weights, d, {});
    ASSERT_TRUE(model.ok()) << model.error().message;
    worst = std::max(worst, relative_error(*model, net, weights, d));
    const auto score = evaluate(*model, d, d.train, {});
    ASSERT_TRUE(score.ok());
    EXPECT_GE(score->metric, 0.93);
    EXPECT_EQ(score->samples, 300u);
  }
  EXPECT_LT(worst, 0.08);
}

TEST(Quantize, EveryRandomNetworkQuantisesAndFollowsFloat) {
  int poor = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const auto net = RandomNetwork(seed).make();
    const auto weights = plausible_weights(net, seed);
    const auto d = dataset_for(net, weights, 40, seed);
    QuantizeOptions options;
    options.calibration_samples = 40;
    const auto model = quantize(net, weights, d, options);
    ASSERT_TRUE(model.ok()) << seed << ": " << model.error().message << "\n" << net.text();
    bool narrow = false;
    for (const network::Layer& l : net.layers()) {
      std::visit(
          [&](const auto& op) {
            if constexpr (requires { op.weight_bits; }) narrow |= op.weight_bits == 4;
          },
          l.op);
    }
    const double error = relative_error(*model, net, weights, d);
    poor += error > (narrow ? 0.8 : 0.25);
  }
  EXPECT_LE(poor, 4);
}

TEST(Quantize, DegenerateWeightsStillGiveAModel) {
  const auto net = small_cnn();
  const auto d = dataset_for(net, plausible_weights(net, 1), 20, 1);
  for (const float factor : {0.0f, 1e-20f, 1e-6f, 1e6f}) {
    auto weights = plausible_weights(net, 2);
    for (float& w : weights.layers[1].kernel) w *= factor;
    for (float& w : weights.layers[4].kernel) w = factor == 0.0f ? w : w / factor * 1e-3f;
    const auto model = quantize(net, weights, d, {});
    ASSERT_TRUE(model.ok()) << factor << ": " << model.error().message;
    EXPECT_TRUE(model->verify().ok());
  }
  auto weights = plausible_weights(net, 2);
  weights.layers[1].kernel[3] = NAN;
  const auto refused = quantize(net, weights, d, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "layer 'c1': kernel holds NaN or infinity; the training diverged");
}

TEST(Quantize, ImagesGiveExactPixels) {
  const auto net = network::Network::from_text(
      "input_0 = input() shape=4x4x1\nc1 = conv(input_0) filters=3 kernel=3x3 stride=1x1 "
      "padding=same bias=1\n"
      "f = flatten(c1)\nout = dense(f) units=2 bias=1\n");
  ASSERT_TRUE(net.ok());
  data::Dataset d;
  d.shape = {4, 4, 1};
  d.classes = {"a", "b"};
  d.normalisation = {{73.0f}, {0.01f}, true};
  std::vector<std::byte> bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<std::byte>(i));
  d.train.x = data::Samples(d.shape, data::ElementType::kUint8, bytes);
  d.train.labels.assign(16, 0);
  const auto model = quantize(*net, plausible_weights(*net, 3), d, {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ(model->tensor(model->input).scale, 0.01f);
  EXPECT_EQ(model->tensor(model->input).zero_point, 73 - 128);
  const auto q = quantize_inputs(*model, d, d.train);
  for (int i = 0; i < 256; ++i) EXPECT_EQ(q[static_cast<std::size_t>(i)], i - 128);
}

}  // namespace
}  // namespace atml::quantize
