#include "deploy/run_model.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "codegen/runtime.h"
#include "deploy/harness_sources.h"
#include "deploy/workbench.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;

std::size_t expected_bytes(const quantize::Int8Model& model, std::size_t n) {
  return n * static_cast<std::size_t>(model.tensor(model.output).shape.elements());
}

void assert_inputs(const quantize::Int8Model& model, std::span<const std::int8_t> inputs,
                   std::size_t n) {
  ATML_ASSERT(
      inputs.size() == n * static_cast<std::size_t>(model.tensor(model.input).shape.elements()),
      "inputs do not hold n samples");
}

Error incomplete(const char* where, std::size_t found, std::size_t wanted) {
  return {Code::kIo, fmt::format("the run on the {} gave {} output bytes instead of {}", where,
                                 found, wanted)};
}

// The model's C, the runtime's reference kernels and the harness, as one compiler command.
Result<Command> host_build(const codegen::Firmware& firmware, const HostOptions& options,
                           const fs::path& folder) {
  const fs::path runtime = resource_folder("runtime");
  Command command{.argv = {options.compiler, "-std=c99", "-O2", "-I",
                           (runtime / "include").string(), "-I", folder.string()}};
  if (options.sanitizers) {
    for (const char* flag : {"-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"})
      command.argv.push_back(flag);
  }
  for (const codegen::File& file : firmware.files) {
    if (file.role != codegen::Role::kSource && file.role != codegen::Role::kHeader &&
        file.role != codegen::Role::kWeightsArray)
      continue;
    ATML_TRY_STATUS(write_scratch_file(folder / file.path, file.bytes));
    if (file.role != codegen::Role::kHeader) command.argv.push_back((folder / file.path).string());
  }
  ATML_TRY_STATUS(write_scratch_file(folder / "host_main.c", harness::kHostMain));
  command.argv.push_back((folder / "host_main.c").string());
  for (const std::string& source : codegen::host_runtime_sources())
    command.argv.push_back((runtime / source).string());
  command.argv.insert(command.argv.end(), {"-o", (folder / "model").string()});
  return command;
}

}  // namespace

Result<std::vector<std::int8_t>> run_on_mcu(const quantize::Int8Model& model,
                                            const target::Target& target,
                                            std::span<const std::int8_t> inputs, std::size_t n,
                                            const codegen::Options& options) {
  assert_inputs(model, inputs, n);
  ATML_TRY(Workbench workbench, Workbench::create());
  ATML_TRY(const ScratchFolder folder, ScratchFolder::create());
  ATML_TRY(const Production production,
           workbench.build(model, target, options, folder.path()));
  if (!production.failure.empty()) return Error{Code::kUnsupported, production.failure};
  const RunSettings settings{.timeout = Seconds(600)};
  ATML_TRY(MeasuredRun run, workbench.run(target, production, inputs, settings, folder.path()));
  if (!run.failure.empty())
    return Error{Code::kUnavailable, fmt::format("emulated {}: {}", target.name, run.failure)};
  if (run.outputs.size() != expected_bytes(model, n))
    return incomplete("emulated part", run.outputs.size(), expected_bytes(model, n));
  return std::move(run.outputs);
}

Result<std::vector<std::int8_t>> run_on_host(const quantize::Int8Model& model,
                                             std::span<const std::int8_t> inputs, std::size_t n,
                                             const HostOptions& options) {
  assert_inputs(model, inputs, n);
  ATML_TRY(const ScratchFolder folder, ScratchFolder::create());
  target::Target host;  // the generator's plain kernels: no DSP, no FPU
  host.name = "host";
  host.core = target::Core::kCortexM0Plus;
  ATML_TRY(const codegen::Firmware firmware, codegen::generate(model, host, {}));
  ATML_TRY(Command build, host_build(firmware, options, folder.path()));
  build.timeout = Seconds(300);
  ATML_TRY(const ProcessResult built, run_process(build));
  if (!built.succeeded())
    return Error{Code::kUnavailable, fmt::format("'{}' {}: {}", options.compiler, built.ending(),
                                                 trim(built.err).substr(0, 500))};
  Command command{.argv = {(folder.path() / "model").string()}};
  command.input.assign(reinterpret_cast<const char*>(inputs.data()), inputs.size());
  command.timeout = Seconds(600);
  command.output_limit = expected_bytes(model, n) + 1;
  ATML_TRY(const ProcessResult run, run_process(command));
  if (!run.succeeded())
    return Error{Code::kUnavailable, fmt::format("the model's C on the host {}: {}", run.ending(),
                                                 trim(run.err).substr(0, 1000))};
  if (run.out.size() != expected_bytes(model, n))
    return incomplete("host", run.out.size(), expected_bytes(model, n));
  return std::vector<std::int8_t>(run.out.begin(), run.out.end());
}

}  // namespace atml::deploy
