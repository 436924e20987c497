#include "deploy/workbench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "deploy/flash_wait.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;
using codegen::Role;

constexpr Bytes kEnlarged(
    64 << 20);  // every region of the second link of a firmware that does not fit
constexpr Bytes kHarnessFlash(8 << 10);  // room for the harness beside the measured code
constexpr Bytes kHarnessRam(1 << 10);

class Stopwatch {
 public:
  Seconds lap() {
    const double now = now_seconds();
    return Seconds(now - std::exchange(start_, now));
  }

 private:
  double start_ = now_seconds();
};

// What becomes an object of the network itself, in both programs.
bool is_model(const codegen::File& file) {
  return file.role == Role::kSource || file.role == Role::kWeightsAssembly;
}

// Writes what the hot path needs and says what to compile.
Result<std::vector<CompileJob>> write_sources(const codegen::Firmware& firmware,
                                              const std::vector<std::string>& flags,
                                              const fs::path& folder) {
  const std::vector<fs::path> include_folders{resource_folder("runtime") / "include", folder};
  std::vector<CompileJob> jobs;
  for (const codegen::File& file : firmware.files) {
    if (file.role == Role::kWeightsArray || file.role == Role::kSupport) continue;
    const fs::path path = folder / file.path;
    ATML_TRY_STATUS(write_scratch_file(path, file.bytes));
    if (is_model(file) || file.role == Role::kMain)
      jobs.push_back({path, path.string() + ".o", flags, include_folders});
  }
  return jobs;
}

std::vector<fs::path> objects_of(const std::vector<CompileJob>& jobs) {
  std::vector<fs::path> objects;
  for (const CompileJob& job : jobs) objects.push_back(job.object);
  return objects;
}

