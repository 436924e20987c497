#include <filesystem>
#include <memory>

#include "cli/finish.h"

namespace atml::cli {

void add_resume(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("resume", "go on with a study, or show the result of a complete one");
  const auto places = std::make_shared<search::Places>();
  const auto out = std::make_shared<std::string>();
  command->add_option("study", places->study, "file of the study")->required();
  command->add_option("--out", *out, "folder of the results (default: the folder of the study)");
  command->callback([&action, places, out] {
    action = [places, out](const Session& session) -> Result<int> {
      const auto parent = std::filesystem::path(places->study).parent_path();
      places->out = !out->empty() ? std::filesystem::path(*out) : parent.empty() ? "." : parent;
      ATML_TRY(const search::Finished finished,
               search::resume(*places, *session.events, session.interrupt));
      return print_ending(session, finished, *places);
    };
  });
}

}  // namespace atml::cli
