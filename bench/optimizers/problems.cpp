// Formulas, optima and feasible shares: each optimum was recomputed for the formula that stands
// here (global search with Deb's rule, or enumeration), because several published values belong to
// other formulas.
#include "problems.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

namespace atml::bench {
namespace {

using space::Configuration;
using space::Kind;
using space::Parameter;
using Vector = std::vector<double>;

constexpr double kPi = std::numbers::pi;
double sq(double x) { return x * x; }

struct Box {
  double low, high;
};

Parameter real(std::string name, Box box) {
  return {.name = std::move(name),
          .kind = Kind::kReal,
          .low = box.low,
          .high = box.high,
          .preferred = (box.low + box.high) / 2};
}
Parameter whole(std::string name, int low, int high) {
  return {.name = std::move(name),
          .kind = Kind::kInteger,
          .low = static_cast<double>(low),
          .high = static_cast<double>(high),
          .preferred = static_cast<std::int64_t>((low + high) / 2)};
}

space::Space must(std::string name, std::vector<Parameter> parameters) {
  auto space = space::Space::create(std::move(name), std::move(parameters));
  ATML_ASSERT(space.ok(), space.error().message);
  return std::move(*space);
}

Vector values_of(const space::Space& space, const Configuration& c) {
  Vector x;
  for (const Parameter& p : space.parameters()) {
    const space::Value& v = *c.find(p.name);
    x.push_back(p.kind == Kind::kReal ? std::get<double>(v)
                                      : static_cast<double>(std::get<std::int64_t>(v)));
  }
  return x;
}

// A problem over numbers x1, x2, ...; `integers` are the indices of whole-number axes.
Problem numeric(std::string name, std::vector<Box> boxes, std::size_t constraints, double optimum,
                double share, std::function<Answer(const Vector&)> f,
                std::vector<std::size_t> integers = {}) {
  std::vector<Parameter> parameters;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const std::string axis = fmt::format("x{}", i + 1);
    const bool integer = std::find(integers.begin(), integers.end(), i) != integers.end();
    parameters.push_back(
        integer ? whole(axis, static_cast<int>(boxes[i].low), static_cast<int>(boxes[i].high))
                : real(axis, boxes[i]));
  }
  space::Space space = must("bench", std::move(parameters));
  auto function = [space, f = std::move(f)](const Configuration& c) {
    return f(values_of(space, c));
  };
  return {std::move(name), std::move(space), constraints, optimum, share, std::move(function)};
}

double branin(double x, double y) {
  return sq(y - 5.1 * x * x / (4 * kPi * kPi) + 5 * x / kPi - 6) +
         10 * (1 - 1 / (8 * kPi)) * std::cos(x) + 10;
}
double rosenbrock(double x, double y) { return sq(1 - x) + 100 * sq(y - x * x); }

void add_two_dimensional(std::vector<Problem>& all) {
  all.push_back(numeric("gardner-1", {{0, 6}, {0, 6}}, 1, -2, 0.666, [](const Vector& x) {
    return Answer{std::cos(2 * x[0]) * std::cos(x[1]) + std::sin(x[0]),
                  {std::cos(x[0] + x[1]) - 0.5}};
  }));
  all.push_back(numeric("gardner-2", {{0, 6}, {0, 6}}, 1, 0.2532359, 0.0177, [](const Vector& x) {
    return Answer{std::sin(x[0]) + x[1], {std::sin(x[0]) * std::sin(x[1]) + 0.95}};
  }));
  all.push_back(numeric("test54", {{0, 1}, {0, 1}}, 2, 0.599788052, 0.457, [](const Vector& x) {
    return Answer{x[0] + x[1],
                  {1.5 - x[0] - 2 * x[1] - 0.5 * std::sin(2 * kPi * (x[0] * x[0] - 2 * x[1])),
                   x[0] * x[0] + x[1] * x[1] - 1.5}};
  }));
  all.push_back(numeric("branin-not-computable", {{-5, 10}, {0, 15}}, 1, 0.84467413, 0.0556,
                        [](const Vector& x) {
                          if (!(x[0] >= 0 && x[0] <= 5 && x[1] <= 5)) return Answer{};
                          return Answer{branin(x[0], x[1]), {x[0] - x[1]}};
                        }));
  all.push_back(
      numeric("branin-disk", {{-5, 10}, {0, 15}}, 1, 0.39788736, 0.698, [](const Vector& x) {
        return Answer{branin(x[0], x[1]), {sq(x[0] - 2.5) + sq(x[1] - 7.5) - 50}};
      }));
  all.push_back(
      numeric("townsend", {{-2.25, 2.25}, {-2.5, 1.75}}, 1, -2.0239884, 0.684, [](const Vector& x) {
        const double t = std::atan2(x[0], x[1]);
        const double edge =
            sq(2 * std::cos(t) - std::cos(2 * t) / 2 - std::cos(3 * t) / 4 - std::cos(4 * t) / 8) +
            sq(2 * std::sin(t));
        return Answer{-sq(std::cos((x[0] - 0.1) * x[1])) - x[0] * std::sin(3 * x[0] + x[1]),
                      {x[0] * x[0] + x[1] * x[1] - edge}};
      }));
  all.push_back(
      numeric("simionescu", {{-1.25, 1.25}, {-1.25, 1.25}}, 1, -0.072, 0.513, [](const Vector& x) {
        return Answer{
            0.1 * x[0] * x[1],
            {x[0] * x[0] + x[1] * x[1] - sq(1 + 0.2 * std::cos(8 * std::atan(x[0] / x[1])))}};
      }));
  all.push_back(
      numeric("gomez-levy", {{-1, 0.75}, {-1, 1}}, 1, -1.031628453, 0.726, [](const Vector& x) {
        const double a = x[0] * x[0], b = x[1] * x[1];
        return Answer{4 * a - 2.1 * a * a + a * a * a / 3 + x[0] * x[1] - 4 * b + 4 * b * b,
                      {-std::sin(4 * kPi * x[0]) + 2 * sq(std::sin(2 * kPi * x[1])) - 1.5}};
      }));
  all.push_back(
      numeric("mishra-bird", {{-10, 0}, {-6.5, 0}}, 1, -106.764536749, 0.831, [](const Vector& x) {
        return Answer{std::sin(x[1]) * std::exp(sq(1 - std::cos(x[0]))) +
                          std::cos(x[0]) * std::exp(sq(1 - std::sin(x[1]))) + sq(x[0] - x[1]),
                      {sq(x[0] + 5) + sq(x[1] + 5) - 25}};
      }));
  all.push_back(
      numeric("rosenbrock-cubic", {{-1.5, 1.5}, {-0.5, 2.5}}, 2, 0, 0.565, [](const Vector& x) {
        return Answer{rosenbrock(x[0], x[1]), {std::pow(x[0] - 1, 3) - x[1] + 1, x[0] + x[1] - 2}};
      }));
}

Answer welded_beam(const Vector& x) {
  const double load = 6000, length = 14, young = 30e6, shear = 12e6;
  const double moment = load * (length + x[1] / 2),
               radius = std::sqrt((sq(x[1]) + sq(x[0] + x[2])) / 4);
  const double inertia = 2 * std::sqrt(2.0) * x[0] * x[1] * (sq(x[1]) / 12 + sq(x[0] + x[2]) / 4);
  const double t1 = load / (std::sqrt(2.0) * x[0] * x[1]), t2 = moment * radius / inertia;
  const double tau = std::sqrt(t1 * t1 + t1 * t2 * x[1] / radius + t2 * t2);
  const double sigma = 6 * load * length / (x[3] * sq(x[2]));
  const double bend = 4 * load * std::pow(length, 3) / (young * std::pow(x[2], 3) * x[3]);
  const double buckle = 4.013 * young * x[2] * std::pow(x[3], 3) / (6 * sq(length)) *
                        (1 - x[2] * std::sqrt(young / shear) / (4 * length));
  return {
      1.10471 * sq(x[0]) * x[1] + 0.04811 * x[2] * x[3] * (14 + x[1]),
      {tau - 13600, sigma - 30000, x[0] - x[3],
       0.10471 * sq(x[0]) + 0.04811 * x[2] * x[3] * (14 + x[1]) - 5, bend - 0.25, load - buckle}};
}

Answer speed_reducer(const Vector& x) {
  const double a = x[0], b = x[1], c = x[2], d = x[3], e = x[4], f = x[5], h = x[6];
  return {0.7854 * a * b * b * (3.3333 * c * c + 14.9334 * c - 43.0934) -
              1.508 * a * (f * f + h * h) + 7.4777 * (f * f * f + h * h * h) +
              0.7854 * (d * f * f + e * h * h),
          {27 / (a * b * b * c) - 1, 397.5 / (a * b * b * c * c) - 1,
           1.93 * d * d * d / (b * c * std::pow(f, 4)) - 1,
           1.93 * e * e * e / (b * c * std::pow(h, 4)) - 1,
           std::sqrt(sq(745 * d / (b * c)) + 16.9e6) / (0.1 * f * f * f) - 1100,
           std::sqrt(sq(745 * e / (b * c)) + 157.5e6) / (0.1 * h * h * h) - 850, b * c - 40,
           5 - a / b, a / b - 12, (1.5 * f + 1.9) / d - 1, (1.1 * h + 1.9) / e - 1}};
}

Answer pressure_vessel(const Vector& x) {  // x1, x2 count sixteenths
  const double z1 = 0.0625 * x[0], z2 = 0.0625 * x[1];
  return {0.6224 * z1 * x[2] * x[3] + 1.7781 * z2 * sq(x[2]) + 3.1661 * sq(z1) * x[3] +
              19.84 * sq(z1) * x[2],
          {-z1 + 0.0193 * x[2], -z2 + 0.00954 * x[2],
           -kPi * sq(x[2]) * x[3] - 4.0 / 3 * kPi * std::pow(x[2], 3) + 1296000, x[3] - 240}};
}

void add_engineering(std::vector<Problem>& all) {
  all.push_back(
      numeric("three-bar-truss", {{0, 1}, {0, 1}}, 3, 263.8958434, 0.218, [](const Vector& x) {
        const double r2 = std::sqrt(2.0), q = std::max(2 * x[0] * x[1] + r2 * x[0] * x[0], 1e-12);
        return Answer{100 * (x[1] + 2 * r2 * x[0]),
                      {2 * x[1] / q - 2, 2 * (x[1] + r2 * x[0]) / q - 2,
                       2 / std::max(x[0] + r2 * x[1], 1e-12) - 2}};
      }));
  all.push_back(numeric(
      "spring", {{0.01, 1}, {0.01, 1}, {0.01, 20}}, 4, 0.012665233, 0.0092, [](const Vector& x) {
        return Answer{sq(x[0]) * x[1] * (x[2] + 2),
                      {1 - std::pow(x[1], 3) * x[2] / (71785 * std::pow(x[0], 4)),
                       (4 * sq(x[1]) - x[0] * x[1]) / (12566 * std::pow(x[0], 3) * (x[1] - x[0])) +
                           1 / (5108 * sq(x[0])) - 1,
                       1 - 140.45 * x[0] / (x[2] * sq(x[1])), (x[0] + x[1]) / 1.5 - 1}};
      }));
  all.push_back(numeric(
      "gas-compressor", {{20, 50}, {1, 10}, {20, 50}, {0.1, 60}}, 1, 2964895.4, 0.524,
      [](const Vector& x) {
        return Answer{861000 * std::sqrt(x[0]) * x[1] * std::pow(x[2], -2.0 / 3) / std::sqrt(x[3]) +
                          36900 * x[2] + 7.72e8 * std::pow(x[1], 0.219) / x[0] - 7.6543e8 / x[0],
                      {(x[3] + 1) / sq(x[1]) - 1}};
      }));
  all.push_back(numeric("pressure-vessel", {{1, 99}, {1, 99}, {10, 200}, {10, 200}}, 4, 6059.7143,
                        0.403, pressure_vessel, {0, 1}));
  all.push_back(numeric("welded-beam", {{0.125, 10}, {0.1, 10}, {0.1, 10}, {0.1, 10}}, 6, 1.7248523,
                        0.00095, welded_beam));
  all.push_back(
      numeric("speed-reducer",
              {{2.6, 3.6}, {0.7, 0.8}, {17, 28}, {7.3, 8.3}, {7.3, 8.3}, {2.9, 3.9}, {5, 5.5}}, 11,
              2994.4711, 0.00099, speed_reducer, {2}));
}

Answer hartmann_ball(const Vector& x) {
  constexpr double a[] = {1, 1.2, 3, 3.2};
  constexpr double w[4][6] = {{10, 3, 17, 3.5, 1.7, 8},
                              {.05, 10, 17, .1, 8, 14},
                              {3, 3.5, 1.7, 10, 17, 8},
                              {17, 8, .05, 10, .1, 14}};
  constexpr double p[4][6] = {{1312, 1696, 5569, 124, 8283, 5886},
                              {2329, 4135, 8307, 3736, 1004, 9991},
                              {2348, 1451, 3522, 2883, 3047, 6650},
                              {4047, 8828, 8732, 5743, 1091, 381}};
  double value = 0, norm = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 6; ++j) sum += w[i][j] * sq(x[j] - 1e-4 * p[i][j]);
    value -= a[i] * std::exp(-sum);
  }
  for (const double v : x) norm += v * v;
  return {value, {std::sqrt(norm) - 1}};
}

