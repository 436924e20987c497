#include "study/sqlite_database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>

namespace atml::study {
namespace fs = std::filesystem;
namespace {

constexpr int kBusyMilliseconds = 30000;

struct CloseDatabase {
  void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

Error to_error(sqlite3* handle, const std::string& name) {
  const int code = sqlite3_errcode(handle);
  const std::string text = fmt::format("study '{}': {}", name, sqlite3_errmsg(handle));
  switch (code) {
    case SQLITE_FULL:
      return {Code::kIo, text + "; free some space and resume, what was recorded before is kept"};
    case SQLITE_IOERR:
      return {Code::kIo,
              fmt::format("{} ({}); check the disk, its free space and quota, then resume; "
                          "what was recorded before is kept",
                          text, std::strerror(sqlite3_system_errno(handle)))};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Code::kUnavailable,
              fmt::format("{} for more than {} s by another process; end it or wait", text,
                          kBusyMilliseconds / 1000)};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Code::kParse, text +
                                "; the file is damaged or no study: restore a copy (sqlite3's "
                                ".recover may save the rest)"};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Code::kIo, text + "; check the permissions of the file and its folder"};
    case SQLITE_TOOBIG:
      return {Code::kInvalidArgument, text + "; 1 GB is the most"};
    default:
      return {Code::kIo, text};
  }
}

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(Handle handle, std::string name)
      : handle_(std::move(handle)), name_(std::move(name)) {}

  Result<std::vector<Row>> run(const std::string& sql, const Row& parameters) override {
    ATML_TRY(sqlite3_stmt* const statement, prepare(sql));
    const Status bound = bind(statement, parameters);
    auto rows = bound.ok() ? step(statement) : Result<std::vector<Row>>(bound.error());
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return rows;
  }

  Status run_script(const std::string& sql) override {
    if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
    return error();
  }

  Status begin_reading() override { return run_status("BEGIN"); }
  Status begin_writing() override { return run_status("BEGIN IMMEDIATE"); }
  Status commit() override { return run_status("COMMIT"); }
  void rollback() override {
    // SQLite has rolled back by itself after a full disk; then there is nothing left to do.
    if (sqlite3_get_autocommit(handle_.get()) == 0) (void)run_status("ROLLBACK");
  }
  const std::string& name() const override { return name_; }

 private:
  Error error() const { return to_error(handle_.get(), name_); }

  Status run_status(const char* sql) {
    ATML_TRY_STATUS(run(sql, {}));
    return {};
  }

  Result<sqlite3_stmt*> prepare(const std::string& sql) {
    Statement& statement = statements_[sql];
    if (statement == nullptr) {
      sqlite3_stmt* raw = nullptr;
      const int code = sqlite3_prepare_v3(handle_.get(), sql.c_str(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
      if (code != SQLITE_OK) return error();
      statement.reset(raw);
    }
    return statement.get();
  }

  Status bind(sqlite3_stmt* statement, const Row& cells) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (bind_cell(statement, static_cast<int>(i) + 1, cells[i]) != SQLITE_OK) return error();
    }
    return {};
  }

  /// The cells outlive the statement's steps, so nothing is copied.
  static int bind_cell(sqlite3_stmt* statement, int at, const Cell& cell) {
    if (const auto* value = std::get_if<std::int64_t>(&cell))
      return sqlite3_bind_int64(statement, at, *value);
    if (const auto* value = std::get_if<double>(&cell)) {
      return std::isnan(*value) ? sqlite3_bind_null(statement, at)
                                : sqlite3_bind_double(statement, at, *value);
    }
    if (const auto* value = std::get_if<std::string>(&cell)) {
      return sqlite3_bind_text64(statement, at, value->data(), value->size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
    }
    if (const auto* value = std::get_if<Bytes>(&cell)) {
      // An empty blob needs a pointer, or it would be NULL.
      return sqlite3_bind_blob64(statement, at, value->data.empty() ? "" : value->data.data(),
                                 value->data.size(), SQLITE_STATIC);
    }
    return sqlite3_bind_null(statement, at);
  }

  Result<std::vector<Row>> step(sqlite3_stmt* statement) {
    std::vector<Row> rows;
    while (true) {
      const int code = sqlite3_step(statement);
      if (code == SQLITE_DONE) return rows;
      if (code != SQLITE_ROW) return error();
      Row& row = rows.emplace_back();
      for (int c = 0; c < sqlite3_column_count(statement); ++c) row.push_back(column(statement, c));
    }
  }

  static Cell column(sqlite3_stmt* statement, int c) {
    const auto size = [&] { return static_cast<std::size_t>(sqlite3_column_bytes(statement, c)); };
    switch (sqlite3_column_type(statement, c)) {
      case SQLITE_INTEGER:
        return sqlite3_column_int64(statement, c);
      case SQLITE_FLOAT:
        return sqlite3_column_double(statement, c);
      case SQLITE_TEXT: {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, c));
        return std::string(bytes, size());
      }
      case SQLITE_BLOB: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, c));
        return bytes == nullptr ? Bytes{} : Bytes{std::string(bytes, size())};
      }
      default:
        return std::monostate{};
    }
  }

  Handle handle_;
  std::string name_;
  std::map<std::string, Statement> statements_;  // after handle_: finalised before it closes
};

