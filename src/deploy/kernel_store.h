// Compiled kernels kept between processes, so that a single check does not wait for the runtime to
// compile.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace atml::deploy {

/// $AUTOTINYML_CACHE, else $XDG_CACHE_HOME/autotinyml, else ~/.cache/autotinyml; empty where none
/// is set or AUTOTINYML_CACHE is "off".
std::filesystem::path cache_folder();

/// Copies the files stored under `key` to the given paths (in the order of saving). False where
/// there is no complete, undamaged entry of that many files; what was copied so far is then of no
/// meaning.
bool restore_files(std::uint64_t key, const std::vector<std::filesystem::path>& files);

/// Stores the files under `key`. A cache that cannot be written is no error: the next process
/// compiles again.
void save_files(std::uint64_t key, const std::vector<std::filesystem::path>& files);

}  // namespace atml::deploy
