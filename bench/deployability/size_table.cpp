// Measures what runtime kernels cost in flash and stack and writes the table of codegen::estimate:
//   bench_size_table WORK [--cores a,b] [--seconds S]      measures the variants that WORK lacks
//   bench_size_table WORK --out src/codegen/size_table.inc  joins them once all are there
// A variant (core, optimisation, rounding) takes about 15 processor seconds; each is a file in WORK
// as soon as it is known. Empty WORK after a change of the runtime, the emitter or the compiler.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/random.h"
#include "base/text.h"
#include "codegen/lowering.h"
#include "codegen/size_table.h"
#include "codegen/streaming.h"
#include "deploy/workbench.h"
#include "probes.h"

namespace {

using namespace atml;
using codegen::Optimize;
using codegen::Streaming;
using quantize::Int8Model;
using quantize::Rounding;

struct Variant {
  target::Target part;
  Optimize optimize;
  Rounding rounding;
  std::string name() const {
    return fmt::format("{}-{}-{}", target::to_string(part.core), codegen::to_string(optimize),
                       rounding == Rounding::kDouble ? "double" : "single");
  }
};

target::Target part_of(target::Core core) {
  target::Target part;
  part.name = "probe";
  part.core = core;
  part.dsp = core == target::Core::kCortexM4 || core == target::Core::kCortexM7 ||
             core == target::Core::kCortexM33 || core == target::Core::kCortexM55;
  part.fpu = part.dsp;
  part.clock_hz = 1e8;
  part.flash = {0x08000000u, Bytes(1 << 20)};
  part.ram = {0x20000000u, Bytes(256 << 10)};
  return part;
}

using Function = std::pair<std::string, std::uint32_t>;  // name and size

struct Measured {
  std::string kernel;  // of its first operator
  bool clamp = false;
  std::int64_t flash = 0, statics = 0, stack = 0, constants = 0;
  std::set<Function> functions;  // and constants of the runtime
  std::int64_t layers = 0;       // functions and parameters of the operators
  std::vector<std::string> row_kernels;
};

// Parameters and functions of the generated sources; all else is start-up and runtime.
bool is_of_model(const std::string& name) {
  return name == "p" || name.starts_with("p.") || name.starts_with("model_") ||
         name.starts_with("$") || name.starts_with("buffers") || name.starts_with("stages") ||
         name.starts_with("s.") || name == "arena" || name == "main";
}

// Libraries give one function several names (__muldi3 is __aeabi_lmul): the first of them counts.
std::set<Function> functions_of(const deploy::ElfFile& elf) {
  std::map<std::pair<int, std::uint32_t>, Function> at;
  for (const deploy::Symbol& s : elf.symbols()) {
    if (s.section <= 0 || s.size == 0 || is_of_model(s.name)) continue;
    const Function function{s.name, s.size};
    const auto [known, fresh] = at.try_emplace({s.section, s.value}, function);
    if (!fresh) known->second = std::min(known->second, function);
  }
  std::set<Function> found;
  for (const auto& [place, function] : at) found.insert(function);
  return found;
}

// In words: what lies behind is aligned.
std::int64_t layer_bytes(const deploy::ElfFile& elf) {
  std::int64_t sum = 0;
  for (const deploy::Symbol& s : elf.symbols()) {
    const bool ours =
        s.name.starts_with("model_layer_") || s.name == "p" || s.name.starts_with("p.");
    if (s.section > 0 && ours) sum += (s.size + 3) / 4 * 4;
  }
  return sum;
}

class Bench {
 public:
  explicit Bench(deploy::Workbench workbench) : workbench_(std::move(workbench)) {}