Answer keane(const Vector& x) {
  double quartic = 0, product = 1, weighted = 0, sum = 0, volume = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double c2 = sq(std::cos(x[i]));
    quartic += c2 * c2;
    product *= c2;
    weighted += static_cast<double>(i + 1) * x[i] * x[i];
    sum += x[i];
    volume *= x[i];
  }
  return {-std::abs(quartic - 2 * product) / std::max(std::sqrt(weighted), 1e-3),
          {0.75 - volume, sum - 7.5 * static_cast<double>(x.size())}};
}

Answer ackley(const Vector& x) {
  double squares = 0, cosines = 0, sum = 0;
  for (const double v : x) squares += v * v, cosines += std::cos(2 * kPi * v), sum += v;
  const auto n = static_cast<double>(x.size());
  return {
      -20 * std::exp(-0.2 * std::sqrt(squares / n)) - std::exp(cosines / n) + 20 + std::numbers::e,
      {sum, std::sqrt(squares) - 5}};
}

void add_higher(std::vector<Problem>& all) {
  all.push_back(numeric("hartmann-6-ball", std::vector<Box>(6, {0, 1}), 1, -3.322368011, 0.081,
                        hartmann_ball));
  all.push_back(numeric("keane-10", std::vector<Box>(10, {0, 10}), 2, -0.74731036, 0.997, keane));
  all.push_back(numeric("ackley-10", std::vector<Box>(10, {-5, 10}), 2, 0, 0.00002, ackley));
  all.push_back(numeric("g08", {{0, 10}, {0, 10}}, 2, -0.09582504142, 0.0086, [](const Vector& x) {
    const double a = std::max(x[0], 1e-6), b = x[1];
    return Answer{
        -std::pow(std::sin(2 * kPi * a), 3) * std::sin(2 * kPi * b) / (a * a * a * (a + b)),
        {a * a - b + 1, 1 - a + sq(b - 4)}};
  }));
  all.push_back(numeric("g24", {{0, 3}, {0, 4}}, 2, -5.508013272, 0.443, [](const Vector& x) {
    const double a = x[0], b = x[1];
    return Answer{-a - b,
                  {-2 * std::pow(a, 4) + 8 * std::pow(a, 3) - 8 * a * a + b - 2,
                   -4 * std::pow(a, 4) + 32 * std::pow(a, 3) - 88 * a * a + 96 * a + b - 36}};
  }));
}

