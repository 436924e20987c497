#include "deploy/toolchain.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <regex>

#include "base/text.h"
#include "deploy/driver_listing.h"

namespace atml::deploy {
namespace {

constexpr const char* kInput = "atml_input";  // placeholders in the driver's listing
constexpr const char* kOutput = "atml_output";

Error missing(const std::string& program, const char* package) {
  return {Code::kNotFound,
          fmt::format("'{}' is not in PATH; install the Debian package {}", program, package)};
}

// The steps for one set of flags. Empty templates: use the driver.
struct Recipe {
  Words compile;   // cc1 <kInput>.c ... -o <kOutput>.s
  Words assemble;  // as ... -o <kOutput>.o <kOutput>.s
};

void replace_all(Words& words, std::string_view from, const std::string& to) {
  for (std::string& word : words) {
    if (word == from) word = to;
  }
}

// The word after "-o".
std::string output_word(const Words& words) {
  const auto at = std::ranges::find(words, "-o");
  return at == words.end() || at + 1 == words.end() ? "" : *(at + 1);
}

bool disk_is_full(const ProcessResult& result) {
  return result.err.find("No space left on device") != std::string::npos;
}

Error full_disk(const std::string& tool) {
  return {Code::kIo,
          fmt::format("{} found no space left in the scratch folder; free some space or set TMPDIR",
                      tool)};
}

Result<StepOutcome> outcome(const std::string& tool, const ProcessResult& result) {
  if (disk_is_full(result)) return full_disk(tool);
  if (result.succeeded()) return StepOutcome{};
  return StepOutcome{false, fmt::format("{} {}", tool, result.ending()), result.err};
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

struct Toolchain::State {
  std::string driver;
  std::string version;
  std::string linker;
  std::string archiver;
  mutable std::mutex mutex;
  mutable std::map<std::string, Recipe> recipes;  // by joined flags
  mutable std::map<std::string, Words> link_templates;

  Result<std::vector<Words>> listing(const Words& arguments) const;
  Result<Recipe> recipe(const Words& flags) const;
  Result<Words> link_template(const Words& flags) const;
};

Toolchain::Toolchain(std::unique_ptr<State> state) : state_(std::move(state)) {}
Toolchain::Toolchain(Toolchain&&) noexcept = default;
Toolchain& Toolchain::operator=(Toolchain&&) noexcept = default;
Toolchain::~Toolchain() = default;
const std::string& Toolchain::version() const { return state_->version; }
const std::string& Toolchain::driver() const { return state_->driver; }

Result<Toolchain> Toolchain::find(const std::string& driver, const Packages& packages) {
  auto state = std::make_unique<State>();
  const auto path = find_program(driver);
  if (!path.ok()) return missing(driver, packages.compiler);
  state->driver = *path;
  ATML_TRY(const ProcessResult version, run_process({.argv = {*path, "--version"}}));
  if (!version.succeeded()) {
    return Error{Code::kUnavailable, fmt::format("'{} --version' {}: {}", *path, version.ending(),
                                                 first_error(version.err))};
  }
  state->version = version.out.substr(0, version.out.find('\n'));
  for (const auto& [name, slot] :
       {std::pair{"ld", &state->linker}, std::pair{"ar", &state->archiver}}) {
    ATML_TRY(const ProcessResult where,
             run_process({.argv = {*path, fmt::format("-print-prog-name={}", name)}}));
    const auto tool = find_program(trim(where.out));
    if (!tool.ok())
      return Error{Code::kNotFound,
                   fmt::format("'{}' of {} is missing; install the Debian package {}", name, *path,
                               packages.binutils)};
    *slot = *tool;
  }
  return Toolchain(std::move(state));
}

Result<std::vector<Words>> Toolchain::State::listing(const Words& arguments) const {
  Command command{.argv = {driver, "-###"}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  ATML_TRY(const ProcessResult result, run_process(command));
  if (!result.succeeded()) return std::vector<Words>{};
  return parse_driver_listing(result.err);
}

Result<Recipe> Toolchain::State::recipe(const Words& flags) const {
  const std::string key = join(flags, "\n");
  const std::lock_guard lock(mutex);
  const auto known = recipes.find(key);
  if (known != recipes.end()) return known->second;
  Words arguments = flags;
  for (const std::string& word : {std::string("-c"), fmt::format("{}.c", kInput), std::string("-o"),
                                  fmt::format("{}.o", kOutput)}) {
    arguments.push_back(word);
  }
  ATML_TRY(const std::vector<Words> commands, listing(arguments));
  Recipe recipe{command_named(commands, "cc1"), command_named(commands, "as")};
  const std::string assembly = output_word(recipe.compile);
  if (assembly.empty() || recipe.assemble.empty()) recipe = {};
  replace_all(recipe.compile, assembly, fmt::format("{}.s", kOutput));
  replace_all(recipe.assemble, assembly, fmt::format("{}.s", kOutput));
  recipes.emplace(key, recipe);
  return recipe;
}

Result<Words> Toolchain::State::link_template(const Words& flags) const {
  const std::string key = join(flags, "\n");
  const std::lock_guard lock(mutex);
  const auto known = link_templates.find(key);
  if (known != link_templates.end()) return known->second;
  // The input first: libraries among the flags serve what stands before them.
  Words arguments{fmt::format("{}.o", kInput), "-o", fmt::format("{}.elf", kOutput)};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  ATML_TRY(const std::vector<Words> commands, listing(arguments));
  const Words collect = command_named(commands, "collect2");
  Words words;
  // collect2 and the plug-in serve link-time optimisation only.
  for (std::size_t i = 1; i < collect.size(); ++i) {
    if (collect[i] == "-plugin") {
      ++i;
    } else if (!collect[i].starts_with("-plugin-opt=")) {
      words.push_back(collect[i]);
    }
  }
  if (!words.empty()) words.insert(words.begin(), linker);
  link_templates.emplace(key, words);
  return words;
}

namespace {

void insert_include_folders(Words& command, const CompileJob& job) {
  for (const auto& folder : job.include_folders) {
    command.insert(command.begin() + 1, {"-I", folder.string()});
  }
}

// One job on its way: cc1 first (not for assembler files), then as.
struct Running {
  const CompileJob* job = nullptr;
  Command assemble;
  std::optional<ChildProcess> child;
  bool assembling = false;
};

Result<Running> start_job(const CompileJob& job, const Recipe& recipe) {
  Running running{.job = &job};
  const std::string object = job.object.string();
  const std::string assembly = job.source.extension() == ".c" ? object + ".s" : job.source.string();
  Words compile = recipe.compile;
  replace_all(compile, fmt::format("{}.c", kInput), job.source.string());
  replace_all(compile, fmt::format("{}.s", kOutput), assembly);
  running.assemble.argv = recipe.assemble;
  replace_all(running.assemble.argv, fmt::format("{}.s", kOutput), assembly);
  replace_all(running.assemble.argv, fmt::format("{}.o", kOutput), object);
  insert_include_folders(compile, job);
  insert_include_folders(running.assemble.argv, job);
  running.assembling = job.source.extension() != ".c";
  ATML_TRY(ChildProcess child,
           ChildProcess::start(running.assembling ? running.assemble : Command{.argv = compile}));
  running.child.emplace(std::move(child));
  return running;
}

Result<StepOutcome> finish_job(Running& running) {
  while (true) {
    const ProcessResult result = running.child->wait();
    const std::string tool = running.assembling ? "the assembler" : "the compiler";
    ATML_TRY(StepOutcome step, outcome(tool, result));
    if (!step.ok || running.assembling) return step;
    running.assembling = true;
    ATML_TRY(ChildProcess child, ChildProcess::start(running.assemble));
    running.child.emplace(std::move(child));
  }
}

}  // namespace

Result<StepOutcome> Toolchain::compile(const std::vector<CompileJob>& jobs, int parallel) const {
  std::vector<Running> running;
  StepOutcome all;
  const auto finish_first = [&]() -> Status {
    ATML_TRY(StepOutcome step, finish_job(running.front()));
    running.erase(running.begin());
    if (!step.ok && all.ok) all = std::move(step);
    return {};
  };
  for (const CompileJob& job : jobs) {
    ATML_TRY(const Recipe recipe, state_->recipe(job.flags));
    if (recipe.assemble.empty()) {
      ATML_TRY(StepOutcome step, compile_with_driver(job));
      if (!step.ok && all.ok) all = std::move(step);
      continue;
    }
    if (static_cast<int>(running.size()) >= parallel) ATML_TRY_STATUS(finish_first());
    ATML_TRY(Running started, start_job(job, recipe));
    running.push_back(std::move(started));
  }
  while (!running.empty()) ATML_TRY_STATUS(finish_first());
  return all;
}

Result<StepOutcome> Toolchain::compile_with_driver(const CompileJob& job) const {
  Command command{.argv = {state_->driver}};
  insert_include_folders(command.argv, job);
  command.argv.insert(command.argv.end(), job.flags.begin(), job.flags.end());
  for (const std::string& word :
       {std::string("-c"), job.source.string(), std::string("-o"), job.object.string()}) {
    command.argv.push_back(word);
  }
  ATML_TRY(const ProcessResult result, run_process(command));
  return outcome(base_name(state_->driver), result);
}

Result<StepOutcome> Toolchain::archive(const std::vector<std::filesystem::path>& objects,
                                       const std::filesystem::path& archive) const {
  Command command{.argv = {state_->archiver, "rcsD", archive.string()}};
  for (const auto& object : objects) command.argv.push_back(object.string());
  ATML_TRY(const ProcessResult result, run_process(command));
  return outcome("the archiver", result);
}

Result<StepOutcome> Toolchain::link(const LinkJob& job) const {
  ATML_TRY(const Words learnt, state_->link_template(job.flags));
  Command command{.argv = learnt};
  if (learnt.empty()) {
    command.argv = {state_->driver, fmt::format("{}.o", kInput), "-o",
                    fmt::format("{}.elf", kOutput)};
    command.argv.insert(command.argv.end(), job.flags.begin(), job.flags.end());
  }
  replace_all(command.argv, fmt::format("{}.elf", kOutput), job.output.string());
  const auto at = std::ranges::find(command.argv, fmt::format("{}.o", kInput));
  ATML_ASSERT(at != command.argv.end(), "link template without its input");
  Words inputs{"-T", job.script.string()};
  for (const auto& input : job.inputs) inputs.push_back(input.string());
  command.argv.insert(command.argv.erase(at), inputs.begin(), inputs.end());
  ATML_TRY(const ProcessResult result, run_process(command));
  return outcome("the linker", result);
}

std::vector<Overflow> parse_overflows(std::string_view linker_text) {
  static const std::regex pattern("region [`']?([A-Za-z0-9_]+)'? overflowed by ([0-9]+) bytes?");
  std::vector<Overflow> found;
  for (std::cregex_iterator it(linker_text.begin(), linker_text.end(), pattern), end; it != end;
       ++it) {
    found.push_back({(*it)[1], Bytes(std::stoll((*it)[2]))});
  }
  return found;
}

std::string with_enlarged_regions(std::string_view script, Bytes length) {
  static const std::regex pattern("(LENGTH|len|l)(\\s*=\\s*)(0[xX][0-9A-Fa-f]+|[0-9]+)[KkMm]?");
  const std::string text(script);
  const std::size_t from = text.find("MEMORY");
  const std::size_t to = text.find('}', from);
  if (from == std::string::npos || to == std::string::npos) return text;
  return text.substr(0, from) +
         std::regex_replace(text.substr(from, to - from), pattern,
                            fmt::format("$01$02{}", length.value)) +
         text.substr(to);
}

std::string StepOutcome::summary() const { return what + ": " + first_error(text); }

std::string first_error(std::string_view tool_text) {
  const std::vector<std::string> lines = split(tool_text, '\n');
  const auto at = std::ranges::find_if(lines, [](const std::string& line) {
    return line.find("rror:") != std::string::npos ||
           line.find("undefined reference") != std::string::npos ||
           line.find("overflowed by") != std::string::npos;
  });
  const std::string line = trim(at != lines.end() ? *at : lines.front());
  return line.size() <= 300 ? line : line.substr(0, 297) + "...";
}

}  // namespace atml::deploy
