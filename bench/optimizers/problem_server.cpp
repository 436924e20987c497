// The problems for programs in other languages, so that each formula exists once. One command a
// line on standard input, one line of JSON as the answer:
//   problems                    -> [{"name", "optimum", "constraints", "parameters": [...]}, ...]
//   design PROBLEM SEED         -> [{"x1": 0.5, ...}, ...]: the points that every solver starts
//   with eval PROBLEM {"x1": 0.5}    -> {"value": 1.5, "g": [-0.1]}; value null: not computable
// A wrong command is answered with {"error": "..."}.
#include <cstdio>
#include <iostream>

#include <fmt/format.h>

#include "base/json.h"
#include "problems.h"
#include "run.h"

namespace {

using namespace atml;

Json json_of(const space::Value& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json json_of(const space::Parameter& p) {
  Json values = Json::array(), conditions = Json::array();
  for (const space::Value& v : p.values) values.push(json_of(v));
  for (const space::Condition& c : p.conditions) {
    Json allowed = Json::array();
    for (const space::Value& v : c.values) allowed.push(json_of(v));
    Json condition = Json::object();
    condition.set("parent", c.parent).set("values", std::move(allowed));
    conditions.push(std::move(condition));
  }
  Json out = Json::object();
  out.set("name", p.name).set("kind", space::to_string(p.kind));
  out.set("low", p.low).set("high", p.high).set("log", p.log);
  out.set("values", std::move(values)).set("conditions", std::move(conditions));
  return out;
}

Json json_of(const bench::Problem& problem) {
  Json parameters = Json::array();
  for (const auto& p : problem.space.parameters()) parameters.push(json_of(p));
  Json out = Json::object();
  out.set("name", problem.name).set("optimum", problem.optimum);
  out.set("constraints", problem.constraints).set("parameters", std::move(parameters));
  return out;
}

Json json_of(const space::Configuration& c) {
  Json out = Json::object();
  for (const auto& [name, value] : c.values()) out.set(name, json_of(value));
  return out;
}

Result<space::Configuration> configuration_of(const space::Space& space, const Json& point) {
  space::Configuration c;
  for (const auto& [name, value] : point.members()) {
    const space::Parameter* p = space.find(name);
    if (!p) return Error{Code::kInvalidArgument, fmt::format("no parameter '{}'", name)};
    switch (p->kind) {
      case space::Kind::kReal:
        c.set(name, value.number());
        break;
      case space::Kind::kCategorical:
        c.set(name, value.string());
        break;
      case space::Kind::kInteger:
      case space::Kind::kOrdinal:
        c.set(name, value.integer());
        break;
    }
  }
  ATML_TRY_STATUS(space.contains(c));
  return c;
}

Result<Json> answer(const std::vector<bench::Problem>& all, const std::string& line) {
  if (line == "problems") {
    Json list = Json::array();
    for (const auto& p : all) list.push(json_of(p));
    return list;
  }
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string::npos ? first : line.find(' ', first + 1);
  if (second == std::string::npos)
    return Error{Code::kInvalidArgument, fmt::format("unknown command '{}'", line)};
  const std::string command = line.substr(0, first), rest = line.substr(second + 1);
  const std::string name = line.substr(first + 1, second - first - 1);
  for (const auto& problem : all) {
    if (problem.name != name) continue;
    if (command == "design") {
      Json list = Json::array();
      for (const auto& c : bench::common_design(problem, std::strtoull(rest.c_str(), nullptr, 10)))
        list.push(json_of(c));
      return list;
    }
    if (command != "eval") break;
    ATML_TRY(const Json point, Json::parse(rest));
    ATML_TRY(const auto c, configuration_of(problem.space, point));
    const bench::Answer a = problem.function(c);
    Json g = Json::array();
    for (const double v : a.g) g.push(v);
    Json out = Json::object();
    out.set("value", a.value ? Json(*a.value) : Json()).set("g", std::move(g));
    return out;
  }
  return Error{Code::kInvalidArgument, fmt::format("unknown command or problem in '{}'", line)};
}

}  // namespace

int main() {
  const auto all = bench::problems();
  for (std::string line; std::getline(std::cin, line);) {
    Result<Json> out = answer(all, line);
    Json error = Json::object();
    if (!out.ok()) error.set("error", out.error().message);
    std::cout << (out.ok() ? *out : error).dump() << std::endl;
  }
  return 0;
}
