// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "cli/commands.h"
#include "cli/screen.h"

namespace jit::cli {

namespace {

constexpr std::size_t kSeenMax = 4096;

}  // namespace

int stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

Exit Verbs::watch() { return !json() && Screen::usable() ? inbox() : lines(); }

Exit Verbs::lines() {
  const int stop = stop_signals();
  if (stop < 0) return out.fail({Exit::kNo, "signals cannot be waited for: too many open files?"});
  // A change of its grant is said as one of the request, and one that came while we looked is both listed and said:
  // a line is for what is new.
  std::map<std::string, std::string> seen;
  const auto show = [&](Client& client, const Json& request) {
    const bool over = text_of(request, "grant_state") == "ended";
    std::string news = text_of(request, "state");
    if (is_open(request)) {  // a step of its ladder reminds
      news += " " + std::to_string(member(request, "votes").size()) + " " + std::to_string(number_of(request, "steps"));
    }
    if (over) news += ", over";
    if (seen.size() >= kSeenMax) seen.clear();
    const std::string before = std::exchange(seen[text_of(request, "id")], news);
    if (before == news) return;
    std::string line = request_line(request);
    if (over && !before.starts_with("pending") && !before.starts_with("detached")) {
      // The approval is old news; that it was taken back is not. It may also have run out, which was known.
      const auto grant = client.get_grant(text_of(request, "grant"));
      if (!grant || text_of(*grant, "ended.how") != "revoked") return;
      line = revoked_line(*grant);
    }
    if (json()) {
      Json document = request;
      if (document.is_object()) document.erase("typed_code");  // it is for the terminal that asked
      line = document.dump();
    }
    out.line(line);
  };
  const auto run = [&]() -> Exit {
    const auto client = Client::connect();
    if (!client) return out.fail(client.failure());
    const auto watched = (*client)->watch();
    if (!watched) return out.fail(watched.failure());
    const auto show_open = [&]() -> std::optional<Failure> {
      const auto open = (*client)->list_requests({{"living", sdbus::Variant(true)}});
      if (!open) return open.failure();
      for (const Json& request : member(*open, "requests")) show(**client, request);
      if (const std::string left_out = left_out_line(*open, "requests"); !left_out.empty()) out.note(left_out);
      return std::nullopt;
    };
    // A broker that leaves meanwhile will be told of; what else goes wrong is the end.
    const auto shown = [&] {
      const auto failure = show_open();
      return !failure || failure->code == Exit::kUnreachable ? std::nullopt : failure;
    };
    if (const auto failure = shown()) return out.fail(*failure);
    for (;;) {
      const auto next = (*client)->next(std::nullopt, stop);
      if (!next) return out.fail(next.failure());
      switch (next->event) {
        case Client::Event::kStopped: return Exit::kDone;
        case Client::Event::kTimedOut: break;
        case Client::Event::kGone: out.note("the broker has left; waiting for it to come back"); break;
        case Client::Event::kBack:
          out.note("the broker is back");
          seen.clear();  // what is open now is worth saying again
          if (const auto failure = shown()) return out.fail(*failure);
          break;
        case Client::Event::kChanged: {
          const auto request = (*client)->get_request(next->id);
          if (request) {
            show(**client, *request);
          } else if (request.failure().code != Exit::kNotAllowed && request.failure().code != Exit::kUnreachable) {
            return out.fail(request.failure());  // gone from our sight is no error; a broker that left comes back
          }
          break;
        }
      }
    }
  };
  const Exit code = run();
  close(stop);
  return code;
}

}  // namespace jit::cli
