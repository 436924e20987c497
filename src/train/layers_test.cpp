// Property tests of the layers: over random shapes and random networks, outputs and every gradient
// against the slow reference's own backward pass, and both against central differences, on every
// instruction set of this machine. ATML_TRAIN_CASES sets the number of cases (the slow test: more).
#include <gtest/gtest.h>

#include <cstdlib>

#include "train/engine_test_support.h"
#include "train/reference_backward_test_support.h"

namespace atml::train {
namespace {

using network::Network;
using network::Padding;
using network::Window;
using reference::LayerNumbers;
using reference::Values;

constexpr std::uint64_t kNoise = 77;  // of dropout

int cases(int usual) {
  const char* wanted = std::getenv("ATML_TRAIN_CASES");
  return wanted != nullptr ? std::atoi(wanted) : usual;
}

int add(Network& net, network::Op op, std::vector<int> inputs) {
  auto index = net.add(std::move(op), std::move(inputs));
  EXPECT_TRUE(index.ok()) << (index.ok() ? "" : index.error().message);
  return index.ok() ? *index : -1;
}

// ---- One comparison

Values LayerNumbers::*const kArrays[] = {&LayerNumbers::kernel, &LayerNumbers::bias,
                                         &LayerNumbers::gamma, &LayerNumbers::beta};
const char* const kArrayNames[] = {"kernel", "bias", "gamma", "beta"};

// Random numbers for one network, kept in float so that both sides see the same.
struct Problem {
  Network net;
  int batch;
  Weights weights;
  Values input, weighting;

