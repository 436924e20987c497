// litert_cases FOLDER COUNT SEED: random models as NAME.tflite with inputs NAME.in and the outputs
// of the reference interpreter NAME.out. Half come from random networks; the others are single
// operators that networks do not have (mean, mul, pad, softmax, tables), between quantised tensors
// of random scales.
#include <fmt/format.h>

#include <cstdlib>

#include "../samples.h"
#include "base/files.h"
#include "exchange/tflite.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"
#include "quantize/requantize.h"

namespace {

using namespace atml;
using namespace atml::quantize;

constexpr std::size_t kInputs = 8;

Tensor tensor(Rng& rng, const char* name, Shape shape) {
  return {name, shape, static_cast<float>(rng.uniform(0.004, 0.1)), rng.integer(-128, 127)};
}

// conv -> the operator under test -> reshape where the result is a map.
Int8Model operator_model(std::uint64_t seed) {
  Rng rng = Rng::derive(seed, "operator model");
  network::Network net(Shape{rng.integer(2, 9), rng.integer(2, 9), rng.integer(1, 8)});
  ATML_ASSERT(net.add(network::Conv{rng.integer(1, 9), {1, 1}, true}, {0}, "conv").ok(), "conv");
  ATML_ASSERT(net.add(network::Conv{net.output_shape().channels, {1, 1}, true}, {0}, "other").ok(),
              "conv");
  ATML_ASSERT(net.add(network::Add{}, {1, 2}, "sum").ok(), "add");
  Int8Model m = random_model(net, seed);
  m.ops.pop_back();  // the sum; its tensor becomes the result of the operator under test
  m.tensors.pop_back();
  const Shape s = m.tensors.back().shape;
  const int a = m.ops[0].output, b = m.ops[1].output;
  const auto finish = [&](OpKind kind, std::vector<int> inputs, Tensor out) {
    m.tensors.push_back(std::move(out));
    m.output = static_cast<int>(m.tensors.size()) - 1;
    m.ops.push_back({"tested", std::move(kind), std::move(inputs), m.output});
  };
  const auto table = [&](const std::string& function, Tensor out) {
    const auto values = function_table(function, m.tensor(a), out, m.rounding);
    ATML_ASSERT(values.ok(), "table");
    finish(Table{function, *values}, {a}, std::move(out));
  };
  switch (seed % 9) {
    case 0: {
      Tensor out = rng.chance(0.3) ? m.tensor(a) : tensor(rng, "out", s);
      out.name = "out";
      out.shape = {1, 1, s.channels};
      finish(Mean{}, {a}, std::move(out));
      break;
    }
    case 1:
      finish(Mul{}, {a, b}, tensor(rng, "out", s));
      break;
    case 2:
      finish(Softmax{static_cast<float>(rng.uniform(0.5, 2))}, {a}, {"out", s, 1.0f / 256, -128});
      break;
    case 3: {
      Tensor out = m.tensor(a);
      Pad p{rng.integer(0, 2), rng.integer(0, 2), rng.integer(0, 2), rng.integer(0, 2), 0, 0};
      out.name = "out";
      out.shape = {s.height + p.top + p.bottom, s.width + p.left + p.right, s.channels};
      finish(p, {a}, std::move(out));
      break;
    }
    case 4:
      table("logistic", {"out", s, 1.0f / 256, -128});
      break;
    case 5:
      table("tanh", {"out", s, 1.0f / 128, 0});
      break;
    case 6:
      table("quantize", tensor(rng, "out", s));
      break;
    case 7:
      table(rng.chance(0.5) ? "relu" : "relu6", tensor(rng, "out", s));
      break;
    default: {  // squeeze and excite: mean, logistic, a factor a channel
      Tensor mean = tensor(rng, "mean", {1, 1, s.channels});
      m.tensors.push_back(mean);
      const int at = static_cast<int>(m.tensors.size()) - 1;
      m.ops.push_back({"mean", Mean{}, {b}, at});
      Tensor gate{"gate", {1, 1, s.channels}, 1.0f / 256, -128};
      const auto values = function_table("logistic", mean, gate, m.rounding);
      m.tensors.push_back(gate);
      m.ops.push_back({"gate", Table{"logistic", *values}, {at}, at + 1});
      finish(Mul{}, {a, at + 1}, tensor(rng, "out", s));
      break;
    }
  }
  return m;
}

Status write_case(const std::string& path, const Int8Model& model, std::uint64_t seed) {
  ATML_TRY_STATUS(model.verify());
  ATML_TRY(const std::string bytes, exchange::write_tflite(model));
  ATML_TRY_STATUS(write_scratch_file(path + ".tflite", bytes));
  return differential::write_samples(path, model, kInputs, seed);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: litert_cases FOLDER COUNT SEED\n");
    return 2;
  }
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10),
                      first = std::strtoull(argv[3], nullptr, 10);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t seed = first + i / 2;
    const bool single = i % 2 == 1;
    const Int8Model model =
        single ? operator_model(seed) : random_model(RandomNetwork(seed).make(), seed);
    const std::string name =
        single ? fmt::format("operator_{}_{}", seed % 9, seed) : fmt::format("network_{}", seed);
    const Status status = write_case(fmt::format("{}/{}", argv[1], name), model, seed);
    if (status.ok()) continue;
    fmt::print(stderr, "{}: {}\n", name, status.error().message);
    return 1;
  }
  return 0;
}
