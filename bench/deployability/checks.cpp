#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/clock.h"
#include "codegen/firmware.h"
#include "deploy/builtin.h"
#include "quantize/quantize.h"
#include "space/decode.h"
#include "space/space.h"
#include "tables.h"

namespace atml::bench {
namespace {

// Processor seconds of this process and of its ended children.
double processor_seconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& t : {usage.ru_utime, usage.ru_stime})
      sum += static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  }
  return sum;
}

struct Sample {
  deploy::Deployability verdict;
  codegen::Estimate estimate;
  double wall = 0;
  double processor = 0;
};

struct Input {
  const char* name;
  const char* space;
  Shape shape;
  int outputs;
};
constexpr Input kInputs[] = {{"image 28x28x1", "image", {28, 28, 1}, 10},
                             {"signal 128x1x9", "signal", {128, 1, 9}, 6}};

Result<std::vector<Sample>> measure(const Input& input, const target::Target& part,
                                    const Settings& settings) {
  ATML_TRY(const space::Space space, space::load_space(input.space));
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create({.full_figures = true}));
  std::vector<Sample> samples;
  for (int i = 0; i <= settings.networks; ++i) {
    Rng rng = Rng::derive(settings.seed, input.name, static_cast<std::uint64_t>(i));
    ATML_TRY(const network::Network network,
             space::decode(space.sample(rng), input.shape, input.outputs));
    const quantize::Int8Model model =
        quantize::random_model(network, settings.seed + static_cast<std::uint64_t>(i));
    const double wall = now_seconds();
    const double processor = processor_seconds();
    ATML_TRY(deploy::Deployability verdict,
             oracle->check(model, part, full_limits(part), StopToken()));
    const double wall_taken = now_seconds() - wall;
    const double processor_taken = processor_seconds() - processor;
    if (i == 0) continue;  // it compiled the kernels
    samples.push_back(
        {std::move(verdict), codegen::estimate(model, part, {}), wall_taken, processor_taken});
  }
  return samples;
}

template <class Field>
std::vector<double> column(const std::vector<Sample>& samples, Field field) {
  std::vector<double> values;
  for (const Sample& s : samples) values.push_back(field(s));
  return values;
}

Json timing_row(const std::string& name, const std::vector<Sample>& samples) {
  const auto milliseconds = [&](auto field, double fraction) {
    return 1e3 * quantile(column(samples, field), fraction);
  };
  const auto wall = [](const Sample& s) { return s.wall; };
  const auto processor = [](const Sample& s) { return s.processor; };
  Json row = Json::object();
  row.set("name", name).set("checks", samples.size());
  row.set("wall_median_ms", milliseconds(wall, 0.5)).set("wall_p95_ms", milliseconds(wall, 0.95));
  row.set("processor_median_ms", milliseconds(processor, 0.5))
      .set("processor_p95_ms", milliseconds(processor, 0.95));
  row.set("generate_ms",
          milliseconds([](const Sample& s) { return s.verdict.timings.generate.value; }, 0.5));
  row.set("compile_ms",
          milliseconds([](const Sample& s) { return s.verdict.timings.compile.value; }, 0.5));
  row.set("link_ms",
          milliseconds([](const Sample& s) { return s.verdict.timings.link.value; }, 0.5));
  row.set("emulate_ms",
          milliseconds([](const Sample& s) { return s.verdict.timings.emulate.value; }, 0.5));
  return row;
}

void print_timing(const Json& row) {
  const auto ms = [&](const char* key) { return row[key].number(); };
  fmt::print(
      "{:<36} {:>6} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f} {:>9.1f} {:>8.1f} {:>6.1f} {:>8.1f}\n",
      row["name"].string(), row["checks"].integer(), ms("wall_median_ms"), ms("wall_p95_ms"),
      ms("processor_median_ms"), ms("processor_p95_ms"), ms("generate_ms"), ms("compile_ms"),
      ms("link_ms"), ms("emulate_ms"));
}

// Relative error of the estimate, in percent; > 0: the estimate is too high.
double error_percent(Bytes estimate, Bytes real) {
  return 100 * (static_cast<double>(estimate.value) / static_cast<double>(real.value) - 1);
}

std::vector<Json> estimate_rows(const std::string& name, const std::vector<Sample>& samples) {
  std::vector<Json> rows;
  for (const auto& [what, field] :
       {std::pair{
            "flash",
            +[](const Sample& s) { return error_percent(s.estimate.flash, s.verdict.flash); }},
        std::pair{"ram",
                  +[](const Sample& s) { return error_percent(s.estimate.ram, s.verdict.ram); }}}) {
    const std::vector<double> errors = column(samples, field);
    std::vector<double> absolute = errors;
    for (double& e : absolute) e = std::abs(e);
    Json row = Json::object();
    row.set("name", fmt::format("estimate of {}, {}", what, name)).set("networks", errors.size());
    row.set("median_error_percent", quantile(absolute, 0.5))
        .set("p95_error_percent", quantile(absolute, 0.95));
    row.set("lowest_percent", *std::ranges::min_element(errors))
        .set("highest_percent", *std::ranges::max_element(errors));
    rows.push_back(std::move(row));
  }
  return rows;
}

void print_estimate(const Json& row) {
  fmt::print("{:<52} {:>8} {:>8.2f} {:>8.2f} {:>8.2f} {:>8.2f}\n", row["name"].string(),
             row["networks"].integer(), row["median_error_percent"].number(),
             row["p95_error_percent"].number(), row["lowest_percent"].number(),
             row["highest_percent"].number());
}

}  // namespace

double quantile(std::vector<double> values, double fraction) {
  ATML_ASSERT(!values.empty(), "quantile of nothing");
  std::ranges::sort(values);
  const auto rank =
      static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

Result<std::vector<Json>> check_table(const Settings& settings) {
  std::vector<Json> rows;
  std::vector<Json> estimates;
  fmt::print(
      "One deployability check: generate, compile, link, two emulated inferences (ms; processor: "
      "all processes together)\n"
      "{:<36} {:>6} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>6} {:>8}\n",
      "case", "checks", "wall", "p95", "processor", "p95", "generate", "compile", "link",
      "emulate");
  for (const std::string& name : settings.targets) {
    ATML_TRY(const target::Target part, target::find_target(name));
    for (const Input& input : kInputs) {
      ATML_TRY(std::vector<Sample> samples, measure(input, part, settings));
      const std::size_t all = samples.size();
      std::erase_if(samples, [](const Sample& s) { return !s.verdict.computable; });
      const std::string title = fmt::format("{}, {}", input.name, name);
      if (samples.empty())
        return Error{Code::kUnavailable,
                     fmt::format("{}: none of {} networks could be measured", title, all)};
      if (samples.size() < all)
        fmt::print("{}: {} of {} networks were not computable\n", title, all - samples.size(), all);
      rows.push_back(timing_row(title, samples));
      print_timing(rows.back());
      std::fflush(stdout);
      for (Json& row : estimate_rows(title, samples)) estimates.push_back(std::move(row));
    }
  }
  fmt::print(
      "\nSizes without a compiler against the linked ELF (error in percent)\n{:<52} {:>8} {:>8} "
      "{:>8} {:>8} {:>8}\n",
      "case", "networks", "median", "p95", "lowest", "highest");
  for (const Json& row : estimates) print_estimate(row);
  rows.insert(rows.end(), estimates.begin(), estimates.end());
  return rows;
}

}  // namespace atml::bench
