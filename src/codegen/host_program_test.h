// Test support: generates C for several models, compiles it with a host compiler into one program,
// runs it, and returns the bytes of every layer's output.
#pragma once

#include <fmt/format.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "codegen/firmware.h"
#include "codegen/runtime.h"
#include "quantize/interpreter.h"
#include "quantize/quantize.h"
#include "target/target.h"

namespace atml::codegen::testing {

/// A generic Cortex-M4F part; only its name and memory map reach the generated text.
inline target::Target some_target() {
  target::Target t;
  t.name = "test";
  t.title = "test part";
  t.core = target::Core::kCortexM4;
  t.fpu = t.dsp = true;
  t.flash = {0x08000000u, Bytes(512 * 1024)};
  t.ram = {0x20000000u, Bytes(96 * 1024)};
  return t;
}

/// The flags under which all generated C and all kernels must compile without a word (style sheet,
/// section 8).
inline std::vector<std::string> strict_gate() {
  return {"-pedantic",
          "-Wall",
          "-Wextra",
          "-Werror",
          "-Wconversion",
          "-Wsign-conversion",
          "-Wshadow",
          "-Wcast-qual",
          "-Wcast-align",
          "-Wstrict-prototypes",
          "-Wmissing-prototypes",
          "-Wvla",
          "-Wdouble-promotion",
          "-Wundef"};
}

/// The model's source with a call after each layer that reports the layer's output.
inline std::string with_layer_reports(const quantize::Int8Model& model, const Firmware& firmware,
                                      const std::string& prefix) {
  std::string text = firmware.find(prefix + ".c")->bytes;
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    if (firmware.ops[i].symbol.empty()) continue;
    const std::string call = "  " + firmware.ops[i].symbol + "(bytes);\n";
    const std::size_t at = text.find(call);
    const int number = firmware.ops[i].op;
    const quantize::Op& op = model.ops[static_cast<std::size_t>(number)];
    const Placement& place = firmware.plan.placements[static_cast<std::size_t>(op.output)];
    const Shape& out = model.output_of(op).shape;
    if (at != std::string::npos) {
      text.insert(at + call.size(), fmt::format("  report({}, &bytes[{}], {});\n", number,
                                                place.offset.value, out.elements()));
      continue;
    }
    // A streamed layer: each row when it is made, a global average after its last.
    const std::size_t start = text.find(" " + firmware.ops[i].symbol + "(const atml_row *r) {");
    const std::size_t end = text.find("\n}\n", start) + 1;
    const bool sums = firmware.ops[i].kernel == "atml_sum_row";
    text.insert(
        end, sums ? fmt::format("  if (r->y == {}) report({}, &r->arena[{}], {});\n",
                                model.input_of(op).shape.height - 1, number, place.offset.value,
                                out.channels)
                  : fmt::format("  report({}, r->out, {});\n", number, out.width * out.channels));
  }
  const std::string declaration = "void report(int op, const signed char *bytes, long count);\n";
  text.insert(0, declaration);
  return text;
}

struct HostProgram {
  std::vector<std::string> compiler{"gcc"};
  std::vector<std::string> flags{"-O1", "-g"};
  std::vector<std::string> runner;        // before the program's path, e.g. an emulator
  target::Target target = some_target();  // kernels are chosen for its core
  std::vector<std::pair<std::string, std::string>>
      extra_files;  // name and text; those in C are compiled in

  /// For each model and input (random, seeded): bytes of all layers' outputs, in order. Fails with
  /// the compiler's text.
  Result<std::string> run(const std::vector<quantize::Int8Model>& models, const Options& options,
                          std::size_t inputs) const {
    return run_each(models, std::vector<Options>(models.size(), options), inputs);
  }

