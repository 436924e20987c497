// Runs the generated C of a model on the emulated part or on the host, for bit-exactness checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "codegen/firmware.h"
#include "quantize/model.h"
#include "target/target.h"

namespace atml::deploy {

struct HostOptions {
  std::string compiler = "gcc";  // any C99 compiler with gcc's options (gcc, clang, clang-16)
  bool sanitizers = false;  // address and undefined behaviour; a finding is an Error with its text
};

/// Outputs of n samples, sample after sample. `inputs` holds n x input elements, quantised bytes in
/// HWC order. One emulator process runs all samples. Error when the tools are missing or the run
/// did not end well (fault, lock-up, runaway, memory outside the part), with the reason.
Result<std::vector<std::int8_t>> run_on_mcu(const quantize::Int8Model& model,
                                            const target::Target& target,
                                            std::span<const std::int8_t> inputs, std::size_t n,
                                            const codegen::Options& options = {});

/// The same C compiled for this machine. One process runs all samples.
Result<std::vector<std::int8_t>> run_on_host(const quantize::Int8Model& model,
                                             std::span<const std::int8_t> inputs, std::size_t n,
                                             const HostOptions& options = {});

}  // namespace atml::deploy
