// The sizes without a compiler against firmware that was linked and emulated.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "codegen/firmware.h"
#include "deploy/builtin.h"
#include "quantize/quantize.h"
#include "space/decode.h"
#include "tables.h"

namespace atml::bench {
namespace {

// What one firmware really takes; flash 0: it could not be measured.
struct Real {
  std::int64_t flash = 0, ram = 0, arena = 0, stack = 0;
};

// Lines "key flash ram arena stack" of a file that only grows.
class Runs {
 public:
  static Result<Runs> open(const std::string& path) {
    Runs runs;
    runs.path_ = path;
    if (path.empty() || !std::ifstream(path)) return runs;
    ATML_TRY(const std::string text, read_file(path));
    for (const std::string& line : split(text, '\n')) {
      const std::vector<std::string> words = split(line, ' ');
      if (words.size() != 5) continue;  // a line that a killed run did not finish
      const auto at = [&](std::size_t i) { return std::strtoll(words[i].c_str(), nullptr, 10); };
      runs.known_[words[0]] = {at(1), at(2), at(3), at(4)};
    }
    return runs;
  }

  const Real* find(const std::string& key) const {
    const auto it = known_.find(key);
    return it == known_.end() ? nullptr : &it->second;
  }

  Status add(const std::string& key, const Real& real) {
    known_[key] = real;
    if (path_.empty()) return {};
    std::ofstream file(path_, std::ios::app);
    file << fmt::format("{} {} {} {} {}\n", key, real.flash, real.ram, real.arena, real.stack);
    if (file.flush()) return {};
    return Error{Code::kIo, fmt::format("cannot write {}", path_)};
  }

 private:
  std::string path_;
  std::map<std::string, Real> known_;
};

struct Case {
  const Input* input;
  target::Target part;
  codegen::Streaming streaming;
  std::string title() const {
    return fmt::format("{}, {}{}", input->name, part.name,
                       streaming == codegen::Streaming::kOn ? ", rows streamed" : "");
  }
};

struct Errors {
  std::vector<double> flash, ram;  // percent; > 0: the estimate is too high
  std::vector<double> microseconds;
  int not_computable = 0, missing = 0;
};

// Relative error of the estimate, in percent.
double error_percent(Bytes estimate, std::int64_t real) {
  return 100 * (static_cast<double>(estimate.value) / static_cast<double>(real) - 1);
}

Result<Real> measure(deploy::Oracle& oracle, const quantize::Int8Model& model,
                     const target::Target& part) {
  ATML_TRY(const deploy::Deployability d,
           oracle.check(model, part, target::full_limits(part), StopToken()));
  if (!d.computable) return Real{};
  return Real{d.flash.value, d.ram.value, d.arena.value, d.stack.value};
}

Result<Errors> compare(const Case& c, const Settings& settings, double deadline, Runs& runs) {
  deploy::BuiltinOptions builtin{.streaming = c.streaming, .full_figures = true};
  ATML_TRY(builtin.optimize, codegen::parse_optimize(settings.optimize));
  ATML_TRY(const space::Space space, space::load_space(c.input->space));
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create(builtin));
  codegen::Options options{.optimize = builtin.optimize, .streaming = c.streaming};
  options.arena_limit = codegen::arena_limit(target::full_limits(c.part));
  Errors errors;
  // Where RAM suffices nothing is streamed: a fifth of the networks answers for those rows.
  const int networks =
      c.streaming == codegen::Streaming::kOn ? (settings.networks + 4) / 5 : settings.networks;
  for (int i = 0; i < networks; ++i) {
    ATML_TRY(const quantize::Int8Model model, random_candidate(space, *c.input, settings.seed, i));
    const std::string key =
        fmt::format("{}/{}/{}/{}/{}/{}", c.part.name, c.input->space, settings.optimize,
                    codegen::to_string(c.streaming), settings.seed, i);
    if (runs.find(key) == nullptr && now_seconds() > deadline) {
      ++errors.missing;
      continue;
    }
    if (runs.find(key) == nullptr) {
      ATML_TRY(const Real measured, measure(*oracle, model, c.part));
      ATML_TRY_STATUS(runs.add(key, measured));
    }
    const Real& real = *runs.find(key);
    if (real.flash == 0) {
      ++errors.not_computable;
      continue;
    }
    const double start = now_seconds();
    const codegen::Estimate e = codegen::estimate(model, c.part, options);
    errors.microseconds.push_back(1e6 * (now_seconds() - start));
    errors.flash.push_back(error_percent(e.flash, real.flash));
    errors.ram.push_back(error_percent(e.ram, real.ram));
  }
  return errors;
}

Json row_of(const std::string& name, const std::vector<double>& errors) {
  std::vector<double> absolute = errors;
  for (double& e : absolute) e = std::abs(e);
  Json row = Json::object();
  row.set("name", name).set("networks", errors.size());
  row.set("median_error_percent", quantile(absolute, 0.5))
      .set("p95_error_percent", quantile(absolute, 0.95));
  row.set("lowest_percent", *std::ranges::min_element(errors))
      .set("highest_percent", *std::ranges::max_element(errors));
  row.set("too_high", std::ranges::count_if(errors, [](double e) { return e > 0; }));
  return row;
}

Json time_row(const std::string& name, const std::vector<double>& microseconds) {
  Json row = Json::object();
  row.set("name", name).set("networks", microseconds.size());
  row.set("median_microseconds", quantile(microseconds, 0.5))
      .set("p95_microseconds", quantile(microseconds, 0.95));
  return row;
}

void print(const Json& row) {
  fmt::print("{:<60} {:>8} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.2f} {:>9}\n", row["name"].string(),
             row["networks"].integer(), row["median_error_percent"].number(),
             row["p95_error_percent"].number(), row["lowest_percent"].number(),
             row["highest_percent"].number(), row["too_high"].integer());
}

}  // namespace

