// The winner: chosen by its mean over seeds, checked on the part, scored once on the untouched test
// split.
#pragma once

#include <optional>

#include "report/report_data.h"
#include "search/context.h"
#include "search/finalists.h"

namespace atml::search {

struct Winner {
  int trial = 0;
  int seed_index = 0;
  double test = 0;        // int8, test split
  double float_test = 0;  // the float network it came from
  std::optional<report::Interval>
      test_interval;  // 95 %, Wilson's score interval; classification only
  std::vector<std::int64_t>
      confusion;  // [truth * classes + predicted]; empty unless classification
  report::BitExactness bit_exact;
  std::optional<deploy::Deployability> verdict;  // none in studies of older versions
};

/// Goes down the ranking to the first finalist whose int8 model really fits (structure decides, so
/// it is the first unless the build chain changed), verifies it bit for bit, and reads the test
/// split: the only place that does. Committed to the study as it is known; a resumed study reads it
/// back instead. None where the ranking is empty or nothing fits: `refusal` then says why not the
/// first. A black box that gives no answer is asked up to three times.
Result<std::optional<Winner>> crown(Context& context, const std::vector<RankedFinalist>& ranking,
                                    const StopToken& stop, std::string* refusal = nullptr);

/// Wilson's score interval of a proportion, 95 %.
report::Interval wilson_interval(double proportion, std::size_t n);

}  // namespace atml::search
