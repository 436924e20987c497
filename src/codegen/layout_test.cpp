// The user's folders as their users build them: an Arduino library with its sketch, a Zephyr module
// with its sample, two models in one program; and what the exported C must not contain.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "base/text.h"
#include "codegen/folder_test.h"
#include "codegen/own_names.h"
#include "codegen/zephyr_stub_test.h"

namespace atml::codegen {
namespace {

using namespace testing;
namespace fs = std::filesystem;

constexpr Layout kLayouts[] = {Layout::kPlain, Layout::kArduino, Layout::kZephyr};

// Streamed, so that those kernels are there too.
Options options_of(const quantize::Int8Model& model, Layout layout,
                   const std::string& prefix = "net") {
  Options options;
  options.layout = layout;
  options.prefix = prefix;
  options.streaming = Streaming::kOn;
  options.self_test = self_test_of(model);
  return options;
}

Firmware folder_of(const quantize::Int8Model& model, const Options& options) {
  auto firmware = firmware_folder(model, some_target(), options);
  EXPECT_TRUE(firmware.ok()) << firmware.error().message;
  return firmware.ok() ? std::move(*firmware) : Firmware{};
}

quantize::Int8Model nibbles_model(quantize::Rounding rounding) {
  using namespace network;
  Network net(Shape{12, 12, 4});
  int last = *net.add(Conv{16, Window{3, 3, 2, 2}, true, 4}, {0});
  last = *net.add(Depthwise{1, Window{3, 3}, true, 4}, {last});
  last = *net.add(Conv{16, Window{}, true}, {last});
  last = *net.add(AveragePool{Window{2, 2, 2, 2}}, {last});
  last = *net.add(Dense{10, true, 4}, {last});
  auto model = quantize::random_model(net, 6);
  model.rounding = rounding;
  return model;
}

std::vector<std::string> sources_below(const fs::path& folder) {
  std::vector<std::string> sources;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".c") sources.push_back(entry.path().string());
  }
  std::ranges::sort(sources);
  return sources;
}

std::string code_of(const std::string& text) {
  std::string code;
  for (std::size_t p = 0; p < text.size();) {
    if (text.compare(p, 2, "/*") == 0) {
      p = text.find("*/", p) + 2;
    } else if (text.compare(p, 2, "//") == 0) {
      p = text.find('\n', p);
    } else {
      code += text[p++];
    }
  }
  return code;
}

TEST(Layout, NamesAreReadAndOthersRefused) {
  for (const Layout l : kLayouts) EXPECT_EQ(*parse_layout(to_string(l)), l);
  EXPECT_EQ(parse_layout("cube").error().message,
            "unknown layout 'cube': plain, arduino or zephyr");
}

TEST(Layout, TheSameModelGivesTheSameBytes) {
  const auto model = mixed_model();
  for (const Layout l : kLayouts) {
    const auto a = folder_of(model, options_of(model, l)),
               b = folder_of(model, options_of(model, l));
    ASSERT_EQ(a.files.size(), b.files.size());
    std::set<std::string> paths;
    for (std::size_t i = 0; i < a.files.size(); ++i) {
      EXPECT_EQ(a.files[i].path, b.files[i].path);
      EXPECT_EQ(a.files[i].bytes, b.files[i].bytes) << a.files[i].path;
      EXPECT_TRUE(paths.insert(a.files[i].path).second) << a.files[i].path << " twice";
      const std::regex mark("@[A-Za-z_]+@");
      EXPECT_FALSE(std::regex_search(a.files[i].bytes, mark)) << a.files[i].path;
    }
  }
}

TEST(Layout, PrefixesThatCannotWorkAreRefused) {
  for (const char* good : {"model", "kws", "Net_2", "atmlx", "strings"})
    EXPECT_TRUE(check_prefix(good).ok()) << good;
  EXPECT_EQ(check_prefix("9 lives").error().message,
            "prefix '9 lives' is not a C identifier; use letters, digits and _");
  EXPECT_FALSE(check_prefix("").ok());
  EXPECT_FALSE(check_prefix("a-b").ok());
  for (const char* reserved : {"_net", "atml", "ATML_x", "string", "Stdint", "main", "selftest"})
    EXPECT_FALSE(check_prefix(reserved).ok()) << reserved;
}

