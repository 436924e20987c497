#include <fmt/format.h>

#include <memory>

#include "base/files.h"
#include "cli/command.h"
#include "report/report.h"
#include "search/search.h"

namespace atml::cli {

void add_report(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("report", "write the report of a study, finished or not");
  const auto study = std::make_shared<std::string>();
  const auto out = std::make_shared<std::string>("report.html");
  command->add_option("study", *study, "file of the study")->required();
  command->add_option("--out", *out, "the page to write")->capture_default_str();
  command->callback([&action, study, out] {
    action = [study, out](const Session& session) -> Result<int> {
      ATML_TRY(const report::ReportData data, search::report_of(*study));
      ATML_TRY_STATUS(write_file(*out, report::html_report(data)));
      print(report::summary_table(data, session.colour));
      session.events->info("written: " + *out);
      return kExitDone;
    };
  });
}

}  // namespace atml::cli
