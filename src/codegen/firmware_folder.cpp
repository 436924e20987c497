// The user's folder: generate() without the assembler form of the weights, the kernels in use,
// start-up, build files, a self-test and a README.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "codegen/arduino_layout.h"
#include "codegen/firmware.h"
#include "codegen/folder_text.h"
#include "codegen/lowering.h"
#include "codegen/own_names.h"
#include "codegen/runtime.h"
#include "codegen/zephyr_layout.h"

namespace atml::codegen {

namespace {

// Kernels that a kernel calls.
std::vector<std::string> helpers(const std::string& source) {
  if (source == "kernels/conv_packed.c" || source == "kernels/pointwise_packed.c" ||
      source == "kernels/dense_packed.c") {
    return {"kernels/dot.c", "kernels/dsp_dot.c", "kernels/dsp_gather.c", "kernels/mve_dot.c"};
  }
  if (source == "kernels/conv_nibbles.c" || source == "kernels/pointwise_nibbles.c" ||
      source == "kernels/dense_nibbles.c") {
    return {"kernels/dot.c",           "kernels/dsp_dot.c",    "kernels/dsp_gather.c",
            "kernels/mve_dot.c",       "kernels/nibble_dot.c", "kernels/dsp_nibble_dot.c",
            "kernels/mve_nibble_dot.c"};
  }
  if (source == "kernels/depthwise_packed.c" || source == "kernels/depthwise_nibbles.c")
    return {"kernels/depthwise_row.c", "kernels/dsp_depthwise_row.c",
            "kernels/mve_depthwise_row.c"};
  if (source == "kernels/conv_swar.c" || source == "kernels/pointwise_swar.c")
    return {"kernels/swar_dot.c", "kernels/swar_sums.c"};
  if (source == "kernels/conv_nibbles_swar.c" || source == "kernels/pointwise_nibbles_swar.c")
    return {"kernels/swar_nibble_dot.c", "kernels/swar_nibble_sums.c"};
  if (source == "kernels/max_pool.c" || source == "kernels/average_pool.c")
    return {"kernels/walk_pool.c"};
  if (source == "kernels/place.c") return {"kernels/table.c", "kernels/copy.c"};
  return {};
}

Result<std::set<std::string>> sources_in_use(const quantize::Int8Model& model,
                                             const target::Target& target, const Options& options) {
  ATML_TRY(const Lowered lowered, lower(model, target, options));
  std::set<std::string> sources;
  if (!lowered.memory.groups.empty()) sources.insert("kernels/stream.c");
  for (const Step& step : lowered.steps) {
    const KernelChoice& choice = step.choice;
    if (choice.kernel == Kernel::kNone) continue;
    const std::string source = source_name(choice.kernel);
    sources.insert(source);
    for (const std::string& helper : helpers(source)) sources.insert(helper);
    if (choice.clamp) sources.insert("kernels/clamp.c");
  }
  return sources;
}

// Headers a file includes from runtime/include, directly; headers include others.
void add_headers(const std::string& text, const std::filesystem::path& include,
                 std::set<std::string>& headers) {
  for (const std::string& line : split(text, '\n')) {
    const std::string start = "#include \"atml_";
    if (line.rfind(start, 0) != 0) continue;
    const std::string name = line.substr(10, line.size() - 11);
    if (!headers.insert(name).second) continue;
    if (const auto header = read_file(include / name); header.ok())
      add_headers(*header, include, headers);
  }
}

Status add_runtime(const std::set<std::string>& sources, const target::Target& target,
                   std::vector<File>& files) {
  const auto folder = resource_folder("runtime");
  std::set<std::string> headers{"atml_filters.h", "atml_memory.h", "atml_ops.h", "atml_swar.h",
                                "atml_window.h"};
  for (const std::string& source : sources) {
    ATML_TRY(const std::string text, read_file(folder / source));
    add_headers(text, folder / "include", headers);
    files.push_back({"runtime/" + source, text, Role::kSupport});
  }
  for (const std::string& header : headers) {
    ATML_TRY(const std::string text, read_file(folder / "include" / header));
    files.push_back({"runtime/include/" + header, text, Role::kSupport});
  }
  for (const std::string& source : startup_sources(target)) {
    ATML_TRY(const std::string text, read_file(folder / source));
    files.push_back({"runtime/" + source, text, Role::kSupport});
  }
  return {};
}

Status check_self_test(const quantize::Int8Model& model, const SelfTest& test) {
  const auto expects = [](const char* what, std::size_t have, std::int64_t want) -> Status {
    if (static_cast<std::int64_t>(have) == want) return {};
    return Error{Code::kInvalidArgument,
                 fmt::format("self-test {} has {} values, the model {}", what, have, want)};
  };
  ATML_TRY_STATUS(expects("input", test.input.size(), model.tensor(model.input).shape.elements()));
  return expects("output", test.output.size(), model.tensor(model.output).shape.elements());
}

std::vector<File> plain_layout(const FolderContext& c) {
  std::vector<File> files = c.firmware.files;
  files.push_back({"Makefile", makefile_text(c), Role::kSupport});
  files.push_back({"CMakeLists.txt", cmake_text(c), Role::kSupport});
  files.push_back({"README.md", own_names(c.options.prefix, readme_text(c)), Role::kSupport});
  if (c.options.self_test) files.push_back({"selftest.c", selftest_text(c), Role::kSupport});
  return files;
}

}  // namespace

Result<Firmware> firmware_folder(const quantize::Int8Model& model, const target::Target& target,
                                 const Options& options) {
  ATML_TRY_STATUS(check_prefix(options.prefix));
  if (options.self_test) ATML_TRY_STATUS(check_self_test(model, *options.self_test));
  ATML_TRY(Firmware firmware, generate(model, target, options));
  std::erase_if(firmware.files, [](const File& f) {
    return f.role == Role::kWeightsAssembly || f.role == Role::kWeightsBlob;
  });
  ATML_TRY(const auto sources, sources_in_use(model, target, options));
  ATML_TRY_STATUS(add_runtime(sources, target, firmware.files));
  take_own_names(options.prefix, model.rounding, options.optimize, firmware.files);
  const FolderContext context{model, target, options, firmware, {sources.begin(), sources.end()}};
  std::vector<File> files;
  switch (options.layout) {
    case Layout::kPlain:
      files = plain_layout(context);
      break;
    case Layout::kArduino:
      files = arduino_layout(context);
      break;
    case Layout::kZephyr:
      files = zephyr_layout(context);
      break;
  }
  firmware.files = std::move(files);
  return firmware;
}

}  // namespace atml::codegen
