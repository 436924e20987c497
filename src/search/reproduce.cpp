#include "search/reproduce.h"

#include <fmt/format.h>

#include "base/process.h"

namespace atml::search {
namespace {

/// Options appended one by one; words are quoted where a shell would read them otherwise.
class Line {
 public:
  Line& word(const char* option, const std::string& value) {
    text_ += fmt::format(" {} {}", option, Command{.argv = {value}}.text());
    return *this;
  }
  Line& bytes(const char* option, const std::optional<Bytes>& value) {
    return value && value->value > 0 ? word(option, std::to_string(value->value)) : *this;
  }
  Line& number(const char* option, int value, int standard) {
    return value == standard ? *this : word(option, std::to_string(value));
  }
  Line& text(const char* option, const std::string& value, const std::string& standard) {
    return value == standard ? *this : word(option, value);
  }
  std::string result() && { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string command_of(const Settings& s) {
  const Settings standard;
  Line line;
  line.word("autotinyml search", s.data).word("--target", s.target);
  line.bytes("--flash", s.flash).bytes("--ram", s.ram);
  if (s.latency) line.word("--latency", fmt::format("{}ms", s.latency->value * 1e3));
  if (s.energy) line.word("--energy", fmt::format("{}uJ", s.energy->value * 1e6));
  line.bytes("--reserve-flash", s.reserve_flash).bytes("--reserve-ram", s.reserve_ram);
  if (s.budget) line.word("--budget", fmt::format("{}s", s.budget->value));
  if (s.trials) line.word("--trials", std::to_string(*s.trials));
  line.text("--space", s.space, standard.space).text("--oracle", s.oracle, standard.oracle);
  if (s.oracle_timeout != standard.oracle_timeout)
    line.word("--oracle-timeout", fmt::format("{:g}s", s.oracle_timeout.value));
  line.number("--epochs", s.epochs, standard.epochs)
      .number("--final-epochs", s.final_epochs, standard.final_epochs)
      .number("--finalists", s.finalists, standard.finalists)
      .number("--final-seeds", s.final_seeds, standard.final_seeds)
      .text("--optimize", s.optimize, standard.optimize);
  std::string command = std::move(line).result().substr(1);
  if (s.single_rounding) command += " --single-rounding";
  if (s.inherit) command += " --inherit";
  if (s.distil) command += " --distil";
  return command + fmt::format(" --strategy {} --seed {} --jobs {}", s.strategy, s.seed, s.jobs);
}

}  // namespace atml::search