TEST(Layout, OnlyWholeNamesTakeThePrefix) {
  EXPECT_EQ(own_names("kws", "atml_add(x_atml_y); #if !ATML_DSP \"atml_ops.h\" autotinyml"),
            "kws_atml_add(x_atml_y); #if !KWS_ATML_DSP \"kws_atml_ops.h\" autotinyml");
}

TEST(Layout, LongerLoopsForSpeedNeedNoFlag) {
  const auto model = nibbles_model(quantize::Rounding::kDouble);
  for (const Layout layout : kLayouts) {
    for (const Optimize optimize : {Optimize::kSpeed, Optimize::kBalanced}) {
      Options options = options_of(model, layout);
      options.optimize = optimize;
      const std::string wanted = own_names(
          options.prefix, optimize == Optimize::kSpeed ? "ATML_UNROLL 1" : "ATML_UNROLL 0");
      const auto files = folder_of(model, options).files;
      EXPECT_TRUE(std::ranges::any_of(files, [&](const File& file) {
        return file.bytes.find("#define " + wanted) != std::string::npos;
      })) << wanted;
    }
  }
}

TEST(Layout, TheExportedCHasNoFloatsAndNoAllocation) {
  const std::regex banned(
      R"(\b(float|double|malloc|calloc|realloc|free|alloca|printf|setjmp|goto|float32_t)\b)");
  EXPECT_TRUE(std::regex_search(code_of("int a; /* b */ float c;"), banned));
  int seen = 0;
  for (const auto& model : {mixed_model(), nibbles_model(quantize::Rounding::kDouble)}) {
    for (const File& file : folder_of(model, options_of(model, Layout::kArduino)).files) {
      if (!file.path.starts_with("src/")) continue;
      ++seen;
      std::smatch match;
      const std::string code = code_of(file.bytes);
      EXPECT_FALSE(std::regex_search(code, match, banned)) << file.path << ": " << match.str();
    }
  }
  EXPECT_GT(seen, 40);
}

// "nm" of all objects that a compiler makes of src/ of an Arduino library.
Result<std::string> symbols(const quantize::Int8Model& model, std::vector<std::string> compiler) {
  ATML_TRY(const auto folder, ScratchFolder::create());
  write_all(folder_of(model, options_of(model, Layout::kArduino)), folder.path());
  const auto sources = sources_below(folder.path() / "src");
  compiler.insert(compiler.end(), {"-std=gnu11", "-Os", "-c"});
  compiler.insert(compiler.end(), sources.begin(), sources.end());
  ATML_TRY(const auto compiled, run(compiler, folder.path()));
  (void)compiled;
  std::vector<std::string> nm{compiler[0].starts_with("arm") ? "arm-none-eabi-nm" : "nm"};
  for (const std::string& source : sources)
    nm.push_back(fs::path(source).filename().replace_extension(".o").string());
  return run(nm, folder.path());
}

void expect_clean_symbols(const std::string& text) {
  int functions = 0;
  const std::regex line(R"(^[0-9a-f]+ ([A-Za-z]) (\S+)$)");
  for (const std::string& l : split(text, '\n')) {
    std::smatch match;
    if (!std::regex_match(l, match, line)) continue;
    const char kind = match.str(1)[0];
    const std::string name = match.str(2);
    if (name[0] == '$') continue;  // ARM's marks of code and data
    EXPECT_EQ(std::string("dDbBCsSgG").find(kind), std::string::npos) << "mutable: " << l;
    if (kind >= 'A' && kind <= 'Z') {
      EXPECT_TRUE(name.starts_with("net_")) << l;
    }
    functions += kind == 'T';
  }
  EXPECT_GT(functions, 5);
}

TEST(Layout, NoObjectHasMutableDataAndAllExternalNamesHaveThePrefix) {
  std::vector<std::vector<std::string>> compilers{{"gcc", "-fno-pie"}};  // PIE relocates constants
  if (has_arm_compiler()) {
    for (const char* cpu : {"cortex-m0plus", "cortex-m4", "cortex-m55"}) {
      compilers.push_back({"arm-none-eabi-gcc", std::string("-mcpu=") + cpu, "-mthumb"});
      if (cpu == std::string("cortex-m55")) compilers.back().push_back("-mfloat-abi=hard");
    }
  }
  for (const auto& model : {mixed_model(), nibbles_model(quantize::Rounding::kDouble)}) {
    for (const auto& compiler : compilers) {
      const auto text = symbols(model, compiler);
      ASSERT_TRUE(text.ok()) << text.error().message;
      expect_clean_symbols(*text);
    }
  }
}