  Result<Measured> measure(const Variant& v, const Int8Model& model, Streaming streaming) {
    codegen::Options options;
    options.optimize = v.optimize;
    options.streaming = streaming;
    ATML_TRY(const ScratchFolder folder, ScratchFolder::create());
    ATML_TRY(const auto production, workbench_.build(model, v.part, options, folder.path()));
    if (!production.failure.empty()) return Error{Code::kUnsupported, production.failure};
    std::vector<std::int8_t> input(
        static_cast<std::size_t>(2 * model.tensor(model.input).shape.elements()));
    Rng rng = Rng::derive(3, "probe input");
    for (std::int8_t& byte : input) byte = static_cast<std::int8_t>(rng.next() >> 56);
    ATML_TRY(const auto run, workbench_.run(v.part, production, input, {}, folder.path()));
    if (!run.failure.empty()) return Error{Code::kUnsupported, run.failure};
    Measured m;
    ATML_TRY(const auto choices, codegen::choose_kernels(model, v.part, v.optimize));
    m.kernel = std::string(codegen::function_name(choices[0].kernel));
    m.clamp = choices[0].clamp;
    for (const auto& c : choices) m.constants += c.weights + c.tables;
    m.flash = production.flash.value;
    m.statics = production.statics.value;
    m.stack = run.stack.value;
    m.functions = functions_of(*production.elf);
    m.layers = layer_bytes(*production.elf);
    const auto plan = codegen::plan_memory(model, v.part, options);
    for (const auto& group : plan.groups) {
      for (int i = group.first_op; i <= group.last_op; ++i) {
        const auto at = static_cast<std::size_t>(i);
        m.row_kernels.emplace_back(
            codegen::function_name(codegen::row_kernel(model, model.ops[at], choices[at]).kernel));
      }
    }
    return m;
  }

 private:
  deploy::Workbench workbench_;
};

// What is known of one kernel so far; the least of all probes, so that an estimate stays a bound.
struct Entry {
  std::int64_t layer = 1 << 14, stack = 1 << 14, row_stack = 1 << 14;
  std::set<Function> functions, row_functions;
  bool whole = false, rows = false;
};

class Table {
 public:
  explicit Table(const Measured& empty) : empty_(empty) {}

  void add(const Measured& m) {
    Entry& e = entries_[m.kernel];
    const std::set<Function> used = beyond_startup(m);
    e.layer = std::min(e.layer, m.layers);
    e.stack = std::min(e.stack, m.stack);
    if (!e.whole)
      e.functions = used;
    else
      keep_common(e.functions, used);
    e.whole = true;
  }

  // `m` with a clamp behind the kernel, `without` the same operator without.
  void add_clamp(const Measured& m, const Measured& without) {
    Entry& e = entries_["atml_clamp"];
    std::set<Function> more = beyond_startup(m);
    for (const Function& f : beyond_startup(without)) more.erase(f);
    e.layer = std::min(e.layer, m.layers - without.layers);
    e.stack = std::min(e.stack, m.stack - without.stack);
    if (!e.whole)
      e.functions = more;
    else
      keep_common(e.functions, more);
    e.whole = true;
  }

  void add_streamed(const Measured& m) {
    for (const std::string& kernel : m.row_kernels) {
      Entry& e = entries_[kernel];
      e.row_stack = std::min(e.row_stack, m.stack);
      const std::set<Function> used = beyond_startup(m);
      if (!e.rows)
        e.row_functions = used;
      else
        keep_common(e.row_functions, used);
      e.rows = true;
    }
  }

