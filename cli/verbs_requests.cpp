// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <ctime>

#include "cli/commands.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

constexpr std::int64_t kMarginMs = 5000;  // the broker says "expired" by itself well within this

constexpr std::int64_t kAgainMs = 1000;

// Until the request is decided; told: with what happens to it meanwhile. Wakes only when the broker says that it changed, or while it could not say.
Result<Json> await(Client& client, Json request, Output& out, bool told) {
  const std::string id = text_of(request, "id");
  const std::int64_t deadline =
      monotonic_ms() + static_cast<std::int64_t>(number_of(request, "deadline_in_s")) * 1000 + kMarginMs;
  bool unsure = false;  // a broker that restarts may leave in the middle of our question
  bool gone = false;    // nobody tells us of changes
  while (is_open(request)) {
    const auto next = client.next(unsure || gone ? std::min(deadline, monotonic_ms() + kAgainMs) : deadline, -1);
    if (!next) return next.failure();
    switch (next->event) {
      case Client::Event::kTimedOut:
        if ((unsure || gone) && monotonic_ms() < deadline) break;
        return Failure{Exit::kTimedOut, "timed out waiting for request " + id + ": see jitctl show " + id};
      case Client::Event::kGone:
        if (!gone) out.note("the broker has left; waiting for it to come back");
        gone = true;
        continue;
      case Client::Event::kStopped: continue;
      case Client::Event::kChanged:
        if (next->id != id) continue;
        break;
      case Client::Event::kBack: gone = false; break;
    }
    auto again = client.get_request(id);
    unsure = !again && again.failure().code == Exit::kUnreachable;
    if (unsure) continue;
    if (!again) return again.failure();
    if (told && is_open(*again)) {  // how it ended is said by who asked
      for (const std::string& line : progress(request, *again)) out.note(line);
    }
    request = std::move(*again);
  }
  return request;
}

}  // namespace

namespace {

// What a request ahead of time and one for more time are asked with alike.
Result<Dict> wish_of(const Args& args) {
  Dict wish;
  if (args.has(Option::kUrgency)) wish.emplace("urgency", sdbus::Variant(args.value(Option::kUrgency)));
  const auto seconds = duration_of(args);
  if (!seconds) return seconds.failure();
  if (*seconds) wish.emplace("for-s", sdbus::Variant(**seconds));
  const auto reason = reason_of(args, false);
  if (!reason) return reason.failure();
  if (!reason->empty()) wish.emplace("reason", sdbus::Variant(bytes_of(*reason)));
  if (args.has(Option::kTicket)) wish.emplace("ticket", sdbus::Variant(bytes_of(args.value(Option::kTicket))));
  return wish;
}

// Asking is everybody's right, so "Denied" is the policy's answer here.
Failure as_answer(Failure failure) {
  if (failure.code == Exit::kNotAllowed) failure.code = Exit::kNo;
  return failure;
}

}  // namespace

Result<Dict> ask_of(const Args& args) {
  auto made = wish_of(args);
  if (!made) return made.failure();
  Dict ask = std::move(*made);
  const auto text = [&](Option option, const char* key) {
    if (args.has(option)) ask.emplace(key, sdbus::Variant(args.value(option)));
  };
  text(Option::kDoor, "door");
  text(Option::kAs, "as");
  text(Option::kVia, "via");
  text(Option::kScope, "scope");
  if (!args.command.empty()) {
    std::vector<Bytes> argv;
    for (const std::string& word : args.command) argv.push_back(bytes_of(word));
    ask.emplace("argv", sdbus::Variant(argv));
    std::array<char, PATH_MAX> cwd{};
    if (getcwd(cwd.data(), cwd.size()) == nullptr || cwd[0] != '/') {
      return Failure{Exit::kUsage, "the current directory cannot be named: go to one that exists"};
    }
    ask.emplace("cwd", sdbus::Variant(bytes_of(cwd.data())));
  }
  return ask;
}

