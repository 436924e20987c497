#include "deploy/test_program.h"

#include "deploy/harness_sources.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMain = R"(#include "harness.h"
void measured(void);
__attribute__((noinline)) void atml_mark_start(void) { __asm__ volatile("" ::: "memory"); }
__attribute__((noinline)) void atml_mark_stop(void) { __asm__ volatile("" ::: "memory"); }
void atml_main(void) { atml_mark_start(); measured(); atml_mark_stop(); }
)";

Result<ElfFile> build(const TestProgram& program, const Board& board, const fs::path& folder) {
  const bool riscv = program.core == target::Core::kRv32imc;
  ATML_TRY(const Toolchain tools,
           Toolchain::find(riscv ? "riscv64-unknown-elf-gcc" : "arm-none-eabi-gcc"));
  ATML_TRY(const std::string script,
           board_script(board, {Bytes(64 << 10), Bytes(8 << 10), Bytes(1024), Bytes(1), Bytes(1),
                                Bytes(0), Bytes(0)}));
  std::vector<std::string> flags = program.flags;
  flags.insert(flags.end(), {"-O1", "-ffreestanding"});
  std::vector<CompileJob> jobs;
  const auto add = [&](const char* name, std::string_view text) -> Status {
    jobs.push_back({folder / name, folder / (std::string(name) + ".o"), flags, {folder}});
    return write_scratch_file(folder / name, text);
  };
  ATML_TRY_STATUS(write_scratch_file(folder / "harness.h", harness::kHeader));
  ATML_TRY_STATUS(add("start.c", riscv ? harness::kStartRiscV : harness::kStart));
  ATML_TRY_STATUS(add("main.c", kMain));
  ATML_TRY_STATUS(add("program.c", program.source));
  ATML_TRY(StepOutcome step, tools.compile(jobs));
  LinkJob link{
      .script = folder / "board.ld", .output = folder / "program.elf", .flags = program.flags};
  link.flags.insert(link.flags.end(), {"-nostdlib", "-lgcc"});
  for (const CompileJob& job : jobs) link.inputs.push_back(job.object);
  ATML_TRY_STATUS(write_scratch_file(link.script, script));
  if (step.ok) {
    ATML_TRY(step, tools.link(link));
  }
  if (!step.ok) return Error{Code::kInvalidArgument, step.what + ": " + step.text};
  ATML_TRY(std::string bytes, read_file(link.output));
  return ElfFile::parse(std::move(bytes));
}

}  // namespace

Result<TestRun> run_program(const TestProgram& program) {
  ATML_TRY(const ScratchFolder folder, ScratchFolder::create());
  ATML_TRY(const Board board, board_for(program.core));
  ATML_TRY(ElfFile elf, build(program, board, folder.path()));
  EmulationJob job{.emulator = board.emulator,
                   .machine = board.machine,
                   .elf = folder.path() / "program.elf",
                   .folder = folder.path()};
  const auto at = [&](const char* name) { return *elf.address(name); };
  job.mark_start = at("atml_mark_start");
  job.mark_stop = at("atml_mark_stop");
  job.flash = {at("atml_flash_start"), at("atml_flash_end")};
  job.ram = {at("atml_ram_start"), at("atml_ram_end")};
  job.stack = {at("atml_stack_low"), at("atml_stack_top")};
  job.aligned_only = board.aligned_only;
  job.cache_bytes = program.cache_bytes;
  job.instruction_limit = program.instruction_limit;
  for (const std::string& name : program.layers) job.layers.push_back(at(name.c_str()));
  ATML_TRY(EmulationReport report, emulate(job));
  return TestRun{std::move(report), std::move(elf), std::move(job)};
}

}  // namespace atml::deploy
