// Search: data and a part in, verified firmware out. The only place that knows the order of the
// stages.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/events.h"
#include "report/report.h"
#include "report/report_data.h"
#include "search/settings.h"

namespace atml::search {

enum class Ending {
  kDone,         // a winner, verified and written
  kNothingFits,  // no deployable network was found; the report says what binds and what would do
  kInterrupted,  // by the user: the study can be resumed
};

struct Finished {
  Ending ending = Ending::kDone;
  report::ReportData report;
};

struct Places {
  std::string study;          // file of the study; start() refuses one that exists
  std::filesystem::path out;  // firmware/, model.tflite, summary.json, report.html
};

/// Runs a new study to its end. `interrupt` may be set at any time (by a signal handler): the
/// trials in flight are released and recorded. Errors: wrong use or a broken environment; what was
/// committed stays.
Result<Finished> start(const Settings& settings, const Places& places, EventSink& events,
                       const std::atomic<bool>* interrupt);

/// Goes on where a study stopped; one that is complete gives its report at once and writes its
/// files again.
Result<Finished> resume(const Places& places, EventSink& events,
                        const std::atomic<bool>* interrupt);

/// The report of a study as it stands, without running anything but the check of the winner's
/// firmware.
Result<report::ReportData> report_of(const std::string& study);

struct Context;

/// A study that is looked at again and again, while another process may be running it: its data are
/// loaded once. Not thread safe.
class StudyView {
 public:
  /// Fails as resume() does: no such study, other data than the study began with.
  static Result<StudyView> open(const std::string& study);
  StudyView(StudyView&&) noexcept;
  ~StudyView();

  struct Look {
    report::ReportData report;
    report::Progress progress;
  };
  /// The study as it stands now. One that has ended is read once.
  Result<Look> look();

 private:
  explicit StudyView(std::unique_ptr<Context> context);
  Result<Look> read();
  std::unique_ptr<Context> context_;
  std::optional<Look> last_;  // of a study that has ended
};

}  // namespace atml::search
