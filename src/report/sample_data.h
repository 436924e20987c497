// Test support: fixed ReportData for golden files and for looking at pages. Made up, but
// consistent: sums are sums, and the same seed gives the same bytes.
#pragma once

#include "report/report_data.h"

namespace atml::report {

/// A finished search with a winner, `trials` trials (about a third do not fit) and three finalists.
ReportData sample_report(int trials);
/// The same limits made impossible: every trial is too big.
ReportData sample_nothing_fits(int trials);

}  // namespace atml::report
