#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/units.h"

namespace atml::cli {
namespace {

constexpr double kPlainEvery = 15;  // seconds between progress lines in a pipe
constexpr int kBarWidth = 20;

int terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 100;
}

double done_share(const Progress& p) {
  if (p.budget > 0) return std::clamp(p.elapsed / p.budget, 0.0, 1.0);
  const int done = p.phase == "finalists" ? p.trained : p.proposed;
  return p.trial_limit > 0 ? std::clamp(static_cast<double>(done) / p.trial_limit, 0.0, 1.0) : 0;
}

std::string bar(double share) {
  const int filled = static_cast<int>(share * kBarWidth);
  std::string text(static_cast<std::size_t>(filled), '=');
  if (filled < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return "[" + text + "]";
}

std::string what_is_done(const Progress& p) {
  if (p.phase != "search") return fmt::format("{} {} of {}", p.phase, p.trained, p.trial_limit);
  const int checked = std::max(1, p.proposed - p.running);
  const double feasible = 100.0 * std::max(0, checked - p.undeployable) / checked;
  return fmt::format("{} trials, {} trained, {:.0f} % feasible", p.proposed, p.trained,
                     std::min(100.0, feasible));
}

}  // namespace

std::string progress_text(const Progress& p, int width) {
  const double share = done_share(p);
  std::string text = fmt::format("{} {:3.0f} %", bar(share), 100 * share);
  if (p.budget > 0)
    text += fmt::format("  {} left", to_text(Seconds(std::max(0.0, p.budget - p.elapsed))));
  text += " | " + what_is_done(p);
  if (p.best) text += fmt::format(" | best {} {:.4f}", p.metric, *p.best);
  if (static_cast<int>(text.size()) > width) text.resize(static_cast<std::size_t>(width));
  return text;
}

void Terminal::progress(const Progress& progress) {
  if (quiet_) return;
  const std::lock_guard lock(mutex_);
  if (is_terminal_) {
    std::fprintf(stderr, "\r\033[K%s", progress_text(progress, terminal_width() - 1).c_str());
    std::fflush(stderr);
    live_ = true;
    return;
  }
  if (progress.elapsed - last_plain_ < kPlainEvery && progress.phase == last_phase_) return;
  last_plain_ = progress.elapsed;
  last_phase_ = progress.phase;
  std::fprintf(stderr, "%s\n", progress_text(progress, 200).c_str());
}

void Terminal::line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  if (live_) std::fputs("\r\033[K", stderr);
  live_ = false;
  std::fprintf(stderr, "%s\n", text.c_str());
}

void Terminal::clear() {
  const std::lock_guard lock(mutex_);
  if (live_) std::fputs("\r\033[K", stderr);
  live_ = false;
}

void Terminal::info(const std::string& text) {
  if (!quiet_) line(text);
}

void Terminal::warning(const std::string& text) {
  line(colour_ ? "\033[33mwarning:\033[0m " + text : "warning: " + text);
}

void Terminal::detail(const std::string& text) {
  if (verbose_) line(text);
}

}  // namespace atml::cli
