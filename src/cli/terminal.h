// Progress on stderr: one live line on a terminal, plain lines in a pipe.
#pragma once

#include <mutex>
#include <string>

#include "base/events.h"

namespace atml::cli {

class Terminal : public EventSink {
 public:
  Terminal(bool is_terminal, bool colour, bool quiet, bool verbose)
      : is_terminal_(is_terminal), colour_(colour), quiet_(quiet), verbose_(verbose) {}
  ~Terminal() override { clear(); }

  void progress(const Progress& progress) override;
  void info(const std::string& text) override;
  void warning(const std::string& text) override;
  void detail(const std::string& text) override;
  /// Ends the live line, so that other output starts in a clean row.
  void clear();

 private:
  void line(const std::string& text);
  std::mutex mutex_;
  bool is_terminal_;
  bool colour_;
  bool quiet_;
  bool verbose_;
  bool live_ = false;         // a live line is on the screen
  double last_plain_ = -1e9;  // elapsed of the last plain progress line
  std::string last_phase_;
};

/// "[=====>    ] 42 %  2 min 31 s left | trial 17 | feasible 82 % | best accuracy 0.9012": at most
/// `width` columns.
std::string progress_text(const Progress& progress, int width);

}  // namespace atml::cli
