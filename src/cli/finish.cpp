#include "cli/finish.h"

#include <fmt/format.h>

#include "report/report.h"

namespace atml::cli {

int print_ending(const Session& session, const search::Finished& finished,
                 const search::Places& places) {
  if (finished.ending == search::Ending::kInterrupted) {
    session.events->warning(
        fmt::format("interrupted; everything measured is kept. Go on with: autotinyml resume {}",
                    places.study));
    return kExitInterrupted;
  }
  print(report::summary_table(finished.report, session.colour));
  return finished.ending == search::Ending::kDone ? kExitDone : kExitNothingFits;
}

}  // namespace atml::cli
