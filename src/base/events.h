// Progress events: how a library tells what it is doing. It never prints; the command line decides.
#pragma once

#include <optional>
#include <string>

namespace atml {

/// A snapshot of a running search, for one live line.
struct Progress {
  std::string phase;   // "search", "finalists", "verify", "report"
  double elapsed = 0;  // seconds since the start, earlier runs of a resumed study included
  double budget = 0;   // seconds, 0 = none
  int proposed = 0;
  int undeployable = 0;
  int trained = 0;  // reached at least one rung
  int running = 0;
  int trial_limit = 0;         // 0 = none
  std::optional<double> best;  // objective of the best trial so far
  std::string metric;          // "accuracy"
};

/// Thread safe by contract: workers call it at any time.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void progress(const Progress& progress) = 0;
  /// One thing that happened, worth a line in a log.
  virtual void info(const std::string& text) = 0;
  /// Something the user should know, with the remedy.
  virtual void warning(const std::string& text) = 0;
  /// Detail for -v: commands run, decisions taken.
  virtual void detail(const std::string& text) = 0;
};

/// Swallows everything.
class SilentSink : public EventSink {
 public:
  void progress(const Progress&) override {}
  void info(const std::string&) override {}
  void warning(const std::string&) override {}
  void detail(const std::string&) override {}
};

}  // namespace atml