  std::string text(const Variant& v, std::int64_t stack, std::int64_t frame,
                   std::int64_t next_layer) const {
    std::vector<Function> all;
    for (const auto& [name, e] : entries_) {
      for (const auto* set : {&e.functions, &e.row_functions}) {
        for (const Function& f : *set)
          if (std::ranges::find(all, f) == all.end()) all.push_back(f);
      }
    }
    std::ranges::sort(all);
    ATML_ASSERT(all.size() <= 128, "more functions than bits");
    std::string id = "k" + v.name();
    std::ranges::replace(id, '-', '_');
    std::string text =
        fmt::format("// {}\nconstexpr std::uint16_t {}_functions[] = {{", v.name(), id);
    for (std::size_t i = 0; i < all.size(); ++i)
      text += fmt::format("{}{},", i % 16 == 0 ? "\n    " : " ", all[i].second);
    text += fmt::format("\n}};\nconstexpr KernelSize {}_kernels[] = {{\n", id);
    for (const auto& [name, e] : entries_) {
      text += fmt::format("    {{\"{}\", {}, {}, {}, {}, {}}},\n", name, e.whole ? e.layer : 0,
                          e.whole ? e.stack : 0, e.rows ? e.row_stack : 0, bits(all, e.functions),
                          bits(all, e.row_functions));
    }
    return text + "};\n" +
           fmt::format(
               "#define ATML_{} {{Core::{}, {}, Optimize::{}, quantize::Rounding::{}, {}, "
               "{}, {}, {}, {}, {}_functions, {}_kernels}}\n",
               id, core_name(v.part.core), v.part.dsp, optimize_name(v.optimize),
               v.rounding == Rounding::kDouble ? "kDouble" : "kSingle", empty_.flash,
               empty_.statics, stack, frame, next_layer, id, id);
  }

 private:
  static void keep_common(std::set<Function>& kept, const std::set<Function>& other) {
    std::erase_if(kept, [&](const Function& f) { return !other.contains(f); });
  }

  static std::string bits(const std::vector<Function>& all, const std::set<Function>& set) {
    std::uint64_t words[2] = {0, 0};
    for (std::size_t i = 0; i < all.size(); ++i)
      if (set.contains(all[i])) words[i / 64] |= std::uint64_t{1} << (i % 64);
    return fmt::format("{{{:#x}, {:#x}}}", words[0], words[1]);
  }

  static const char* optimize_name(Optimize o) {
    return o == Optimize::kSpeed ? "kSpeed" : o == Optimize::kBalanced ? "kBalanced" : "kSize";
  }

  static std::string core_name(target::Core core) {
    const std::map<target::Core, const char*> names{{target::Core::kCortexM0Plus, "kCortexM0Plus"},
                                                    {target::Core::kCortexM3, "kCortexM3"},
                                                    {target::Core::kCortexM4, "kCortexM4"},
                                                    {target::Core::kCortexM7, "kCortexM7"},
                                                    {target::Core::kCortexM33, "kCortexM33"},
                                                    {target::Core::kCortexM55, "kCortexM55"},
                                                    {target::Core::kRv32imc, "kRv32imc"}};
    return names.at(core);
  }

  std::set<Function> beyond_startup(const Measured& m) const {
    std::set<Function> used = m.functions;
    for (const Function& f : empty_.functions) used.erase(f);
    return used;
  }

