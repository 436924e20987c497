// Which oracle answers, as a user says it: "builtin", "analytic",
// "external:COMMAND" or "serial:ADDRESS".
#pragma once

#include <memory>
#include <string>

#include "deploy/builtin.h"
#include "deploy/deployability.h"
#include "deploy/external.h"

namespace atml::deploy {

enum class OracleKind { kBuiltin, kAnalytic, kExternal, kSerial };

struct OracleChoice {
  OracleKind kind = OracleKind::kBuiltin;
  std::string command;  // of kExternal; the whole text of kSerial
};

/// Fails (invalid_argument) on an unknown word ("did you mean") and on "external:" without command.
Result<OracleChoice> parse_oracle(const std::string& text);

/// `builtin` serves the built-in oracle (its optimize also a board), `writer` external commands
/// and boards. Fails where
/// the built-in oracle lacks a tool.
Result<std::unique_ptr<Oracle>> make_oracle(const OracleChoice& choice,
                                            const BuiltinOptions& builtin, ModelWriter writer);

}  // namespace atml::deploy
