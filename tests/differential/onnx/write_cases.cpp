// onnx_cases FOLDER COUNT: random models as NAME.onnx, with inputs NAME.in, outputs of the
// reference interpreter NAME.out and shapes and scales NAME.txt. network_N are whole networks;
// operator_KIND_N is one operator of a network alone (an operator of two inputs gets the same value
// twice).
#include <fmt/format.h>

#include <cstdlib>

#include "../samples.h"
#include "base/files.h"
#include "exchange/onnx.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "quantize/random_network.h"

namespace {

using namespace atml;
using namespace atml::quantize;

constexpr std::size_t kInputs = 8;

std::string numbers(const Tensor& t) {
  return fmt::format("{} {} {} {} {}\n", t.shape.height, t.shape.width, t.shape.channels, t.scale,
                     t.zero_point);
}

Status write_case(const std::string& path, const Int8Model& model, std::uint64_t seed) {
  ATML_TRY_STATUS(model.verify());
  ATML_TRY(const std::string bytes, exchange::write_onnx(model));
  ATML_TRY_STATUS(write_scratch_file(path + ".onnx", bytes));
  ATML_TRY_STATUS(write_scratch_file(
      path + ".txt", numbers(model.tensor(model.input)) + numbers(model.tensor(model.output))));
  return differential::write_samples(path, model, kInputs, seed);
}

Int8Model alone(const Int8Model& model, const Op& op) {
  Int8Model m;
  m.name = "alone";
  m.tensors = {model.input_of(op), model.output_of(op)};
  m.tensors[0].name = "from";
  if (std::holds_alternative<Concat>(op.kind))
    m.tensors[1].shape.channels = m.tensors[0].shape.channels * static_cast<int>(op.inputs.size());
  m.ops.push_back({op.name, op.kind, std::vector<int>(op.inputs.size(), 0), 1});
  m.output = 1;
  return m;
}

Status write_network(const std::string& folder, std::uint64_t seed) {
  const Int8Model model = random_model(RandomNetwork(seed).make(), seed);
  ATML_TRY_STATUS(write_case(fmt::format("{}/network_{}", folder, seed), model, seed));
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    const Op& op = model.ops[i];
    const std::string name = fmt::format("operator_{}_{}_{}", kind_name(op.kind), seed, i);
    ATML_TRY_STATUS(write_case(folder + "/" + name, alone(model, op), seed));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: onnx_cases FOLDER COUNT\n");
    return 2;
  }
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    if (const Status status = write_network(argv[1], seed); !status.ok()) {
      fmt::print(stderr, "network {}: {}\n", seed, status.error().message);
      return 1;
    }
  }
  return 0;
}
