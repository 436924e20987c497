#include "deploy/oracle_choice.h"

#include <fmt/format.h>

#include "base/text.h"
#include "deploy/analytic.h"
#include "deploy/serial_oracle.h"

namespace atml::deploy {

Result<OracleChoice> parse_oracle(const std::string& text) {
  constexpr std::string_view kExternalPrefix = "external:";
  if (text == "builtin") return OracleChoice{};
  if (text == "analytic") return OracleChoice{.kind = OracleKind::kAnalytic};
  if (text.starts_with(kExternalPrefix)) {
    const std::string command = trim(std::string_view(text).substr(kExternalPrefix.size()));
    if (!command.empty())
      return OracleChoice{.kind = OracleKind::kExternal, .command = absolute_command(command)};
    return Error{Code::kInvalidArgument,
                 "oracle 'external:' has no command; write it behind the colon, for example "
                 "--oracle 'external:./ask_board.sh'"};
  }
  if (text.starts_with("serial:")) return OracleChoice{OracleKind::kSerial, text};
  const std::vector<std::string> names{"builtin", "analytic", "external:", "serial:"};
  return Error{
      Code::kInvalidArgument,
      fmt::format("unknown oracle '{}'{}; known are builtin, analytic, external:COMMAND and "
                  "serial:ADDRESS",
                  text, suggestion(text, names))};
}

std::string to_text(const OracleChoice& choice) {
  switch (choice.kind) {
    case OracleKind::kBuiltin:
      return "builtin";
    case OracleKind::kAnalytic:
      return "analytic";
    case OracleKind::kExternal:
      return "external:" + choice.command;
    case OracleKind::kSerial:
      return choice.command;
  }
  ATML_UNREACHABLE("oracle kind");
}

Result<std::unique_ptr<Oracle>> make_oracle(const OracleChoice& choice,
                                            const BuiltinOptions& builtin, ModelWriter writer) {
  switch (choice.kind) {
    case OracleKind::kAnalytic:
      return std::unique_ptr<Oracle>(
          std::make_unique<AnalyticOracle>(builtin.optimize, builtin.streaming));
    case OracleKind::kExternal:
      return std::unique_ptr<Oracle>(std::make_unique<ExternalOracle>(
          ExternalOptions{.command = choice.command, .timeout = choice.timeout},
          std::move(writer)));
    case OracleKind::kSerial: {
      SerialOptions options;
      options.optimize = builtin.optimize;
      return make_serial_oracle(choice.command, std::move(options), std::move(writer));
    }
    case OracleKind::kBuiltin: {
      ATML_TRY(auto oracle, BuiltinOracle::create(builtin));
      return std::unique_ptr<Oracle>(std::move(oracle));
    }
  }
  ATML_UNREACHABLE("oracle kind");
}

}  // namespace atml::deploy
