#include "search/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "deploy/run_model.h"
#include "exchange/tflite.h"
#include "quantize/batch.h"
#include "quantize/evaluate.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"

namespace atml::search {
namespace {

using Bytes8 = std::vector<std::int8_t>;

Bytes8 verification_inputs(const quantize::Int8Model& model, const data::Dataset& dataset,
                           const data::Split& split) {
  std::vector<std::size_t> indices(std::min(kVerifySamples, split.size()));
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  Bytes8 inputs = quantize::quantize_inputs(model, dataset, split.select(indices));
  const Bytes8 random = quantize::random_inputs(model, kVerifySamples - indices.size(), 1);
  inputs.insert(inputs.end(), random.begin(), random.end());
  return inputs;
}

Bytes8 run_reference(const quantize::Int8Model& model, const Bytes8& inputs) {
  const auto in = static_cast<std::size_t>(model.tensor(model.input).shape.elements());
  const auto out = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  const std::size_t n = inputs.size() / in;
  Bytes8 outputs(n * out);
  quantize::Interpreter interpreter(model);
  for (std::size_t i = 0; i < n; ++i) {
    interpreter.run(std::span(inputs).subspan(i * in, in),
                    std::span(outputs).subspan(i * out, out));
  }
  return outputs;
}

struct Execution {
  std::string name;
  std::function<Result<Bytes8>()> run;
};

std::string first_difference(const Bytes8& expected, const Bytes8& found, std::size_t out,
                             const std::string& name) {
  if (expected.size() != found.size()) {
    return fmt::format("{}: {} output bytes instead of {}", name, found.size(), expected.size());
  }
  const auto [e, f] = std::ranges::mismatch(expected, found);
  if (e == expected.end()) return "";
  const auto at = static_cast<std::size_t>(e - expected.begin());
  return fmt::format("{}: sample {}, output {}: {} instead of {}", name, at / out, at % out, *f,
                     *e);
}

}  // namespace

Result<report::BitExactness> verify_bit_exact(const quantize::Int8Model& model,
                                              const target::Target& target,
                                              const codegen::Options& options,
                                              const data::Dataset& dataset,
                                              const data::Split& split) {
  const Bytes8 inputs = verification_inputs(model, dataset, split);
  const Bytes8 expected = run_reference(model, inputs);
  const auto out = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  const std::size_t n = expected.size() / out;

  const std::vector<Execution> executions{
      {"batch evaluator of the search",
       [&]() -> Result<Bytes8> {
         Bytes8 outputs(expected.size());
         quantize::BatchInterpreter(model).run(inputs, n, outputs);
         return outputs;
       }},
      {"C on the host (gcc)",
       [&] {
         return deploy::run_on_host(model, inputs, n, {"gcc", false, options});
       }},
      {"C on the host (gcc, address and undefined-behaviour sanitizers)",
       [&] {
         return deploy::run_on_host(model, inputs, n, {"gcc", true, options});
       }},
      {fmt::format("C on the emulated {}", target.name),
       [&] { return deploy::run_on_mcu(model, target, inputs, n, options); }},
  };
  report::BitExactness result;
  result.checked = true;
  result.equal = true;
  result.samples = static_cast<std::int64_t>(n);
  result.executions.push_back("reference interpreter");
  for (const Execution& execution : executions) {
    ATML_TRY(const Bytes8 found, execution.run());
    result.executions.push_back(execution.name);
    const std::string difference = first_difference(expected, found, out, execution.name);
    if (difference.empty()) continue;
    result.equal = false;
    if (result.detail.empty()) result.detail = difference;
  }
  return result;
}

}  // namespace atml::search
