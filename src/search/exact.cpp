#include "search/exact.h"

#include <fmt/format.h>

#include "codegen/firmware.h"
#include "quantize/quantize.h"
#include "space/decode.h"

namespace atml::search {

propose::ExactCheck ExactLimits::operator()(const space::Configuration& configuration) {
  const std::uint64_t key = configuration.hash();
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
  }
  const propose::ExactCheck answer = compute(configuration);
  const std::lock_guard lock(mutex_);
  return known_.emplace(key, answer).first->second;
}

propose::ExactCheck ExactLimits::compute(const space::Configuration& configuration) const {
  const auto network =
      space::decode(configuration, context_.dataset.shape, context_.dataset.outputs());
  if (!network.ok()) return {false, 1e9, network.error().message};
  if (!context_.sizes_are_known()) return {true, 0, ""};
  codegen::Options plan_options;  // rows are streamed where the RAM limit asks for it
  plan_options.arena_limit = codegen::arena_limit(context_.limits);
  if (const auto o = codegen::parse_optimize(context_.settings.optimize); o.ok())
    plan_options.optimize = *o;  // another word was refused when the search started
  const codegen::Estimate estimate =
      codegen::estimate(quantize::structure_model(*network), context_.target, plan_options);
  const auto excess = [](Bytes used, Bytes allowed) {
    return static_cast<double>(used.value) / static_cast<double>(allowed.value) - 1;
  };
  const double flash = excess(estimate.flash, context_.limits.usable_flash());
  const double ram = excess(estimate.ram, context_.limits.usable_ram());
  const bool flash_binds = flash > ram;
  propose::ExactCheck answer{flash <= 0 && ram <= 0, flash_binds ? flash : ram, ""};
  if (!answer.allowed) {
    answer.reason = fmt::format(
        "{}: about {} of {}", flash_binds ? "flash" : "ram",
        to_text(flash_binds ? estimate.flash : estimate.ram),
        to_text(flash_binds ? context_.limits.usable_flash() : context_.limits.usable_ram()));
  }
  return answer;
}

}  // namespace atml::search
