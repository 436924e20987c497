// How the same model can be built otherwise, in the words of the command line: what an explanation
// tries where a model does not fit.
#pragma once

#include <memory>
#include <vector>

#include "deploy/builtin.h"
#include "deploy/explain.h"

namespace atml::deploy {

struct Alternatives {
  std::vector<std::unique_ptr<Oracle>> oracles;
  std::vector<Alternative> list;
};

/// Builds that differ from the chosen one: smaller code, and, with `may_stream`, rows streamed.
/// Fails where the built-in oracle lacks a tool.
Result<Alternatives> other_builds(const BuiltinOptions& chosen, bool may_stream);

/// Adds the build with compressed weights where it is another one.
Status add_compressed(const BuiltinOptions& chosen, const quantize::Int8Model& model,
                      const target::Target& target, Alternatives& builds);

}  // namespace atml::deploy
