#include <fmt/format.h>
#include <httplib.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "cli/command.h"
#include "report/report.h"
#include "search/search.h"

namespace atml::cli {
namespace {

struct DashboardOptions {
  std::string study;
  std::string out;  // empty: serve the page instead
  std::string address = "127.0.0.1";
  int port = 8737;
  int every = 5;  // seconds
};

std::string page_of(const search::StudyView::Look& look, int every) {
  return report::dashboard_page(look.report, look.progress, every);
}

/// Waits for `seconds`; true when the user asked to stop.
bool wait(const Session& session, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    if (*session.interrupt) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return *session.interrupt;
}

/// Writes the page again and again until the search has ended.
Result<int> write_pages(const DashboardOptions& options, search::StudyView& view,
                        const Session& session) {
  session.events->info(
      fmt::format("writing '{}' every {} s until the search has ended; Ctrl-C stops the page, not "
                  "the search",
                  options.out, options.every));
  while (true) {
    ATML_TRY(const search::StudyView::Look look, view.look());
    ATML_TRY_STATUS(write_file(options.out, page_of(look, options.every)));
    if (look.report.finished || wait(session, options.every)) return kExitDone;
  }
}

/// Answers browsers until Ctrl-C. One look at a time: a view is not thread safe.
Result<int> serve_pages(const DashboardOptions& options, search::StudyView& view,
                        const Session& session) {
  httplib::Server server;
  std::mutex one;
  const auto answer = [&](const auto& write) {
    return [&, write](const httplib::Request&, httplib::Response& response) {
      const std::scoped_lock lock(one);
      const Result<search::StudyView::Look> look = view.look();
      if (!look.ok()) {
        response.status = 503;
        response.set_content(look.error().message + "\n", "text/plain; charset=utf-8");
        return;
      }
      write(*look, response);
    };
  };
  using Look = search::StudyView::Look;
  server.Get("/", answer([&](const Look& look, httplib::Response& response) {
               response.set_content(page_of(look, options.every), "text/html; charset=utf-8");
             }));
  server.Get("/summary.json", answer([](const Look& look, httplib::Response& response) {
               response.set_content(report::summary_json(look.report), "application/json");
             }));
  server.Get("/trials.json", answer([](const Look& look, httplib::Response& response) {
               response.set_content(report::trials_json(look.report.trials), "application/json");
             }));
  // The library's default would let two dashboards share one port.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  const int port = options.port == 0 ? server.bind_to_any_port(options.address)
                   : server.bind_to_port(options.address, options.port) ? options.port
                                                                        : -1;
  if (port <= 0) {
    return Error{Code::kUnavailable,
                 fmt::format("cannot listen on {} port {}; is another dashboard running, or the "
                             "address not this machine's? choose another with --port (0: any)",
                             options.address, options.port)};
  }
  std::thread listener([&server] { server.listen_after_bind(); });
  print(fmt::format("http://{}:{}/\n", options.address, port));
  session.events->info("Ctrl-C stops the page, not the search");
  while (!wait(session, 1)) {
  }
  server.stop();
  listener.join();
  return kExitDone;
}

}  // namespace

void add_dashboard(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("dashboard", "watch a study in the browser while it runs");
  const auto options = std::make_shared<DashboardOptions>();
  command->add_option("study", options->study, "file of the study")->required();
  command->add_option("--port", options->port, "port of the page; 0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command->add_option("--address", options->address, "address to listen on")->capture_default_str();
  command->add_option("--out", options->out, "write the page to this file instead of serving it");
  command->add_option("--every", options->every, "seconds between two looks")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command->callback([&action, options] {
    action = [options](const Session& session) -> Result<int> {
      ATML_TRY(search::StudyView view, search::StudyView::open(options->study));
      return options->out.empty() ? serve_pages(*options, view, session)
                                  : write_pages(*options, view, session);
    };
  });
}

}  // namespace atml::cli