// All sources of the Arduino and Zephyr folders, the sample too.
void expect_silent(const std::vector<std::string>& compiler) {
  for (const auto& model : {mixed_model(), nibbles_model(quantize::Rounding::kSingle)}) {
    const auto folder = ScratchFolder::create();
    ASSERT_TRUE(folder.ok());
    write_all(folder_of(model, options_of(model, Layout::kZephyr)), folder->path());
    write_zephyr_stub(folder->path() / "stub");
    auto argv = compiler;
    const auto gate = strict_gate();
    argv.insert(argv.end(), gate.begin(), gate.end());
    argv.insert(argv.end(), {"-Wpedantic", "-std=c99", "-O1", "-fsyntax-only", "-Iinclude", "-Isrc",
                             "-Istub/include"});
    for (const char* part : {"src", "samples"}) {
      const auto sources = sources_below(folder->path() / part);
      EXPECT_FALSE(sources.empty());
      argv.insert(argv.end(), sources.begin(), sources.end());
    }
    const auto result = run(argv, folder->path());
    EXPECT_TRUE(result.ok()) << result.error().message.substr(0, 2000);
  }
}

TEST(Layout, TheStrictGateIsSilentInGcc) {
  expect_silent({"gcc"});
  if (!has_arm_compiler()) return;
  expect_silent({"arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb"});
  expect_silent({"arm-none-eabi-gcc", "-mcpu=cortex-m33", "-mthumb"});
  expect_silent({"arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"});
}

TEST(Layout, TheStrictGateIsSilentInClang) {
  if (!find_program("clang-16").ok()) GTEST_SKIP() << "needs clang-16";
  expect_silent({"clang-16"});
}

constexpr const char* kArduinoHeader = R"(#pragma once
#include <cstdint>
#include <cstdio>
struct StubSerial {
  void begin(unsigned long) {}
  void print(const char *text) { std::fputs(text, stdout); }
  void println(const char *text) { std::puts(text); }
  void println(unsigned long value) { std::printf("%lu\n", value); }
};
static StubSerial Serial;
static inline unsigned long micros() { return 7; }
static inline void delay(unsigned long) {}
)";

// As the IDE does: every C file of src/ alone, the sketch as C++ behind Arduino.h.
Result<std::string> run_sketch(const quantize::Int8Model& model, const Options& options) {
  ATML_TRY(const auto folder, ScratchFolder::create());
  const Firmware library = folder_of(model, options);
  write_all(library, folder.path());
  ATML_TRY_STATUS(write_file(folder.path() / "core/Arduino.h", kArduinoHeader));
  ATML_TRY_STATUS(write_scratch_file(folder.path() / "sketch.cpp",
                                     "#include <Arduino.h>\n" +
                                         library.find("examples/SelfTest/SelfTest.ino")->bytes +
                                         "\nint main() {\n  setup();\n  loop();\n}\n"));
  std::vector<std::string> compile{"gcc", "-std=gnu11", "-Os", "-c"};
  std::vector<std::string> link{"g++",    "-std=gnu++11", "-Wall",      "-Wextra", "-Werror",
                                "-Icore", "-Isrc",        "sketch.cpp", "-o",      "sketch"};
  for (const std::string& source : sources_below(folder.path() / "src")) {
    compile.push_back(source);
    link.push_back(fs::path(source).filename().replace_extension(".o").string());
  }
  ATML_TRY(const auto compiled, run(compile, folder.path()));
  ATML_TRY(const auto linked, run(link, folder.path()));
  return run({(folder.path() / "sketch").string()}, folder.path());
}

TEST(Layout, TheArduinoSketchPassesItsSelfTest) {
  for (const auto& model : {mixed_model(), nibbles_model(quantize::Rounding::kSingle)}) {
    auto options = options_of(model, Layout::kArduino);
    const auto good = run_sketch(model, options);
    ASSERT_TRUE(good.ok()) << good.error().message;
    EXPECT_EQ(*good, "self-test: passed\nmicroseconds: 0\n");
    options.self_test->output[3] ^= 1;
    const auto bad = run_sketch(model, options);
    ASSERT_TRUE(bad.ok()) << bad.error().message;
    EXPECT_EQ(*bad, "self-test: the output differs\nmicroseconds: 0\n");
  }
}

