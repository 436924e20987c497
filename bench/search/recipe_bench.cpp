// What a recipe of training gives: one network of a space, trained from scratch as a finalist is;
// validation and test metrics of the float network, and the CPU seconds that they cost.
//
//   recipe_bench DATA [KEY=VALUE ...]
// Keys: label (of the row), json (file to append the row to; a row that it holds is not repeated),
// space, seed, epochs, samples (of the train split, at most), schedule (cosine or one_cycle),
// average (share of the schedule that the weights are averaged over; 0: off), teacher (key=value
// pairs joined by commas: a network trained first with the same recipe, whose outputs are
// followed), teacher_epochs, teacher_weight, temperature, and every parameter of the space.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "data/load.h"
#include "space/decode.h"
#include "space/space.h"
#include "subset.h"
#include "train/trainer.h"

namespace atml::bench {
namespace {

using Words = std::map<std::string, std::string>;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double number(const Words& words, const std::string& key, double otherwise) {
  const auto at = words.find(key);
  return at == words.end() ? otherwise : std::strtod(at->second.c_str(), nullptr);
}

std::string word(const Words& words, const std::string& key, const std::string& otherwise) {
  const auto at = words.find(key);
  return at == words.end() ? otherwise : at->second;
}

/// The space's default with the words that name parameters of it.
space::Configuration configuration(const space::Space& space, const Words& words) {
  space::Configuration c = space.default_configuration();
  for (const auto& [key, text] : words) {
    const space::Value* known = c.find(key);
    const bool is_word = std::strspn(text.c_str(), "0123456789.e-") != text.size();
    if (known != nullptr ? std::holds_alternative<std::string>(*known) : is_word) {
      c.set(key, text);
    } else if (known != nullptr ? std::holds_alternative<double>(*known)
                                : text.find_first_of(".e") != std::string::npos) {
      c.set(key, std::strtod(text.c_str(), nullptr));
    } else {
      c.set(key, static_cast<std::int64_t>(std::atoll(text.c_str())));
    }
  }
  return c;
}

train::Settings recipe(const space::Configuration& c, const Words& words, std::size_t samples) {
  const space::TrainingChoice choice = space::training_choice(c);
  train::Settings s;
  s.learning_rate = choice.learning_rate;
  s.weight_decay = choice.weight_decay;
  s.batch_size = choice.batch_size;
  s.label_smoothing = choice.label_smoothing;
  s.augmentation.strength = choice.augmentation;
  s.mixup = choice.mixup;
  s.epochs = static_cast<int>(number(words, "epochs", 3));
  s.warmup_epochs = number(words, "warmup", std::min(1.0, s.epochs / 6.0));
  if (word(words, "schedule", "cosine") == "one_cycle") s.schedule = train::Schedule::kOneCycle;
  const double steps = static_cast<double>(samples) * s.epochs / s.batch_size;
  const double average = number(words, "average", 0.08);
  if (average > 0) s.ema_decay = 1 - 1 / std::clamp(average * steps, 1.0, 500.0);
  s.teacher_weight = number(words, "teacher_weight", 0.5);
  s.temperature = number(words, "temperature", 2);
  s.seed = static_cast<std::uint64_t>(number(words, "seed", 1));
  return s;
}

struct Trained {
  network::Network network;
  std::unique_ptr<train::Trainer> trainer;
};

Result<Trained> train(const space::Space& space, const data::Dataset& d, const Words& words,
                      const Trained* teacher) {
  const space::Configuration c = configuration(space, words);
  ATML_TRY(network::Network network, space::decode(c, d.shape, d.outputs()));
  const train::Settings s = recipe(c, words, d.train.size());
  ATML_TRY(auto trainer, train::Trainer::create(network, d, s));
  if (teacher != nullptr)
    ATML_TRY_STATUS(trainer->set_teacher(teacher->network, teacher->trainer->weights()));
  train::EpochReport report;
  for (int e = 0; e < s.epochs; ++e) trainer->run_epoch({}, report);
  return Trained{std::move(network), std::move(trainer)};
}

Words parse(int argc, char** argv) {
  Words words;
  for (int i = 2; i < argc; ++i) {
    const std::string text = argv[i];
    const auto equals = text.find('=');
    if (equals != std::string::npos) words[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return words;
}

Words teacher_words(const Words& words) {
  Words own = words;
  for (const std::string& pair : split(words.at("teacher"), ',')) {
    const auto equals = pair.find('=');
    if (equals != std::string::npos) own[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  own["epochs"] = word(words, "teacher_epochs", word(words, "epochs", "3"));
  return own;
}

Status keep(const std::string& path, const Json& row) {
  Json rows = Json::array();
  if (std::filesystem::exists(path)) {
    ATML_TRY(const std::string text, read_file(path));
    ATML_TRY(const Json old, Json::parse(text));
    for (const Json& r : old["rows"].items()) rows.push(r);
  }
  rows.push(row);
  return write_file(path, Json::object().set("schema", 1).set("rows", rows).dump(1) + "\n");
}

bool known(const std::string& path, const std::string& name) {
  const auto text = read_file(path);
  if (!text.ok()) return false;
  const auto json = Json::parse(*text);
  if (!json.ok()) return false;
  return std::ranges::any_of((*json)["rows"].items(),
                             [&](const Json& r) { return r["name"].string() == name; });
}

Status run(int argc, char** argv) {
  const Words words = parse(argc, argv);
  const std::string path = word(words, "json", "");
  const std::string name =
      fmt::format("{} {} {}", argv[1], word(words, "label", "recipe"), word(words, "seed", "1"));
  if (!path.empty() && known(path, name)) return {};
  ATML_TRY(data::Dataset d, data::load_dataset(argv[1], {}));
  keep_first(d, static_cast<std::size_t>(number(words, "samples", 1e9)));
  ATML_TRY(const space::Space space,
           space::load_space(word(words, "space", space::default_space_name(d.shape))));
  std::optional<Trained> teacher;
  if (words.contains("teacher")) {
    ATML_TRY(teacher, train(space, d, teacher_words(words), nullptr));
  }
  const double start = cpu_seconds();
  ATML_TRY(const Trained trained, train(space, d, words, teacher ? &*teacher : nullptr));
  const double seconds = cpu_seconds() - start;
  Json row = Json::object();
  row.set("name", name).set("epochs", static_cast<int>(number(words, "epochs", 3)));
  row.set("validation", trained.trainer->evaluate(d.validation).metric);
  row.set("test", trained.trainer->evaluate(d.test).metric).set("cpu_seconds", seconds);
  row.set("parameters", trained.network.parameters());
  row.set("macs", trained.network.macs().value);
  if (teacher) row.set("teacher_test", teacher->trainer->evaluate(d.test).metric);
  std::printf("%s\n", row.dump().c_str());
  return path.empty() ? Status() : keep(path, row);
}

}  // namespace
}  // namespace atml::bench

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: recipe_bench DATA [KEY=VALUE ...]\n");
    return 2;
  }
  const atml::Status status = atml::bench::run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return 2;
}
