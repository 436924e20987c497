#include "codegen/runtime.h"

namespace atml::codegen {

using target::Core;

namespace {

const char* cpu_name(Core core) {
  switch (core) {
    case Core::kCortexM0:
      return "cortex-m0";
    case Core::kCortexM0Plus:
      return "cortex-m0plus";
    case Core::kCortexM3:
      return "cortex-m3";
    case Core::kCortexM4:
      return "cortex-m4";
    case Core::kCortexM7:
      return "cortex-m7";
    case Core::kCortexM33:
      return "cortex-m33";
    case Core::kCortexM55:
      return "cortex-m55";
    case Core::kRv32imc:
      return "";
  }
  ATML_UNREACHABLE("unknown core");
}

std::vector<std::string> portable_sources() {
  return {"kernels/add.c",
          "kernels/add_half.c",
          "kernels/add_linear.c",
          "kernels/average_pool.c",
          "kernels/clamp.c",
          "kernels/conv_nibbles.c",
          "kernels/conv_nibbles_swar.c",
          "kernels/conv_packed.c",
          "kernels/conv_plain.c",
          "kernels/conv_swar.c",
          "kernels/copy.c",
          "kernels/dense_coded.c",
          "kernels/dense_nibbles.c",
          "kernels/dense_packed.c",
          "kernels/dense_plain.c",
          "kernels/depthwise_line.c",
          "kernels/depthwise_nibbles.c",
          "kernels/depthwise_packed.c",
          "kernels/depthwise_plain.c",
          "kernels/depthwise_rows.c",
          "kernels/global_average.c",
          "kernels/max_pool.c",
          "kernels/mean.c",
          "kernels/mul.c",
          "kernels/pad.c",
          "kernels/place.c",
          "kernels/pointwise_nibbles.c",
          "kernels/pointwise_nibbles_swar.c",
          "kernels/pointwise_packed.c",
          "kernels/pointwise_swar.c",
          "kernels/softmax.c",
          "kernels/stream.c",
          "kernels/sum_row.c",
          "kernels/swar_dot.c",
          "kernels/swar_nibble_dot.c",
          "kernels/swar_nibble_sums.c",
          "kernels/swar_sums.c",
          "kernels/table.c",
          "kernels/walk_pool.c"};
}

std::vector<std::string> common_flags(const target::Target& target, const char* level) {
  std::vector<std::string> flags = machine_flags(target);
  for (const char* flag :
       {"-std=c99", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fno-common",
        "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fno-ident"}) {
    flags.emplace_back(flag);
  }
  flags.emplace_back(level);
  return flags;
}

}  // namespace

std::vector<std::string> runtime_sources(const target::Target&) { return host_runtime_sources(); }

std::vector<std::string> host_runtime_sources() {
  std::vector<std::string> sources = portable_sources();
  sources.emplace_back("kernels/depthwise_row.c");
  sources.emplace_back("kernels/dot.c");
  sources.emplace_back("kernels/dsp_depthwise_row.c");
  sources.emplace_back("kernels/dsp_dot.c");
  sources.emplace_back("kernels/dsp_gather.c");
  sources.emplace_back("kernels/dsp_nibble_dot.c");
  sources.emplace_back("kernels/mve_depthwise_row.c");
  sources.emplace_back("kernels/mve_dot.c");
  sources.emplace_back("kernels/mve_nibble_dot.c");
  sources.emplace_back("kernels/nibble_dot.c");
  return sources;
}

std::vector<std::string> machine_flags(const target::Target& target) {
  if (target.core == Core::kRv32imc)
    return {"-march=rv32imc", "-mabi=ilp32", "-msmall-data-limit=0"};
  std::string cpu = std::string("-mcpu=") + cpu_name(target.core);
  if (target.core == Core::kCortexM33 && !target.dsp) cpu += "+nodsp";
  std::vector<std::string> flags{cpu, "-mthumb"};
  if (!target.fpu) {
    flags.emplace_back("-mfloat-abi=soft");
    return flags;
  }
  flags.emplace_back("-mfloat-abi=hard");
  if (target.core == Core::kCortexM4) flags.emplace_back("-mfpu=fpv4-sp-d16");
  if (target.core == Core::kCortexM7 || target.core == Core::kCortexM33)
    flags.emplace_back("-mfpu=fpv5-sp-d16");
  return flags;
}

const char* optimisation(Optimize optimize) {
  switch (optimize) {
    case Optimize::kSpeed:
      return "-O3";
    case Optimize::kBalanced:
      return "-O2";
    case Optimize::kSize:
      return "-Os";
  }
  ATML_UNREACHABLE("unknown optimisation");
}

std::vector<std::string> compile_flags(const target::Target& target, Optimize optimize,
                                       quantize::Rounding rounding) {
  std::vector<std::string> flags = common_flags(target, optimisation(optimize));
  if (rounding == quantize::Rounding::kSingle) flags.emplace_back("-DATML_SINGLE_ROUNDING=1");
  if (optimize == Optimize::kSpeed) flags.emplace_back("-DATML_UNROLL=1");
  return flags;
}

std::vector<std::string> startup_flags(const target::Target& target) {
  std::vector<std::string> flags = common_flags(target, "-O1");
  flags.emplace_back("-fno-tree-loop-distribute-patterns");  // or memcpy would be a call of itself
  return flags;
}

std::vector<std::string> link_flags(const target::Target& target) {
  std::vector<std::string> flags = machine_flags(target);
  for (const char* flag :
       {"-nostdlib", "-nostartfiles", "-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments", "-lgcc"}) {
    flags.emplace_back(flag);
  }
  return flags;
}

std::vector<std::string> startup_sources(const target::Target& target) {
  if (target.core == Core::kRv32imc) return {"startup/startup_riscv.c", "startup/memory.c"};
  return {"startup/startup.c", "startup/memory.c"};
}

}  // namespace atml::codegen
