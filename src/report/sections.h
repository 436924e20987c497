// The sections of the report page, in the order in which they stand. Each returns HTML, or "" where
// the data have nothing for it.
#pragma once

#include <string>

#include "report/report_data.h"

namespace atml::report {

std::string headline_section(const ReportData& data);  // verdict, score, bars against the limits
std::string nothing_section(const ReportData& data);   // which limit binds, and what would do
std::string layers_section(const ReportData& data);
std::string memory_section(const ReportData& data);
std::string flash_section(const ReportData& data);
std::string trade_section(const ReportData& data);  // accuracy against flash, RAM, latency
std::string course_section(const ReportData& data);
std::string finalists_section(const ReportData& data);
std::string confusion_section(const ReportData& data);
std::string trust_section(const ReportData& data);  // bit-exactness, cycle model, estimate error
std::string time_section(const ReportData& data);
std::string trials_section(const ReportData& data);
std::string recent_trials_section(const ReportData& data, std::size_t most);  // newest first
std::string provenance_section(const ReportData& data);

}  // namespace atml::report
