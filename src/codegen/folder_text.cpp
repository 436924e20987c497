#include "codegen/folder_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iterator>

#include "base/text.h"
#include "codegen/layer_text.h"
#include "codegen/runtime.h"
#include "codegen/source_text.h"

namespace atml::codegen {

using namespace quantize;

namespace {

std::string upper(const FolderContext& c) {
  std::string text = c.options.prefix;
  std::ranges::transform(text, text.begin(),
                         [](unsigned char ch) { return static_cast<char>(std::toupper(ch)); });
  return text;
}

std::string words(const std::vector<std::string>& list) { return join(list, " "); }

std::string kernel_list(const FolderContext& c, const char* separator) {
  std::vector<std::string> paths;
  for (const std::string& kernel : c.kernels) paths.push_back("runtime/" + kernel);
  return join(paths, separator);
}

std::string startup_list(const FolderContext& c) {
  std::vector<std::string> paths;
  for (const std::string& source : startup_sources(c.target)) paths.push_back("runtime/" + source);
  return words(paths);
}

const char* cross_prefix(const target::Target& t) {
  return t.core == target::Core::kRv32imc ? "riscv64-unknown-elf-" : "arm-none-eabi-";
}

std::string layer_table(const FolderContext& c) {
  std::string text =
      "| layer | kernel | flash of weights + tables, B | arena in use, B |\n|---|---|---:|---:|\n";
  for (std::size_t position = 0; position < c.firmware.ops.size(); ++position) {
    const OpInfo& op = c.firmware.ops[position];
    const std::size_t i = static_cast<std::size_t>(op.op);
    fmt::format_to(std::back_inserter(text), "| {} | {} | {} | {} |\n",
                   comment_safe(layer_title(c.model, c.model.ops[i])),
                   op.kernel.empty() ? "-" : "`" + op.kernel + "`", (op.weights + op.tables).value,
                   c.firmware.plan.live_at_op[position].value);
  }
  return text;
}

std::string values_text(const std::vector<std::int8_t>& values) {
  std::string text;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 16 == 0) text += "\n    ";
    fmt::format_to(std::back_inserter(text), "{:4},", static_cast<int>(values[i]));
  }
  return text;
}

}  // namespace

std::string filled(std::string text, const Marks& marks) {
  for (const auto& [mark, value] : marks) {
    for (std::size_t p = text.find(mark); p != std::string::npos;
         p = text.find(mark, p + value.size())) {
      text.replace(p, mark.size(), value);
    }
  }
  return text;
}

Marks common_marks(const FolderContext& c) {
  return {{"@name@", c.options.prefix},
          {"@NAME@", upper(c)},
          {"@arena@", std::to_string(c.firmware.plan.arena.value)}};
}

Marks readme_marks(const FolderContext& c) {
  const Tensor& in = c.model.tensor(c.model.input);
  const Tensor& out = c.model.tensor(c.model.output);
  auto marks = common_marks(c);
  marks.insert(
      marks.end(),
      {{"@title@", comment_safe(c.target.title.empty() ? c.target.name : c.target.title)},
       {"@macs@", with_thousands(c.model.macs().value)},
       {"@in@", in.shape.text()},
       {"@out@", out.shape.text()},
       {"@in_scale@", fmt::format("{:.9g}", in.scale)},
       {"@in_zero@", std::to_string(in.zero_point)},
       {"@out_scale@", fmt::format("{:.9g}", out.scale)},
       {"@out_zero@", std::to_string(out.zero_point)},
       {"@layers@", layer_table(c)},
       {"@cross@", cross_prefix(c.target)},
       {"@check@",
        c.options.self_test
            ? "`make check` runs the same C on this computer against a known input and output.\n"
            : ""},
       {"@provenance@", c.options.provenance.empty()
                            ? ""
                            : "\nMade from: " + comment_safe(c.options.provenance) + "\n"}});
  return marks;
}

Marks vector_marks(const FolderContext& c) {
  return {{"@input@", values_text(c.options.self_test->input)},
          {"@output@", values_text(c.options.self_test->output)}};
}

std::string makefile_text(const FolderContext& c) {
  auto marks = common_marks(c);
  std::vector<std::string> libraries, linking;
  for (const std::string& flag : link_flags(c.target))
    (flag.rfind("-l", 0) == 0 ? libraries : linking).push_back(flag);
  marks.insert(marks.end(), {{"@cross@", cross_prefix(c.target)},
                             {"@cflags@", words(compile_flags(c.target, c.options.optimize))},
                             {"@startflags@", words(startup_flags(c.target))},
                             {"@linkflags@", words(linking)},
                             {"@libraries@", words(libraries)},
                             {"@kernels@", kernel_list(c, " \\\n  ")},
                             {"@startup@", startup_list(c)}});
  std::string text = R"(# make         firmware.elf and firmware.bin for the part in link.ld
# make check   the self-test on this computer: the same C, compiled by $(HOST_CC)
CROSS ?= @cross@
CC = $(CROSS)gcc
HOST_CC ?= gcc

MODEL = @name@.c @name@_weights.c
KERNELS = @kernels@
STARTUP = @startup@

CFLAGS = @cflags@ -I. -Iruntime/include
START_FLAGS = @startflags@
LINK_FLAGS = @linkflags@ -T link.ld
HOST_FLAGS = -std=c99 -O2 -I. -Iruntime/include

OBJECTS = $(patsubst %.c,build/%.o,$(MODEL) $(KERNELS) main.c)
START_OBJECTS = $(patsubst %.c,build/%.o,$(STARTUP))

all: firmware.elf firmware.bin

firmware.elf: $(OBJECTS) $(START_OBJECTS) link.ld
	$(CC) $(OBJECTS) $(START_OBJECTS) $(LINK_FLAGS) @libraries@ -o $@
	$(CROSS)size $@

firmware.bin: firmware.elf
	$(CROSS)objcopy -O binary $< $@

$(OBJECTS): build/%.o: %.c @name@.h @name@_weights.h
	@mkdir -p $(dir $@)
	$(CC) $(CFLAGS) -c $< -o $@

$(START_OBJECTS): build/%.o: %.c
	@mkdir -p $(dir $@)
	$(CC) $(START_FLAGS) -c $< -o $@
)";
  if (c.options.self_test) {
    text += R"(
check: build/selftest
	build/selftest

build/selftest: selftest.c $(MODEL) $(KERNELS) @name@.h @name@_weights.h
	@mkdir -p build
	$(HOST_CC) $(HOST_FLAGS) selftest.c $(MODEL) $(KERNELS) -o $@
)";
  }
  text += "\nclean:\n\trm -rf build firmware.elf firmware.bin\n\n.PHONY: all check clean\n";
  return filled(text, marks);
}

