// Database: the little that a store needs of an SQL engine, so that SQLite and PostgreSQL share one
// implementation of Store. Private to study. Not thread safe: SqlStore takes turns.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace atml::study {

struct Bytes {
  std::string data;
};
/// monostate is NULL. A NaN is bound as NULL.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string, Bytes>;
using Row = std::vector<Cell>;

class Database {
 public:
  virtual ~Database() = default;

  /// One statement with parameters $1, $2, ... in the order of their first use; all rows.
  virtual Result<std::vector<Row>> run(const std::string& sql, const Row& parameters) = 0;
  /// Several statements without parameters.
  virtual Status run_script(const std::string& sql) = 0;
  virtual Status begin_reading() = 0;  // a snapshot for several selects
  virtual Status begin_writing() = 0;  // waits for other writers
  virtual Status commit() = 0;
  virtual void rollback() = 0;
  virtual const std::string& name() const = 0;  // for messages
};

/// The body between begin and commit; rolled back when any of them fails.
Status in_transaction(Database& database, bool writing, const std::function<Status()>& body);

// A cell as a type; the fallback where it is NULL (or of another type, which only a damaged or
// hand-edited file has).
std::int64_t whole(const Cell& cell, std::int64_t fallback = 0);
double real(const Cell& cell);  // NULL: NaN
std::string text(const Cell& cell);

}  // namespace atml::study
