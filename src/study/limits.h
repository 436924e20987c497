// What every kind of store refuses in the same words. Private to study.
#pragma once

#include <fmt/format.h>

#include <string>

#include "base/result.h"

namespace atml::study {

inline constexpr std::size_t kLargestBlob = 1000000000;  // SQLite's limit less a little

inline Status check_blob_size(const std::string& kind, std::size_t bytes) {
  if (bytes <= kLargestBlob - 1000) return {};
  return Error{Code::kInvalidArgument,
               fmt::format("the blob '{}' has {} bytes, 1 GB is the most", kind, bytes)};
}

}  // namespace atml::study
