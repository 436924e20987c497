// PostgreSQL as a Database; the only user of libpq. Private to study. Built where libpq is
// installed (ATML_HAVE_POSTGRES).
//
// URL: postgresql://[user[:password]@]host[:port]/database[?study=NAME&...], what libpq understands
// plus `study`: each study is a schema (name space) of the database, "autotinyml" where none is
// named. Writers of one study take turns by an advisory lock, so that trials are numbered without
// gaps; readers see a snapshot. A lost connection fails the call at hand (kUnavailable); the next
// call connects anew.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "study/database.h"

namespace atml::study {

bool is_postgres_url(const std::string& url);

/// kUnavailable (no connection), kNotFound (no such study).
Result<std::unique_ptr<Database>> open_postgres(const std::string& url);

/// Makes the schema and what `fill` writes into it, in one transaction. kAlreadyExists.
Status create_postgres(const std::string& url, const std::function<Status(Database&)>& fill);

/// Removes the study with all its trials. For tests.
Status drop_postgres(const std::string& url);

}  // namespace atml::study
