#include "codegen/zephyr_layout.h"

#include "codegen/own_names.h"
#include "codegen/runtime.h"

namespace atml::codegen {

namespace {

constexpr const char* kModule = R"(name: @name@
build:
  cmake: zephyr
  kconfig: zephyr/Kconfig
)";

constexpr const char* kKconfig = R"(config @NAME@_NETWORK
	bool "Int8 neural network @name@"
	help
	  Builds the network @name@, input @in@, output @out@. It allocates
	  nothing and has no mutable globals; the caller gives it an arena of
	  @NAME@_ARENA_BYTES (@arena@) bytes. Header: @name@.h.
)";

constexpr const char* kCMake = R"(if(CONFIG_@NAME@_NETWORK)
  zephyr_include_directories(${CMAKE_CURRENT_LIST_DIR}/../include)
  zephyr_library()
  zephyr_library_include_directories(${CMAKE_CURRENT_LIST_DIR}/../src)
  zephyr_library_compile_options(@level@)
  zephyr_library_sources(
@sources@)
endif()
)";

constexpr const char* kReadme = R"(# @name@: an int8 neural network as a Zephyr module

Input @in@ (height x width x channel, int8), output @out@; @macs@ multiply-accumulates an inference. Kernels chosen for
@title@; the C runs on any core.
@provenance@
## Into your application

1. Make the module known: in the application's `CMakeLists.txt`, before `find_package(Zephyr ...)`,

   ```cmake
   list(APPEND ZEPHYR_EXTRA_MODULES /path/to/this/folder)
   ```

   or as a project of your west manifest.
2. `prj.conf`: `CONFIG_@NAME@_NETWORK=y`
3. C:

   ```c
   #include <@name@.h>

   static int8_t arena[@NAME@_ARENA_BYTES] __attribute__((aligned(16)));  /* @arena@ bytes */

   int8_t *in = @name@_input(arena);            /* write @NAME@_INPUT_BYTES values: q = real / @in_scale@ + (@in_zero@) */
   @name@_run(arena);                           /* cannot fail; overwrites the input */
   const int8_t *out = @name@_output(arena);    /* real = @out_scale@ x (q - (@out_zero@)) */
   ```

`@name@_predict(in, out, arena)` copies from and to your own buffers. No allocation, no floating point, no mutable
globals: with one arena each, threads may run it at the same time. Every name begins with `@name@_` or `@NAME@_`: a model
exported with another `--prefix` is a second module of the same application.
@sample@
* Weights in another memory: define `@NAME@_WEIGHTS_ATTRIBUTE`, e.g. `__attribute__((section(".qspi")))`.
* Code in another memory: every function is in a section `.text.@name@_*`, kernels included; Zephyr's
  `zephyr_code_relocate()` takes the module's files as well.

## Layers

@layers@
Arena: @arena@ bytes. The table of all buffers heads `src/@name@.c`.
)";

constexpr const char* kSampleCMake = R"(cmake_minimum_required(VERSION 3.20)
list(APPEND ZEPHYR_EXTRA_MODULES ${CMAKE_CURRENT_LIST_DIR}/../..)
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(@name@_self_test LANGUAGES C)
target_sources(app PRIVATE src/main.c)
)";

constexpr const char* kSampleConfig = "CONFIG_@NAME@_NETWORK=y\nCONFIG_MAIN_STACK_SIZE=2048\n";

constexpr const char* kSampleTest = R"(sample:
  name: Self-test of @name@
tests:
  @name@.self_test:
    harness: console
    harness_config:
      type: one_line
      regex:
        - "self-test: passed"
)";

constexpr const char* kSampleMain =
    R"(/* A known input must give the known output, byte for byte; prints the verdict and ends. */
#include <stdint.h>
#include <string.h>

#include <zephyr/sys/printk.h>

#include <@name@.h>

static int8_t arena[@NAME@_ARENA_BYTES] __attribute__((aligned(16)));
static int8_t output[@NAME@_OUTPUT_BYTES];

static const int8_t input[@NAME@_INPUT_BYTES] = {@input@
};
static const int8_t expected[@NAME@_OUTPUT_BYTES] = {@output@
};

int main(void) {
  @name@_predict(input, output, arena);
  if (memcmp(output, expected, sizeof expected) != 0) {
    printk("self-test: the output differs\n");
  } else {
    printk("self-test: passed\n");
  }
  return 0;
}
)";

void add_sample(const FolderContext& c, Marks marks, std::vector<File>& files) {
  const Marks vector = vector_marks(c);
  marks.insert(marks.end(), vector.begin(), vector.end());
  const std::string folder = "samples/self_test/";
  for (const auto& [path, text] :
       {std::pair<std::string, std::string>{"CMakeLists.txt", kSampleCMake},
        {"prj.conf", kSampleConfig},
        {"sample.yaml", kSampleTest},
        {"src/main.c", kSampleMain}}) {
    files.push_back({folder + path, filled(text, marks), Role::kSupport});
  }
}

}  // namespace

std::vector<File> zephyr_layout(const FolderContext& c) {
  std::vector<File> sources = flat_sources(c);
  std::string list;
  for (File& file : sources) {
    const bool is_public = file.path == c.options.prefix + ".h";
    file.path = (is_public ? "include/" : "src/") + file.path;
    if (file.path.ends_with(".c")) list += "    ${CMAKE_CURRENT_LIST_DIR}/../" + file.path + "\n";
  }
  Marks marks = readme_marks(c);
  marks.push_back({"@sources@", list});
  marks.push_back({"@level@", optimisation(c.options.optimize)});
  marks.push_back({"@sample@", c.options.self_test
                                   ? "\n`west build -b <board> samples/self_test` builds a program "
                                     "that runs the network against a known input and\noutput and "
                                     "prints the verdict.\n"
                                   : ""});
  std::vector<File> files;
  files.push_back({"zephyr/module.yml", filled(kModule, marks), Role::kSupport});
  files.push_back({"zephyr/CMakeLists.txt", filled(kCMake, marks), Role::kSupport});
  files.push_back({"zephyr/Kconfig", filled(kKconfig, marks), Role::kSupport});
  files.push_back(
      {"README.md", own_names(c.options.prefix, filled(kReadme, marks)), Role::kSupport});
  for (File& file : sources) files.push_back(std::move(file));
  if (c.options.self_test) add_sample(c, marks, files);
  return files;
}

}  // namespace atml::codegen
