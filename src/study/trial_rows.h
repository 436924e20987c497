// A Trial as rows of the tables of schema.h, and back. Private to study. The callers hold a
// transaction: a trial is several rows.
#pragma once

#include <vector>

#include "base/result.h"
#include "study/database.h"
#include "study/trial.h"

namespace atml::study {

Status insert_trial(Database& database, const Trial& trial);

/// The trial of that number must exist.
Status replace_trial(Database& database, const Trial& trial);

/// Ordered by number. kParse where an outcome has no meaning.
Result<std::vector<Trial>> read_trials(Database& database);

}  // namespace atml::study
