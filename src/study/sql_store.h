// Store over any Database: the statements, the transactions, the migrations. Private to study.
#pragma once

#include <memory>

#include "study/database.h"
#include "study/store.h"

namespace atml::study {

/// Makes the tables of the current version and the row of the study; the caller holds a
/// transaction.
Status write_schema(Database& database, const StudyInfo& info);

/// Checks and migrates the version, then takes over the database.
Result<std::unique_ptr<Store>> open_sql_store(std::unique_ptr<Database> database);

}  // namespace atml::study