double quantile(std::vector<double> values, double fraction) {
  ATML_ASSERT(!values.empty(), "quantile of nothing");
  std::ranges::sort(values);
  const auto rank =
      static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

Result<quantize::Int8Model> random_candidate(const space::Space& space, const Input& input,
                                             std::uint64_t seed, int i) {
  Rng rng = Rng::derive(seed, input.name, static_cast<std::uint64_t>(i));
  ATML_TRY(const network::Network network,
           space::decode(space.sample(rng), input.shape, input.outputs));
  return quantize::random_model(network, seed + static_cast<std::uint64_t>(i));
}

Result<std::vector<Json>> estimate_table(const Settings& settings) {
  const double deadline = now_seconds() + settings.seconds;
  ATML_TRY(Runs runs, Runs::open(settings.runs));
  std::vector<Json> rows;
  fmt::print(
      "\nSizes without a compiler against the linked and emulated firmware, --optimize {} (error "
      "in "
      "percent; \"too high\": networks whose estimate is above the truth)\n{:<60} {:>8} {:>8} "
      "{:>8} "
      "{:>8} {:>8} {:>9}\n",
      settings.optimize, "case", "networks", "median", "p95", "lowest", "highest", "too high");
  for (const std::string& name : settings.targets) {
    ATML_TRY(const target::Target part, target::find_target(name));
    for (const Input& input : kInputs) {
      for (const auto streaming : {codegen::Streaming::kAuto, codegen::Streaming::kOn}) {
        const Case c{&input, part, streaming};
        ATML_TRY(const Errors errors, compare(c, settings, deadline, runs));
        if (errors.missing > 0)
          fmt::print("{}: {} networks are not measured yet: start it again\n", c.title(),
                     errors.missing);
        if (errors.not_computable > 0)
          fmt::print("{}: {} networks were not computable\n", c.title(), errors.not_computable);
        if (errors.flash.empty()) continue;
        rows.push_back(row_of("flash, " + c.title(), errors.flash));
        print(rows.back());
        rows.push_back(row_of("RAM, " + c.title(), errors.ram));
        print(rows.back());
        rows.push_back(time_row("time, " + c.title(), errors.microseconds));
        fmt::print("{:<60} {:>8} {:>8.0f} {:>8.0f}  microseconds of an estimate\n",
                   rows.back()["name"].string(), rows.back()["networks"].integer(),
                   rows.back()["median_microseconds"].number(),
                   rows.back()["p95_microseconds"].number());
        std::fflush(stdout);
      }
    }
  }
  return rows;
}

}  // namespace atml::bench
