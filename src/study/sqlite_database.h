// SQLite as a Database; the only user of sqlite3.h. Private to study.
//
// Settings and why: write-ahead log, so that `trials` and `report` read while a search writes;
// synchronous FULL, so that a committed trial survives a power cut (a commit costs milliseconds,
// the training that it records seconds or more); foreign keys on; other processes' locks are waited
// for 30 s. The write-ahead log needs shared memory: a study lies on a local disk, network file
// systems are refused.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "study/database.h"

namespace atml::study {

/// kNotFound, kParse (no SQLite file), kUnsupported (network file system), kIo.
Result<std::unique_ptr<Database>> open_sqlite(const std::filesystem::path& path);

/// Makes the file with the tables and rows that `fill` writes: first under another name, then
/// linked into place, so that a half-made study is never seen. kAlreadyExists leaves what is there
/// alone.
Status create_sqlite(const std::filesystem::path& path,
                     const std::function<Status(Database&)>& fill);

/// Is this statfs(2) f_type one of a network file system?
bool is_network_file_system(long type);

}  // namespace atml::study
