#include "study/postgres_database.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/text.h"

namespace atml::study {
namespace {

struct CloseConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, CloseConnection>;
using Answer = std::unique_ptr<PGresult, ClearResult>;

// PostgreSQL's numbers for its types (catalog pg_type); fixed.
constexpr Oid kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700, kFloat8 = 701;

struct Place {
  std::string url;    // for libpq
  std::string study;  // the schema
  std::string shown;  // for messages: without the password
};

std::string without_password(const std::string& url) {
  const std::size_t start = url.find("://") + 3;
  const std::size_t at = url.find('@', start);
  const std::size_t colon = url.find(':', start);
  if (at == std::string::npos || colon > at) return url;
  return url.substr(0, colon) + url.substr(at);
}

Result<Place> parse_url(const std::string& url) {
  Place place{url, "autotinyml", without_password(url)};
  const std::size_t query = url.find('?');
  if (query != std::string::npos) {
    std::vector<std::string> kept;
    for (const std::string& part : split(url.substr(query + 1), '&')) {
      if (part.starts_with("study=")) {
        place.study = part.substr(6);
      } else {
        kept.push_back(part);
      }
    }
    place.url = url.substr(0, query);
    if (!kept.empty()) place.url += fmt::format("?{}", join(kept, "&"));
  }
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  if (!place.study.empty() && place.study.size() <= 63 && std::ranges::all_of(place.study, plain))
    return place;
  return Error{Code::kInvalidArgument,
               fmt::format("'{}': the study '{}' must have 1 to 63 of a-z, 0-9 and _", place.shown,
                           place.study)};
}

/// PostgreSQL refuses text that is no UTF-8 or holds a zero byte; a compiler's message may. Such
/// bytes become '?', rather than that a trial is lost.
std::string clean_text(const std::string& text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = byte < 0x80                      ? 1
                               : byte >> 5 == 6 && byte >= 0xC2 ? 2
                               : byte >> 4 == 14                ? 3
                               : byte >> 3 == 30                ? 4
                                                                : 0;
    std::uint32_t point = length == 1 ? byte : byte & (0xFF >> (length + 1));
    bool good = length > 0 && byte != 0 && i + length <= text.size();
    for (std::size_t k = 1; good && k < length; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      good = next >> 6 == 2;
      point = point << 6 | (next & 0x3F);
    }
    good = good && !(length == 3 && (point < 0x800 || (point >= 0xD800 && point < 0xE000))) &&
           !(length == 4 && (point < 0x10000 || point > 0x10FFFF));
    clean += good ? text.substr(i, length) : "?";
    i += good ? length : 1;
  }
  return clean;
}

/// Parameters in the form that libpq wants.
struct Parameters {
  explicit Parameters(const Row& cells) {
    for (const Cell& cell : cells) {
      add(cell);
    }
    for (std::size_t i = 0; i < texts.size(); ++i)
      pointers.push_back(null[i] ? nullptr : texts[i].c_str());
  }

  std::vector<std::string> texts;
  std::vector<bool> null;
  std::vector<const char*> pointers;
  std::vector<int> lengths;
  std::vector<int> formats;  // 1: binary

 private:
  void add(const Cell& cell) {
    const auto* number = std::get_if<double>(&cell);
    null.push_back(std::holds_alternative<std::monostate>(cell) ||
                   (number != nullptr && std::isnan(*number)));
    formats.push_back(std::holds_alternative<Bytes>(cell) ? 1 : 0);
    texts.push_back(to_text(cell));
    lengths.push_back(static_cast<int>(texts.back().size()));
  }

  static std::string to_text(const Cell& cell) {
    if (const auto* value = std::get_if<std::int64_t>(&cell)) return std::to_string(*value);
    if (const auto* value = std::get_if<double>(&cell))
      return fmt::format("{}", *value);  // shortest that reads back equal
    if (const auto* value = std::get_if<std::string>(&cell)) return clean_text(*value);
    if (const auto* value = std::get_if<Bytes>(&cell)) return value->data;
    return "";
  }
};

Bytes unescape(const char* text) {
  std::size_t size = 0;
  unsigned char* bytes = PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &size);
  Bytes result{std::string(reinterpret_cast<const char*>(bytes), size)};
  PQfreemem(bytes);
  return result;
}

Cell to_cell(const PGresult* answer, int row, int column) {
  if (PQgetisnull(answer, row, column) != 0) return std::monostate{};
  const char* text = PQgetvalue(answer, row, column);
  switch (PQftype(answer, column)) {
    case kInt2:
    case kInt4:
    case kInt8:
      return static_cast<std::int64_t>(std::strtoll(text, nullptr, 10));
    case kFloat4:
    case kFloat8:
      return std::strtod(text, nullptr);
    case kBytea:
      return unescape(text);
    default:
      return std::string(text, static_cast<std::size_t>(PQgetlength(answer, row, column)));
  }
}

