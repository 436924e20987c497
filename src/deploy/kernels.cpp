#include "deploy/kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>

#include "base/random.h"
#include "base/text.h"
#include "deploy/harness_sources.h"
#include "deploy/kernel_store.h"

namespace atml::deploy {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<fs::path>;

bool is_memory(const fs::path& source) { return source.stem() == "memory"; }

// Compiles `sources` into objects of the same stems; assembler goes through the driver for its
// preprocessor.
Status compile_all(const Toolchain& tools, const std::vector<CompileJob>& jobs) {
  std::vector<CompileJob> direct;
  StepOutcome step;
  for (const CompileJob& job : jobs) {
    if (job.source.extension() == ".c") {
      direct.push_back(job);
    } else if (step.ok) {
      ATML_TRY(step, tools.compile_with_driver(job));
    }
  }
  if (step.ok) {
    ATML_TRY(step, tools.compile(direct));
  }
  if (step.ok) return {};
  return Error{Code::kUnavailable, fmt::format("the runtime does not compile with {}: {}",
                                               tools.version(), step.summary())};
}

Paths objects_of(const std::vector<CompileJob>& jobs) {
  Paths objects;
  for (const CompileJob& job : jobs) objects.push_back(job.object);
  return objects;
}

std::vector<CompileJob> runtime_jobs(const std::vector<std::string>& sources,
                                     const fs::path& folder,
                                     const std::vector<std::string>& flags) {
  const fs::path runtime = resource_folder("runtime");
  std::vector<CompileJob> jobs;
  for (const std::string& source : sources) {
    jobs.push_back({runtime / source,
                    folder / (fs::path(source).filename().string() + ".o"),
                    flags,
                    {runtime / "include"}});
  }
  return jobs;
}

Result<std::vector<CompileJob>> harness_jobs(const target::Target& target, const fs::path& folder,
                                             const std::vector<std::string>& flags) {
  ATML_TRY_STATUS(write_scratch_file(folder / "harness.h", harness::kHeader));
  const bool riscv = target.core == target::Core::kRv32imc;
  ATML_TRY_STATUS(write_scratch_file(folder / "harness_start.c",
                                     riscv ? harness::kStartRiscV : harness::kStart));
  ATML_TRY_STATUS(write_scratch_file(folder / "harness_main.c", harness::kMain));
  std::vector<CompileJob> jobs;
  for (const char* stem : {"harness_start", "harness_main"}) {
    jobs.push_back({folder / (std::string(stem) + ".c"),
                    folder / (std::string(stem) + ".o"),
                    flags,
                    {folder}});
  }
  return jobs;
}

struct Plan {
  std::vector<CompileJob> kernels, startup, harness;
  KernelSet set;

  std::vector<fs::path> files() const {
    std::vector<fs::path> all{set.kernels};
    for (const auto* part : {&set.memory, &set.startup, &set.harness})
      all.insert(all.end(), part->begin(), part->end());
    return all;
  }
};

Result<Plan> make_plan(const target::Target& target, const std::vector<std::string>& flags,
                       const fs::path& folder) {
  ATML_TRY_STATUS(make_directories(folder));
  Plan plan{.kernels = runtime_jobs(codegen::runtime_sources(target), folder, flags),
            .startup = runtime_jobs(codegen::startup_sources(target), folder,
                                    codegen::startup_flags(target))};
  ATML_TRY(plan.harness, harness_jobs(target, folder, codegen::startup_flags(target)));
  plan.set.kernels = folder / "libatml_kernels.a";
  for (const CompileJob& job : plan.startup)
    (is_memory(job.source) ? plan.set.memory : plan.set.startup).push_back(job.object);
  plan.set.harness = objects_of(plan.harness);
  return plan;
}

Status compile_plan(const Toolchain& tools, const Plan& plan) {
  for (const auto* jobs : {&plan.kernels, &plan.startup, &plan.harness})
    ATML_TRY_STATUS(compile_all(tools, *jobs));
  ATML_TRY(const StepOutcome archived, tools.archive(objects_of(plan.kernels), plan.set.kernels));
  if (archived.ok) return {};
  return Error{Code::kUnavailable, archived.summary()};
}

// Of everything that the objects depend on: the compiler, the flags, every file of the runtime, the
// harness.
Result<std::uint64_t> content_key(const Toolchain& tools, const Plan& plan) {
  std::uint64_t key = fnv1a(tools.version());
  const auto add = [&](std::string_view text) { key = fnv1a(text, fnv1a("|", key)); };
  for (const auto* jobs : {&plan.kernels, &plan.startup, &plan.harness}) {
    for (const CompileJob& job : *jobs) {
      ATML_TRY(const std::string source, read_file(job.source));
      add(job.source.filename().string());
      add(join(job.flags, "\n"));
      add(source);
    }
  }
  std::vector<fs::path> headers;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(resource_folder("runtime") / "include", ignored))
    headers.push_back(entry.path());
  std::ranges::sort(headers);
  for (const fs::path& header : headers) {
    ATML_TRY(const std::string text, read_file(header));
    add(header.filename().string());
    add(text);
  }
  add(harness::kHeader);
  return key;
}

Result<KernelSet> build(const Toolchain& tools, const target::Target& target,
                        const std::vector<std::string>& flags, const fs::path& folder) {
  ATML_TRY(const Plan plan, make_plan(target, flags, folder));
  ATML_TRY(const std::uint64_t key, content_key(tools, plan));
  if (restore_files(key, plan.files())) return plan.set;
  ATML_TRY_STATUS(compile_plan(tools, plan));
  save_files(key, plan.files());
  return plan.set;
}

struct Slot {
  std::mutex mutex;
  std::optional<KernelSet> set;
};

}  // namespace

struct KernelCache::State {
  explicit State(ScratchFolder f) : folder(std::move(f)) {}
  ScratchFolder folder;
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<Slot>> slots;  // by flags

  Slot& slot(const std::string& key) {
    const std::lock_guard lock(mutex);
    std::unique_ptr<Slot>& found = slots[key];
    if (found == nullptr) found = std::make_unique<Slot>();
    return *found;
  }
};

KernelCache::KernelCache(ScratchFolder folder)
    : state_(std::make_unique<State>(std::move(folder))) {}
KernelCache::KernelCache(KernelCache&&) noexcept = default;
KernelCache::~KernelCache() = default;

Result<KernelSet> KernelCache::get(const Toolchain& tools, const target::Target& target,
                                   codegen::Optimize optimize, quantize::Rounding rounding) {
  const std::vector<std::string> flags = codegen::compile_flags(target, optimize, rounding);
  const std::string key = join(flags, "\n") + "\n" + join(codegen::runtime_sources(target), "\n");
  Slot& slot = state_->slot(key);
  const std::lock_guard lock(slot.mutex);
  if (!slot.set) {
    ATML_TRY(slot.set, build(tools, target, flags,
                             state_->folder.path() / fmt::format("{:016x}", fnv1a(key))));
  }
  return *slot.set;
}

}  // namespace atml::deploy
