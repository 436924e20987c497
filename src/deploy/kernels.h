// The objects that do not depend on a model: runtime kernels, start-up and the measurement harness,
// compiled once per core and optimisation, kept for the life of the cache and between processes
// (kernel_store.h).
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "codegen/runtime.h"
#include "deploy/toolchain.h"

namespace atml::deploy {

struct KernelSet {
  std::filesystem::path kernels;               // archive of the runtime kernels
  std::vector<std::filesystem::path> memory;   // memcpy and friends: in both programs
  std::vector<std::filesystem::path> startup;  // start-up of the production ELF
  std::vector<std::filesystem::path> harness;  // start-up and main of the measurement program
};

/// Thread safe: two workers that need the same set wait for one compilation.
class KernelCache {
 public:
  explicit KernelCache(ScratchFolder folder);
  KernelCache(KernelCache&&) noexcept;
  ~KernelCache();

  /// Fails when the toolchain cannot compile the runtime for this target (an environment error).
  Result<KernelSet> get(const Toolchain& tools, const target::Target& target,
                        codegen::Optimize optimize, quantize::Rounding rounding);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace atml::deploy