std::string first_line(const char* message) {
  std::string text = message == nullptr ? "" : message;
  text = text.substr(0, text.find('\n'));
  return text.starts_with("ERROR:  ") ? text.substr(8) : text;
}

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(Place place) : place_(std::move(place)) {}

  Status connect() {
    // A connect_timeout in the URL comes later and wins.
    const std::array<const char*, 4> keys = {"connect_timeout", "dbname", "application_name",
                                             nullptr};
    const std::array<const char*, 4> values = {"10", place_.url.c_str(), "autotinyml", nullptr};
    statements_.clear();
    connection_.reset(PQconnectdbParams(keys.data(), values.data(), 1));
    if (PQstatus(connection_.get()) != CONNECTION_OK) return lost();
    return run_script(fmt::format(
        "SET client_min_messages = warning; SET lock_timeout = '30s'; SET search_path = {}",
        place_.study));
  }

  Result<std::vector<Row>> run(const std::string& sql, const Row& cells) override {
    ATML_TRY(const std::string name, prepare(sql));
    const Parameters parameters(cells);
    const Answer answer(PQexecPrepared(connection_.get(), name.c_str(),
                                       static_cast<int>(cells.size()), parameters.pointers.data(),
                                       parameters.lengths.data(), parameters.formats.data(), 0));
    ATML_TRY_STATUS(check(answer.get()));
    std::vector<Row> rows(static_cast<std::size_t>(PQntuples(answer.get())));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (int c = 0; c < PQnfields(answer.get()); ++c)
        rows[r].push_back(to_cell(answer.get(), static_cast<int>(r), c));
    }
    return rows;
  }

  Status run_script(const std::string& sql) override {
    const Answer answer(PQexec(connection_.get(), sql.c_str()));
    return check(answer.get());
  }

  Status begin_reading() override {
    return begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }
  Status begin_writing() override {
    const Status status = begin(fmt::format(
        "BEGIN; SELECT pg_advisory_xact_lock(hashtext('autotinyml {}'))", place_.study));
    if (!status.ok()) rollback();
    return status;
  }
  Status commit() override { return run_script("COMMIT"); }
  void rollback() override {
    if (PQstatus(connection_.get()) == CONNECTION_OK) (void)run_script("ROLLBACK");
  }
  const std::string& name() const override { return place_.shown; }
  const std::string& study() const { return place_.study; }

 private:
  Status begin(const std::string& sql) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) ATML_TRY_STATUS(connect());
    return run_script(sql);
  }

  Result<std::string> prepare(const std::string& sql) {
    const auto known = statements_.find(sql);
    if (known != statements_.end()) return known->second;
    const std::string name = fmt::format("s{}", statements_.size());
    const Answer answer(PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr));
    ATML_TRY_STATUS(check(answer.get()));
    statements_[sql] = name;
    return name;
  }

  Error lost() const {
    return {
        Code::kUnavailable,
        fmt::format("study '{}': no connection: {}; check the server and the address, then resume",
                    place_.shown, first_line(PQerrorMessage(connection_.get())))};
  }

  Status check(const PGresult* answer) const {
    const ExecStatusType status = PQresultStatus(answer);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return {};
    if (PQstatus(connection_.get()) != CONNECTION_OK) return lost();
    const char* raw = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const std::string state = raw == nullptr ? "" : raw;
    const std::string text =
        fmt::format("study '{}': {}", place_.shown, first_line(PQresultErrorMessage(answer)));
    if (state == "53100")
      return Error{
          Code::kIo,
          text + "; free some space on the server and resume, what was recorded before is kept"};
    if (state == "55P03")
      return Error{Code::kUnavailable,
                   text + "; another worker holds the study for more than 30 s"};
    if (state == "42P06")
      return Error{Code::kAlreadyExists,
                   fmt::format("the study '{}' exists in '{}'; resume it or choose another name",
                               place_.study, place_.shown)};
    if (state == "42501")
      return Error{Code::kIo, text + "; ask for the right to create schemas in this database"};
    return Error{Code::kIo, text};
  }

  Place place_;
  Connection connection_;
  std::map<std::string, std::string> statements_;  // SQL -> its name on this connection
};

Result<std::unique_ptr<PostgresDatabase>> connect_to(const std::string& url) {
  ATML_TRY(Place place, parse_url(url));
  auto database = std::make_unique<PostgresDatabase>(std::move(place));
  ATML_TRY_STATUS(database->connect());
  return database;
}

}  // namespace

bool is_postgres_url(const std::string& url) {
  return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

Result<std::unique_ptr<Database>> open_postgres(const std::string& url) {
  ATML_TRY(auto database, connect_to(url));
  ATML_TRY(const auto found,
           database->run(
               "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'schema_version'",
               {database->study()}));
  if (!found.empty()) return std::unique_ptr<Database>(std::move(database));
  return Error{Code::kNotFound,
               fmt::format("no study '{}' in '{}'", database->study(), database->name())};
}

Status create_postgres(const std::string& url, const std::function<Status(Database&)>& fill) {
  ATML_TRY(auto database, connect_to(url));
  return in_transaction(*database, true, [&]() -> Status {
    ATML_TRY_STATUS(database->run_script(fmt::format("CREATE SCHEMA {}", database->study())));
    return fill(*database);
  });
}

Status drop_postgres(const std::string& url) {
  ATML_TRY(auto database, connect_to(url));
  return database->run_script(fmt::format("DROP SCHEMA IF EXISTS {} CASCADE", database->study()));
}

}  // namespace atml::study
