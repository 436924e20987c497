// Store: where the trials of one study are kept, so that a killed search can go on where it was.
// All kinds (memory, SQLite) pass the same contract tests (store_contract.h). Thread safe: the
// workers of one process share a Store; other processes may read the same file at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "study/trial.h"

namespace atml::study {

/// The version of the tables that this program writes (schema.h). Older stores are migrated when
/// they are opened; newer ones are refused.
inline constexpr int kSchemaVersion = 3;

/// What a study is: everything that `resume` needs. Written once, never changed.
struct StudyInfo {
  std::string name;
  std::string data_name;               // as given on the command line: a name or a path
  std::uint64_t data_fingerprint = 0;  // Dataset::fingerprint; resume refuses other data
  std::string target;                  // key of the catalogue or path of its file
  std::string space_text;     // the whole space as TOML, so that an edited file cannot change it
  std::string settings_json;  // everything else of the command line, as JSON
  std::uint64_t seed = 0;
  int schema = kSchemaVersion;  // filled by the store; what is passed in is ignored

  bool operator==(const StudyInfo&) const = default;
};

/// Every call is one transaction: when it returns without an error its effect outlives the process,
/// when it fails nothing of it is kept. Values go in and out by copy. Besides the errors named
/// below each call can fail with kIo (disk full, file damaged) or kUnavailable (another process
/// holds the store for more than 30 s).
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<StudyInfo> info() = 0;

  /// Appends a trial as it is and returns its number: the next of 0, 1, 2, ...; trial.number is
  /// ignored. Callers usually pass an Outcome of kRunning.
  virtual Result<int> add_trial(const Trial& trial) = 0;

  /// Replaces all that is known of trial.number. kNotFound where there is no such trial.
  virtual Status update_trial(const Trial& trial) = 0;

  /// All trials, ordered by number.
  virtual Result<std::vector<Trial>> trials() = 0;

  /// Keeps bytes (up to 1 GB, may be empty) under a trial and a kind: "checkpoint", "weights",
  /// "model.tflite". Replaces what was there. kNotFound where there is no such trial.
  virtual Status put_blob(int trial, const std::string& kind, std::string_view bytes) = 0;
  /// nullopt where there is no such blob (or trial).
  virtual Result<std::optional<std::string>> get_blob(int trial, const std::string& kind) = 0;
  /// Deleting what is not there is no error.
  virtual Status delete_blob(int trial, const std::string& kind) = 0;

  /// A result of the whole study (finalists, winner, timings) under a key; replaces.
  virtual Status put_note(const std::string& key, const std::string& json) = 0;
  virtual Result<std::optional<std::string>> get_note(const std::string& key) = 0;
};

/// Starts a study. `path_or_url`: a file (SQLite; the folder must exist; on a local disk, see
/// sqlite_database.h), postgresql://HOST/DATABASE?study=NAME (for workers on many machines, where
/// libpq was there at build time, see postgres_database.h) or ":memory:" (gone with the object; for
/// tests and ask/tell users). kAlreadyExists where the study exists, and it is left as it is.
Result<std::unique_ptr<Store>> create_store(const std::string& path_or_url, const StudyInfo& info);

/// Opens a study for reading and writing. kNotFound: no such file; kParse: the file is no study or
/// damaged; kUnsupported: written by a newer autotinyml, or a URL of a kind that is not built in.
Result<std::unique_ptr<Store>> open_store(const std::string& path_or_url);

}  // namespace atml::study
