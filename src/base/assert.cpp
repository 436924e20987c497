#include "base/assert.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/result.h"

namespace atml {

void assertion_failed(const char* file, int line, const char* condition,
                      const std::string& message) {
  std::fprintf(stderr, "autotinyml: bug at %s:%d: %s (%s); please report it\n", file, line,
               message.c_str(), condition);
  std::fflush(stderr);
  std::_Exit(70);
}

const char* to_string(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "invalid argument";
    case Code::kNotFound:
      return "not found";
    case Code::kAlreadyExists:
      return "already exists";
    case Code::kIo:
      return "input/output";
    case Code::kParse:
      return "parse";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kConflict:
      return "conflict";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kTimeout:
      return "timeout";
    case Code::kCancelled:
      return "cancelled";
  }
  ATML_UNREACHABLE("unknown error code");
}

}  // namespace atml
