// The files of a firmware as text: header, model, weights, main, linker script.
#pragma once

#include <string>

#include "codegen/lowering.h"
#include "target/target.h"

namespace atml::codegen {

/// Everything the texts are made from; references must outlive it.
struct SourceContext {
  const quantize::Int8Model& model;
  const target::Target& target;
  const Options& options;
  const Lowered& lowered;

  /// Prefix as given ("model") and in capitals ("MODEL").
  std::string lower() const { return options.prefix; }
  std::string upper() const;
  std::vector<ConstArray> arrays() const;
};

std::string header_text(const SourceContext& c);          // <prefix>.h
std::string model_text(const SourceContext& c);           // <prefix>.c
std::string weights_header_text(const SourceContext& c);  // <prefix>_weights.h
std::string weights_text(const SourceContext& c);         // <prefix>_weights.c
std::string main_text(const SourceContext& c);            // main.c
std::string linker_script_text(const target::Target& target);

/// Text that may stand in a C comment: no comment ends, no control characters but line feeds.
std::string comment_safe(const std::string& text);

}  // namespace atml::codegen
