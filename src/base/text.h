// Small text helpers: splitting, and "did you mean".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace atml {

std::vector<std::string> split(std::string_view text, char separator);
std::string trim(std::string_view text);
std::string join(std::span<const std::string> parts, std::string_view separator);

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours,
/// each 1; case ignored.
int edit_distance(std::string_view a, std::string_view b);

/// "; did you mean 'stm32f401re'?" for the nearest candidate within a third of the word's length,
/// else "; known: a, b, c" (at most 12 names).
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace atml
