#include "study/store.h"

#include <fmt/format.h>

#include "study/memory_store.h"
#include "study/schema.h"
#include "study/sql_store.h"
#include "study/sqlite_database.h"

namespace atml::study {
namespace {

constexpr std::string_view kMemory = ":memory:";

Status check_url(const std::string& path_or_url) {
  if (path_or_url.empty())
    return Error{Code::kInvalidArgument, "the study has no name; give a file, as in study.db"};
  const std::size_t scheme = path_or_url.find("://");
  if (scheme == std::string::npos) return {};
  return Error{
      Code::kUnsupported,
      fmt::format("studies under '{}' are not built in; give a file on a local disk, as in "
                  "study.db",
                  path_or_url.substr(0, scheme + 3))};
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
  ATML_TRY_STATUS(check_url(path_or_url));
  const Status made = create_sqlite(path_or_url, [&](Database& database) -> Status {
    ATML_TRY_STATUS(database.run_script(fmt::format("PRAGMA application_id = {}", kApplicationId)));
    return write_schema(database, info);
  });
  if (!made.ok()) return made.error();
  return open_store(path_or_url);
}

Result<std::unique_ptr<Store>> open_store(const std::string& path_or_url) {
  if (path_or_url == kMemory)
    return Error{Code::kNotFound, "a study in memory ends with the program; there is none to open"};
  ATML_TRY_STATUS(check_url(path_or_url));
  ATML_TRY(auto database, open_sqlite(path_or_url));
  ATML_TRY_STATUS(check_application(*database));
  return open_sql_store(std::move(database));
}

}  // namespace atml::study
