#include "study/store.h"

#include <fmt/format.h>

#include "study/memory_store.h"
#ifdef ATML_HAVE_POSTGRES
#include "study/postgres_database.h"
#endif
#include "study/schema.h"
#include "study/sql_store.h"
#include "study/sqlite_database.h"

namespace atml::study {
namespace {

constexpr std::string_view kMemory = ":memory:";

#ifdef ATML_HAVE_POSTGRES
constexpr std::string_view kUrls = ", or postgresql://HOST/DATABASE?study=NAME";

Status create_postgres_study(const std::string& url, const StudyInfo& info) {
  return create_postgres(url, [&](Database& database) { return write_schema(database, info); });
}
#else
constexpr std::string_view kUrls = " (this program was built without libpq, so without PostgreSQL)";
bool is_postgres_url(const std::string&) { return false; }
Status create_postgres_study(const std::string&, const StudyInfo&) { return {}; }
Result<std::unique_ptr<Database>> open_postgres(const std::string&) {
  ATML_UNREACHABLE("no PostgreSQL");
}
#endif

Status check_url(const std::string& path_or_url) {
  if (path_or_url.empty()) {
    return Error{Code::kInvalidArgument, "the study has no name; give a file, as in study.db"};
  }
  const std::size_t scheme = path_or_url.find("://");
  if (scheme == std::string::npos) return {};
  return Error{
      Code::kUnsupported,
      fmt::format("studies under '{}' are not built in; give a file on a local disk, as in "
                  "study.db{}",
                  path_or_url.substr(0, scheme + 3), kUrls)};
}

Status check_application(Database& database) {
  ATML_TRY(const auto rows, database.run("PRAGMA application_id", {}));
  if (!rows.empty() && whole(rows[0][0]) == kApplicationId) return {};
  return Error{
      Code::kParse,
      fmt::format("'{}' is no study: it is an SQLite file of another program", database.name())};
}

}  // namespace

Result<std::unique_ptr<Store>> create_store(const std::string& path_or_url, const StudyInfo& info) {
  if (path_or_url == kMemory) return make_memory_store(info);
  if (is_postgres_url(path_or_url)) {
    ATML_TRY_STATUS(create_postgres_study(path_or_url, info));
    return open_store(path_or_url);
  }
  ATML_TRY_STATUS(check_url(path_or_url));
  const Status made = create_sqlite(path_or_url, [&](Database& database) -> Status {
    ATML_TRY_STATUS(database.run_script(fmt::format("PRAGMA application_id = {}", kApplicationId)));
    return in_transaction(database, true, [&] { return write_schema(database, info); });
  });
  if (!made.ok()) return made.error();
  return open_store(path_or_url);
}

Result<std::unique_ptr<Store>> open_store(const std::string& path_or_url) {
  if (path_or_url == kMemory)
    return Error{Code::kNotFound, "a study in memory ends with the program; there is none to open"};
  if (is_postgres_url(path_or_url)) {
    ATML_TRY(auto server, open_postgres(path_or_url));
    return open_sql_store(std::move(server));
  }
  ATML_TRY_STATUS(check_url(path_or_url));
  ATML_TRY(auto database, open_sqlite(path_or_url));
  ATML_TRY_STATUS(check_application(*database));
  return open_sql_store(std::move(database));
}

}  // namespace atml::study
