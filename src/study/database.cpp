#include "study/database.h"

#include <cmath>

namespace atml::study {

Status in_transaction(Database& database, bool writing, const std::function<Status()>& body) {
  ATML_TRY_STATUS(writing ? database.begin_writing() : database.begin_reading());
  Status status = body();
  if (status.ok()) status = database.commit();
  if (!status.ok()) database.rollback();
  return status;
}

std::int64_t whole(const Cell& cell, std::int64_t fallback) {
  const auto* value = std::get_if<std::int64_t>(&cell);
  return value != nullptr ? *value : fallback;
}

double real(const Cell& cell) {
  if (const auto* value = std::get_if<double>(&cell)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*value);
  return std::nan("");
}

std::string text(const Cell& cell) {
  const auto* value = std::get_if<std::string>(&cell);
  return value != nullptr ? *value : "";
}

}  // namespace atml::study