std::string cmake_text(const FolderContext& c) {
  auto marks = common_marks(c);
  marks.push_back({"@kernels@", kernel_list(c, "\n  ")});
  return filled(
      R"(# The network as a library for your own project: add_subdirectory(this folder), link @name@.
cmake_minimum_required(VERSION 3.16)
project(@name@ LANGUAGES C)
add_library(@name@ STATIC
  @name@.c
  @name@_weights.c
  @kernels@)
target_include_directories(@name@ PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/runtime/include)
set_target_properties(@name@ PROPERTIES C_STANDARD 99)
)",
      marks);
}

std::string readme_text(const FolderContext& c) {
  return filled(R"(# @name@: an int8 neural network in C99

Input @in@ (height x width x channel, int8), output @out@; @macs@ multiply-accumulates an inference. Built for
@title@; the C runs on any core.
@provenance@
## Use

```c
#include "@name@.h"

static int8_t arena[@NAME@_ARENA_BYTES] __attribute__((aligned(16)));  /* @arena@ bytes, input and output included */

int8_t *in = @name@_input(arena);            /* write @NAME@_INPUT_BYTES values: q = real / @in_scale@ + (@in_zero@) */
@name@_run(arena);                           /* cannot fail; overwrites the input */
const int8_t *out = @name@_output(arena);    /* real = @out_scale@ x (q - (@out_zero@)) */
```

`@name@_predict(in, out, arena)` copies from and to your own buffers. No allocation, no floating point, no mutable
globals: with one arena each, calls may run at the same time. The arena can be shared with other code between calls.

## Build

`make` builds `firmware.elf` and `firmware.bin` (@cross@gcc) with a start-up and a `main.c` that stands for your
application, and prints the sizes. @check@
## Into your project

Add `@name@.c`, `@name@_weights.c` and `runtime/kernels/*.c` to the build, `.` and `runtime/include` to the include
path; optimise with -O2. Leave out `main.c`, `link.ld` and `runtime/startup`.
* **CMake**: `add_subdirectory(@name@)` and `target_link_libraries(app @name@)`.
* **Zephyr**, **Arduino**: export with `--layout zephyr` or `--layout arduino`.
* **STM32Cube**: copy the folder beside `Core`, add it as source folder, exclude the files named above.
* Weights in another memory: define `@NAME@_WEIGHTS_ATTRIBUTE`, e.g. `__attribute__((section(".qspi")))`.
* Code in another memory: every function is in a section `.text.@name@_*` (with -ffunction-sections), kernels included.
* Two models in one program: export them with different `--prefix`; no name is shared.

## Layers

@layers@
Arena: @arena@ bytes. The table of all buffers heads `@name@.c`.
)",
                readme_marks(c));
}

std::string selftest_text(const FolderContext& c) {
  auto marks = common_marks(c);
  const Marks vector = vector_marks(c);
  marks.insert(marks.end(), vector.begin(), vector.end());
  return filled(
      R"(/* A known input must give the known output, byte for byte. Exit code 0: it does. */
#include <stdio.h>
#include <string.h>

#include "@name@.h"

static int8_t arena[@NAME@_ARENA_BYTES] __attribute__((aligned(16)));

static const int8_t input[@NAME@_INPUT_BYTES] = {@input@
};
static const int8_t expected[@NAME@_OUTPUT_BYTES] = {@output@
};

int main(void) {
  int8_t output[@NAME@_OUTPUT_BYTES];
  @name@_predict(input, output, arena);
  if (memcmp(output, expected, sizeof expected) != 0) {
    (void)puts("self-test: the output differs");
    return 1;
  }
  (void)puts("self-test: passed");
  return 0;
}
)",
      marks);
}

std::vector<File> flat_sources(const FolderContext& c) {
  std::vector<File> flat;
  for (const File& file : c.firmware.files) {
    if (file.role == Role::kMain || file.role == Role::kLinkerScript) continue;
    if (file.path.starts_with("runtime/startup/")) continue;
    std::string name = std::filesystem::path(file.path).filename().string();
    if (file.path.starts_with("runtime/kernels/")) name = c.options.prefix + "_atml_" + name;
    flat.push_back({name, file.bytes, file.role});
  }
  return flat;
}

}  // namespace atml::codegen
