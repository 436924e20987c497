#include <memory>

#include "cli/command.h"
#include "report/report.h"
#include "study/store.h"

namespace atml::cli {

void add_trials(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("trials", "list the trials of a study");
  const auto study = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("table");
  command->add_option("study", *study, "file of the study")->required();
  add_format(*command, *format);
  command->callback([&action, study, format] {
    action = [study, format](const Session&) -> Result<int> {
      ATML_TRY(const auto store, study::open_store(*study));
      ATML_TRY(const auto trials, store->trials());
      print(*format == "json"  ? report::trials_json(trials)
            : *format == "csv" ? report::trials_csv(trials)
                               : report::trials_table(trials));
      return kExitDone;
    };
  });
}

}  // namespace atml::cli
