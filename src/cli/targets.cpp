#include <memory>

#include "cli/command.h"
#include "report/report.h"
#include "target/target.h"

namespace atml::cli {

void add_targets(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("targets", "the microcontrollers of the catalogue");
  const auto name = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("table");
  command->add_option("name", *name,
                      "one part (or a .toml file), with every figure and its source");
  add_format(*command, *format);
  command->callback([&action, name, format] {
    action = [name, format](const Session&) -> Result<int> {
      std::vector<target::Target> parts;
      if (name->empty()) {
        ATML_TRY(parts, target::catalogue());
      } else {
        ATML_TRY(const target::Target part, target::find_target(*name));
        parts.push_back(part);
      }
      if (*format == "json") {
        print(report::targets_json(parts));
      } else if (*format == "csv") {
        print(report::targets_csv(parts));
      } else {
        print(name->empty() ? report::targets_table(parts) : report::target_details(parts.front()));
      }
      return kExitDone;
    };
  });
}

}  // namespace atml::cli
