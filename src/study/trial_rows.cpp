#include "study/trial_rows.h"

#include <fmt/format.h>

#include <map>
#include <optional>

namespace atml::study {
namespace {

Cell optional_cell(const std::optional<double>& value) { return value ? Cell(*value) : Cell(); }

Cell optional_cell(const std::optional<int>& value) {
  return value ? Cell(std::int64_t{*value}) : Cell();
}

Status write_parameters(Database& database, const Trial& trial) {
  for (const auto& [name, value] : trial.configuration.values()) {
    Row row = {std::int64_t{trial.number}, name, Cell(), Cell(), Cell()};
    if (const auto* number = std::get_if<std::int64_t>(&value)) row[2] = *number;
    if (const auto* number = std::get_if<double>(&value)) row[3] = *number;
    if (const auto* word = std::get_if<std::string>(&value)) row[4] = *word;
    ATML_TRY_STATUS(database.run(
        "INSERT INTO parameter (trial, name, whole, real_value, word) VALUES ($1, $2, $3, $4, $5)",
        row));
  }
  return {};
}

Status write_limits(Database& database, const Trial& trial) {
  std::int64_t position = 0;
  for (const Constraint& c : trial.constraints) {
    ATML_TRY_STATUS(database.run(
        "INSERT INTO limit_use (trial, position, name, used, allowed) VALUES ($1, $2, $3, $4, $5)",
        {std::int64_t{trial.number}, position++, c.name, c.used, c.allowed}));
  }
  return {};
}

Status write_figures(Database& database, const Trial& trial) {
  if (!trial.figures) return {};
  const Figures& f = *trial.figures;
  ATML_TRY_STATUS(
      database.run("INSERT INTO figures (trial, flash_bytes, ram_bytes, arena_bytes, stack_bytes, "
                   "instructions, cycles_low, "
                   "cycles_mid, cycles_high, latency_s, energy_j, macs, parameters, origin) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
                   {std::int64_t{trial.number}, f.flash_bytes, f.ram_bytes, f.arena_bytes,
                    f.stack_bytes, f.instructions, f.cycles_low, f.cycles_mid, f.cycles_high,
                    f.latency_s, f.energy_j, f.macs, f.parameters, f.origin}));
  return {};
}

Status write_rungs(Database& database, const Trial& trial) {
  std::int64_t position = 0;
  for (const Rung& r : trial.rungs) {
    ATML_TRY_STATUS(database.run(
        "INSERT INTO rung (trial, position, epochs, float_metric, objective, train_loss, seconds) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        {std::int64_t{trial.number}, position++, std::int64_t{r.epochs}, r.float_metric,
         r.objective, r.train_loss, r.seconds}));
  }
  return {};
}

Status write_children(Database& database, const Trial& trial) {
  ATML_TRY_STATUS(write_parameters(database, trial));
  ATML_TRY_STATUS(write_limits(database, trial));
  ATML_TRY_STATUS(write_figures(database, trial));
  return write_rungs(database, trial);
}

Status delete_children(Database& database, int number) {
  for (const char* table : {"parameter", "limit_use", "figures", "rung"}) {
    ATML_TRY_STATUS(database.run(fmt::format("DELETE FROM {} WHERE trial = $1", table),
                                 {std::int64_t{number}}));
  }
  return {};
}

Row trial_row(const Trial& trial) {
  return {std::int64_t{trial.number},
          trial.why,
          static_cast<std::int64_t>(trial.outcome),
          trial.reason,
          optional_cell(trial.objective),
          trial.seconds.propose,
          trial.seconds.deploy,
          trial.seconds.train,
          trial.seconds.quantize,
          optional_cell(trial.inherits),
          trial.explanation.kind.empty() ? Cell() : Cell(to_json(trial.explanation).dump())};
}

/// Trials by number, for the rows of child tables.
using Index = std::map<std::int64_t, Trial*>;

Trial* owner(const Index& index, const Row& row) {
  const auto at = index.find(whole(row[0]));
  return at == index.end() ? nullptr : at->second;
}

Result<std::vector<Trial>> read_bare_trials(Database& database) {
  ATML_TRY(const auto rows,
           database.run(
               "SELECT number, why, outcome, reason, objective, propose_seconds, "
               "deploy_seconds, train_seconds, quantize_seconds, inherits, explanation FROM trial "
               "ORDER BY number",
               {}));
  std::vector<Trial> trials;
  for (const Row& row : rows) {
    Trial& trial = trials.emplace_back();
    trial.number = static_cast<int>(whole(row[0]));
    trial.why = text(row[1]);
    const std::int64_t outcome = whole(row[2], -1);
    if (outcome < 0 || outcome > static_cast<std::int64_t>(Outcome::kFailed)) {
      return Error{Code::kParse, fmt::format("study '{}': trial {} has the unknown outcome {}",
                                             database.name(), trial.number, outcome)};
    }
    trial.outcome = static_cast<Outcome>(outcome);
    trial.reason = text(row[3]);
    if (!std::holds_alternative<std::monostate>(row[4])) trial.objective = real(row[4]);
    trial.seconds = {real(row[5]), real(row[6]), real(row[7]), real(row[8])};
    if (!std::holds_alternative<std::monostate>(row[9]))
      trial.inherits = static_cast<int>(whole(row[9]));
    if (!std::holds_alternative<std::monostate>(row[10])) {
      const auto json = Json::parse(text(row[10]));
      if (!json.ok())
        return Error{Code::kParse,
                     fmt::format("study '{}': explanation of trial {}: {}", database.name(),
                                 trial.number, json.error().message)};
      trial.explanation = explanation_from(*json);
    }
  }
  return trials;
}

Status read_parameters(Database& database, const Index& index) {
  ATML_TRY(const auto rows,
           database.run("SELECT trial, name, whole, real_value, word FROM parameter", {}));
  for (const Row& row : rows) {
    Trial* const trial = owner(index, row);
    if (trial == nullptr) continue;
    if (const auto* number = std::get_if<std::int64_t>(&row[2])) {
      trial->configuration.set(text(row[1]), *number);
    } else if (const auto* word = std::get_if<std::string>(&row[4])) {
      trial->configuration.set(text(row[1]), *word);
    } else {
      trial->configuration.set(text(row[1]), real(row[3]));
    }
  }
  return {};
}

Status read_limits(Database& database, const Index& index) {
  ATML_TRY(const auto rows,
           database.run("SELECT trial, name, used, allowed FROM limit_use ORDER BY trial, position",
                        {}));
  for (const Row& row : rows) {
    Trial* const trial = owner(index, row);
    if (trial != nullptr) trial->constraints.push_back({text(row[1]), real(row[2]), real(row[3])});
  }
  return {};
}

Status read_figures(Database& database, const Index& index) {
  ATML_TRY(const auto rows,
           database.run("SELECT trial, flash_bytes, ram_bytes, arena_bytes, stack_bytes, "
                        "instructions, cycles_low, cycles_mid, cycles_high, latency_s, energy_j, "
                        "macs, parameters, origin FROM figures",
                        {}));
  for (const Row& row : rows) {
    Trial* const trial = owner(index, row);
    if (trial == nullptr) continue;
    trial->figures = {whole(row[1]),  whole(row[2]),  whole(row[3]), whole(row[4]), whole(row[5]),
                      whole(row[6]),  whole(row[7]),  whole(row[8]), real(row[9]),  real(row[10]),
                      whole(row[11]), whole(row[12]), text(row[13])};
  }
  return {};
}

Status read_rungs(Database& database, const Index& index) {
  ATML_TRY(const auto rows,
           database.run("SELECT trial, epochs, float_metric, objective, train_loss, seconds "
                        "FROM rung ORDER BY trial, position",
                        {}));
  for (const Row& row : rows) {
    Trial* const trial = owner(index, row);
    if (trial == nullptr) continue;
    trial->rungs.push_back(
        {static_cast<int>(whole(row[1])), real(row[2]), real(row[3]), real(row[4]), real(row[5])});
  }
  return {};
}

}  // namespace

