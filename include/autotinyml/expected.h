// A value, or the message of what went wrong: lower case, with numbers and what to do.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace autotinyml {

struct Failure {
  std::string message;
};

template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Expected(Failure failure) : state_(std::in_place_index<1>, std::move(failure)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // Only after ok(); otherwise they throw std::bad_variant_access.
  T& value() { return std::get<0>(state_); }
  const T& value() const { return std::get<0>(state_); }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  /// Empty where ok().
  std::string error() const { return ok() ? std::string() : std::get<1>(state_).message; }

 private:
  std::variant<T, Failure> state_;
};

/// Done, or the message.
class [[nodiscard]] Done {
 public:
  Done() = default;
  Done(Failure failure) : message_(std::move(failure.message)), ok_(false) {}
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const std::string& error() const { return message_; }

 private:
  std::string message_;
  bool ok_ = true;
};

}  // namespace autotinyml
