#include "deploy/serial_firmware.h"

#include <fmt/format.h>

#include <cctype>

#include "base/files.h"
#include "base/random.h"
#include "codegen/runtime.h"
#include "deploy/serial_protocol.h"
#include "quantize/interpreter.h"

namespace atml::deploy::serial {
namespace {

namespace fs = std::filesystem;
using codegen::Role;

// Where the program lies: the part's own map, or that of the MPS2 boards.
struct Map {
  target::Region flash, ram;
};

Result<Map> memory_map(const target::Target& target, const fs::path& port) {
  if (!port.empty()) return Map{target.flash, target.ram};
  using target::Core;
  if (target.core == Core::kCortexM33 || target.core == Core::kCortexM55 ||
      target.core == Core::kRv32imc) {
    return Error{Code::kUnsupported,
                 fmt::format("there is no built-in serial port for core {}; give a port file "
                             "(docs/board-protocol.md says how)",
                             target::to_string(target.core))};
  }
  return Map{{0, Bytes(4 << 20)}, {0x20000000u, Bytes(4 << 20)}};
}

void fill(std::string& text, std::string_view name, std::int64_t value) {
  const std::size_t at = text.find(name);
  ATML_ASSERT(at != std::string::npos, fmt::format("board.ld has no {}", name));
  text.replace(at, name.size(), fmt::format("0x{:x}", value));
}

Result<std::string> linker_script(const Map& map) {
  ATML_TRY(std::string script, read_file(resource_folder("runtime") / "board" / "board.ld"));
  fill(script, "@flash_origin@", map.flash.origin);
  fill(script, "@flash_length@", map.flash.size.value);
  fill(script, "@ram_origin@", map.ram.origin);
  fill(script, "@ram_length@", map.ram.size.value);
  return script;
}

std::uint64_t loaded_bytes_id(const ElfFile& elf) {
  std::uint64_t id = fnv1a("");
  for (const Section& s : elf.sections()) {
    if (!s.loaded || !s.has_bytes) continue;
    id = fnv1a(fmt::format("{:x} {:x} ", s.load_address, s.size), id);
    id = fnv1a(elf.bytes_at(s.address, s.size), id);
  }
  return id;
}

std::string byte_list(std::uint64_t id) {
  std::string list;
  for (int i = 0; i < 8; ++i)
    list += fmt::format("{}0x{:02x}", i == 0 ? "" : ", ", id >> (8 * i) & 0xFF);
  return list;
}

// The checksum of what the reference interpreter gives for the self-test's input.
std::uint32_t expected_crc(const quantize::Int8Model& model) {
  const auto elements = [&](int tensor) {
    return static_cast<std::size_t>(model.tensor(tensor).shape.elements());
  };
  const std::string input = self_test_input(elements(model.input));
  std::string output(elements(model.output), '\0');
  quantize::Interpreter interpreter(model);
  interpreter.run({reinterpret_cast<const std::int8_t*>(input.data()), input.size()},
                  {reinterpret_cast<std::int8_t*>(output.data()), output.size()});
  return crc32(output);
}

std::string model_source(const quantize::Int8Model& model, const target::Target& target,
                         std::uint64_t model_id, std::uint64_t build_id) {
  return fmt::format(
      R"(/* The model of a board in the loop. Generated; do not edit. */
#include "atml_board.h"
#include "model.h"

static int8_t arena[MODEL_ARENA_BYTES] __attribute__((aligned(16), section(".arena")));

const struct board_model board_model = {{
    {{{}}},
    {{{}}},
    "{}",
    "{}",
    MODEL_INPUT_BYTES,
    MODEL_OUTPUT_BYTES,
    {}u,
}};
int8_t *board_model_input(void) {{ return model_input(arena); }}
const int8_t *board_model_output(void) {{ return model_output(arena); }}
void board_model_run(void) {{ model_run(arena); }}
)",
      byte_list(model_id), byte_list(build_id), board_name(model.name), board_name(target.name),
      expected_crc(model));
}

Result<std::vector<CompileJob>> compile_jobs(const target::Target& target, const BoardBuild& build,
                                             const std::string& source) {
  const fs::path runtime = resource_folder("runtime");
  const fs::path board = runtime / "board";
  ATML_TRY_STATUS(write_scratch_file(build.folder / "board_model.c", source));
  const fs::path port = build.port.empty() ? board / "port_mps2.c" : build.port;
  ATML_TRY_STATUS(read_file(port));  // or the compiler would be blamed
  std::vector<CompileJob> jobs;
  int number = 0;
  for (const fs::path& file : {board / "protocol.c", board / "start.c",
                               build.folder / "board_model.c", fs::absolute(port)}) {
    jobs.push_back({file,
                    build.folder / fmt::format("board_{}.o", number++),
                    codegen::startup_flags(target),
                    {board, build.folder, runtime / "include"}});
  }
  return jobs;
}

LinkJob link_job(const target::Target& target, const Production& production,
                 const std::vector<CompileJob>& jobs, const fs::path& folder) {
  LinkJob link{.script = folder / "board_serial.ld",
               .output = folder / "board.elf",
               .flags = codegen::link_flags(target)};
  for (const CompileJob& job : jobs) link.inputs.push_back(job.object);
  for (const codegen::File& file : production.firmware.files) {
    if (file.role == Role::kSource || file.role == Role::kWeightsAssembly)
      link.inputs.push_back(folder / (file.path + ".o"));
  }
  link.inputs.insert(link.inputs.end(), production.kernels.memory.begin(),
                     production.kernels.memory.end());
  link.inputs.push_back(production.kernels.kernels);
  return link;
}

std::string link_failure(const StepOutcome& step) {
  const auto overflows = parse_overflows(step.text);
  if (overflows.empty()) return "the board's firmware: " + step.summary();
  return fmt::format(
      "the firmware fits, but not with the serial protocol beside it: region {} lacks {} bytes, so "
      "it cannot be measured on this board",
      overflows[0].region, overflows[0].bytes.value);
}

}  // namespace

std::string board_name(std::string_view name) {
  std::string clean(name.substr(0, 31));
  for (char& c : clean) {
    const bool good = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-';
    if (!good) c = '_';
  }
  return clean;
}

Result<BoardFirmware> build_board_firmware(const Toolchain& tools, const quantize::Int8Model& model,
                                           const target::Target& target,
                                           const Production& production, const BoardBuild& build) {
  ATML_ASSERT(production.failure.empty() && production.elf, "firmware was not built");
  BoardFirmware firmware{.elf = build.folder / "board.elf",
                         .build_id = loaded_bytes_id(*production.elf)};
  const auto map = memory_map(target, build.port);
  if (!map.ok()) return firmware.failure = map.error().message, firmware;
  ATML_TRY(const std::string script, linker_script(*map));
  ATML_TRY(
      const std::vector<CompileJob> jobs,
      compile_jobs(target, build, model_source(model, target, build.model_id, firmware.build_id)));
  ATML_TRY(const StepOutcome compiled, tools.compile(jobs));
  if (!compiled.ok) {
    firmware.failure = "the board's firmware does not compile: " + compiled.summary();
    return firmware;
  }
  const LinkJob link = link_job(target, production, jobs, build.folder);
  ATML_TRY_STATUS(write_scratch_file(link.script, script));
  ATML_TRY(const StepOutcome linked, tools.link(link));
  if (!linked.ok) firmware.failure = link_failure(linked);
  return firmware;
}

}  // namespace atml::deploy::serial
