// Optimises a user's own function: the size of a cantilever's cross section, solid or hollow, as
// light as possible while it bends less than allowed. The wall parameter exists for hollow beams
// only; that the wall must be thinner than half the width is known as a formula, the deflection is
// "measured". The best beam is hollow with the thinnest wall, 85 mm wide and 2.64 kg.
#include <cmath>
#include <cstdio>

#include "autotinyml/optimizer.h"

namespace {

double number(const autotinyml::Point& p, const char* name) { return std::get<double>(p.at(name)); }

struct Beam {
  double mass, deflection;
};

// 1 m of steel under 500 N at its end; width in mm.
Beam measure(const autotinyml::Point& p) {
  const double width = number(p, "width") * 1e-3;
  const bool hollow = std::get<std::string>(p.at("section")) == "hollow";
  const double inner = hollow ? width - 2e-3 * number(p, "wall") : 0;
  const double area = width * width - inner * inner;
  const double inertia = (std::pow(width, 4) - std::pow(inner, 4)) / 12;
  return {7850 * area, 500 / (3 * 210e9 * inertia)};
}

autotinyml::Exact wall_fits(const autotinyml::Point& p) {
  if (p.count("wall") == 0) return {};
  const double margin = 2 * number(p, "wall") / number(p, "width") - 1;
  return {margin < 0, margin, "the wall is thicker than half the width"};
}

}  // namespace

int main() {
  const auto space = autotinyml::Space()
                         .categorical("section", {"solid", "hollow"}, "solid")
                         .real("width", 5, 100, 40)
                         .real("wall", 1, 20, 5, true)
                         .when("section", {std::string("hollow")});
  auto optimizer = autotinyml::Optimizer::create(
      space, {.seed = 1, .constraints = {"deflection"}, .exact = wall_fits});
  if (!optimizer) {
    std::fprintf(stderr, "%s\n", optimizer.error().c_str());
    return 2;
  }
  for (int i = 0; i < 40; ++i) {
    const auto trial = optimizer->ask();
    if (!trial) break;
    const Beam beam = measure(trial->point);
    autotinyml::Done told =
        optimizer->tell_constraint(trial->number, "deflection", beam.deflection, 2e-3);
    if (told)
      told = beam.deflection <= 2e-3 ? optimizer->tell_objective(trial->number, -beam.mass)
                                     : optimizer->tell_infeasible(trial->number);
    if (!told) std::fprintf(stderr, "%s\n", told.error().c_str());
  }
  const auto best = optimizer->best();
  if (!best) return 1;
  std::printf("trial %d: %s beam, width %.1f mm, %.2f kg\n", best->number,
              std::get<std::string>(best->point.at("section")).c_str(),
              number(best->point, "width"), -best->objective);
  return 0;
}
