// The report page: its sections, in order.
#include <fmt/format.h>

#include "report/html.h"
#include "report/page.h"
#include "report/report.h"
#include "report/sections.h"

namespace atml::report {

std::string html_report(const ReportData& data) {
  std::string body;
  for (const auto part :
       {headline_section, nothing_section, trade_section, layers_section, memory_section,
        flash_section, confusion_section, finalists_section, course_section, trust_section,
        time_section, trials_section, provenance_section}) {
    body += part(data);
  }
  body += fmt::format(
      "<footer>Written by autotinyml {}. This page is one file and loads nothing.</footer>\n",
      escape(data.provenance.version));
  return document(fmt::format("{} on {}", data.data.name, data.target.name), body);
}

}  // namespace atml::report
