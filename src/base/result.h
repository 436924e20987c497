// Result<T> and Status: how a function says that the environment refused (a missing file, bad TOML,
// a locked database). Expected ends of a trial are Outcomes, bugs are ATML_ASSERT; neither is an
// Error.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/assert.h"

namespace atml {

enum class Code {
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kIo,
  kParse,
  kUnsupported,
  kConflict,
  kUnavailable,
  kTimeout,
  kCancelled,
};

/// The word for a code, as shown in listings ("invalid argument").
const char* to_string(Code code);

/// What was wrong, where, with numbers, and what to do: lower case, no full stop at the end.
struct Error {
  Code code = Code::kInvalidArgument;
  std::string message;

  /// The same error with "context: " before the message; added once per layer.
  Error with_context(const std::string& context) const { return {code, context + ": " + message}; }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    ATML_ASSERT(ok(), "value() of a failed Result: " + std::get<1>(state_).message);
    return std::get<0>(state_);
  }
  const T& value() const& { return const_cast<Result*>(this)->value(); }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    ATML_ASSERT(!ok(), "error() of a good Result");
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    ATML_ASSERT(!ok(), "error() of a good Status");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

}  // namespace atml

#define ATML_CONCAT_IMPL(a, b) a##b
#define ATML_CONCAT(a, b) ATML_CONCAT_IMPL(a, b)

/// ATML_TRY(const auto x, expr): x = the value of expr, or return its error from this function.
#define ATML_TRY(declaration, expression)                                                      \
  auto ATML_CONCAT(atml_try_, __LINE__) = (expression);                                        \
  if (!ATML_CONCAT(atml_try_, __LINE__).ok()) return ATML_CONCAT(atml_try_, __LINE__).error(); \
  declaration = std::move(ATML_CONCAT(atml_try_, __LINE__)).value()

/// ATML_TRY_STATUS(expr): return the error of a Status (or Result) from this function, if it has
/// one.
#define ATML_TRY_STATUS(expression)                    \
  do {                                                 \
    auto atml_status = (expression);                   \
    if (!atml_status.ok()) return atml_status.error(); \
  } while (false)
