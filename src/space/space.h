// Space: what may vary - typed parameters and the conditions under which each is active.
// A Space is an immutable value, valid by construction; all methods are thread safe.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "space/configuration.h"

namespace atml::space {

enum class Kind {
  kInteger,      // every whole number in [low, high]
  kReal,         // [low, high]
  kCategorical,  // words without an order
  kOrdinal,      // whole numbers in ascending order (3, 5, 7): neighbours are alike
};
std::string_view to_string(Kind kind);

/// A parameter is active when, for every condition, the parent is active and has one of the values.
struct Condition {
  std::string parent;  // declared earlier in the Space, so that conditions have no cycle
  std::vector<Value> values;
  bool operator==(const Condition&) const = default;
};

struct Parameter {
  std::string name;  // [a-z][a-z0-9_]*
  Kind kind = Kind::kReal;
  double low = 0;  // integer, real; both ends belong to the range
  double high = 1;
  bool log = false;                   // integer, real: uniform in the logarithm; low > 0
  std::vector<Value> values;          // categorical: words; ordinal: ascending whole numbers
  std::vector<Condition> conditions;  // all must hold
  Value preferred;                    // the default
  bool operator==(const Parameter&) const = default;

  /// Choices of a categorical, ordinal or integer parameter; 0 for a real one.
  std::int64_t choices() const;
};

/// One number for each parameter of the Space, in its order: what surrogates and acquisition
/// optimisers work on. Numeric and ordinal: position in [0, 1] (integers and ordinals sit in the
/// middle of their step: choice k of n is at (k + 0.5) / n on the, perhaps logarithmic, axis that
/// is widened by half a step at both ends). Categorical: the index of the word, 0, 1, 2, ...
/// Inactive: kInactive.
using Encoding = std::vector<double>;
inline constexpr double kInactive = -1;

class Space {
 public:
  /// Fails on a duplicate or malformed name, an empty range, log with low <= 0, a default outside
  /// the range, a condition on an unknown, later or real-valued parent, or on values that it cannot
  /// have.
  static Result<Space> create(std::string name, std::vector<Parameter> parameters);

  const std::string& name() const { return name_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::size_t size() const { return parameters_.size(); }
  const Parameter* find(std::string_view name) const;  // null where there is none

  /// Names of the parameters that are active given the values in the configuration.
  std::vector<std::string> active(const Configuration& configuration) const;
  /// OK where exactly the active parameters have a value and each is in its range; else says which
  /// parameter is missing, unknown, inactive or out of range, with the range.
  Status contains(const Configuration& configuration) const;

  Configuration default_configuration() const;
  /// Uniform over the tree: parents first, each active parameter uniform (or log-uniform).
  Configuration sample(Rng& rng) const;
  /// All configurations that differ in one active parameter: other words, next values up and down
  /// of ordinals and integers (for wide integers and reals: steps of 1/5 and 1/20 of the axis, both
  /// ways). Children that become active take their defaults. None equals the configuration itself.
  std::vector<Configuration> neighbours(const Configuration& configuration) const;
  /// The number of configurations, at most `limit`; a real parameter counts as `limit`.
  std::int64_t count(std::int64_t limit = 1'000'000'000) const;

  /// The configuration must be in the Space.
  Encoding encode(const Configuration& configuration) const;
  /// Any numbers in, a member of the Space out: repairs with snap() first.
  Configuration decode(std::span<const double> encoding) const;
  /// Makes an encoding canonical, in place: clamps, rounds to choices, sets inactive parameters to
  /// kInactive and parameters that are active but hold kInactive to their default. Equal
  /// configurations have equal canonical encodings; reals keep eight significant digits.
  void snap(std::span<double> encoding) const;
  /// From numbers in [0, 1) for all parameters, active or not (a Sobol point), to a canonical
  /// encoding.
  Encoding from_unit(std::span<const double> unit) const;

  /// Encoded positions of all choices of a parameter, ascending; empty where it is real or has more
  /// than `limit` choices.
  std::vector<double> positions(std::size_t index, std::int64_t limit) const;

  /// Root mean square over parameters of: |difference| (numeric), 0 or 1 (words), 1 where only one
  /// of the two is active, 0 where both are inactive. In [0, 1].
  double distance(const Configuration& a, const Configuration& b) const;
  double distance(std::span<const double> a, std::span<const double> b) const;

 private:
  struct Link {  // a Condition by index
    std::size_t parent;
    std::vector<double> encoded;  // values of the parent in its encoding
  };
  Space() = default;
  bool is_active(std::size_t index, std::span<const double> encoding) const;
  double encode_value(std::size_t index, const Value& value) const;
  Value decode_value(std::size_t index, double x) const;
  double snap_value(std::size_t index, double x) const;

  std::string name_;
  std::vector<Parameter> parameters_;
  std::vector<std::vector<Link>> links_;  // per parameter
  std::vector<double> preferred_;         // encoded defaults
};

/// Built-in spaces: image, signal, table (spaces/*.toml).
std::vector<std::string> space_names();
/// A built-in name or the path of a TOML file. A file may say `extends = "image"` and then narrow
/// (`low`, `high`, `values`), fix (`fixed = 3`) or re-default (`default`) any parameter, or add new
/// ones. Errors name file, line, key and value, with "did you mean".
Result<Space> load_space(const std::string& name_or_path);
Result<Space> parse_space(std::string_view toml, const std::string& file_name);

}  // namespace atml::space
