// Test support: writes firmware folders and runs compilers on them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codegen/random_models_test.h"

namespace atml::codegen::testing {

inline Result<std::string> run(std::vector<std::string> argv,
                               const std::filesystem::path& folder = {}) {
  Command command;
  command.argv = std::move(argv);
  command.working_folder = folder;
  command.timeout = Seconds(120);
  ATML_TRY(const ProcessResult result, run_process(command));
  if (!result.succeeded())
    return Error{Code::kInvalidArgument,
                 command.text() + " " + result.ending() + ": " + result.err};
  return result.out;
}

inline void write_all(const Firmware& firmware, const std::filesystem::path& folder) {
  for (const File& file : firmware.files)
    ASSERT_TRUE(write_file(folder / file.path, file.bytes).ok());
}

inline bool has_arm_compiler() { return find_program("arm-none-eabi-gcc").ok(); }

/// The model whose layers cover most kernels in few operators.
inline quantize::Int8Model mixed_model() {
  using namespace network;
  Network net(Shape{16, 16, 3});
  const auto add = [&](Op op, std::vector<int> inputs) {
    return *net.add(std::move(op), std::move(inputs));
  };
  int last = add(Conv{8, Window{3, 3, 2, 2}, true}, {0});
  const int skip = last;
  last = add(Depthwise{1, Window{3, 3}, true}, {last});
  last = add(Conv{8, Window{}, true}, {last});
  last = add(Add{}, {skip, last});
  last = add(Activate{Activation::kHardSwish}, {last});
  last = add(Concat{}, {skip, last});
  last = add(MaxPool{Window{2, 2, 2, 2}}, {last});
  last = add(GlobalAveragePool{}, {last});
  last = add(Dense{10, true}, {last});
  return quantize::random_model(net, 5);
}

/// A true vector of a model.
inline SelfTest self_test_of(const quantize::Int8Model& model) {
  SelfTest test;
  test.input = quantize::random_inputs(model, 1, 3);
  test.output.resize(static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
  quantize::Interpreter(model).run(test.input, test.output);
  return test;
}

}  // namespace atml::codegen::testing
