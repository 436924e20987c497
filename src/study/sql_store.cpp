#include "study/sql_store.h"

#include <fmt/format.h>

#include <charconv>
#include <mutex>

#include "study/limits.h"
#include "study/schema.h"
#include "study/trial_rows.h"

namespace atml::study {
namespace {

std::uint64_t parse_unsigned(const std::string& text, int base) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

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
      return insert_trial(*database_, numbered);
    });
    if (!written.ok()) return written.error();
    return numbered.number;
  }

  Status update_trial(const Trial& trial) override {
    return write([&]() -> Status {
      ATML_TRY_STATUS(expect_trial(trial.number));
      return replace_trial(*database_, trial);
    });
  }

  Result<std::vector<Trial>> trials() override {
    const std::lock_guard lock(mutex_);
    std::vector<Trial> trials;
    const Status status = in_transaction(*database_, false, [&]() -> Status {
      ATML_TRY(trials, read_trials(*database_));
      return {};
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
