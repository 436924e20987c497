// bench_kernels --variants: every kernel that can compute a layer, in every build, beside what the
// generator chooses.
#pragma once

#include <string>

#include "base/result.h"

namespace atml::bench {

struct VariantOptions {
  std::string core;   // "M4"; empty: all five
  std::string layer;  // only those whose name holds this
  std::string json;   // file; empty: none
};

/// Prints Markdown. Fails on an unknown core and where tools are missing.
Status run_variants(const VariantOptions& options);

}  // namespace atml::bench
