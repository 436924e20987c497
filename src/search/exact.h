// The exact check: limits that follow from the network's structure, without a compiler.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "propose/strategy.h"
#include "search/context.h"

namespace atml::search {

/// Flash and RAM of a configuration by codegen's estimate against the limits. The estimate leans
/// low, so what is refused here would not link either. Where an external command answers, nothing
/// is known beforehand and everything that decodes is allowed. Remembers its answers; thread safe.
class ExactLimits {
 public:
  explicit ExactLimits(const Context& context) : context_(context) {}
  propose::ExactCheck operator()(const space::Configuration& configuration);

 private:
  propose::ExactCheck compute(const space::Configuration& configuration) const;
  const Context& context_;
  std::mutex mutex_;
  std::map<std::uint64_t, propose::ExactCheck> known_;
};

}  // namespace atml::search
