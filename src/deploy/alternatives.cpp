#include "deploy/alternatives.h"

namespace atml::deploy {

Result<Alternatives> other_builds(const BuiltinOptions& chosen, bool may_stream) {
  Alternatives all;
  const auto add = [&](const char* name, const BuiltinOptions& options) -> Status {
    ATML_TRY(auto oracle, BuiltinOracle::create(options));
    all.oracles.push_back(std::move(oracle));
    all.list.push_back({name, all.oracles.back().get()});
    return {};
  };
  const bool stream = may_stream && chosen.streaming != codegen::Streaming::kOn;
  const bool shrink = chosen.optimize != codegen::Optimize::kSize;
  BuiltinOptions streamed = chosen;
  streamed.streaming = codegen::Streaming::kOn;
  BuiltinOptions small = chosen;
  small.optimize = codegen::Optimize::kSize;
  BuiltinOptions both = streamed;
  both.optimize = codegen::Optimize::kSize;
  if (shrink) ATML_TRY_STATUS(add("--optimize size", small));
  if (stream) ATML_TRY_STATUS(add("--streaming on", streamed));
  if (shrink && stream) ATML_TRY_STATUS(add("--optimize size --streaming on", both));
  return all;
}

Status add_compressed(const BuiltinOptions& chosen, const quantize::Int8Model& model,
                      const target::Target& target, Alternatives& builds) {
  codegen::Options options;
  options.optimize = chosen.optimize;
  options.streaming = chosen.streaming;
  if (chosen.compress_weights || !codegen::compression_pays(model, target, options)) return {};
  BuiltinOptions compressed = chosen;
  compressed.compress_weights = true;
  ATML_TRY(auto oracle, BuiltinOracle::create(compressed));
  builds.oracles.push_back(std::move(oracle));
  builds.list.push_back({"--compress-weights", builds.oracles.back().get()});
  return {};
}

}  // namespace atml::deploy
