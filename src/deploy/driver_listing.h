// What the compiler driver would run: the commands of its -### listing, as templates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace atml::deploy {

using Words = std::vector<std::string>;

/// The commands of a -### listing (its lines that begin with a space), split into words with quotes
/// and backslashes resolved.
std::vector<Words> parse_driver_listing(std::string_view text);

/// The command whose program has this base name ("cc1", "as", "collect2"), or empty.
Words command_named(const std::vector<Words>& commands, std::string_view program);

}  // namespace atml::deploy
