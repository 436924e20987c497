#include "space/space.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <fmt/format.h>

#include "base/text.h"

namespace atml::space {
namespace {

// Reals keep eight significant digits: people read them, equal configurations have equal encodings
// in spite of the rounding of log and exp, and two proposals differ by more than rounding noise.
double tidy(double x) {
  if (x == 0) return 0;
  const double digits = 7 - std::floor(std::log10(std::abs(x)));
  if (digits > 22 || digits < -22) return x;  // powers of ten beyond are not exact
  const double scale = std::pow(10.0, std::abs(digits));
  return digits >= 0 ? std::round(x * scale) / scale : std::round(x / scale) * scale;
}

bool good_name(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool good_word(const Value& value) {
  const auto* word = std::get_if<std::string>(&value);
  if (word == nullptr || word->empty()) return false;
  const char first = (*word)[0];
  if ((first < 'a' || first > 'z') && (first < 'A' || first > 'Z')) return false;
  return word->find_first_of(" =\t\n") == std::string::npos;
}

std::string value_text(const Value& value) {
  Configuration one;
  one.set("v", value);
  return one.text().substr(2);
}

std::string range_text(const Parameter& p) {
  if (p.kind == Kind::kReal) return fmt::format("a real number in [{}, {}]", p.low, p.high);
  if (p.kind == Kind::kInteger)
    return fmt::format("a whole number in [{:.0f}, {:.0f}]", p.low, p.high);
  std::vector<std::string> texts;
  for (const Value& v : p.values) texts.push_back(value_text(v));
  return "one of " + join(texts, ", ");
}

bool in_range(const Parameter& p, const Value& value) {
  if (p.kind == Kind::kReal) {
    const auto* x = std::get_if<double>(&value);
    return x != nullptr && *x >= p.low && *x <= p.high;
  }
  if (p.kind == Kind::kInteger) {
    const auto* x = std::get_if<std::int64_t>(&value);
    return x != nullptr && static_cast<double>(*x) >= p.low && static_cast<double>(*x) <= p.high;
  }
  return std::find(p.values.begin(), p.values.end(), value) != p.values.end();
}

Error bad(const Parameter& p, const std::string& what) {
  return {Code::kInvalidArgument, fmt::format("parameter '{}': {}", p.name, what)};
}

Status check_numeric(const Parameter& p) {
  if (!std::isfinite(p.low) || !std::isfinite(p.high) || p.low > p.high)
    return bad(p, fmt::format("the range [{}, {}] is empty; give low <= high", p.low, p.high));
  if (p.log && p.low <= 0)
    return bad(p, fmt::format("a logarithmic range needs low > 0, not {}", p.low));
  if (p.kind == Kind::kInteger && (p.low != std::floor(p.low) || p.high != std::floor(p.high)))
    return bad(p, fmt::format("the ends of [{}, {}] must be whole numbers", p.low, p.high));
  if (p.kind == Kind::kInteger && p.high - p.low > 1e15)
    return bad(p, "the range has more than 1e15 values");
  return {};
}

Status check_choices(const Parameter& p) {
  if (p.values.empty()) return bad(p, "values is empty; give at least one");
  for (std::size_t i = 0; i < p.values.size(); ++i) {
    if (p.kind == Kind::kCategorical && !good_word(p.values[i]))
      return bad(p, fmt::format("'{}' is no word (a letter first, no blank, no =)",
                                value_text(p.values[i])));
    if (p.kind == Kind::kOrdinal && !std::holds_alternative<std::int64_t>(p.values[i]))
      return bad(p, fmt::format("'{}' is no whole number", value_text(p.values[i])));
    if (p.kind == Kind::kOrdinal && i > 0 && !(p.values[i - 1] < p.values[i]))
      return bad(p, "the values of an ordinal must ascend");
    if (std::find(p.values.begin(), p.values.begin() + static_cast<std::ptrdiff_t>(i),
                  p.values[i]) != p.values.begin() + static_cast<std::ptrdiff_t>(i))
      return bad(p, fmt::format("the value '{}' appears twice", value_text(p.values[i])));
  }
  return {};
}

Status check_parameter(const Parameter& p) {
  if (!good_name(p.name)) return bad(p, "a name has only a-z, 0-9 and _, and begins with a letter");
  const bool numeric = p.kind == Kind::kInteger || p.kind == Kind::kReal;
  ATML_TRY_STATUS(numeric ? check_numeric(p) : check_choices(p));
  if (!in_range(p, p.preferred))
    return bad(p, fmt::format("the default {} is not {}", value_text(p.preferred), range_text(p)));
  return {};
}

// Ends of the axis on which a number lies, in its own unit or in logarithms.
struct Axis {
  double low, high;
};
Axis axis_of(const Parameter& p) {
  const double half = p.kind == Kind::kInteger ? 0.5 : 0.0;
  if (p.log) return {std::log(p.low - half), std::log(p.high + half)};
  return {p.low - half, p.high + half};
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kInteger:
      return "integer";
    case Kind::kReal:
      return "real";
    case Kind::kCategorical:
      return "categorical";
    case Kind::kOrdinal:
      return "ordinal";
  }
  ATML_UNREACHABLE("kind");
}

std::int64_t Parameter::choices() const {
  if (kind == Kind::kReal) return 0;
  if (kind == Kind::kInteger) return static_cast<std::int64_t>(high - low) + 1;
  return static_cast<std::int64_t>(values.size());
}

Result<Space> Space::create(std::string name, std::vector<Parameter> parameters) {
  if (parameters.empty())
    return Error{Code::kInvalidArgument, fmt::format("space '{}' has no parameters", name)};
  Space space;
  space.name_ = std::move(name);
  for (Parameter& p : parameters) {
    ATML_TRY_STATUS(check_parameter(p));
    if (space.find(p.name) != nullptr) return bad(p, "is declared twice");
    std::vector<Link> links;
    for (const Condition& c : p.conditions) {
      const Parameter* parent = space.find(c.parent);
      std::vector<std::string> known;
      for (const Parameter& q : space.parameters_) known.push_back(q.name);
      if (parent == nullptr)
        return bad(p, fmt::format("the condition names '{}', which is not declared before it{}",
                                  c.parent, suggestion(c.parent, known)));
      if (parent->kind == Kind::kReal)
        return bad(
            p, fmt::format("the condition's parent '{}' is real; it must have choices", c.parent));
      if (c.values.empty())
        return bad(p, fmt::format("the condition on '{}' has no values", c.parent));
      Link link{static_cast<std::size_t>(parent - space.parameters_.data()), {}};
      for (const Value& v : c.values) {
        if (!in_range(*parent, v))
          return bad(p, fmt::format("the condition {} = {} can never hold: it is {}", c.parent,
                                    value_text(v), range_text(*parent)));
        link.encoded.push_back(space.encode_value(link.parent, v));
      }
      links.push_back(std::move(link));
    }
    space.parameters_.push_back(std::move(p));
    space.links_.push_back(std::move(links));
    const std::size_t index = space.parameters_.size() - 1;
    space.preferred_.push_back(space.encode_value(index, space.parameters_[index].preferred));
  }
  return space;
}

const Parameter* Space::find(std::string_view name) const {
  for (const Parameter& p : parameters_) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

double Space::snap_value(std::size_t index, double x) const {
  const Parameter& p = parameters_[index];
  if (!std::isfinite(x)) x = preferred_[index];
  if (p.kind == Kind::kCategorical)
    return std::clamp(std::round(x), 0.0, static_cast<double>(p.values.size() - 1));
  x = std::clamp(x, 0.0, 1.0);
  return encode_value(index, decode_value(index, x));
}

double Space::encode_value(std::size_t index, const Value& value) const {
  const Parameter& p = parameters_[index];
  if (p.kind == Kind::kCategorical || p.kind == Kind::kOrdinal) {
    const auto it = std::find(p.values.begin(), p.values.end(), value);
    ATML_ASSERT(it != p.values.end(), fmt::format("parameter {} has a foreign value", p.name));
    const auto k = static_cast<double>(it - p.values.begin());
    return p.kind == Kind::kCategorical ? k : (k + 0.5) / static_cast<double>(p.values.size());
  }
  const double number = p.kind == Kind::kReal ? std::get<double>(value)
                                              : static_cast<double>(std::get<std::int64_t>(value));
  const Axis axis = axis_of(p);
  if (axis.low == axis.high) return 0.5;
  const double x = ((p.log ? std::log(number) : number) - axis.low) / (axis.high - axis.low);
  return std::clamp(x, 0.0, 1.0);
}

Value Space::decode_value(std::size_t index, double x) const {
  const Parameter& p = parameters_[index];
  if (p.kind == Kind::kCategorical) return p.values[static_cast<std::size_t>(x)];
  if (p.kind == Kind::kOrdinal) {
    const auto n = static_cast<double>(p.values.size());
    return p.values[static_cast<std::size_t>(std::clamp(std::floor(x * n), 0.0, n - 1))];
  }
  const Axis axis = axis_of(p);
  double number = axis.low + x * (axis.high - axis.low);
  if (p.log) number = std::exp(number);
  if (p.kind == Kind::kReal) {
    if (x <= 0 || p.low == p.high) return p.low;
    return x >= 1 ? p.high : std::clamp(tidy(number), p.low, p.high);
  }
  return static_cast<std::int64_t>(std::clamp(std::round(number), p.low, p.high));
}

bool Space::is_active(std::size_t index, std::span<const double> encoding) const {
  for (const Link& link : links_[index]) {
    const double parent = encoding[link.parent];
    if (parent == kInactive) return false;
    if (std::find(link.encoded.begin(), link.encoded.end(), parent) == link.encoded.end())
      return false;
  }
  return true;
}

void Space::snap(std::span<double> encoding) const {
  ATML_ASSERT(encoding.size() == size(), "encoding of another space");
  for (std::size_t i = 0; i < size(); ++i) {  // parents come before their children
    if (!is_active(i, encoding)) {
      encoding[i] = kInactive;
    } else {
      encoding[i] = encoding[i] == kInactive ? preferred_[i] : snap_value(i, encoding[i]);
    }
  }
}

Encoding Space::from_unit(std::span<const double> unit) const {
  ATML_ASSERT(unit.size() == size(), "unit point of another space");
  Encoding encoding(unit.begin(), unit.end());
  for (std::size_t i = 0; i < size(); ++i) {
    if (parameters_[i].kind != Kind::kCategorical) continue;
    encoding[i] = std::floor(unit[i] * static_cast<double>(parameters_[i].values.size()));
  }
  snap(encoding);
  return encoding;
}

Encoding Space::encode(const Configuration& configuration) const {
  Encoding encoding(size(), kInactive);
  for (std::size_t i = 0; i < size(); ++i) {
    const Value* value = configuration.find(parameters_[i].name);
    if (value != nullptr) encoding[i] = encode_value(i, *value);
  }
  snap(encoding);
  return encoding;
}

Configuration Space::decode(std::span<const double> encoding) const {
  Encoding canonical(encoding.begin(), encoding.end());
  snap(canonical);
  Configuration configuration;
  for (std::size_t i = 0; i < size(); ++i) {
    if (canonical[i] != kInactive)
      configuration.set(parameters_[i].name, decode_value(i, canonical[i]));
  }
  return configuration;
}

Configuration Space::default_configuration() const { return decode(preferred_); }

Configuration Space::sample(Rng& rng) const {
  Encoding unit(size());
  for (double& u : unit) u = rng.uniform();
  return decode(from_unit(unit));
}

std::vector<std::string> Space::active(const Configuration& configuration) const {
  Encoding encoding(size(), kInactive);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < size(); ++i) {
    if (!is_active(i, encoding)) continue;
    names.push_back(parameters_[i].name);
    const Value* value = configuration.find(parameters_[i].name);
    if (value != nullptr && in_range(parameters_[i], *value)) encoding[i] = encode_value(i, *value);
  }
  return names;
}

Status Space::contains(const Configuration& configuration) const {
  const std::vector<std::string> names = active(configuration);
  for (const auto& [name, value] : configuration.values()) {
    const Parameter* p = find(name);
    if (p == nullptr) {
      std::vector<std::string> known;
      for (const Parameter& q : parameters_) known.push_back(q.name);
      return Error{Code::kInvalidArgument, fmt::format("space '{}' has no parameter '{}'{}", name_,
                                                       name, suggestion(name, known))};
    }
    if (!in_range(*p, value))
      return bad(*p, fmt::format("{} is not {}", value_text(value), range_text(*p)));
    if (std::find(names.begin(), names.end(), name) == names.end())
      return bad(*p, "has a value but is inactive here");
  }
  for (const std::string& name : names) {
    if (!configuration.has(name)) return bad(*find(name), "is active but has no value");
  }
  return {};
}

double Space::distance(std::span<const double> a, std::span<const double> b) const {
  ATML_ASSERT(a.size() == size() && b.size() == size(), "encoding of another space");
  double sum = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (a[i] == b[i]) continue;
    const bool apart =
        a[i] == kInactive || b[i] == kInactive || parameters_[i].kind == Kind::kCategorical;
    sum += apart ? 1.0 : (a[i] - b[i]) * (a[i] - b[i]);
  }
  return std::sqrt(sum / static_cast<double>(size()));
}

double Space::distance(const Configuration& a, const Configuration& b) const {
  return distance(encode(a), encode(b));
}

}  // namespace atml::space
