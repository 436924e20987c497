#include "search/firmware_options.h"

namespace atml::search {

Result<codegen::Options> firmware_options(const Settings& settings, const target::Limits& limits) {
  codegen::Options options;
  options.arena_limit = codegen::arena_limit(limits);
  ATML_TRY(options.optimize, codegen::parse_optimize(settings.optimize));
  return options;
}

}  // namespace atml::search
