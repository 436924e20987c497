// bench/deployability: how long a check takes, how far the sizes without a compiler are off, and
// the cycle model against published board figures.
//   bench_deployability [--networks N] [--targets a,b] [--seed N] [--optimize speed|balanced|size]
//                       [--only checks|estimates|cost] [--runs FILE] [--seconds S] [--json FILE]
// With --runs the estimates' firmware is measured once: start it again until nothing is missing.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "base/files.h"
#include "base/text.h"
#include "tables.h"

namespace {

using namespace atml;

struct Options {
  bench::Settings settings;
  std::string only;
  std::string json;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    const std::string value = argv[i + 1];
    if (key == "--networks")
      options.settings.networks = std::atoi(value.c_str());
    else if (key == "--targets")
      options.settings.targets = split(value, ',');
    else if (key == "--seed")
      options.settings.seed = std::strtoull(value.c_str(), nullptr, 10);
    else if (key == "--optimize")
      options.settings.optimize = value;
    else if (key == "--runs")
      options.settings.runs = value;
    else if (key == "--seconds")
      options.settings.seconds = std::atof(value.c_str());
    else if (key == "--only")
      options.only = value;
    else if (key == "--json")
      options.json = value;
    else
      return false;
  }
  return argc % 2 == 1 && options.settings.networks >= 1;
}

Status run(const Options& options) {
  Json rows = Json::array();
  const auto add = [&](const char* name, auto table) -> Status {
    if (!options.only.empty() && options.only != name) return {};
    ATML_TRY(const std::vector<Json> more, table());
    for (const Json& row : more) rows.push(row);
    return {};
  };
  const bench::Settings& settings = options.settings;
  ATML_TRY_STATUS(add("checks", [&] { return bench::check_table(settings); }));
  ATML_TRY_STATUS(add("estimates", [&] { return bench::estimate_table(settings); }));
  ATML_TRY_STATUS(add("cost", [] { return bench::cost_model_table(); }));
  if (options.json.empty()) return {};
  Json document = Json::object();
  document.set("schema", 1).set("rows", rows);
  return write_file(options.json, document.dump(2) + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, options)) {
    fmt::print(stderr,
               "usage: bench_deployability [--networks N] [--targets a,b] [--seed N] [--optimize "
               "speed|balanced|size] [--only checks|estimates|cost] [--runs FILE] [--seconds S] "
               "[--json FILE]\n");
    return 2;
  }
  const Status status = run(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "bench_deployability: {}\n", status.error().message);
  return 2;
}
