#include <fmt/format.h>

#include <memory>

#include "base/json.h"
#include "base/units.h"
#include "cli/command.h"
#include "data/describe.h"
#include "data/load.h"

namespace atml::cli {
namespace {

const char* task_name(data::Task task) {
  switch (task) {
    case data::Task::kClassification:
      return "classification";
    case data::Task::kRegression:
      return "regression";
    case data::Task::kAnomaly:
      return "anomaly";
  }
  return "";
}

std::string table(const data::Summary& s) {
  std::string text = fmt::format(
      "{}: {}, samples of {}{}, {} in memory\n", s.name, task_name(s.task), s.shape.text(),
      s.sample_rate_hz > 0 ? fmt::format(" at {} Hz", s.sample_rate_hz) : "",
      to_text(Bytes(static_cast<std::int64_t>(s.bytes))));
  text += fmt::format("\n  {:<28} {:>10} {:>10} {:>10}\n", "", "train", "validation", "test");
  const auto row = [&](const std::string& name, const data::SplitCounts& c) {
    text += fmt::format("  {:<28} {:>10} {:>10} {:>10}\n", name, c.train, c.validation, c.test);
  };
  row("samples", s.samples);
  if (s.groups.train > 0) row("groups", s.groups);
  for (const data::ClassCounts& c : s.classes) row("class " + c.name, c.samples);
  text += fmt::format("\n  {:<20} {:>12} {:>12} {:>12} {:>12}\n", "channel (train)", "min", "max",
                      "mean", "deviation");
  for (const data::ChannelRange& c : s.channels) {
    text += fmt::format("  {:<20} {:>12.5g} {:>12.5g} {:>12.5g} {:>12.5g}\n", c.name, c.min, c.max,
                        c.mean, c.deviation);
  }
  for (const data::Note& note : s.notes) {
    text += fmt::format("\n  {}: {}", note.kind == data::Note::Kind::kWarning ? "warning" : "note",
                        note.text);
  }
  return text + (s.notes.empty() ? "" : "\n");
}

Json counts(const data::SplitCounts& c) {
  return Json::object().set("train", c.train).set("validation", c.validation).set("test", c.test);
}

std::string json(const data::Summary& s) {
  Json classes = Json::array();
  for (const data::ClassCounts& c : s.classes)
    classes.push(Json::object().set("name", c.name).set("samples", counts(c.samples)));
  Json channels = Json::array();
  for (const data::ChannelRange& c : s.channels) {
    channels.push(Json::object()
                      .set("name", c.name)
                      .set("min", c.min)
                      .set("max", c.max)
                      .set("mean", c.mean)
                      .set("deviation", c.deviation));
  }
  Json notes = Json::array();
  for (const data::Note& n : s.notes) {
    notes.push(Json::object()
                   .set("kind", n.kind == data::Note::Kind::kWarning ? "warning" : "info")
                   .set("text", n.text));
  }
  Json out = Json::object();
  out.set("schema", 1)
      .set("name", s.name)
      .set("task", task_name(s.task))
      .set("shape", s.shape.text());
  out.set("samples", counts(s.samples))
      .set("groups", counts(s.groups))
      .set("classes", classes)
      .set("channels", channels);
  return out.set("fingerprint", fmt::format("{:016x}", s.fingerprint)).set("notes", notes).dump(2) +
         "\n";
}

}  // namespace

void add_data(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("data", "describe a data set: counts, ranges, and what would mislead");
  const auto name = std::make_shared<std::string>();
  const auto format = std::make_shared<std::string>("table");
  const auto load = std::make_shared<data::LoadOptions>();
  command->add_option("data", *name, "built-in name, file or folder")->required();
  command->add_option("--seed", load->seed, "of the split, where none is official")
      ->capture_default_str();
  command->add_option("--format", *format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([&action, name, format, load] {
    action = [name, format, load](const Session&) -> Result<int> {
      ATML_TRY(const data::Dataset dataset, data::load_dataset(*name, *load));
      const data::Summary summary = data::describe(dataset);
      print(*format == "json" ? json(summary) : table(summary));
      return kExitDone;
    };
  });
}

}  // namespace atml::cli
