// The cycle and energy model against boards: every published point of published.h, with what the
// model says of it and the error, as fitted and with the point left out of the fit.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <optional>

#include "deploy/flash_wait.h"
#include "published.h"
#include "tables.h"
#include "target/target.h"

namespace atml::bench {
namespace {

constexpr char kReference[] = "stm32l4r5zi";

// One published latency and what the model makes of it.
struct Point {
  const BoardRow* row = nullptr;
  int network = 0;
  std::string basis = "-";  // what the prediction starts from
  double base = 0;          // million table cycles, or million cycles of the engine on the M4
  double wait = 0;          // million cycles for flash lines
  double fitted = 0, low = 0, high = 0;  // factors of `base`; 0: no prediction
  double left_out = 0;                   // the factor without this point

  double published() const { return row->ms[network] * row->megahertz * 1e-3; }
  double ratio() const { return (published() - wait) / base; }
  double modelled(double factor) const { return factor * base + wait; }
  double error(double factor) const { return 100 * (modelled(factor) / published() - 1); }
};

const Counted* counted(const BoardRow& row) {
  const auto* found = std::ranges::find_if(
      kCounted, [&](const Counted& c) { return std::strcmp(c.engine, row.engine) == 0; });
  return found == std::end(kCounted) ? nullptr : found;
}

const BoardRow* same_engine_on_m4(const BoardRow& row) {
  const auto* found = std::ranges::find_if(kBoards, [&](const BoardRow& r) {
    return std::strcmp(r.engine, row.engine) == 0 && std::strcmp(r.target, kReference) == 0;
  });
  return found == std::end(kBoards) ? nullptr : found;
}

// Instructions where the code is public, else the same engine's cycles on the M4.
Result<Point> point_of(const BoardRow& row, int network, const target::Target& reference) {
  Point p{.row = &row, .network = network};
  if (*row.target == '\0') return p;
  ATML_TRY(const target::Target part, target::find_target(row.target));
  const Counted* code = counted(row);
  const BoardRow* on_m4 = same_engine_on_m4(row);
  if (code != nullptr) {
    p.basis = "instructions";
    p.base = code->table[network];
    p.wait = code->flash_lines[network] * deploy::flash_wait(part).line_cycles(part);
    p.fitted = part.cost.factor;
    p.low = part.cost.low_factor;
    p.high = part.cost.high_factor;
  } else if (part.core != reference.core && on_m4 != nullptr) {
    p.basis = "engine on M4";
    p.base = on_m4->ms[network] * on_m4->megahertz * 1e-3;
    p.fitted = part.cost.factor / reference.cost.factor;
    p.low = part.cost.low_factor / reference.cost.factor;
    p.high = part.cost.high_factor / reference.cost.factor;
  }
  return p;
}

// Points that one factor is fitted to: same core, same basis.
using Group = std::pair<target::Core, std::string>;

void leave_out(std::vector<Point*>& group) {
  double sum = 0;
  for (const Point* p : group) sum += p->ratio();
  for (Point* p : group) p->left_out = (sum - p->ratio()) / static_cast<double>(group.size() - 1);
}

struct Errors {
  double sum = 0, worst = 0;
  int count = 0;
  void add(double error) {
    sum += std::abs(error);
    worst = std::max(worst, std::abs(error));
    ++count;
  }
  std::string text() const {
    return fmt::format("mean {:.1f} %, worst {:.1f} %", sum / count, worst);
  }
};

Json row_of(const Point& p) {
  Json row = Json::object();
  row.set("name", fmt::format("{}, {}, {}", p.row->engine, p.row->board, kNetworks[p.network]));
  row.set("published_ms", p.row->ms[p.network]).set("published_mcycles", p.published());
  row.set("basis", p.basis);
  if (p.fitted == 0) return row;
  row.set("modelled_ms", p.modelled(p.fitted) / (p.row->megahertz * 1e-3));
  row.set("wait_mcycles", p.wait).set("error_percent", p.error(p.fitted));
  if (p.left_out > 0) row.set("left_out_error_percent", p.error(p.left_out));
  row.set("inside_low_high",
          p.modelled(p.low) <= p.published() && p.published() <= p.modelled(p.high));
  return row;
}

void print(const Json& row) {
  const auto figure = [&](const char* key, const char* format) {
    return row.contains(key) ? fmt::format(fmt::runtime(format), row[key].number())
                             : std::string("-");
  };
  fmt::print(
      "{:<50} {:>9.2f} {:>9} {:>8} {:>8} {:>6}  {}\n", row["name"].string(),
      row["published_ms"].number(), figure("modelled_ms", "{:.2f}"),
      figure("error_percent", "{:+.1f}"), figure("left_out_error_percent", "{:+.1f}"),
      row.contains("inside_low_high") ? (row["inside_low_high"].boolean() ? "yes" : "no") : "-",
      row["basis"].string());
}

Result<std::vector<Json>> latency_rows() {
  ATML_TRY(const target::Target reference, target::find_target(kReference));
  std::vector<Point> points;
  for (const BoardRow& row : kBoards) {
    for (int network = 0; network < 4; ++network) {
      ATML_TRY(points.emplace_back(), point_of(row, network, reference));
    }
  }
  std::map<Group, std::vector<Point*>> groups;
  for (Point& p : points) {
    if (p.fitted == 0) continue;
    ATML_TRY(const target::Target part, target::find_target(p.row->target));
    groups[{part.core, p.basis}].push_back(&p);
  }
  for (auto& [group, members] : groups) leave_out(members);
  std::vector<Json> rows;
  for (const Point& p : points) {
    rows.push_back(row_of(p));
    print(rows.back());
  }
  fmt::print(
      "\"-\": no prediction, since instruction counts of that engine are not public. Left out: the "
      "factor is the mean ratio of the other points of its group.\n");
  for (const auto& [group, members] : groups) {
    Errors fitted, left_out;
    for (const Point* p : members) {
      fitted.add(p->error(p->fitted));
      left_out.add(p->error(p->left_out));
    }
    fmt::print("{}, from {} ({} points): {}; left out {}\n", target::to_string(group.first),
               group.second, members.size(), fitted.text(), left_out.text());
    Json row = Json::object();
    row.set("name", fmt::format("all {} from {}", target::to_string(group.first), group.second));
    row.set("points", members.size()).set("mean_error_percent", fitted.sum / fitted.count);
    row.set("worst_error_percent", fitted.worst);
    row.set("left_out_mean_error_percent", left_out.sum / left_out.count);
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<Json>> flash_rows() {
  fmt::print(
      "\nWaiting for flash: AD with its weights in flash and copied to RAM (cycles a 32-byte "
      "line)\n{:<10} {:>9} {:>9} {:>10} {:>10} {:>8}\n",
      "board", "flash ms", "RAM ms", "published", "modelled", "error %");
  std::vector<Json> rows;
  for (const FlashPair& pair : kFlashPairs) {
    ATML_TRY(const target::Target part, target::find_target(pair.target));
    const double published =
        (pair.flash_ms - pair.ram_ms) * pair.megahertz * 1e3 / (kWeightsOfAd / 32);
    const double modelled = deploy::flash_wait(part).line_seconds * pair.megahertz * 1e6;
    fmt::print("{:<10} {:>9.2f} {:>9.2f} {:>10.2f} {:>10.2f} {:>+8.1f}\n", pair.board,
               pair.flash_ms, pair.ram_ms, published, modelled, 100 * (modelled / published - 1));
    Json row = Json::object();
    row.set("name", fmt::format("flash line, {}", pair.board)).set("published_cycles", published);
    rows.push_back(row.set("modelled_cycles", modelled));
  }
  return rows;
}

// Power x published time; left out: the power is that of the row's other three networks.
Result<std::vector<Json>> energy_rows() {
  fmt::print(
      "\nEnergy: the catalogue's power x the published time (uJ)\n{:<44} {:>10} {:>10} {:>8} "
      "{:>8}\n",
      "board, network", "published", "modelled", "error %", "left out");
  std::vector<Json> rows;
  Errors fitted, left_out, other;
  for (const EnergyRow& e : kEnergies) {
    ATML_TRY(const target::Target part, target::find_target(e.target));
    double power = 0;  // mW, summed
    for (int n = 0; n < 4; ++n) power += e.microjoules[n] / e.ms[n];
    for (int n = 0; n < 4; ++n) {
      const double modelled = 1e3 * part.run_watts() * e.ms[n];
      const double others = (power - e.microjoules[n] / e.ms[n]) / 3 * e.ms[n];
      const double error = 100 * (modelled / e.microjoules[n] - 1);
      const double left = 100 * (others / e.microjoules[n] - 1);
      (e.set_up_of_catalogue ? fitted : other).add(error);
      left_out.add(left);
      const std::string name = fmt::format("{}, {}", e.board, kNetworks[n]);
      fmt::print("{:<44} {:>10.1f} {:>10.1f} {:>+8.1f} {:>+8.1f}\n", name, e.microjoules[n],
                 modelled, error, left);
      Json row = Json::object();
      row.set("name", "energy, " + name).set("published_uj", e.microjoules[n]);
      row.set("modelled_uj", modelled).set("error_percent", error);
      rows.push_back(row.set("left_out_error_percent", left));
    }
  }
  fmt::print(
      "set-ups that the catalogue describes: {}; other supplies and engines: {}; a board's power "
      "from its other three networks: {}\n",
      fitted.text(), other.text(), left_out.text());
  return rows;
}

}  // namespace

Result<std::vector<Json>> cost_model_table() {
  fmt::print("\nCycle model against boards\n{:<50} {:>9} {:>9} {:>8} {:>8} {:>6}  {}\n",
             "engine, board, network", "board ms", "model ms", "error %", "left out", "inside",
             "from");
  ATML_TRY(std::vector<Json> all, latency_rows());
  ATML_TRY(const std::vector<Json> flash, flash_rows());
  ATML_TRY(const std::vector<Json> energy, energy_rows());
  for (const auto* rows : {&flash, &energy}) all.insert(all.end(), rows->begin(), rows->end());
  return all;
}

}  // namespace atml::bench
