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
  Seconds timeout{60};  // of one answer of kExternal
};

/// The words of an external command that name files are made absolute (see absolute_command).
/// Fails (invalid_argument) on an unknown word ("did you mean") and on "external:" without command.
Result<OracleChoice> parse_oracle(const std::string& text);

/// As parse_oracle reads it, valid in any folder.
std::string to_text(const OracleChoice& choice);

/// `builtin` serves the built-in oracle (its optimize also a board), `writer` external commands
/// and boards. Fails where
/// the built-in oracle lacks a tool.
Result<std::unique_ptr<Oracle>> make_oracle(const OracleChoice& choice,
                                            const BuiltinOptions& builtin, ModelWriter writer);

}  // namespace atml::deploy
