#include "study/sql_store.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <mutex>

#include "study/limits.h"
#include "study/schema.h"

namespace atml::study {
namespace {

Cell optional_cell(const std::optional<double>& value) { return value ? Cell(*value) : Cell(); }

std::uint64_t parse_unsigned(const std::string& text, int base) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

// --- writing the parts of a trial
// -----------------------------------------------------------------

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
          trial.seconds.quantize};
}

// --- reading them
// -----------------------------------------------------------------------------------

/// Trials by number, for the rows of child tables.
using Index = std::map<std::int64_t, Trial*>;

Trial* owner(const Index& index, const Row& row) {
  const auto at = index.find(whole(row[0]));
  return at == index.end() ? nullptr : at->second;
}

Result<std::vector<Trial>> read_trials(Database& database) {
  ATML_TRY(
      const auto rows,
      database.run("SELECT number, why, outcome, reason, objective, propose_seconds, "
                   "deploy_seconds, train_seconds, quantize_seconds FROM trial ORDER BY number",
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

// --- the store
// ----------------------------------------------------------------------------------------

class SqlStore final : public Store {
 public:
  explicit SqlStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  Result<StudyInfo> info() override {
    ATML_TRY(const auto rows, read("SELECT name, data_name, data_fingerprint, target, space_text, "
                                   "settings_json, seed FROM study",
                                   {}));
    if (rows.size() != 1) {
      return Error{Code::kParse, fmt::format("study '{}': {} rows in the table 'study', expected 1",
                                             database_->name(), rows.size())};
    }
    const Row& row = rows[0];
    return StudyInfo{text(row[0]), text(row[1]), parse_unsigned(text(row[2]), 16), text(row[3]),
                     text(row[4]), text(row[5]), parse_unsigned(text(row[6]), 10), kSchemaVersion};
  }

  Result<int> add_trial(const Trial& trial) override {
    Trial numbered = trial;
    const Status written = write([&]() -> Status {
      ATML_TRY(const auto rows,
               database_->run("SELECT COALESCE(MAX(number), -1) + 1 FROM trial", {}));
      numbered.number = static_cast<int>(whole(rows.at(0).at(0)));
      ATML_TRY_STATUS(database_->run(
          "INSERT INTO trial (number, why, outcome, reason, objective, propose_seconds, "
          "deploy_seconds, train_seconds, quantize_seconds) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
          trial_row(numbered)));
      return write_children(*database_, numbered);
    });
    if (!written.ok()) return written.error();
    return numbered.number;
  }

  Status update_trial(const Trial& trial) override {
    return write([&]() -> Status {
      ATML_TRY_STATUS(expect_trial(trial.number));
      ATML_TRY_STATUS(database_->run(
          "UPDATE trial SET number = $1, why = $2, outcome = $3, reason = $4, objective = $5, "
          "propose_seconds = $6, deploy_seconds = $7, train_seconds = $8, "
          "quantize_seconds = $9 WHERE number = $1",
          trial_row(trial)));
      ATML_TRY_STATUS(delete_children(*database_, trial.number));
      return write_children(*database_, trial);
    });
  }

  Result<std::vector<Trial>> trials() override {
    const std::lock_guard lock(mutex_);
    std::vector<Trial> trials;
    const Status status = in_transaction(*database_, false, [&]() -> Status {
      ATML_TRY(trials, read_trials(*database_));
      Index index;
      for (Trial& trial : trials) index[trial.number] = &trial;
      ATML_TRY_STATUS(read_parameters(*database_, index));
      ATML_TRY_STATUS(read_limits(*database_, index));
      ATML_TRY_STATUS(read_figures(*database_, index));
      return read_rungs(*database_, index);
    });
    if (!status.ok()) return status.error();
    return trials;
  }

  Status put_blob(int trial, const std::string& kind, std::string_view bytes) override {
    ATML_TRY_STATUS(check_blob_size(kind, bytes.size()));
    return write([&]() -> Status {
      ATML_TRY_STATUS(expect_trial(trial));
      ATML_TRY_STATUS(
          database_->run("INSERT INTO blob (trial, kind, bytes) VALUES ($1, $2, $3) "
                         "ON CONFLICT (trial, kind) DO UPDATE SET bytes = excluded.bytes",
                         {std::int64_t{trial}, kind, Bytes{std::string(bytes)}}));
      return {};
    });
  }

  Result<std::optional<std::string>> get_blob(int trial, const std::string& kind) override {
    ATML_TRY(auto rows, read("SELECT bytes FROM blob WHERE trial = $1 AND kind = $2",
                             {std::int64_t{trial}, kind}));
    if (rows.empty()) return std::optional<std::string>();
    auto* const bytes = std::get_if<Bytes>(&rows[0][0]);
    return std::optional<std::string>(bytes != nullptr ? std::move(bytes->data) : std::string());
  }

  Status delete_blob(int trial, const std::string& kind) override {
    return write([&]() -> Status {
      ATML_TRY_STATUS(database_->run("DELETE FROM blob WHERE trial = $1 AND kind = $2",
                                     {std::int64_t{trial}, kind}));
      return {};
    });
  }

  Status put_note(const std::string& key, const std::string& json) override {
    return write([&]() -> Status {
      ATML_TRY_STATUS(
          database_->run("INSERT INTO note (name, json) VALUES ($1, $2) "
                         "ON CONFLICT (name) DO UPDATE SET json = excluded.json",
                         {key, json}));
      return {};
    });
  }

  Result<std::optional<std::string>> get_note(const std::string& key) override {
    ATML_TRY(const auto rows, read("SELECT json FROM note WHERE name = $1", {key}));
    if (rows.empty()) return std::optional<std::string>();
    return std::optional<std::string>(text(rows[0][0]));
  }

 private:
  Status write(const std::function<Status()>& body) {
    const std::lock_guard lock(mutex_);
    return in_transaction(*database_, true, body);
  }

  Result<std::vector<Row>> read(const std::string& sql, const Row& parameters) {
    const std::lock_guard lock(mutex_);
    std::vector<Row> rows;
    const Status status = in_transaction(*database_, false, [&]() -> Status {
      ATML_TRY(rows, database_->run(sql, parameters));
      return {};
    });
    if (!status.ok()) return status.error();
    return rows;
  }

  Status expect_trial(int number) {
    ATML_TRY(const auto rows,
             database_->run("SELECT 1 FROM trial WHERE number = $1", {std::int64_t{number}}));
    if (!rows.empty()) return {};
    return Error{Code::kNotFound,
                 fmt::format("study '{}' has no trial {}", database_->name(), number)};
  }

  std::mutex mutex_;
  std::unique_ptr<Database> database_;
};

/// Brings the tables from `version` to kSchemaVersion; the caller holds the transaction.
Status migrate(Database& database, std::int64_t version) {
  for (std::int64_t v = version; v < kSchemaVersion; ++v) {
    ATML_TRY_STATUS(database.run_script(kMigrations.data()[v - 1]));
  }
  if (version == kSchemaVersion) return {};
  ATML_TRY_STATUS(
      database.run("UPDATE schema_version SET version = $1", {std::int64_t{kSchemaVersion}}));
  return {};
}

Result<std::int64_t> read_version(Database& database) {
  ATML_TRY(const auto rows, database.run("SELECT version FROM schema_version", {}));
  const std::int64_t version = rows.size() == 1 ? whole(rows[0][0]) : 0;
  if (version < 1)
    return Error{Code::kParse,
                 fmt::format("study '{}': the schema version is missing; the file is damaged",
                             database.name())};
  if (version <= kSchemaVersion) return version;
  return Error{
      Code::kUnsupported,
      fmt::format(
          "study '{}' was written by a newer autotinyml: its schema is {}, this program knows {}; "
          "use the newer program",
          database.name(), version, kSchemaVersion)};
}

}  // namespace

Status write_schema(Database& database, const StudyInfo& info) {
  static_assert(kMigrations.size() == kSchemaVersion - 1);
  ATML_TRY_STATUS(database.run_script(kSchema1));
  ATML_TRY_STATUS(migrate(database, 1));
  ATML_TRY_STATUS(
      database.run("INSERT INTO study (name, data_name, data_fingerprint, target, space_text, "
                   "settings_json, seed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                   {info.name, info.data_name, fmt::format("{:016x}", info.data_fingerprint),
                    info.target, info.space_text, info.settings_json, std::to_string(info.seed)}));
  return {};
}

Result<std::unique_ptr<Store>> open_sql_store(std::unique_ptr<Database> database) {
  ATML_TRY(const std::int64_t version, read_version(*database));
  if (version < kSchemaVersion) {
    const Status migrated = in_transaction(*database, true, [&]() -> Status {
      // Again, now under the lock: another process may have migrated in the meantime.
      ATML_TRY(const std::int64_t current, read_version(*database));
      return migrate(*database, current);
    });
    if (!migrated.ok()) return migrated.error();
  }
  return std::unique_ptr<Store>(std::make_unique<SqlStore>(std::move(database)));
}

}  // namespace atml::study
