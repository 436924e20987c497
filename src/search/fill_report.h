// From a study and its context to the values of a report.
#pragma once

#include "report/report_data.h"
#include "search/context.h"
#include "search/finalists.h"
#include "search/winner.h"

namespace atml::search {

struct Ended {
  std::vector<RankedFinalist> ranking;  // best mean first; empty before the finals
  std::optional<Winner> winner;
  std::optional<report::NothingFits> nothing_fits;
  bool finished = true;
};

/// The winner's model is checked on the target again for its layers and memory map (a fraction of a
/// second).
Result<report::ReportData> fill_report(Context& context, const Ended& ended, const StopToken& stop);

/// What a verdict says of each operator, as a report shows it.
std::vector<report::LayerRow> layer_rows(const deploy::Deployability& verdict);

/// The version of this program ("0.1.0").
std::string version();

}  // namespace atml::search
