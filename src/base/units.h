// Quantities that must not be mixed up, their text forms ("64KiB", "25ms", "300uJ") and parsers.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace atml {

/// A count of one kind of thing. Same-kind arithmetic only; `.value` leaves the type system.
template <class Tag, class Number = std::int64_t>
struct Quantity {
  Number value{};

  constexpr Quantity() = default;
  constexpr explicit Quantity(Number v) : value(v) {}
  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Quantity o) const { return Quantity(value + o.value); }
  constexpr Quantity operator-(Quantity o) const { return Quantity(value - o.value); }
  constexpr Quantity& operator+=(Quantity o) {
    value += o.value;
    return *this;
  }
  constexpr Quantity operator*(Number k) const { return Quantity(value * k); }
};

using Bytes = Quantity<struct BytesTag>;
using Macs = Quantity<struct MacsTag>;                  // multiply-accumulates
using Instructions = Quantity<struct InstructionsTag>;  // executed instructions
using Cycles = Quantity<struct CyclesTag>;
using Seconds = Quantity<struct SecondsTag, double>;
using Joules = Quantity<struct JoulesTag, double>;

/// "64KiB" (1024), "96kB" (1000), "1MiB", "512", "512B". Error names the text and the forms.
Result<Bytes> parse_bytes(std::string_view text);
/// "30s", "10min", "25ms", "150us", "1h".
Result<Seconds> parse_seconds(std::string_view text);
/// "1.5mJ", "300uJ", "1J", "20nJ".
Result<Joules> parse_joules(std::string_view text);

/// "38.2 KiB" (binary units, one decimal; below 1 KiB "812 B").
std::string to_text(Bytes bytes);
/// "25.3 ms", "1.2 s", "4 min 10 s".
std::string to_text(Seconds seconds);
/// "301.2 uJ", "1.50 mJ".
std::string to_text(Joules joules);

/// 1234567 -> "1,234,567".
std::string with_thousands(std::int64_t value);

}  // namespace atml
