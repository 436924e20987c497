#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.h"
#include "deploy/builtin.h"
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
  double wall = 0;
  double processor = 0;
};

Result<std::vector<Sample>> measure(const Input& input, const target::Target& part,
                                    const Settings& settings) {
  ATML_TRY(const space::Space space, space::load_space(input.space));
  ATML_TRY(const auto oracle, deploy::BuiltinOracle::create({.full_figures = true}));
  std::vector<Sample> samples;
  for (int i = 0; i <= settings.networks; ++i) {
    ATML_TRY(const quantize::Int8Model model, random_candidate(space, input, settings.seed, i));
    const double wall = now_seconds();
    const double processor = processor_seconds();
    ATML_TRY(deploy::Deployability verdict,
             oracle->check(model, part, full_limits(part), StopToken()));
    const double wall_taken = now_seconds() - wall;
    const double processor_taken = processor_seconds() - processor;
    if (i == 0) continue;  // it compiled the kernels
    samples.push_back({std::move(verdict), wall_taken, processor_taken});
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

}  // namespace

Result<std::vector<Json>> check_table(const Settings& settings) {
  std::vector<Json> rows;
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
    }
  }
  return rows;
}

}  // namespace atml::bench
