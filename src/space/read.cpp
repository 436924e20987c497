// Spaces in TOML: the built-in ones and the user's, which may extend them.
#include <algorithm>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "base/toml.h"
#include "space/space.h"

namespace atml::space {
namespace {

constexpr int kMaxDepth = 8;  // of `extends`

const std::vector<std::string> kKindNames = {"integer", "real", "categorical", "ordinal"};

Result<Kind> kind_from(const Toml& table) {
  ATML_TRY(const std::string word, table.string("kind"));
  for (const Kind kind : {Kind::kInteger, Kind::kReal, Kind::kCategorical, Kind::kOrdinal}) {
    if (word == to_string(kind)) return kind;
  }
  ATML_TRY(const Toml at, table.at("kind"));
  return at.error(fmt::format("unknown kind '{}'{}", word, suggestion(word, kKindNames)));
}

bool has_choices(Kind kind) { return kind == Kind::kCategorical || kind == Kind::kOrdinal; }

Result<Value> value_of(const Toml& node, Kind kind) {
  if (kind == Kind::kCategorical) {
    ATML_TRY(std::string word, node.string());
    return Value(std::move(word));
  }
  if (kind == Kind::kReal) {
    ATML_TRY(const double number, node.number());
    return Value(number);
  }
  ATML_TRY(const std::int64_t number, node.integer());
  return Value(number);
}

// An array of values, or one value alone.
Result<std::vector<Value>> values_of(const Toml& node, Kind kind) {
  std::vector<Value> values;
  if (!node.is_array()) {
    ATML_TRY(Value value, value_of(node, kind));
    values.push_back(std::move(value));
    return values;
  }
  ATML_TRY(const auto items, node.elements());
  for (const Toml& item : items) {
    ATML_TRY(Value value, value_of(item, kind));
    values.push_back(std::move(value));
  }
  return values;
}

const Parameter* find(const std::vector<Parameter>& parameters, std::string_view name) {
  for (const Parameter& p : parameters) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

std::vector<std::string> names_of(const std::vector<Parameter>& parameters) {
  std::vector<std::string> names;
  for (const Parameter& p : parameters) names.push_back(p.name);
  return names;
}

Result<std::vector<Condition>> conditions_of(const Toml& when,
                                             const std::vector<Parameter>& before) {
  std::vector<Condition> conditions;
  for (const std::string& parent : when.keys()) {
    ATML_TRY(const Toml node, when.at(parent));
    const Parameter* p = find(before, parent);
    if (p == nullptr)
      return node.error(fmt::format("the condition names '{}', which is not declared before it{}",
                                    parent, suggestion(parent, names_of(before))));
    ATML_TRY(auto values, values_of(node, p->kind));
    conditions.push_back({parent, std::move(values)});
  }
  return conditions;
}

Status read_range(const Toml& table, Parameter& p) {
  if (has_choices(p.kind)) {
    if (!table.contains("values")) return {};
    ATML_TRY(const Toml node, table.at("values"));
    ATML_TRY(p.values, values_of(node, p.kind));
    return {};
  }
  ATML_TRY(p.low, table.number_or("low", p.low));
  ATML_TRY(p.high, table.number_or("high", p.high));
  ATML_TRY(p.log, table.boolean_or("log", p.log));
  return {};
}

// The nearest permitted value to the default that a narrower range pushed out.
void keep_default_inside(Parameter& p) {
  if (has_choices(p.kind)) {
    if (std::find(p.values.begin(), p.values.end(), p.preferred) != p.values.end()) return;
    if (p.values.empty()) return;
    Value best = p.values.front();
    if (p.kind == Kind::kOrdinal) {
      const auto wanted = std::get<std::int64_t>(p.preferred);
      for (const Value& v : p.values) {
        if (std::abs(std::get<std::int64_t>(v) - wanted) <
            std::abs(std::get<std::int64_t>(best) - wanted))
          best = v;
      }
    }
    p.preferred = best;
  } else if (p.kind == Kind::kReal && p.low <= p.high) {
    p.preferred = std::clamp(std::get<double>(p.preferred), p.low, p.high);
  } else if (p.low <= p.high) {
    p.preferred = std::clamp(std::get<std::int64_t>(p.preferred), static_cast<std::int64_t>(p.low),
                             static_cast<std::int64_t>(p.high));
  }
}

Status read_default(const Toml& table, Parameter& p) {
  if (!table.contains("default")) {
    keep_default_inside(p);
    return {};
  }
  ATML_TRY(const Toml node, table.at("default"));
  ATML_TRY(p.preferred, value_of(node, p.kind));
  return {};
}

Status fix(const Toml& table, Parameter& p) {
  ATML_TRY(const Toml node, table.at("fixed"));
  ATML_TRY(p.preferred, value_of(node, p.kind));
  if (has_choices(p.kind)) {
    p.values = {p.preferred};
  } else if (p.kind == Kind::kReal) {
    p.low = p.high = std::get<double>(p.preferred);
  } else {
    p.low = p.high = static_cast<double>(std::get<std::int64_t>(p.preferred));
  }
  return {};
}

// Narrowing keeps the kind and must stay within what the extended space knows how to decode.
Status narrow(const Toml& table, Parameter& p) {
  ATML_TRY_STATUS(table.only_keys({"low", "high", "log", "values", "fixed", "default", "help"}));
  const Parameter before = p;
  const std::vector<std::string> foreign = has_choices(p.kind)
                                               ? std::vector<std::string>{"low", "high", "log"}
                                               : std::vector<std::string>{"values"};
  for (const std::string& key : foreign) {
    if (!table.contains(key)) continue;
    ATML_TRY(const Toml node, table.at(key));
    return node.error(fmt::format("parameter '{}' is {}: it has no '{}'; use {}", p.name,
                                  to_string(p.kind), key,
                                  has_choices(p.kind) ? "values" : "low and high"));
  }
  if (table.contains("fixed")) {
    ATML_TRY_STATUS(fix(table, p));
  } else {
    ATML_TRY_STATUS(read_range(table, p));
    ATML_TRY_STATUS(read_default(table, p));
  }
  for (const Value& v : p.values) {
    if (std::find(before.values.begin(), before.values.end(), v) != before.values.end()) continue;
    if (p.kind == Kind::kOrdinal) continue;  // another width or kernel size means what it says
    std::vector<std::string> known;
    for (const Value& k : before.values) known.push_back(std::get<std::string>(k));
    const std::string& word = std::get<std::string>(v);
    return table.error(
        fmt::format("parameter '{}' has no value '{}'{}", p.name, word, suggestion(word, known)));
  }
  return {};
}

Result<Parameter> declare(const std::string& name, const Toml& table,
                          const std::vector<Parameter>& before) {
  ATML_TRY_STATUS(table.only_keys(
      {"kind", "low", "high", "log", "values", "fixed", "default", "when", "help"}));
  if (!table.contains("kind"))
    return table.error(
        fmt::format("parameter '{}' needs a kind (integer, real, categorical, ordinal){}", name,
                    before.empty() ? "" : suggestion(name, names_of(before))));
  Parameter p;
  p.name = name;
  ATML_TRY(p.kind, kind_from(table));
  if (table.contains("when")) {
    ATML_TRY(const Toml when, table.at("when"));
    ATML_TRY(p.conditions, conditions_of(when, before));
  }
  if (table.contains("fixed")) {
    ATML_TRY_STATUS(fix(table, p));
    return p;
  }
  ATML_TRY_STATUS(table.at(has_choices(p.kind) ? "values" : "low"));
  if (!has_choices(p.kind)) ATML_TRY_STATUS(table.at("high"));
  ATML_TRY_STATUS(table.at("default"));
  ATML_TRY_STATUS(read_range(table, p));
  ATML_TRY_STATUS(read_default(table, p));
  return p;
}

bool can_have(const Parameter& p, const Value& value) {
  if (has_choices(p.kind))
    return std::find(p.values.begin(), p.values.end(), value) != p.values.end();
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr && static_cast<double>(*number) >= p.low &&
         static_cast<double>(*number) <= p.high;
}

// After narrowing: conditions that can no longer hold remove their parameter, and so its children.
std::vector<Parameter> without_unreachable(std::vector<Parameter> parameters) {
  std::vector<Parameter> kept;
  for (Parameter& p : parameters) {
    bool reachable = true;
    for (Condition& c : p.conditions) {
      const Parameter* parent = find(kept, c.parent);
      if (parent != nullptr)
        std::erase_if(c.values, [&](const Value& v) { return !can_have(*parent, v); });
      reachable = reachable && parent != nullptr && !c.values.empty();
    }
    if (reachable) kept.push_back(std::move(p));
  }
  return kept;
}

std::filesystem::path builtin_path(const std::string& name) {
  return resource_folder("spaces") / (name + ".toml");
}

Result<Space> space_from(const Toml& root, const std::string& file_name, int depth);

Result<Space> load(const std::string& name_or_path, int depth) {
  const std::vector<std::string> names = space_names();
  const bool builtin = std::find(names.begin(), names.end(), name_or_path) != names.end();
  if (!builtin && name_or_path.find('/') == std::string::npos && !name_or_path.ends_with(".toml"))
    return Error{Code::kNotFound, fmt::format("unknown space '{}'{}", name_or_path,
                                              suggestion(name_or_path, names))};
  const std::filesystem::path path =
      builtin ? builtin_path(name_or_path) : std::filesystem::path(name_or_path);
  ATML_TRY(const Toml root, Toml::parse_file(path));
  return space_from(root, path.string(), depth);
}

Result<std::vector<Parameter>> inherited(const Toml& root, int depth) {
  if (!root.contains("extends")) return std::vector<Parameter>{};
  ATML_TRY(const Toml node, root.at("extends"));
  ATML_TRY(const std::string base_name, node.string());
  if (depth >= kMaxDepth)
    return node.error(
        fmt::format("more than {} files extend each other; is there a circle?", kMaxDepth));
  auto base = load(base_name, depth + 1);
  if (!base) return base.error().with_context(node.where());
  return base->parameters();
}

Result<Space> space_from(const Toml& root, const std::string& file_name, int depth) {
  ATML_TRY_STATUS(root.only_keys({"name", "description", "extends", "parameters"}));
  ATML_TRY(std::string name,
           root.string_or("name", std::filesystem::path(file_name).stem().string()));
  ATML_TRY(std::vector<Parameter> parameters, inherited(root, depth));
  const std::size_t inherited_count = parameters.size();
  if (root.contains("parameters")) {
    ATML_TRY(const Toml tables, root.at("parameters"));
    for (const std::string& key : tables.keys()) {
      ATML_TRY(const Toml table, tables.at(key));
      if (!table.is_table())
        return table.error(fmt::format("'{}' must be a table such as {{ fixed = 3 }}", key));
      const auto known = std::find_if(parameters.begin(), parameters.end(),
                                      [&](const Parameter& p) { return p.name == key; });
      if (known != parameters.end() &&
          known - parameters.begin() < static_cast<std::ptrdiff_t>(inherited_count)) {
        ATML_TRY_STATUS(narrow(table, *known));
      } else {
        ATML_TRY(Parameter fresh, declare(key, table, parameters));
        parameters.push_back(std::move(fresh));
      }
      // Checked one by one, so that the message has the line of the culprit.
      auto checked = Space::create(name, without_unreachable(parameters));
      if (!checked) return table.error(checked.error().message);
    }
  }
  auto space = Space::create(std::move(name),
                             inherited_count > 0 ? without_unreachable(parameters) : parameters);
  if (!space) return space.error().with_context(file_name);
  return space;
}

}  // namespace

std::vector<std::string> space_names() {
  return {"image", "image-4bit", "signal", "signal-4bit", "table"};
}

Result<Space> load_space(const std::string& name_or_path) { return load(name_or_path, 0); }

Result<Space> parse_space(std::string_view toml, const std::string& file_name) {
  ATML_TRY(const Toml root, Toml::parse_text(toml, file_name));
  return space_from(root, file_name, 0);
}

}  // namespace atml::space