Exit Verbs::request() {
  auto ask = ask_of(args);
  if (!ask) return out.fail(ask.failure());
  if (args.has(Option::kAt)) {
    const auto at = parse_ahead(args.value(Option::kAt), std::int64_t{std::time(nullptr)} * 1000);
    if (!at) return out.fail({Exit::kUsage, "--at: give a time with its zone (2026-11-22T20:00:00Z), or how long from now (2h)"});
    ask->emplace("not-before-ms", sdbus::Variant(*at));
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  if (args.has(Option::kWait)) {
    // Before it exists, so that no change of it can be missed.
    const auto watched = (*client)->watch();
    if (!watched) return out.fail(watched.failure());
  }
  auto made = (*client)->create(*ask);
  if (!made) return out.fail(as_answer(made.failure()));
  return asked(**client, std::move(*made));
}

Exit Verbs::extend() {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto wish = wish_of(args);
  if (!wish) return out.fail(wish.failure());
  if (!args.has(Option::kFor)) return out.fail({Exit::kUsage, "say how much more: --for 30m"});
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  if (args.has(Option::kWait)) {
    const auto watched = (*client)->watch();
    if (!watched) return out.fail(watched.failure());
  }
  auto made = (*client)->extend(*id, *wish);
  if (!made) {
    // No such grant is not an answer of the policy.
    const bool there = made.failure().code == Exit::kNotAllowed && (*client)->get_grant(*id);
    return out.fail(there ? as_answer(made.failure()) : made.failure());
  }
  return asked(**client, std::move(*made));
}

Exit Verbs::asked(Client& client, Json made) {
  if (!json()) {
    out.line(text_of(made, "id"));
    if (const std::string note = text_of(made, "note"); !note.empty()) out.note(note);
    if (is_open(made)) {
      const auto left = static_cast<std::uint32_t>(std::min<std::uint64_t>(number_of(made, "deadline_in_s"), 315'360'000));
      out.note("asked: " + open_seats(made) + ", " + policy::format_duration(left) + " left to vote, code \"" + text_of(made, "display_code") + "\"");
      if (const std::string code = text_of(made, "typed_code"); code.size() == 6) {
        out.note("tell who approves this code, by voice: " + code.substr(0, 3) + " " + code.substr(3));
      }
    }
  }
  if (args.has(Option::kWait)) {
    auto decided = await(client, std::move(made), out, !json());
    if (!decided) return out.fail(decided.failure());
    made = std::move(*decided);
  }
  const bool open = is_open(made);
  const bool yes = text_of(made, "state") == "approved";
  if (json()) {
    out.line(made.dump());
  } else if (!open) {
    const auto grant = yes ? client.get_grant(text_of(made, "grant")) : Result<Json>(Json());
    const bool more = !text_of(made, "extends").empty();
    out.note(decision_line(made, more ? number_of(made, "offer.give_s") : number_of(grant ? *grant : Json(), "lifetime_s")));
    if (yes && more && grant) out.note("it ends in " + policy::format_duration(static_cast<std::uint32_t>(number_of(*grant, "expires_in_s"))));
  }
  return open || yes ? Exit::kDone : Exit::kNo;
}

Exit Verbs::cancel() {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto request = (*client)->cancel(*id);
  if (!request) return out.fail(request.failure());
  if (json()) return print(*request, {});
  out.line("cancelled: request " + text_of(*request, "id"));
  return Exit::kDone;
}

Exit Verbs::requests() {
  auto filter = filter_of(args);
  if (!filter) return out.fail(filter.failure());
  const bool narrowed = args.has(Option::kState) || args.has(Option::kSince) || args.has(Option::kOwed);
  if (!narrowed) {
    // What waits, and what was decided within the last day.
    Args day = args;
    day.values.emplace(Option::kSince, "1d");
    filter = filter_of(day);
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto requests = (*client)->list_requests(*filter);
  if (!requests) return out.fail(requests.failure());
  return cut_list(*requests, "requests", args.has(Option::kOwed) ? owed_row : request_row);
}

Exit Verbs::show() {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  if (args.has(Option::kCode) || args.has(Option::kEnvelope)) return show_code(**client, *id);
  const auto request = (*client)->get_request(*id);
  if (request) return print(*request, request_facts(*request));
  if (request.failure().code != Exit::kNotAllowed) return out.fail(request.failure());
  const auto grant = (*client)->get_grant(*id);
  if (grant) return print(*grant, grant_facts(*grant));
  if (grant.failure().code != Exit::kNotAllowed) return out.fail(grant.failure());
  return out.fail({Exit::kNotAllowed, "no request or grant " + *id + " that you may see: try jitctl requests, jitctl grants"});
}

}  // namespace jit::cli