  /// The same with options for each model.
  Result<std::string> run_each(const std::vector<quantize::Int8Model>& models,
                               const std::vector<Options>& each, std::size_t inputs) const {
    ATML_TRY(const auto folder, ScratchFolder::create());
    std::string main =
        "#include <stdio.h>\n#include <string.h>\n"
        "void report(int op, const signed char *bytes, long count);\n"
        "static signed char seen[40][8192];\nstatic long sizes[40];\n"
        "void report(int op, const signed char *bytes, long count) {\n"
        "  memcpy(&seen[op][sizes[op]], bytes, (size_t)count);\n  sizes[op] += count;\n}\n"
        "static void print_layers(void) {\n  for (int i = 0; i < 40; i++) {\n"
        "    fwrite(seen[i], 1, (size_t)sizes[i], stdout);\n    sizes[i] = 0;\n  }\n}\n";
    std::string body;
    Command compile = compile_command(folder, host_runtime_sources(), models[0].rounding);
    std::string input_bytes;
    for (std::size_t m = 0; m < models.size(); ++m) {
      Options options = each[m];
      options.prefix = fmt::format("net{}", m);
      ATML_TRY(const Firmware firmware, generate(models[m], target, options));
      for (const File& file : firmware.files) {
        ATML_TRY_STATUS(write_scratch_file(folder.path() / file.path, file.bytes));
      }
      const auto source = folder.path() / (options.prefix + ".c");
      ATML_TRY_STATUS(
          write_scratch_file(source, with_layer_reports(models[m], firmware, options.prefix)));
      compile.argv.push_back(source.string());
      compile.argv.push_back((folder.path() / (options.prefix + "_weights.c")).string());
      main += fmt::format(
          "#include \"net{0}.h\"\nstatic signed char arena{0}[NET{0}_ARENA_BYTES] "
          "__attribute__((aligned(16)));\n",
          m);
      body += fmt::format(
          "  memset(arena{0}, 0x5A, sizeof arena{0});\n  for (int i = 0; i < {1}; i++) {{\n"
          "    if (fread(net{0}_input(arena{0}), 1, NET{0}_INPUT_BYTES, stdin) != "
          "NET{0}_INPUT_BYTES) return 1;\n"
          "    net{0}_run(arena{0});\n    print_layers();\n  }}\n",
          m, inputs);
      const auto values = quantize::random_inputs(models[m], inputs, m);
      input_bytes.append(values.begin(), values.end());
    }
    return finish(folder, std::move(compile),
                  main + "int main(void) {\n" + body + "  return 0;\n}\n", input_bytes);
  }

  /// A C program of its own with some of the kernels: what it prints.
  Result<std::string> run_text(const std::string& text, const std::vector<std::string>& sources,
                               quantize::Rounding rounding) const {
    ATML_TRY(const auto folder, ScratchFolder::create());
    return finish(folder, compile_command(folder, sources, rounding), text, "");
  }

 private:
  Command compile_command(const ScratchFolder& folder, const std::vector<std::string>& sources,
                          quantize::Rounding rounding) const {
    Command compile;
    compile.timeout = Seconds(300);
    compile.argv = compiler;
    compile.argv.insert(compile.argv.end(),
                        {"-std=c99", "-o", (folder.path() / "program").string()});
    compile.argv.insert(compile.argv.end(), flags.begin(), flags.end());
    const auto runtime = resource_folder("runtime");
    compile.argv.push_back("-I" + (runtime / "include").string());
    compile.argv.push_back("-I" + folder.path().string());
    for (const auto& source : sources) compile.argv.push_back((runtime / source).string());
    if (rounding == quantize::Rounding::kSingle)
      compile.argv.emplace_back("-DATML_SINGLE_ROUNDING=1");
    return compile;
  }

  Result<std::string> finish(const ScratchFolder& folder, Command compile, const std::string& main,
                             const std::string& input) const {
    for (const auto& [name, text] : extra_files) {
      ATML_TRY_STATUS(write_scratch_file(folder.path() / name, text));
      const std::string path = (folder.path() / name).string();
      if (name.ends_with(".c")) compile.argv.push_back(path);
      if (name.ends_with(".ld")) compile.argv.insert(compile.argv.end(), {"-T", path});
    }
    ATML_TRY_STATUS(write_scratch_file(folder.path() / "main_test.c", main));
    compile.argv.push_back((folder.path() / "main_test.c").string());
    ATML_TRY(const ProcessResult built, run_process(compile));
    if (!built.succeeded()) return Error{Code::kInvalidArgument, "compiler: " + built.err};
    Command execute;
    execute.argv = runner;
    execute.argv.push_back((folder.path() / "program").string());
    execute.timeout = Seconds(300);
    execute.input = input;
    execute.output_limit = std::size_t{1} << 28;
    ATML_TRY(const ProcessResult ran, run_process(execute));
    if (!ran.succeeded())
      return Error{Code::kInvalidArgument, "program " + ran.ending() + ": " + ran.err};
    return ran.out;
  }
};

/// What HostProgram::run() must give, by the interpreter.
inline std::string expected_layers(const std::vector<quantize::Int8Model>& models,
                                   std::size_t inputs) {
  std::string bytes;
  for (std::size_t m = 0; m < models.size(); ++m) {
    const quantize::Int8Model& model = models[m];
    quantize::Interpreter interpreter(model);
    const auto values = quantize::random_inputs(model, inputs, m);
    const std::size_t size = values.size() / inputs;
    std::vector<std::int8_t> out(
        static_cast<std::size_t>(model.tensor(model.output).shape.elements()));
    for (std::size_t i = 0; i < inputs; ++i) {
      interpreter.run(std::span(values).subspan(i * size, size), out);
      for (const auto& op : model.ops) {
        if (std::holds_alternative<quantize::Reshape>(op.kind)) continue;
        const auto& a = interpreter.activation(op.output);
        bytes.append(a.begin(), a.end());
      }
    }
  }
  return bytes;
}

}  // namespace atml::codegen::testing
