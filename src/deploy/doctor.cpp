#include "deploy/doctor.h"

#include <fmt/format.h>

#include "base/process.h"
#include "base/text.h"
#include "deploy/emulate.h"

namespace atml::deploy {
namespace {

struct Need {
  const char* name;
  const char* purpose;
  const char* package;
  bool required;
};

// In the order in which a check uses them.
constexpr Need kNeeds[] = {
    {"arm-none-eabi-gcc", "compiles firmware", "gcc-arm-none-eabi", true},
    {"arm-none-eabi-as", "assembles firmware", "binutils-arm-none-eabi", true},
    {"arm-none-eabi-ld", "links firmware", "binutils-arm-none-eabi", true},
    {"arm-none-eabi-ar", "collects the runtime kernels", "binutils-arm-none-eabi", true},
    {"qemu-system-arm", "runs firmware", "qemu-system-arm", true},
    {"riscv64-unknown-elf-gcc", "compiles firmware of RISC-V parts", "gcc-riscv64-unknown-elf",
     false},
    {"qemu-system-riscv32", "runs firmware of RISC-V parts", "qemu-system-misc", false},
    {"gcc", "runs the model's C on this machine", "gcc", true},
    {"make", "builds exported firmware folders", "make", true},
    {"clang", "a second compiler for the C on this machine", "clang", false},
};

Tool examine(const Need& need) {
  Tool tool{.name = need.name,
            .purpose = need.purpose,
            .package = need.package,
            .required = need.required};
  const auto path = find_program(need.name);
  if (!path.ok()) {
    tool.problem = fmt::format("not in PATH; install the Debian package {}", need.package);
    return tool;
  }
  tool.path = *path;
  const auto result = run_process({.argv = {*path, "--version"}, .timeout = Seconds(10)});
  tool.found = result.ok() && result->succeeded();
  if (tool.found) {
    tool.version = result->out.substr(0, result->out.find('\n'));
  } else {
    tool.problem =
        fmt::format("'{} --version' {}; reinstall the Debian package {}", *path,
                    result.ok() ? result->ending() : result.error().message, need.package);
  }
  return tool;
}

Tool examine_plugin() {
  Tool tool{.name = "libatml_count.so", .purpose = "counts instructions in the emulator"};
  const auto path = find_plugin();
  tool.found = path.ok();
  if (path.ok()) {
    tool.path = path->string();
  } else {
    tool.problem = path.error().message;
  }
  return tool;
}

}  // namespace

std::vector<Tool> examine_tools() {
  std::vector<Tool> tools;
  for (const Need& need : kNeeds) tools.push_back(examine(need));
  tools.push_back(examine_plugin());
  return tools;
}

}  // namespace atml::deploy
