#include "deploy/driver_listing.h"

#include <utility>

#include "base/text.h"

namespace atml::deploy {
namespace {

Words split_words(std::string_view line) {
  Words words;
  std::string word;
  bool quoted = false;
  bool started = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"') {
      quoted = !quoted;
      started = true;
    } else if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      started = true;
    } else if (c == ' ' && !quoted) {
      if (started) words.push_back(std::exchange(word, ""));
      started = false;
    } else {
      word += c;
      started = true;
    }
  }
  if (started) words.push_back(word);
  return words;
}

}  // namespace

std::vector<Words> parse_driver_listing(std::string_view text) {
  std::vector<Words> commands;
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with(' ')) continue;
    Words words = split_words(line);
    if (!words.empty()) commands.push_back(std::move(words));
  }
  return commands;
}

Words command_named(const std::vector<Words>& commands, std::string_view program) {
  for (const Words& command : commands) {
    const std::string_view path = command.front();
    if (path.substr(path.rfind('/') + 1) == program) return command;
  }
  return {};
}

}  // namespace atml::deploy
