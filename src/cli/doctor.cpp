#include <fmt/format.h>

#include <memory>

#include "base/json.h"
#include "cli/command.h"
#include "deploy/doctor.h"

namespace atml::cli {
namespace {

std::string table(const std::vector<deploy::Tool>& tools) {
  std::string text;
  for (const deploy::Tool& tool : tools) {
    const char* mark = tool.found && tool.problem.empty() ? "ok"
                       : tool.required                    ? "MISSING"
                                                          : "absent";
    text += fmt::format("{:<8} {:<24} {:<44} {}\n", mark, tool.name, tool.purpose, tool.version);
    if (!tool.problem.empty()) text += fmt::format("         {}\n", tool.problem);
    if (!tool.found && !tool.package.empty())
      text += fmt::format("         apt-get install {}\n", tool.package);
  }
  return text;
}

std::string json(const std::vector<deploy::Tool>& tools) {
  Json list = Json::array();
  for (const deploy::Tool& t : tools) {
    list.push(Json::object()
                  .set("name", t.name)
                  .set("purpose", t.purpose)
                  .set("package", t.package)
                  .set("found", t.found)
                  .set("required", t.required)
                  .set("version", t.version)
                  .set("path", t.path)
                  .set("problem", t.problem));
  }
  return Json::object().set("schema", 1).set("tools", list).dump(2) + "\n";
}

}  // namespace

void add_doctor(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("doctor", "what is missing on this machine, and which package brings it");
  const auto format = std::make_shared<std::string>("table");
  command->add_option("--format", *format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([&action, format] {
    action = [format](const Session&) -> Result<int> {
      const auto tools = deploy::examine_tools();
      print(*format == "json" ? json(tools) : table(tools));
      for (const deploy::Tool& tool : tools) {
        if (tool.required && (!tool.found || !tool.problem.empty())) return kExitUsage;
      }
      return kExitDone;
    };
  });
}

}  // namespace atml::cli