  Problem(const Network& network, int samples, std::uint64_t seed) : net(network), batch(samples) {
    Rng rng(seed);
    Engine engine(net, batch, *all_kernels()[0]);
    for (float& v : engine.values()) v = static_cast<float>(0.5 * rng.normal());
    for (float& v : engine.statistics()) v = static_cast<float>(rng.uniform(0.5, 1.5));
    weights = engine.weights(engine.values(), engine.statistics());
    // Not near zero: a normalisation behind one with a tiny gamma would enlarge rounding errors.
    for (LayerWeights& l : weights.layers)
      for (float& v : l.gamma)
        v = static_cast<float>(rng.uniform(0.5, 1.5) * (rng.chance(0.3) ? -1 : 1));
    for (Values* v : {&input, &weighting}) {
      const Shape& s = v == &input ? net.input_shape() : net.output_shape();
      v->resize(static_cast<std::size_t>(s.elements() * batch));
      for (double& x : *v) x = static_cast<float>(rng.normal());
    }
  }
  double loss(const std::vector<LayerNumbers>& numbers, const Values& x) const {
    const Values y = reference::Forward(net, numbers, batch, kNoise).run(x);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * weighting[i];
    return sum;
  }
};

double largest(const Values& v, double least) {
  for (const double x : v) least = std::max(least, std::abs(x));
  return least;
}

// Largest gradient of a layer: a sum of large numbers that cancels (a bias before a normalisation)
// is as exact as they are.
double largest(const LayerNumbers& layer) {
  double most = 0.1;
  for (const auto array : kArrays) most = largest(layer.*array, most);
  return most;
}
double largest(const std::vector<LayerNumbers>& layers) {
  double most = 0;
  for (const LayerNumbers& l : layers) most = std::max(most, largest(l));
  return most;
}

void expect_near(const Values& expected, const Values& actual, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  for (std::size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(expected[i], actual[i], tolerance) << what << ", number " << i;
}

// The slope of the loss along one direction, the better of two steps: a kink between the two points
// spoils a difference.
template <class Loss>
void expect_slope(Values& array, const Values& direction, double expected, double scale,
                  const std::string& what, Loss loss) {
  const Values kept = array;
  double error = 1e300, slope = 0;
  for (const double step : {1e-5, 1e-7}) {
    const auto at = [&](double t) {
      for (std::size_t i = 0; i < array.size(); ++i) array[i] = kept[i] + t * direction[i];
      const double result = loss();
      array = kept;
      return result;
    };
    const double difference = (at(step) - at(-step)) / (2 * step);
    if (std::abs(difference - expected) < error) {
      error = std::abs(difference - expected);
      slope = difference;
    }
  }
  ASSERT_LT(error, scale * 1e-4 + 2e-5 * std::abs(slope))
      << what << ": " << expected << " where central differences say " << slope;
}

// Along one random direction that touches every number of the array, and along one number alone.
template <class Loss>
void expect_differences(Values& array, const Values& gradient, Rng& rng, const std::string& what,
                        Loss loss) {
  if (array.empty()) return;
  for (const bool all : {true, false}) {
    Values direction(array.size(), 0.0);
    if (all) {
      for (double& d : direction) d = rng.normal() / std::sqrt(static_cast<double>(array.size()));
    } else {
      direction[rng.below(array.size())] = 1;
    }
    double expected = 0;
    for (std::size_t i = 0; i < array.size(); ++i) expected += direction[i] * gradient[i];
    expect_slope(array, direction, expected, largest(gradient, 0.1), what, loss);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

void check_reference(const Problem& p, std::vector<LayerNumbers> numbers,
                     const std::vector<LayerNumbers>& gradients, const Values& input_gradient) {
  Rng rng(5);
  Values input = p.input;
  const auto loss = [&] { return p.loss(numbers, input); };
  expect_differences(input, input_gradient, rng, "input", loss);
  for (std::size_t l = 0; l < numbers.size(); ++l) {
    for (std::size_t a = 0; a < 4; ++a) {
      if (::testing::Test::HasFatalFailure()) return;
      expect_differences(numbers[l].*kArrays[a], gradients[l].*kArrays[a], rng,
                         std::string(kArrayNames[a]) + " of layer " + std::to_string(l), loss);
    }
  }
}

void check_engine(const Problem& p, const Kernels& kernels, const Values& output,
                  const std::vector<LayerNumbers>& gradients) {
  SCOPED_TRACE(kernels.name);
  Engine engine(p.net, p.batch, kernels);
  ASSERT_TRUE(engine.set_weights(p.weights).ok());
  put(engine.input(), engine.input().value, p.batch, p.input);
  engine.forward(true, kNoise);
  expect_near(output, get(engine.output(), engine.output().value, p.batch),
              2e-5 * largest(output, 1e-3), "output");
  put(engine.output(), engine.output().gradient, p.batch, p.weighting);
  engine.backward();
  const auto found = reference::numbers_of(engine.weights(engine.gradients(), engine.statistics()));
  const double most = largest(gradients);
  for (std::size_t l = 0; l < gradients.size(); ++l) {
    for (std::size_t a = 0; a < 4; ++a) {
      if (::testing::Test::HasFatalFailure()) return;
      expect_near(gradients[l].*kArrays[a], found[l].*kArrays[a],
                  1e-4 * largest(gradients[l]) + 5e-6 * most,
                  std::string(kArrayNames[a]) + " of layer " + std::to_string(l));
    }
  }
}

void expect_right(const Network& net, int batch, std::uint64_t seed) {
  SCOPED_TRACE("batch " + std::to_string(batch) + ", seed " + std::to_string(seed) + "\n" +
               net.text());
  ASSERT_TRUE(net.verify().ok()) << net.verify().error().message;
  // Numbers next to a kink are drawn anew: there the float and the double network rightly differ.
  for (int attempt = 0; attempt < 30; ++attempt) {
    const Problem p(net, batch, seed + 1000003 * static_cast<std::uint64_t>(attempt));
    const auto numbers = reference::numbers_of(p.weights);
    reference::Backward slow(net, numbers, batch, kNoise);
    const Values output = slow.run(p.input);
    if (slow.kink_distance() < 1e-5) continue;
    const std::vector<LayerNumbers> gradients = slow.gradients(p.weighting);
    check_reference(p, numbers, gradients, slow.input_gradient());
    for (const Kernels* k : all_kernels()) {
      if (::testing::Test::HasFatalFailure()) return;
      check_engine(p, *k, output, gradients);
    }
    return;
  }
}

// ---- Random shapes

Window random_window(Rng& rng, const Shape& in, bool dilates) {
  while (true) {
    Window w;
    w.kernel_h = rng.integer(1, 7);
    w.stride_h = rng.integer(1, 4);
    w.dilation_h = dilates && rng.chance(0.4) ? rng.integer(2, 3) : 1;
    if (in.width > 1 || rng.chance(0.1)) {
      w.kernel_w = rng.integer(1, 6);
      w.stride_w = rng.integer(1, 3);
      w.dilation_w = dilates && rng.chance(0.4) ? rng.integer(2, 3) : 1;
    }
    w.padding = rng.chance(0.5) ? Padding::kSame : Padding::kValid;
    if (w.output_height(in.height) >= 1 && w.output_width(in.width) >= 1) return w;
  }
}

Shape random_map(Rng& rng, int most_channels) {
  const bool signal = rng.chance(0.25);
  return {rng.integer(1, signal ? 40 : 11), signal ? 1 : rng.integer(1, 11),
          rng.integer(1, most_channels)};
}

network::Activation random_activation(Rng& rng) {
  return static_cast<network::Activation>(rng.integer(0, 2));
}

// The reference is slow: a case may cost this many products a pass.
bool affordable(const Network& net, int batch) { return net.macs().value * batch <= 600000; }

// A layer under test behind a pointwise one, which its data gradient must pass through.
Network behind_pointwise(const Shape& in, const network::Op& op) {
  Network net({in.height, in.width, 2});
  const int first = add(net, network::Conv{in.channels, Window{}, true}, {0});
  add(net, op, {first});
  return net;
}

template <class Draw>
void expect_layers_right(std::uint64_t seed, int count, Draw draw) {
  Rng rng(seed);
  for (int n = 0; n < count;) {
    const int batch = rng.chance(0.7) ? 16 : 16 * rng.integer(2, 3);
    const Shape in = random_map(rng, 33);
    const Network net = behind_pointwise(in, draw(rng, in));
    if (!affordable(net, batch)) continue;
    expect_right(net, batch, seed * 1000 + static_cast<std::uint64_t>(n));
    if (::testing::Test::HasFatalFailure()) return;
    ++n;
  }
}

TEST(Layers, Convolutions) {
  expect_layers_right(1, cases(40), [](Rng& rng, const Shape& in) -> network::Op {
    return network::Conv{rng.integer(1, 33), random_window(rng, in, true), rng.chance(0.5)};
  });
}

// Those that winograd.cpp takes over on some machines, and their neighbours that it does not.
TEST(Layers, ConvolutionsOfManyChannels) {
  Rng rng(7);
  for (int n = 0; n < cases(6); ++n) {
    const Shape in{rng.integer(1, 3) * 2 - rng.chance(0.2), rng.integer(1, 3) * 2,
                   rng.integer(30, 66)};
    const network::Conv conv{rng.integer(30, 40), Window{3, 3}, rng.chance(0.5)};
    Network net = behind_pointwise(in, conv);
    if (rng.chance(0.5)) {  // the data gradient is added to another's
      add(net, network::Dense{2, false}, {2});
      add(net, network::Dense{2, false}, {1});
      add(net, network::Add{}, {3, 4});
    }
    expect_right(net, 16, 7000 + static_cast<std::uint64_t>(n));
    if (HasFatalFailure()) return;
  }
}

// Weight gradients as outer products: one, several and partly filled vectors of rows, several
// chunks of them, few columns and many, blocks of positions that are not full.
TEST(Layers, PointwiseOfManyFilters) {
  Rng rng(8);
  for (int n = 0; n < cases(8); ++n) {
    const Shape in{rng.integer(2, 4), rng.integer(2, 5), rng.integer(5, 20)};
    const Network net = behind_pointwise(in, network::Conv{rng.integer(30, 140), Window{}});
    expect_right(net, 16, 8000 + static_cast<std::uint64_t>(n));
    if (HasFatalFailure()) return;
  }
}

// A chain of channel-wise steps between two that mix channels: its gradients share memory.
TEST(Layers, SeparableBlocks) {
  Rng rng(9);
  for (int n = 0; n < cases(8); ++n) {
    const int channels = rng.integer(2, 9);
    Network net({rng.integer(1, 7), rng.integer(1, 11), 2});
    int x = add(net, network::Conv{channels, Window{}}, {0});
    for (int block = 0; block < 2; ++block) {
      x = add(net, network::BatchNorm{}, {x});
      x = add(net, network::Activate{random_activation(rng)}, {x});
      x = add(net, network::Depthwise{1, Window{3, 3}, rng.chance(0.3)}, {x});
      x = add(net, network::BatchNorm{}, {x});
      x = add(net, network::Activate{random_activation(rng)}, {x});
      x = add(net, network::Conv{channels, Window{}}, {x});
    }
    expect_right(net, rng.chance(0.5) ? 16 : 48, 9000 + static_cast<std::uint64_t>(n));
    if (HasFatalFailure()) return;
  }
}

TEST(Layers, Depthwise) {
  expect_layers_right(2, cases(40), [](Rng& rng, const Shape& in) -> network::Op {
    return network::Depthwise{rng.integer(1, 4), random_window(rng, in, true), rng.chance(0.5)};
  });
}

TEST(Layers, Dense) {
  expect_layers_right(3, cases(20), [](Rng& rng, const Shape&) -> network::Op {
    return network::Dense{rng.integer(1, 40), rng.chance(0.5)};
  });
}

TEST(Layers, Pools) {
  expect_layers_right(4, cases(30), [](Rng& rng, const Shape& in) -> network::Op {
    if (rng.chance(0.2)) return network::GlobalAveragePool{};
    if (rng.chance(0.5)) return network::MaxPool{random_window(rng, in, rng.chance(0.3))};
    return network::AveragePool{random_window(rng, in, rng.chance(0.3))};
  });
}

TEST(Layers, ChannelwiseSteps) {
  expect_layers_right(5, cases(20), [](Rng& rng, const Shape&) -> network::Op {
    switch (rng.integer(0, 3)) {
      case 0:
        return network::BatchNorm{};
      case 1:
        return network::Dropout{static_cast<float>(rng.uniform(0, 0.8))};
      case 2:
        return network::Flatten{};
      default:
        return network::Activate{random_activation(rng)};
    }
  });
}

// ---- Random networks: branches, sums, joins, several readers, fused and shared memory

int random_layer(Network& net, Rng& rng) {
  const int from = rng.chance(0.6) ? net.last() : rng.integer(0, net.last());
  const Shape s = net.layer(from).output;
  std::vector<int> alike, joinable;
  for (int i = 0; i < net.size(); ++i) {
    const Shape& o = net.layer(i).output;
    if (o == s) alike.push_back(i);
    if (o.height == s.height && o.width == s.width) joinable.push_back(i);
  }
  const auto one_of = [&](const std::vector<int>& v) { return v[rng.below(v.size())]; };
  switch (rng.integer(0, 11)) {
    case 0:
    case 1:
      return add(net, network::Conv{rng.integer(1, 9), random_window(rng, s, true), false}, {from});
    case 2:
      return add(net, network::Depthwise{rng.integer(1, 2), random_window(rng, s, true), true},
                 {from});
    case 3:
      return add(net, network::BatchNorm{}, {from});
    case 4: {
      const int norm = add(net, network::BatchNorm{}, {from});
      return add(net, network::Activate{random_activation(rng)}, {norm});
    }
    case 5:
      return add(net, network::Activate{random_activation(rng)}, {from});
    case 6:
      return add(net, network::MaxPool{random_window(rng, s, false)}, {from});
    case 7:
      return add(net, network::AveragePool{random_window(rng, s, false)}, {from});
    case 8:
      return add(net, network::Add{}, {from, one_of(alike)});
    case 9:
      return add(net, network::Concat{}, {from, one_of(joinable), one_of(joinable)});
    case 10:
      return add(net, network::Dropout{0.3f}, {from});
    default:
      return add(net, network::Flatten{}, {from});
  }
}

// Every layer that nobody reads gets a dense layer of its own; the network answers their sum.
void close(Network& net, Rng& rng) {
  std::vector<bool> read(static_cast<std::size_t>(net.size()), false);
  for (const network::Layer& l : net.layers())
    for (const int i : l.inputs) read[static_cast<std::size_t>(i)] = true;
  const int units = rng.integer(1, 12);
  int sum = -1;
  for (int i = 0; i < static_cast<int>(read.size()); ++i) {
    if (read[static_cast<std::size_t>(i)]) continue;
    const int head = add(net, network::Dense{units, rng.chance(0.5)}, {i});
    sum = sum < 0 ? head : add(net, network::Add{}, {sum, head});
  }
}

TEST(Layers, Networks) {
  Rng rng(6);
  const int count = cases(60);
  for (int n = 0; n < count;) {
    Network net(random_map(rng, 5));
    const int layers = rng.integer(2, 9);
    for (int i = 0; i < layers; ++i) random_layer(net, rng);
    close(net, rng);
    const int batch = rng.chance(0.8) ? 16 : 32;
    if (!affordable(net, batch)) continue;
    expect_right(net, batch, 6000 + static_cast<std::uint64_t>(n));
    if (HasFatalFailure()) return;
    ++n;
  }
}

}  // namespace
}  // namespace atml::train
