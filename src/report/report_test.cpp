#include "report/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "report/axis.h"
#include "report/charts.h"
#include "report/derived.h"
#include "report/html.h"
#include "report/sample_data.h"
#include "report/svg.h"
#include "report/text_table.h"

namespace atml::report {
namespace {

constexpr const char* kGoldenFolder = ATML_SOURCE_DIR "/tests/golden/report/";

// Compares with the stored file. ATML_UPDATE_GOLDEN=1 writes it instead: look at the difference
// before committing it.
void expect_golden(const std::string& name, const std::string& actual) {
  const std::string path = kGoldenFolder + name;
  if (const char* update = std::getenv("ATML_UPDATE_GOLDEN"); update != nullptr && *update == '1') {
    ASSERT_TRUE(write_file(path, actual).ok());
    return;
  }
  const auto expected = read_file(path);
  ASSERT_TRUE(expected.ok()) << expected.error().message;
  const auto want = split(*expected, '\n'), have = split(actual, '\n');
  for (std::size_t i = 0; i < std::min(want.size(), have.size()); ++i) {
    ASSERT_EQ(have[i], want[i]) << path << ":" << i + 1;
  }
  EXPECT_EQ(have.size(), want.size()) << path;
}

// Checks that tags nest and close, attributes are quoted and no '<' or '&' stands free. Returns ""
// or what is wrong. Not a full parser: it knows what these pages may hold.
std::string html_problem(const std::string& page) {
  static const std::vector<std::string> kVoid = {"meta", "br", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t i = 0; i < page.size(); ++i) {
    if (page[i] == '&') {
      const std::size_t end = page.find(';', i);
      if (end == std::string::npos || end - i > 8) return "free '&' near: " + page.substr(i, 40);
    }
    if (page[i] != '<') continue;
    const std::size_t end = page.find('>', i);
    if (end == std::string::npos) return "unclosed tag near: " + page.substr(i, 40);
    const std::string tag = page.substr(i + 1, end - i - 1);
    if (std::ranges::count(tag, '"') % 2 != 0) return "odd quotes in: " + tag;
    const std::string name =
        tag.substr(tag[0] == '/', tag.find_first_of(" /", 1) - (tag[0] == '/'));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (tag.back() != '/' && std::ranges::find(kVoid, name) == kVoid.end()) {
      open.push_back(name);
      if (name == "style" || name == "script") {
        i = page.find("</" + name + ">", end) - 1;
        continue;
      }
    }
    i = end;
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

void expect_sound_page(const std::string& page) {
  EXPECT_EQ(html_problem(page), "");
  EXPECT_EQ(page.find("http:"), std::string::npos);
  EXPECT_EQ(page.find("https:"), std::string::npos);
  EXPECT_EQ(page.find("url("), std::string::npos);
  EXPECT_EQ(page.find("@import"), std::string::npos);
  EXPECT_EQ(page.find(" src="), std::string::npos);
  EXPECT_EQ(page.find("nan"), std::string::npos);
  EXPECT_EQ(page.find(">inf"), std::string::npos);
}

std::string with_plain_blanks(const std::string& page) {
  std::string plain;
  for (std::size_t i = 0; i < page.size(); ++i) {
    const bool unbreakable = page.compare(i, 2, "\xC2\xA0") == 0;
    plain += unbreakable ? ' ' : page[i];
    i += unbreakable ? 1 : 0;
  }
  return plain;
}

int occurrences(const std::string& text, std::string_view piece) {
  int count = 0;
  for (std::size_t at = text.find(piece); at != std::string::npos;
       at = text.find(piece, at + piece.size()))
    ++count;
  return count;
}

TEST(HtmlReport, MatchesItsGoldenFile) {
  expect_golden("report.html", html_report(sample_report(40)));
}

TEST(HtmlReport, NothingFitsMatchesItsGoldenFile) {
  expect_golden("nothing_fits.html", html_report(sample_nothing_fits(12)));
}

TEST(HtmlReport, IsSoundForAnyNumberOfTrials) {
  for (const int trials : {0, 1, 2, 40, 300}) {
    SCOPED_TRACE(trials);
    const std::string page = html_report(sample_report(trials));
    expect_sound_page(page);
    EXPECT_LT(page.size(), 1500000u);
  }
  expect_sound_page(html_report(sample_nothing_fits(30)));
  expect_sound_page(html_report(sample_nothing_fits(0)));
  expect_sound_page(html_report(ReportData{}));
}

TEST(HtmlReport, SaysWhatWasFound) {
  const ReportData data = sample_report(120);
  const std::string page = with_plain_blanks(html_report(data));
  for (const char* piece : {"91.23 %", "90.66 %", "91.77 %", "T-shirt/top", "conv_6",
                            "reference interpreter", "identical bytes", "arm-none-eabi-gcc",
                            "--seed 1 --out out", "limit 64.0 KiB", "mean error 3.6 %"}) {
    EXPECT_NE(page.find(piece), std::string::npos) << piece;
  }
  // Every trial with figures is in each of the three scatter plots: as the winner, or once.
  const auto with_figures = std::ranges::count_if(
      data.trials, [](const study::Trial& t) { return t.figures.has_value(); });
  const int marks = occurrences(page, "<title>trial ") + occurrences(page, "<title>winner: trial ");
  const auto scored = std::ranges::count_if(
      data.trials, [](const study::Trial& t) { return t.objective && t.deployable(); });
  EXPECT_EQ(marks, 3 * with_figures + scored);
}

TEST(HtmlReport, StreamedLayersAreDrawn) {
  ReportData data = sample_report(12);
  const std::string bracket =
      "conv_1 to pw_3 run row by row over line buffers, about 1234 "
      "instructions more";
  EXPECT_EQ(html_report(data).find(bracket), std::string::npos);
  data.winner->memory.groups = {{0, 2, 1234}};
  data.winner->memory.placements[1].rows = 3;
  const std::string page = html_report(data);
  EXPECT_NE(page.find(bracket), std::string::npos);
  EXPECT_NE(page.find(", 3 rows at a time"), std::string::npos);
}

TEST(HtmlReport, HostileTextStaysText) {
  ReportData data = sample_report(12);
  const std::string evil = "</title><script>alert(1)</script>\"'&\x01\xff";
  data.study = data.data.name = data.target.title = data.provenance.command = evil;
  data.data.classes[3] = evil;
  data.notes = {evil};
  data.winner->layers[0].name = data.winner->memory.placements[0].tensor = evil;
  data.trials[0].reason = evil;
  data.trials[0].configuration.set("stem", evil);
  data.provenance.settings = {{evil, evil}};
  const std::string page = html_report(data);
  expect_sound_page(page);
  EXPECT_EQ(occurrences(page, "<script>"), 1);
  EXPECT_EQ(occurrences(page, "alert(1)</script>"), 0);
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  EXPECT_EQ(page.find('\xff'), std::string::npos);
}

TEST(HtmlReport, WorksWithoutTheFiguresThatMayBeMissing) {
  ReportData data = sample_report(20);
  data.winner->score = {"rmse", -3.25, std::nullopt, std::nullopt, std::nullopt};
  data.winner->layers.clear();
  data.winner->memory = {};
  data.winner->flash_split.clear();
  data.winner->confusion.reset();
  data.winner->bit_exactness = {};
  data.winner->figures.energy_j = 0;
  data.limits.latency.reset();
  data.finalists.clear();
  for (study::Trial& t : data.trials) {
    if (t.objective) t.objective = -*t.objective * 1000;
  }
  const std::string page = html_report(data);
  expect_sound_page(page);
  EXPECT_NE(page.find("not checked"), std::string::npos);
  EXPECT_NE(page.find("-3.25"), std::string::npos);
  EXPECT_EQ(page.find("Energy</h3>"), std::string::npos);
}

TEST(Dashboard, RefreshesItselfOnlyWhileTheSearchRuns) {
  ReportData data = sample_report(40);
  data.winner.reset();
  data.finished = false;
  data.trials[39].outcome = study::Outcome::kRunning;
  const Progress progress{210, 600, 0};
  const std::string page = dashboard_page(data, progress, 5);
  expect_golden("dashboard.html", page);
  expect_sound_page(page);
  EXPECT_NE(page.find("http-equiv=\"refresh\" content=\"5\""), std::string::npos);
  EXPECT_NE(page.find("3 min 30 s of 10 min 0 s"), std::string::npos);
  data.finished = true;
  EXPECT_EQ(dashboard_page(data, progress, 5).find("http-equiv"), std::string::npos);
}

TEST(Dashboard, IsSoundBeforeTheFirstTrial) {
  ReportData data = sample_report(0);
  data.finished = false;
  expect_sound_page(dashboard_page(data, {}, 5));
  data = sample_nothing_fits(3);
  data.finished = false;
  data.nothing_fits.reset();
  expect_sound_page(dashboard_page(data, {1, 0, 100}, 5));
}

TEST(Escape, ReplacesWhatHtmlCannotHold) {
  EXPECT_EQ(escape("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escape("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
            "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(escape(std::string_view("\0", 1)), "\xEF\xBF\xBD");
  EXPECT_EQ(escape("\xc0\xaf"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong '/'";
  EXPECT_EQ(escape("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "a surrogate";
  EXPECT_EQ(escape("\xe2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "cut off";
}

TEST(SummaryJson, MatchesItsGoldenFile) {
  expect_golden("summary.json", summary_json(sample_report(40)));
}

TEST(SummaryJson, HasTheNamesOfTheDesign) {
  const auto json = Json::parse(summary_json(sample_report(40)));
  ASSERT_TRUE(json.ok());
  const Json& s = *json;
  EXPECT_EQ(s["schema"].integer(), 1);
  EXPECT_EQ(s["target"].string(), "stm32f401re");
  EXPECT_TRUE(s["deployable"].boolean());
  EXPECT_TRUE(s["bit_exact"].boolean());
  EXPECT_TRUE(s["reasons"].is_array());
  for (const char* key : {"flash_bytes", "ram_bytes", "arena_bytes", "stack_bytes", "instructions",
                          "latency_ms", "energy_uj"}) {
    EXPECT_TRUE(s[key].is_number()) << key;
  }
  for (const char* key : {"low", "mid", "high"}) EXPECT_TRUE(s["cycles"][key].is_number()) << key;
  for (const char* key : {"validation", "test", "float_test"})
    EXPECT_TRUE(s["metric"][key].is_number()) << key;
  EXPECT_EQ(s["metric"]["test_interval"].items().size(), 2u);
  for (const char* key : {"proposed", "undeployable", "trained", "pruned", "failed"})
    EXPECT_TRUE(s["trials"][key].is_integer()) << key;
  for (const char* key : {"total", "propose", "deploy", "train", "quantize"})
    EXPECT_TRUE(s["seconds"][key].is_number()) << key;
  // Latency is cycles / clock: 84 MHz.
  EXPECT_NEAR(s["latency_ms"].number(), static_cast<double>(s["cycles"]["mid"].integer()) / 84e3,
              1e-9);
}

TEST(SummaryJson, NothingFitsGivesTheReasonAndTheNearestFigures) {
  const ReportData data = sample_nothing_fits(12);
  const Json s = Json::parse(summary_json(data)).value();
  EXPECT_FALSE(s["deployable"].boolean(true));
  EXPECT_FALSE(s["bit_exact"].boolean(true));
  EXPECT_TRUE(s["metric"].is_null());
  ASSERT_EQ(s["reasons"].items().size(), 1u);
  EXPECT_EQ(s["reasons"].items()[0].string(), data.nothing_fits->text);
  EXPECT_EQ(s["flash_bytes"].number(), data.nothing_fits->used);
}

TEST(SummaryJson, AnUncheckedWinnerIsNotCalledBitExact) {
  ReportData data = sample_report(12);
  data.winner->bit_exactness = {false, true, 200, {}, ""};
  EXPECT_FALSE(Json::parse(summary_json(data)).value()["bit_exact"].boolean(true));
  data.winner->bit_exactness = {true, false, 200, {}, "sample 3"};
  EXPECT_FALSE(Json::parse(summary_json(data)).value()["bit_exact"].boolean(true));
}

TEST(SummaryTable, MatchesItsGoldenFiles) {
  expect_golden("summary.txt", summary_table(sample_report(40), false));
  expect_golden("nothing_fits.txt", summary_table(sample_nothing_fits(12), false));
}

TEST(SummaryTable, BreaksLongLinesUnderTheirText) {
  ReportData data = sample_report(40);
  data.winner->bit_exactness.executions = {
      "reference interpreter", "batch evaluator of the search", "C on the host (gcc)",
      "C on the host (gcc, address and undefined-behaviour sanitizers)",
      "C on the emulated stm32f401re"};
  const auto lines = split(summary_table(data, false), '\n');
  for (const std::string& line : lines) EXPECT_LE(display_width(line), 112) << line;
  const auto at = std::ranges::find_if(
      lines, [](const std::string& l) { return l.starts_with("  bit-exact"); });
  ASSERT_NE(at, lines.end());
  EXPECT_TRUE((at + 1)->starts_with("             ")) << *(at + 1);
}

TEST(Shortened, CountsCodePointsAndKeepsShortTexts) {
  std::string eight;
  for (int i = 0; i < 8; ++i) eight += "\xc3\xa9";
  EXPECT_EQ(shortened(eight, 8), eight);
  EXPECT_EQ(shortened(eight, 7), eight.substr(0, 8) + "...");
}

TEST(SummaryTable, ColourAddsNothingButColour) {
  const std::string plain = summary_table(sample_report(40), false);
  std::string coloured = summary_table(sample_report(40), true);
  EXPECT_NE(coloured, plain);
  for (std::size_t at = coloured.find('\x1b'); at != std::string::npos;
       at = coloured.find('\x1b')) {
    coloured.erase(at, coloured.find('m', at) - at + 1);
  }
  EXPECT_EQ(coloured, plain);
  EXPECT_EQ(plain.find('\x1b'), std::string::npos);
}

TEST(Check, TableAndJsonAgree) {
  const ReportData data = sample_report(40);
  Check check{"model.tflite",
              data.target,
              data.limits,
              false,
              {"ram: 41.2 KiB used, 32.0 KiB allowed, 9.2 KiB too much"},
              data.winner->figures,
              96,
              data.winner->layers};
  expect_golden("check.txt", check_table(check, false));
  const Json json = Json::parse(check_json(check)).value();
  EXPECT_EQ(json["reasons"].items()[0].string(), check.reasons[0]);
  EXPECT_EQ(json["ram_bytes"].integer(), 9824);
  EXPECT_FALSE(json.contains("metric"));
}

TEST(Trials, ListingsMatchTheirGoldenFiles) {
  const ReportData data = sample_report(20);
  expect_golden("trials.txt", trials_table(data.trials));
  expect_golden("trials.csv", trials_csv(data.trials));
  expect_golden("trials.json", trials_json(data.trials));
}

TEST(Trials, SayAsWhatTheyWereProposed) {
  std::vector<study::Trial> trials(2);
  trials[1].number = 1;
  trials[1].explanation = {.kind = "exploit",
                           .acquisition = "log expected improvement",
                           .mean = 0.91234,
                           .deviation = 0.0041,
                           .best = 0.91,
                           .chances = {{"ram", 0.9}, {"latency", 0.5}}};
  const std::string table = trials_table(trials);
  EXPECT_NE(table.find("proposed as"), std::string::npos);
  EXPECT_NE(table.find("exploit: 0.9123 +- 0.0041, fits 45 %"), std::string::npos) << table;
  const Json json = Json::parse(trials_json(trials)).value();
  EXPECT_FALSE(json["trials"].items()[0].contains("explanation"));
  const Json& told = json["trials"].items()[1]["explanation"];
  EXPECT_EQ(study::explanation_from(told), trials[1].explanation);
  EXPECT_TRUE(told["computable"].is_null());
  ReportData data = sample_report(2);
  data.trials[1].explanation = trials[1].explanation;
  EXPECT_NE(html_report(data).find("proposed as exploit: 0.9123 +- 0.0041, fits 45 %"),
            std::string::npos);
}

TEST(Trials, CsvRoundsNothingAndQuotes) {
  study::Trial t;
  t.outcome = study::Outcome::kBuildFailed;
  t.reason = "ld: \"RAM\", overflowed\nby 4";
  const std::string csv = trials_csv(std::vector{t});
  EXPECT_NE(csv.find("\"ld: \"\"RAM\"\", overflowed\nby 4\""), std::string::npos) << csv;
  EXPECT_EQ(csv_field("=cmd()"), "'=cmd()");
  EXPECT_EQ(csv_field("-3.5"), "-3.5");
}

TEST(Targets, TheCatalogueListsInThreeFormats) {
  const auto targets = target::catalogue();
  ASSERT_TRUE(targets.ok()) << targets.error().message;
  const auto lines = split(targets_table(*targets), '\n');
  EXPECT_EQ(lines.size(), targets->size() + 2);  // heading, and what follows the last line feed
  const Json json = Json::parse(targets_json(*targets)).value();
  ASSERT_EQ(json["targets"].items().size(), targets->size());
  EXPECT_EQ(json["targets"].items()[0]["flash"]["bytes"].integer(), (*targets)[0].flash.size.value);
  EXPECT_EQ(split(targets_csv(*targets), '\n').size(), targets->size() + 2);
  for (const target::Target& t : *targets) {
    const std::string details = target_details(t);
    EXPECT_NE(details.find(t.name), std::string::npos);
    for (const std::string& line : split(details, '\n'))
      EXPECT_LE(display_width(line), 100) << line;
  }
}

TEST(TextTable, AlignsCodePointsAndDisarmsControlCharacters) {
  TextTable table({{"name"}, {"n", Align::kRight}});
  table.add({"caf\xc3\xa9", "1"});
  table.add({"\x1b[31mred", "22"});
  EXPECT_EQ(table.text(), "name       n\ncaf\xc3\xa9       1\n?[31mred  22\n");
}

TEST(Derived, ParetoFrontKeepsOnlyWhatNothingBeats) {
  const std::vector<Point> points = {{3, 0.9}, {1, 0.5}, {2, 0.4}, {2, 0.7},
                                     {3, 0.9}, {4, 0.9}, {5, 0.95}};
  EXPECT_EQ(pareto_front(points), (std::vector<std::size_t>{1, 3, 0, 6}));
  EXPECT_TRUE(pareto_front({}).empty());
}

TEST(Derived, CountsAndCourse) {
  const ReportData data = sample_report(60);
  const Counts c = count_trials(data.trials);
  EXPECT_EQ(c.proposed, 60);
  EXPECT_EQ(c.measured + c.undeployable + c.pruned + c.failed + c.open, 60);
  EXPECT_EQ(c.trained, c.measured + c.pruned);
  const auto course = course_of(data);
  ASSERT_FALSE(course.empty());
  for (std::size_t i = 1; i < course.size(); ++i) {
    EXPECT_GE(course[i].best, course[i - 1].best);
    EXPECT_GE(course[i].seconds, course[i - 1].seconds);
  }
}

TEST(Derived, LimitsSayWhatIsLeftOrTooMuch) {
  study::Figures f;
  f.flash_bytes = 70000;
  f.ram_bytes = 1024;
  target::Limits limits;
  limits.flash = Bytes(65536);
  limits.ram = Bytes(4096);
  limits.reserve_ram = Bytes(1024);
  const auto uses = limit_uses(f, limits);
  ASSERT_EQ(uses.size(), 3u);
  EXPECT_FALSE(uses[0].holds());
  EXPECT_EQ(uses[0].margin_text(), "4.4 KiB too much");
  EXPECT_EQ(uses[1].margin_text(), "2.0 KiB free");  // 4 KiB less the reserve of 1 KiB, less 1 KiB
  EXPECT_FALSE(uses[2].limited());
}

TEST(Derived, WhatWasNotEmulatedHasNoLatency) {
  study::Figures f;
  f.flash_bytes = 70000;
  f.ram_bytes = 1024;
  target::Limits limits;
  limits.flash = limits.ram = Bytes(65536);
  limits.latency = Seconds(0.1);
  const LimitUse latency = limit_uses(f, limits)[2];
  EXPECT_EQ(latency.used_text(), "not known");
  EXPECT_EQ(latency.margin_text(), "");
}

TEST(Axis, ErrorScaleSpreadsSharesNearOne) {
  const Axis y(Scale::kError, 0.5, 0.95, 100, 0);
  // 0.5 -> 0.95 is a factor of 10 in error; 0.8419 is its geometric middle.
  EXPECT_NEAR(y.at(1 - 0.5 / std::sqrt(10.0)), 50, 1e-9);
  EXPECT_DOUBLE_EQ(y.at(0.1), 100) << "clamped";
  EXPECT_DOUBLE_EQ(y.at(std::nan("")), 100);
}

TEST(Axis, TicksAreRoundInsideAndApart) {
  for (const Scale scale : {Scale::kLinear, Scale::kLog2, Scale::kLog10, Scale::kError}) {
    for (const auto& [low, high] : {std::pair{0.61, 0.93}, {0.01, 0.9}, {0.9, 0.901}, {0.5, 0.5}}) {
      const Axis x(scale, low, high, 0, 300);
      const auto ticks = x.ticks(30);
      EXPECT_GE(ticks.size(), 1u) << low << " " << high;
      EXPECT_LE(ticks.size(), 11u);
      for (std::size_t i = 0; i < ticks.size(); ++i) {
        EXPECT_GE(ticks[i], x.low() - 1e-9);
        EXPECT_LE(ticks[i], x.high() * 1.001);
        if (i > 0) {
          EXPECT_GE(x.at(ticks[i]) - x.at(ticks[i - 1]), 30 - 1e-9);
        }
      }
    }
  }
  EXPECT_EQ(tick_text(0.1 + 0.2), "0.3");
  EXPECT_EQ(tick_text(-0.0), "0");
}

TEST(Confusion, RefusesCountsThatDoNotMatch) {
  EXPECT_EQ(confusion_chart({{1, 2, 3}}, {"a", "b"}), "");
  EXPECT_NE(confusion_chart({{1, 2, 3, 4}}, {"a", "b"}).find("b taken for a: 3 of 7 (42.9 %)"),
            std::string::npos);
}

}  // namespace
}  // namespace atml::report