TEST(Layout, TheArduinoLibraryHasWhatTheIdeReads) {
  const auto model = mixed_model();
  const auto library = folder_of(model, options_of(model, Layout::kArduino));
  const File* properties = library.find("library.properties");
  ASSERT_NE(properties, nullptr);
  std::set<std::string> keys;
  for (const std::string& line : split(properties->bytes, '\n'))
    keys.insert(line.substr(0, line.find('=')));
  for (const char* key : {"name", "version", "author", "maintainer", "sentence", "paragraph",
                          "category", "url", "architectures", "includes"})
    EXPECT_TRUE(keys.contains(key)) << key;
  for (const char* path : {"README.md", "keywords.txt", "src/net.h", "src/net.c"})
    EXPECT_NE(library.find(path), nullptr) << path;
  for (const File& file : library.files) {  // the builder looks no deeper and there is no other -I
    if (!file.path.starts_with("src/")) continue;
    EXPECT_EQ(file.path.find('/', 4), std::string::npos) << file.path;
  }
}

// The sample's own CMakeLists.txt, which runs the module's, against the stub of Zephyr's package.
Result<std::string> run_sample(const quantize::Int8Model& model, const Options& options) {
  ATML_TRY(const auto folder, ScratchFolder::create());
  write_all(folder_of(model, options), folder.path() / "module");
  write_zephyr_stub(folder.path() / "stub");
  const std::string build = (folder.path() / "build").string();
  ATML_TRY(const auto configured,
           run({"cmake", "-S", (folder.path() / "module/samples/self_test").string(), "-B", build,
                "-DZephyr_DIR=" + (folder.path() / "stub").string()}));
  ATML_TRY(const auto built, run({"cmake", "--build", build}));
  return run({build + "/app"});
}

TEST(Layout, TheZephyrSamplePassesItsSelfTest) {
  const auto model = mixed_model();
  auto options = options_of(model, Layout::kZephyr);
  const auto good = run_sample(model, options);
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_EQ(*good, "self-test: passed\n");
  options.self_test->output[3] ^= 1;
  const auto bad = run_sample(model, options);
  ASSERT_TRUE(bad.ok()) << bad.error().message;
  EXPECT_EQ(*bad, "self-test: the output differs\n");
}

TEST(Layout, TwoModelsOfDifferentPrefixesLinkIntoOneProgram) {
  const auto folder = ScratchFolder::create();
  ASSERT_TRUE(folder.ok());
  std::vector<std::string> argv{"gcc", "-std=c99", "-O1", "-o", "program", "main.c"};
  std::string main = "#include <stdio.h>\n", body;
  int index = 0;
  // Shared kernels, but of another rounding.
  for (const auto& model :
       {nibbles_model(quantize::Rounding::kDouble), nibbles_model(quantize::Rounding::kSingle)}) {
    const std::string name = index++ == 0 ? "first" : "second";
    const std::string upper = name == "first" ? "FIRST" : "SECOND";
    const auto options = options_of(model, Layout::kArduino, name);
    write_all(folder_of(model, options), folder->path() / name);
    for (const auto& source : sources_below(folder->path() / name / "src")) argv.push_back(source);
    main += "#include \"" + name + "/src/" + name + ".h\"\n";
    body += fmt::format(
        "  {{\n    static signed char arena[{1}_ARENA_BYTES] __attribute__((aligned(16)));\n"
        "    static const signed char in[] = {{{2}}}, want[] = {{{3}}};\n"
        "    signed char out[{1}_OUTPUT_BYTES];\n    {0}_predict(in, out, arena);\n"
        "    for (unsigned i = 0; i < {1}_OUTPUT_BYTES; i++) bad += out[i] != want[i];\n  }}\n",
        name, upper, fmt::join(options.self_test->input, ","),
        fmt::join(options.self_test->output, ","));
  }
  main += "int main(void) {\n  int bad = 0;\n" + body + "  printf(\"%d\\n\", bad);\n}\n";
  ASSERT_TRUE(write_scratch_file(folder->path() / "main.c", main).ok());
  const auto built = run(argv, folder->path());
  ASSERT_TRUE(built.ok()) << built.error().message;
  EXPECT_EQ(*run({(folder->path() / "program").string()}), "0\n");
}

}  // namespace
}  // namespace atml::codegen
