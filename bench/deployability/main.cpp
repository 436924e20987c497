// bench/deployability: how long a check takes, how far the sizes without a compiler are off, and
// the cycle model against published board figures.
//   bench_deployability [--networks N] [--targets a,b] [--seed N] [--only checks|cost] [--json
//   FILE]
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
  if (options.only != "cost") {
    ATML_TRY(const auto checks, bench::check_table(options.settings));
    for (const Json& row : checks) rows.push(row);
  }
  if (options.only != "checks") {
    ATML_TRY(const auto points, bench::cost_model_table());
    for (const Json& row : points) rows.push(row);
  }
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
               "usage: bench_deployability [--networks N] [--targets a,b] [--seed N] [--only "
               "checks|cost] [--json FILE]\n");
    return 2;
  }
  const Status status = run(options);
  if (status.ok()) return 0;
  fmt::print(stderr, "bench_deployability: {}\n", status.error().message);
  return 2;
}