  Measured empty_;
  std::map<std::string, Entry> entries_;
};

Result<std::string> measure_variant(Bench& bench, const Variant& v) {
  ATML_TRY(const Measured empty, bench.measure(v, bench::empty_model(), Streaming::kOff));
  Table table(empty);
  std::map<std::string, Measured> plain;
  for (const Int8Model& model : bench::single_probes(v.rounding)) {
    ATML_TRY(const Measured m, bench.measure(v, model, Streaming::kOff));
    if (!m.clamp) {
      table.add(m);
      plain.insert_or_assign(m.kernel, m);
    } else if (const auto it = plain.find(m.kernel); it != plain.end()) {
      Int8Model open = model;
      std::visit(
          [](auto& kind) {
            if constexpr (requires { kind.low = 0; }) kind.low = -128, kind.high = 127;
          },
          open.ops[0].kind);
      ATML_TRY(const Measured without, bench.measure(v, open, Streaming::kOff));
      table.add_clamp(m, without);
    }
  }
  for (const Int8Model& model : bench::streamed_probes(v.rounding)) {
    ATML_TRY(const Measured m, bench.measure(v, model, Streaming::kOn));
    table.add_streamed(m);
  }
  // What further operators add: a chain of two tables against one of six, and an operator in front
  // of another one against the same alone.
  const auto chain = [&](int count) {
    return bench.measure(v, bench::table_chain(count, v.rounding), Streaming::kOff);
  };
  ATML_TRY(const Measured two, chain(2));
  ATML_TRY(const Measured six, chain(6));
  ATML_TRY(const Measured alone,
           bench.measure(v, bench::dense_in_front(false, v.rounding), Streaming::kOff));
  ATML_TRY(const Measured front,
           bench.measure(v, bench::dense_in_front(true, v.rounding), Streaming::kOff));
  const std::int64_t calls =
      six.flash - two.flash - (six.constants - two.constants) - (six.layers - two.layers);
  return table.text(v, two.stack, front.stack - alone.stack, calls / 4);
}

std::vector<Variant> all_variants(const std::vector<std::string>& cores) {
  using target::Core;
  std::vector<Variant> variants;
  for (const Core core : {Core::kCortexM4, Core::kCortexM0Plus, Core::kCortexM7, Core::kCortexM33,
                          Core::kCortexM3, Core::kCortexM55, Core::kRv32imc}) {
    const bool asked =
        cores.empty() || std::ranges::find(cores, target::to_string(core)) != cores.end();
    if (!asked || !deploy::board_for(core).ok()) continue;
    for (const Optimize o : {Optimize::kBalanced, Optimize::kSize, Optimize::kSpeed}) {
      for (const Rounding r : {Rounding::kDouble, Rounding::kSingle})
        variants.push_back({part_of(core), o, r});
    }
  }
  return variants;
}

Result<std::string> join(const std::string& work, const std::string& compiler) {
  std::string text = fmt::format(
      "// Written by bench_size_table ({}): do not edit. See size_table.h for the fields.\n",
      compiler);
  std::string list;
  for (const Variant& v : all_variants({})) {
    const std::string path = work + "/" + v.name() + ".txt";
    if (!std::filesystem::exists(path)) {
      fmt::print(stderr, "{} was not measured and is left out\n", v.name());
      continue;
    }
    ATML_TRY(std::string block, read_file(path));
    const std::size_t mark = block.find("#define ATML_");
    const std::size_t value = block.find('{', mark);
    list += "    " + trim(block.substr(value)) + ",\n";
    text += block.substr(0, mark);
  }
  return text + "constexpr SizeVariant kVariants[] = {\n" + list + "};\n";
}

struct Arguments {
  std::string work, out;
  std::vector<std::string> cores;
  double seconds = 1e9;
};

Status run(const Arguments& a) {
  ATML_TRY_STATUS(make_directories(a.work));
  ATML_TRY(deploy::Workbench workbench, deploy::Workbench::create());
  const std::string compiler = workbench.tools().version();
  if (!a.out.empty()) {
    ATML_TRY(const std::string text, join(a.work, compiler));
    return write_file(a.out, text);
  }
  Bench bench(std::move(workbench));
  const double started = now_seconds();
  for (const Variant& v : all_variants(a.cores)) {
    const std::string path = a.work + "/" + v.name() + ".txt";
    if (std::filesystem::exists(path)) continue;
    if (now_seconds() - started > a.seconds) {
      fmt::print("more is missing: start it again\n");
      return {};
    }
    ATML_TRY(const std::string text, measure_variant(bench, v));
    ATML_TRY_STATUS(write_file(path, text));
    fmt::print("{}: {:.0f} s\n", v.name(), now_seconds() - started);
    std::fflush(stdout);
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  if (argc > 1) a.work = argv[1];
  bool known = !a.work.empty() && !a.work.starts_with("--") && argc % 2 == 0;
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    if (key == "--cores")
      a.cores = split(argv[i + 1], ',');
    else if (key == "--seconds")
      a.seconds = std::atof(argv[i + 1]);
    else if (key == "--out")
      a.out = argv[i + 1];
    else
      known = false;
  }
  if (!known) {
    fmt::print(stderr, "usage: bench_size_table WORK [--cores a,b] [--seconds S] [--out FILE]\n");
    return 2;
  }
  const Status status = run(a);
  if (status.ok()) return 0;
  fmt::print(stderr, "bench_size_table: {}\n", status.error().message);
  return 2;
}
