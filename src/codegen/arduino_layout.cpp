#include "codegen/arduino_layout.h"

#include <filesystem>

#include "codegen/own_names.h"

namespace atml::codegen {

namespace {

constexpr const char* kProperties = R"(name=@name@
version=1.0.0
author=autotinyml
maintainer=autotinyml
sentence=An int8 neural network, @in@ to @out@, in C99.
paragraph=No allocation, no floating point, no mutable globals; the arena of @arena@ bytes is yours.
category=Data Processing
url=
architectures=*
includes=@name@.h
)";

constexpr const char* kKeywords =
    "@name@_input\tKEYWORD2\n@name@_output\tKEYWORD2\n@name@_predict\tKEYWORD2\n"
    "@name@_run\tKEYWORD2\n@NAME@_ARENA_BYTES\tLITERAL1\n@NAME@_INPUT_BYTES\tLITERAL1\n"
    "@NAME@_OUTPUT_BYTES\tLITERAL1\n";

constexpr const char* kReadme = R"(# @name@: an int8 neural network as an Arduino library

Input @in@ (height x width x channel, int8), output @out@; @macs@ multiply-accumulates an inference. Kernels chosen for
@title@; the C runs on any 32-bit core. @arena@ bytes of RAM are needed beside the sketch's own.
@provenance@
## Install

Copy this folder to `libraries/@name@` of your sketchbook, or zip it and take *Sketch > Include Library > Add .ZIP
Library*; with the command line: `arduino-cli lib install --zip-path @name@.zip`.
@example@
## Use

```cpp
#include <@name@.h>

static int8_t arena[@NAME@_ARENA_BYTES] __attribute__((aligned(16)));

void loop() {
  int8_t *in = @name@_input(arena);           // write @NAME@_INPUT_BYTES values: q = real / @in_scale@ + (@in_zero@)
  @name@_run(arena);                          // cannot fail; overwrites the input
  const int8_t *out = @name@_output(arena);   // real = @out_scale@ x (q - (@out_zero@))
}
```

`@name@_predict(in, out, arena)` copies from and to your own buffers. The arena can be shared with other code between
calls. Every name begins with `@name@_` or `@NAME@_`: a second model exported with another `--prefix` is a second library
of the same sketch.

* Faster than the IDE's -Os: put `compiler.c.extra_flags=-O2` into `platform.local.txt` of your board package.
* Weights in another memory: define `@NAME@_WEIGHTS_ATTRIBUTE`, e.g. `__attribute__((section(".qspi")))`.

## Layers

@layers@
Arena: @arena@ bytes. The table of all buffers heads `src/@name@.c`.
)";

constexpr const char* kSketch =
    R"(// A known input must give the known output, byte for byte; prints the verdict once a second.
#include <@name@.h>

#include <string.h>

static int8_t arena[@NAME@_ARENA_BYTES] __attribute__((aligned(16)));

static const int8_t input[@NAME@_INPUT_BYTES] = {@input@
};
static const int8_t expected[@NAME@_OUTPUT_BYTES] = {@output@
};

static bool passes() {
  static int8_t output[@NAME@_OUTPUT_BYTES];
  @name@_predict(input, output, arena);
  return memcmp(output, expected, sizeof expected) == 0;
}

void setup() { Serial.begin(115200); }

void loop() {
  const unsigned long start = micros();
  const bool good = passes();
  const unsigned long spent = micros() - start;
  Serial.println(good ? "self-test: passed" : "self-test: the output differs");
  Serial.print("microseconds: ");
  Serial.println(spent);
  delay(1000);
}
)";

}  // namespace

std::vector<File> arduino_layout(const FolderContext& c) {
  Marks marks = readme_marks(c);
  marks.push_back({"@example@", c.options.self_test
                                    ? "\n*File > Examples > @name@ > SelfTest* runs the network on "
                                      "the board against a known input and output\nand prints the "
                                      "time of an inference.\n"
                                    : ""});
  std::vector<File> files;
  const auto add = [&](const std::string& path, const std::string& text) {
    files.push_back({path, text, Role::kSupport});
  };
  add("library.properties", filled(kProperties, marks));
  add("keywords.txt", filled(kKeywords, marks));
  // Twice: values hold marks too.
  add("README.md", own_names(c.options.prefix, filled(filled(kReadme, marks), marks)));
  for (File& file : flat_sources(c)) {
    file.path = "src/" + file.path;
    files.push_back(std::move(file));
  }
  if (c.options.self_test) {
    const Marks vector = vector_marks(c);
    marks.insert(marks.end(), vector.begin(), vector.end());
    add("examples/SelfTest/SelfTest.ino", filled(kSketch, marks));
  }
  return files;
}

}  // namespace atml::codegen