void append(std::vector<fs::path>& list, const std::vector<fs::path>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

// Links with the part's map; where that overflows, with enlarged regions for exact sizes.
Result<StepOutcome> link_production(const Toolchain& tools, LinkJob job, Production& production) {
  ATML_TRY(StepOutcome step, tools.link(job));
  if (step.ok || parse_overflows(step.text).empty()) return step;
  production.fits_part = false;
  ATML_TRY(const std::string script, read_file(job.script));
  job.script += ".enlarged";
  ATML_TRY_STATUS(write_scratch_file(job.script, with_enlarged_regions(script, kEnlarged)));
  return tools.link(job);
}

Status read_sizes(const fs::path& path, Production& production) {
  ATML_TRY(std::string bytes, read_file(path));
  ATML_TRY(production.elf, ElfFile::parse(std::move(bytes)));
  production.flash = production.elf->flash_bytes();
  production.arena = production.firmware.plan.arena;
  const Bytes ram = production.elf->static_ram_bytes();
  ATML_ASSERT(
      ram >= production.arena,
      fmt::format("the production ELF has {} bytes of static RAM, less than its arena of {}",
                  ram.value, production.arena.value));
  production.statics = ram - production.arena;
  return {};
}

// The value of a macro of the generated header ("#define MODEL_INPUT_OFFSET 1024u").
Bytes macro_value(const codegen::Firmware& firmware, const std::string& name) {
  const codegen::File* header = firmware.find("model.h");
  ATML_ASSERT(header != nullptr, "the generator gave no model.h");
  const std::string mark = "#define " + name + " ";
  const std::size_t at = header->bytes.find(mark);
  ATML_ASSERT(at != std::string::npos, "the generated header does not define " + name);
  return Bytes(std::strtoll(header->bytes.c_str() + at + mark.size(), nullptr, 10));
}

BoardNeeds needs_of(const Production& production) {
  const codegen::Firmware& firmware = production.firmware;
  return {.flash = production.flash + kHarnessFlash,
          .ram = production.arena + production.statics + kHarnessRam,
          .arena = production.arena,
          .input = macro_value(firmware, "MODEL_INPUT_BYTES"),
          .output = macro_value(firmware, "MODEL_OUTPUT_BYTES"),
          .input_offset = macro_value(firmware, "MODEL_INPUT_OFFSET"),
          .output_offset = macro_value(firmware, "MODEL_OUTPUT_OFFSET")};
}

Result<AddressRange> range_between(const ElfFile& elf, const char* low, const char* high) {
  ATML_TRY(const std::uint32_t from, elf.address(low));
  ATML_TRY(const std::uint32_t to, elf.address(high));
  return AddressRange{from, to};
}

Result<EmulationJob> emulation_job(const ElfFile& elf, const Board& board,
                                   const Production& production, const target::Target& target) {
  EmulationJob job{
      .emulator = board.emulator, .machine = board.machine, .aligned_only = board.aligned_only};
  job.cache_bytes = flash_wait(target).cache_bytes;
  ATML_TRY(job.mark_start, elf.address("atml_mark_start"));
  ATML_TRY(job.mark_stop, elf.address("atml_mark_stop"));
  ATML_TRY(job.flash, range_between(elf, "atml_flash_start", "atml_flash_end"));
  ATML_TRY(job.ram, range_between(elf, "atml_ram_start", "atml_ram_end"));
  ATML_TRY(job.stack, range_between(elf, "atml_stack_low", "atml_stack_top"));
  for (const codegen::OpInfo& op : production.firmware.ops) {
    if (op.symbol.empty()) continue;
    ATML_TRY(const std::uint32_t address, layer_address(elf, op.symbol));
    job.layers.push_back(address);
  }
  return job;
}

std::string_view as_text(std::span<const std::int8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The program for the board. A failure of the sources cannot happen here that did not happen
// before.
Result<StepOutcome> link_measurement(const Toolchain& tools, const target::Target& target,
                                     const Production& production, const std::string& script,
                                     const fs::path& folder) {
  LinkJob job{.script = folder / "board.ld",
              .output = folder / "measure.elf",
              .flags = codegen::link_flags(target)};
  ATML_TRY_STATUS(write_scratch_file(job.script, script));
  for (const codegen::File& file : production.firmware.files) {
    if (is_model(file)) job.inputs.push_back(folder / (file.path + ".o"));
  }
  append(job.inputs, production.kernels.harness);
  append(job.inputs, production.kernels.memory);
  job.inputs.push_back(production.kernels.kernels);
  return tools.link(job);
}

}  // namespace

Result<std::uint32_t> layer_address(const ElfFile& elf, const std::string& symbol) {
  const auto it = std::ranges::find_if(elf.symbols(), [&](const Symbol& s) {
    return s.function && (s.name == symbol || s.name.starts_with(symbol + "."));
  });
  if (it != elf.symbols().end()) return it->value;
  return Error{Code::kNotFound, fmt::format("function '{}' is not in the linked ELF", symbol)};
}

namespace {

Result<ToolKit> find_kit(const char* compiler, const Packages& packages, const char* emulator) {
  ATML_TRY(Toolchain tools, Toolchain::find(compiler, packages));
  ATML_TRY(std::string version, emulator_version(emulator));
  return ToolKit{std::move(tools), std::move(version)};
}

}  // namespace

Result<Workbench> Workbench::create() {
  ATML_TRY(ToolKit arm, find_kit("arm-none-eabi-gcc", {}, "qemu-system-arm"));
  ATML_TRY(ScratchFolder folder, ScratchFolder::create());
  return Workbench(std::move(arm), KernelCache(std::move(folder)));
}

Result<const ToolKit*> Workbench::kit(target::Core core) const {
  if (core != target::Core::kRv32imc) return &arm_;
  std::call_once(riscv_->once, [this] {
    riscv_->kit = find_kit("riscv64-unknown-elf-gcc",
                           {"gcc-riscv64-unknown-elf", "binutils-riscv64-unknown-elf"},
                           "qemu-system-riscv32");
  });
  if (!riscv_->kit->ok()) return riscv_->kit->error();
  return &riscv_->kit->value();
}

Result<Production> Workbench::build(const quantize::Int8Model& model, const target::Target& target,
                                    const codegen::Options& options, const fs::path& folder) {
  const codegen::Optimize optimize = options.optimize;
  Production production;
  const auto board = board_for(target.core);
  if (!board.ok()) return production.failure = board.error().message, production;
  const auto kit = this->kit(target.core);
  if (!kit.ok()) return production.failure = kit.error().message, production;
  const Toolchain& tools = (*kit)->tools;
  ATML_TRY(production.kernels, kernels_.get(tools, target, optimize, model.rounding));
  Stopwatch watch;
  codegen::Options without_arrays = options;  // the assembler reads the weights
  without_arrays.weight_arrays = false;
  auto generated = codegen::generate(model, target, without_arrays);
  if (!generated.ok()) {
    production.failure = "the generator refused the model: " + generated.error().message;
    return production;
  }
  production.firmware = std::move(generated).value();
  const std::vector<std::string> flags = codegen::compile_flags(target, optimize, model.rounding);
  ATML_TRY(const std::vector<CompileJob> jobs, write_sources(production.firmware, flags, folder));
  production.timings.generate = watch.lap();
  ATML_TRY(StepOutcome step, tools.compile(jobs));
  production.timings.compile = watch.lap();
  LinkJob link{.inputs = objects_of(jobs),
               .script = folder / "link.ld",
               .output = folder / "firmware.elf",
               .flags = codegen::link_flags(target)};
  append(link.inputs, production.kernels.startup);
  append(link.inputs, production.kernels.memory);
  link.inputs.push_back(production.kernels.kernels);
  if (step.ok) {
    ATML_TRY(step, link_production(tools, link, production));
  }
  production.timings.link = watch.lap();
  if (!step.ok) {
    production.failure = step.summary();
    return production;
  }
  ATML_TRY_STATUS(read_sizes(link.output, production));
  return production;
}

Result<MeasuredRun> Workbench::run(const target::Target& target, const Production& production,
                                   std::span<const std::int8_t> inputs, const RunSettings& settings,
                                   const fs::path& folder) {
  ATML_ASSERT(production.failure.empty() && production.elf,
              "run() of a firmware that was not built");
  MeasuredRun run;
  Stopwatch watch;
  const auto board = board_for(target.core);
  if (!board.ok()) return run.failure = board.error().message, run;
  const auto script = board_script(*board, needs_of(production));
  if (!script.ok()) return run.failure = script.error().message, run;
  ATML_TRY(const ToolKit* kit, this->kit(target.core));
  ATML_TRY(const StepOutcome linked,
           link_measurement(kit->tools, target, production, *script, folder));
  if (!linked.ok) return run.failure = "measurement program: " + linked.summary(), run;
  ATML_TRY(std::string bytes, read_file(folder / "measure.elf"));
  ATML_TRY(run.elf, ElfFile::parse(std::move(bytes)));
  run.link_seconds = watch.lap().value;
  ATML_TRY(EmulationJob job, emulation_job(*run.elf, *board, production, target));
  job.elf = folder / "measure.elf";
  job.folder = folder;
  job.instruction_limit = settings.instruction_limit;
  job.timeout = settings.timeout;
  ATML_TRY_STATUS(write_scratch_file(folder / "in.bin", as_text(inputs)));
  ATML_TRY(run.report, emulate(job));
  run.failure = run.report.failure;
  if (!run.failure.empty()) return run;
  run.stack = Bytes(job.stack.high - run.report.lowest_stack);
  ATML_TRY(const std::string outputs, read_file(folder / "out.bin"));
  run.outputs.assign(outputs.begin(), outputs.end());
  return run;
}

}  // namespace atml::deploy
