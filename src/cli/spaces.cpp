#include <fmt/format.h>

#include <memory>

#include "base/json.h"
#include "base/text.h"
#include "cli/command.h"
#include "space/space.h"

namespace atml::cli {
namespace {

std::string value_text(const space::Value& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

std::string values_text(const std::vector<space::Value>& values, const char* separator) {
  std::vector<std::string> texts;
  for (const space::Value& v : values) texts.push_back(value_text(v));
  return join(texts, separator);
}

std::string range_text(const space::Parameter& p) {
  if (p.values.empty()) return fmt::format("{} .. {}{}", p.low, p.high, p.log ? " (log)" : "");
  return values_text(p.values, ", ");
}

std::string conditions_text(const space::Parameter& p) {
  std::string text;
  for (const space::Condition& c : p.conditions) {
    const char* separator = text.empty() ? "" : " and ";
    text += fmt::format("{}{} = {}", separator, c.parent, values_text(c.values, "|"));
  }
  return text;
}

struct Row {
  std::string space, name, kind, range, preferred, active;
};

Result<std::vector<Row>> rows_of(const std::vector<std::string>& names) {
  std::vector<Row> rows;
  for (const std::string& name : names) {
    ATML_TRY(const space::Space space, space::load_space(name));
    for (const space::Parameter& p : space.parameters()) {
      rows.push_back({space.name(), p.name, std::string(to_string(p.kind)), range_text(p),
                      value_text(p.preferred), conditions_text(p)});
    }
  }
  return rows;
}

std::string table(const std::vector<Row>& rows) {
  std::string text;
  std::string space;
  for (const Row& r : rows) {
    if (r.space != space) {
      text += fmt::format("{}{}\n  {:<18} {:<12} {:<34} {:<12} {}\n", text.empty() ? "" : "\n",
                          r.space, "parameter", "kind", "range", "default", "active when");
    }
    space = r.space;
    text += fmt::format("  {:<18} {:<12} {:<34} {:<12} {}\n", r.name, r.kind, r.range, r.preferred,
                        r.active);
  }
  return text;
}

std::string csv(const std::vector<Row>& rows) {
  std::string text = "space,parameter,kind,range,default,active_when\n";
  for (const Row& r : rows) {
    text += fmt::format("{},{},{},\"{}\",{},\"{}\"\n", r.space, r.name, r.kind, r.range,
                        r.preferred, r.active);
  }
  return text;
}

std::string json(const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& r : rows) {
    list.push(Json::object()
                  .set("space", r.space)
                  .set("parameter", r.name)
                  .set("kind", r.kind)
                  .set("range", r.range)
                  .set("default", r.preferred)
                  .set("active_when", r.active));
  }
  return Json::object().set("schema", 1).set("parameters", list).dump(2) + "\n";
}

}  // namespace

void add_spaces(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("spaces", "the built-in search spaces and their parameters");
  const auto name = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("table");
  command->add_option("name", *name, "one space, or a .toml file to check");
  add_format(*command, *format);
  command->callback([&action, name, format] {
    action = [name, format](const Session&) -> Result<int> {
      ATML_TRY(const auto rows, rows_of(name->empty() ? space::space_names() : std::vector{*name}));
      print(*format == "json" ? json(rows) : *format == "csv" ? csv(rows) : table(rows));
      return kExitDone;
    };
  });
}

}  // namespace atml::cli
