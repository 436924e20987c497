// What a model's file must give elsewhere: seeded inputs and the interpreter's outputs beside it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/files.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"

namespace atml::differential {

/// Writes PATH.in and PATH.out, int8 bytes of `count` samples, sample after sample.
inline Status write_samples(const std::string& path, const quantize::Int8Model& model,
                            std::size_t count, std::uint64_t seed) {
  const auto inputs = quantize::random_inputs(model, count, seed);
  const std::size_t in = inputs.size() / count;
  const auto out = static_cast<std::size_t>(model.tensor(model.output).shape.elements());
  std::vector<std::int8_t> outputs(count * out);
  quantize::Interpreter interpreter(model);
  for (std::size_t i = 0; i < count; ++i)
    interpreter.run(std::span(inputs).subspan(i * in, in),
                    std::span(outputs).subspan(i * out, out));
  const auto view = [](const std::vector<std::int8_t>& v) {
    return std::string_view(reinterpret_cast<const char*>(v.data()), v.size());
  };
  ATML_TRY_STATUS(write_scratch_file(path + ".in", view(inputs)));
  return write_scratch_file(path + ".out", view(outputs));
}

}  // namespace atml::differential