// Jenatton et al. (ICML 2017) with a constraint that makes the best free branch the worst
// constrained one.
Problem jenatton() {
  const auto flag = [](std::string name, std::vector<space::Condition> conditions) {
    return Parameter{.name = std::move(name),
                     .kind = Kind::kCategorical,
                     .values = {std::string("no"), std::string("yes")},
                     .conditions = std::move(conditions),
                     .preferred = std::string("no")};
  };
  const auto leaf = [](std::string name, std::string parent, const char* value) {
    Parameter p = real(std::move(name), {0, 1});
    p.conditions = {{std::move(parent), {std::string(value)}}};
    return p;
  };
  auto space =
      must("jenatton", {flag("x1", {}), flag("x2", {{"x1", {std::string("no")}}}),
                        flag("x3", {{"x1", {std::string("yes")}}}), leaf("x4", "x2", "no"),
                        leaf("x5", "x2", "yes"), leaf("x6", "x3", "no"), leaf("x7", "x3", "yes"),
                        leaf("r8", "x1", "no"), leaf("r9", "x1", "yes")});
  return {"jenatton-constrained", std::move(space), 1, 0.65, 0.51, [](const Configuration& c) {
            const bool left = c.word("x1", "") == "no";
            const bool first = c.word(left ? "x2" : "x3", "") == "no";
            const double r = c.real(left ? "r8" : "r9", 0);
            const double z = c.real(left ? (first ? "x4" : "x5") : (first ? "x6" : "x7"), 0);
            const double base = left ? (first ? 0.1 : 0.2) : (first ? 0.3 : 0.4);
            return Answer{z * z + base + r, {(left ? (first ? 1.6 : 1.2) : 0.6) - z - r}};
          }};
}

// Hartmann-6 without a constraint; x1, x2 on 4 levels, x3, x4 on 20 (all level pairs enumerated for
// the optimum).
Problem discrete_hartmann() {
  std::vector<Parameter> p = {whole("x1", 0, 3),  whole("x2", 0, 3),  whole("x3", 0, 19),
                              whole("x4", 0, 19), real("x5", {0, 1}), real("x6", {0, 1})};
  return {"discrete-hartmann",
          must("discrete_hartmann", std::move(p)),
          0,
          -2.8893837,
          1,
          [](const Configuration& c) {
            const auto level = [&](const char* name, double n) {
              return static_cast<double>(c.integer(name, 0)) / n;
            };
            return Answer{hartmann_ball({level("x1", 3), level("x2", 3), level("x3", 19),
                                         level("x4", 19), c.real("x5", 0), c.real("x6", 0)})
                              .value,
                          {}};
          }};
}

}  // namespace

std::vector<Problem> problems() {
  std::vector<Problem> all;
  add_two_dimensional(all);
  add_engineering(all);
  add_higher(all);
  all.push_back(jenatton());
  all.push_back(discrete_hartmann());
  return all;
}

}  // namespace atml::bench