Status insert_trial(Database& database, const Trial& trial) {
  ATML_TRY_STATUS(
      database.run("INSERT INTO trial (number, why, outcome, reason, objective, propose_seconds, "
                   "deploy_seconds, train_seconds, quantize_seconds, inherits, explanation) "
                   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
                   trial_row(trial)));
  return write_children(database, trial);
}

Status replace_trial(Database& database, const Trial& trial) {
  ATML_TRY_STATUS(database.run(
      "UPDATE trial SET number = $1, why = $2, outcome = $3, reason = $4, objective = $5, "
      "propose_seconds = $6, deploy_seconds = $7, train_seconds = $8, "
      "quantize_seconds = $9, inherits = $10, explanation = $11 WHERE number = $1",
      trial_row(trial)));
  ATML_TRY_STATUS(delete_children(database, trial.number));
  return write_children(database, trial);
}

Result<std::vector<Trial>> read_trials(Database& database) {
  ATML_TRY(std::vector<Trial> trials, read_bare_trials(database));
  Index index;
  for (Trial& trial : trials) index[trial.number] = &trial;
  ATML_TRY_STATUS(read_parameters(database, index));
  ATML_TRY_STATUS(read_limits(database, index));
  ATML_TRY_STATUS(read_figures(database, index));
  ATML_TRY_STATUS(read_rungs(database, index));
  return trials;
}

}  // namespace atml::study
