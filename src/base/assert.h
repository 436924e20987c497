// Assertions for bugs: what no input can break. On in every build; user input never reaches one.
#pragma once

#include <string>

namespace atml {

/// Prints file, line and message to stderr and aborts. The CLI turns the abort into exit code 70.
[[noreturn]] void assertion_failed(const char* file, int line, const char* condition,
                                   const std::string& message);

}  // namespace atml

#define ATML_ASSERT(condition, message)                                                  \
  do {                                                                                   \
    if (!(condition)) ::atml::assertion_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)

#define ATML_UNREACHABLE(message) \
  ::atml::assertion_failed(__FILE__, __LINE__, "unreachable", message)
