// What a search leaves in its folder: firmware/, model.tflite, summary.json, report.html.
#pragma once

#include "quantize/model.h"
#include "report/report_data.h"
#include "search/context.h"

namespace atml::search {

/// Writes firmware/ (with a self-test vector from the validation split), proves that it builds with
/// its own make and has the size that the search measured, and writes model.tflite (not for single
/// rounding, which the format cannot express: a warning says so).
Status write_model_files(const Context& context, const quantize::Int8Model& model,
                         const report::ReportData& data);

/// Writes summary.json and report.html.
Status write_report_files(const Context& context, const report::ReportData& data);

}  // namespace atml::search