Result<std::unique_ptr<Database>> open_handle(const fs::path& path, int flags,
                                              const std::string& name) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw,
                                   flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Handle handle(raw);
  if (raw == nullptr) return Error{Code::kIo, fmt::format("study '{}': out of memory", name)};
  sqlite3_extended_result_codes(raw, 0);
  if (code != SQLITE_OK) return to_error(raw, name);
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  return std::unique_ptr<Database>(std::make_unique<SqliteDatabase>(std::move(handle), name));
}

Status check_file(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status))
    return Error{Code::kNotFound,
                 fmt::format("no study '{}': there is no such file", path.string())};
  if (!fs::is_regular_file(status))
    return Error{Code::kParse,
                 fmt::format("'{}' is no study: it is not a regular file", path.string())};
  std::array<char, 16> start{};
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error{Code::kIo,
                 fmt::format("cannot read the study '{}'; check its permissions", path.string())};
  file.read(start.data(), start.size());
  static constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (std::string_view(start.data(), static_cast<std::size_t>(file.gcount())) == kMagic) return {};
  return Error{Code::kParse,
               fmt::format("'{}' is no study: it is not an SQLite file", path.string())};
}

Status check_file_system(const fs::path& path) {
  struct statfs info {};
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (::statfs(folder.c_str(), &info) != 0) {
    return Error{errno == ENOENT ? Code::kNotFound : Code::kIo,
                 fmt::format("cannot use the folder '{}' for a study: {}", folder.string(),
                             std::strerror(errno))};
  }
  if (!is_network_file_system(info.f_type)) return {};
  return Error{Code::kUnsupported, fmt::format("'{}' lies on a network file system, where SQLite's "
                                               "locks and its write-ahead log are not "
                                               "safe; put the study on a local disk",
                                               path.string())};
}

}  // namespace

bool is_network_file_system(long type) {
  static constexpr std::array<unsigned long, 9> kTypes = {
      0x6969,      // NFS
      0x517B,      // SMB
      0xFE534D42,  // SMB2
      0xFF534D42,  // CIFS
      0x0BD00BD0,  // Lustre
      0x47504653,  // GPFS
      0x19830326,  // BeeGFS
      0x00C36400,  // Ceph
      0x5346414F,  // AFS
  };
  return std::ranges::find(kTypes, static_cast<unsigned long>(type) & 0xFFFFFFFFul) != kTypes.end();
}

Result<std::unique_ptr<Database>> open_sqlite(const fs::path& path) {
  ATML_TRY_STATUS(check_file(path));
  ATML_TRY_STATUS(check_file_system(path));
  ATML_TRY(auto database, open_handle(path, SQLITE_OPEN_READWRITE, path.string()));
  ATML_TRY_STATUS(database->run_script(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"));
  return database;
}

Status create_sqlite(const fs::path& path, const std::function<Status(Database&)>& fill) {
  std::error_code code;
  if (fs::exists(fs::symlink_status(path, code))) {
    return Error{
        Code::kAlreadyExists,
        fmt::format("the study '{}' exists; resume it or choose another name", path.string())};
  }
  ATML_TRY_STATUS(check_file_system(path));
  const fs::path part = fmt::format("{}.part{}", path.string(), ::getpid());
  fs::remove(part, code);
  Status status;
  {
    auto database = open_handle(part, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, path.string());
    status = database.ok() ? fill(**database) : Status(database.error());
  }
  if (status.ok()) {
    // The log of a study that was deleted without it would be replayed into the new file.
    for (const char* end : {"-wal", "-shm", "-journal"}) fs::remove(path.string() + end, code);
    if (::link(part.c_str(), path.c_str()) != 0) {
      status =
          Error{errno == EEXIST ? Code::kAlreadyExists : Code::kIo,
                fmt::format("cannot make the study '{}': {}", path.string(), std::strerror(errno))};
    }
  }
  fs::remove(part, code);
  fs::remove(part.string() + "-journal", code);
  return status;
}

}  // namespace atml::study
