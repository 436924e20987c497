#include "codegen/firmware.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "codegen/lowering.h"
#include "codegen/operator_order.h"
#include "codegen/packable.h"
#include "codegen/source_text.h"

namespace atml::codegen {

namespace {

bool is_prefix(const std::string& text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && std::ranges::all_of(text, good);
}

Status check_options(const Options& options) {
  if (is_prefix(options.prefix)) return {};
  return Error{
      Code::kInvalidArgument,
      fmt::format("prefix '{}' is not a C identifier; use letters, digits and _", options.prefix)};
}

std::vector<File> files_of(const SourceContext& c) {
  const std::string name = c.lower();
  const auto arrays = c.arrays();
  std::vector<File> files{{name + ".h", header_text(c), Role::kHeader},
                          {name + ".c", model_text(c), Role::kSource},
                          {name + "_weights.h", weights_header_text(c), Role::kHeader}};
  if (c.options.weight_arrays)
    files.push_back({name + "_weights.c", weights_text(c), Role::kWeightsArray});
  files.push_back({name + "_weights.S", assembly_definitions(arrays, name + "_weights.bin"),
                   Role::kWeightsAssembly});
  files.push_back({name + "_weights.bin", blob(arrays), Role::kWeightsBlob});
  files.push_back({"main.c", main_text(c), Role::kMain});
  files.push_back({"link.ld", linker_script_text(c.target), Role::kLinkerScript});
  return files;
}

OpInfo info_of(const quantize::Int8Model& model, const Step& step) {
  OpInfo info;
  info.op = step.op;
  info.name = model.ops[static_cast<std::size_t>(step.op)].name;
  info.symbol = step.symbol;
  info.kernel = function_name(step.choice.kernel);
  info.weights = Bytes(step.choice.weights);
  info.tables = Bytes(step.choice.tables);
  info.scratch = Bytes(step.choice.scratch);
  return info;
}

}  // namespace

std::string_view to_string(Optimize optimize) {
  switch (optimize) {
    case Optimize::kSpeed:
      return "speed";
    case Optimize::kBalanced:
      return "balanced";
    case Optimize::kSize:
      return "size";
  }
  ATML_UNREACHABLE("unknown optimisation");
}

Result<Optimize> parse_optimize(std::string_view text) {
  std::vector<std::string> known;
  for (const Optimize o : {Optimize::kSpeed, Optimize::kBalanced, Optimize::kSize}) {
    if (text == to_string(o)) return o;
    known.emplace_back(to_string(o));
  }
  return Error{Code::kInvalidArgument,
               fmt::format("unknown optimisation '{}'{}", text, suggestion(text, known))};
}

std::string_view to_string(Streaming streaming) {
  switch (streaming) {
    case Streaming::kOff:
      return "off";
    case Streaming::kAuto:
      return "auto";
    case Streaming::kOn:
      return "on";
  }
  ATML_UNREACHABLE("unknown streaming");
}

Result<Streaming> parse_streaming(std::string_view text) {
  for (const Streaming s : {Streaming::kOff, Streaming::kAuto, Streaming::kOn}) {
    if (text == to_string(s)) return s;
  }
  return Error{Code::kInvalidArgument,
               fmt::format("unknown streaming '{}': off, auto or on", text)};
}

std::string_view to_string(Layout layout) {
  switch (layout) {
    case Layout::kPlain:
      return "plain";
    case Layout::kArduino:
      return "arduino";
    case Layout::kZephyr:
      return "zephyr";
  }
  ATML_UNREACHABLE("unknown layout");
}

Result<Layout> parse_layout(std::string_view text) {
  for (const Layout l : {Layout::kPlain, Layout::kArduino, Layout::kZephyr}) {
    if (text == to_string(l)) return l;
  }
  return Error{Code::kInvalidArgument,
               fmt::format("unknown layout '{}': plain, arduino or zephyr", text)};
}

const File* Firmware::find(std::string_view path) const {
  const auto found = std::ranges::find(files, path, &File::path);
  return found == files.end() ? nullptr : &*found;
}

Result<Firmware> generate(const quantize::Int8Model& model, const target::Target& target,
                          const Options& options) {
  ATML_TRY_STATUS(check_options(options));
  ATML_TRY(const Lowered lowered, lower(model, target, options));
  Firmware firmware;
  firmware.files = files_of({lowered.model, target, options, lowered});
  firmware.plan = lowered.memory.plan;
  for (const Step& step : lowered.steps) {
    firmware.ops.push_back(info_of(lowered.model, step));
    firmware.ops.back().op = lowered.memory.plan.order[static_cast<std::size_t>(step.op)];
  }
  return firmware;
}

std::vector<PlainLayer> plain_layers(const quantize::Int8Model& given) {
  const quantize::Int8Model model = packable(given);
  std::vector<PlainLayer> layers;
  for (std::size_t i = 0; i < model.ops.size(); ++i) {
    std::string reason = why_plain(model, model.ops[i]);
    if (!reason.empty()) layers.push_back({static_cast<int>(i), std::move(reason)});
  }
  return layers;
}

bool compression_pays(const quantize::Int8Model& model, const target::Target& target,
                      Options options) {
  options.compress_weights = true;
  const auto lowered = lower(model, target, options);
  return lowered.ok() && std::ranges::any_of(lowered->steps, [](const Step& step) {
           return step.choice.kernel == Kernel::kDenseCoded;
         });
}

Bytes arena_limit(const target::Limits& limits) {
  return std::max(Bytes(1), limits.usable_ram() - kOtherRam);
}

Bytes arena_limit(const target::Target& target, const Options& options) {
  if (options.arena_limit.value > 0) return options.arena_limit;
  if (target.ram.size.value == 0) return Bytes(std::int64_t{1} << 40);  // a host: no limit
  return target.ram.size - kOtherRam;
}

MemoryPlan plan_memory(const quantize::Int8Model& given, const target::Target& target,
                       const Options& options) {
  const quantize::Int8Model model = packable(given, true);
  const auto choices = choose_kernels(model, target, options.optimize, true);
  ATML_ASSERT(choices.ok(), "plan_memory() of a model that cannot be generated");
  return choose_order(model, *choices, planning_of(model, target, options)).memory.plan;
}

}  // namespace atml::codegen
