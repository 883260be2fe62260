// SPDX-License-Identifier: Apache-2.0
// What an approver does from a workstation of his own, where no broker is.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "cli/commands.h"
#include "cli/remote.h"
#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kOutcome{3000};   // a host that is there answers within it
constexpr milliseconds kReconnect{2000};
constexpr milliseconds kElection{12'000};  // of a stream's next leader, in nats-server: 4 to 9 s
constexpr milliseconds kAsksAgain{500};
constexpr milliseconds kLooksAgain{10'000};  // a server that was behind the others had not all

// What is not shown, and why; told: what of it was said before. So much of it may come that nothing is said twice.
void tell_hidden(const Remote& remote, Output& out, std::set<std::string>& told) {
  const auto tell = [&](const std::string& about, const std::string& text) {
    if (!text.empty() && told.insert(about).second) out.aside(text);
  };
  tell(remote.unread(), remote.unread().empty() ? "" : "not all is shown: " + remote.unread());
  tell("unsigned", remote.unsigned_told());
  for (const auto& [fingerprint, name] : remote.strangers()) {
    tell(fingerprint, "not shown: requests of a host that you do not know; it calls itself " + evidence::escape_to(name, 64) + ", key " + fingerprint +
                          ". Compare with jitctl status on that host, then: jitctl show ID --relay --trust " + fingerprint);
  }
}

void tell_hidden(const Remote& remote, Output& out) {
  std::set<std::string> told;
  tell_hidden(remote, out, told);
}

// Connected, and all read that the relay keeps.
Result<std::unique_ptr<Remote>> whole_remote(const Args& args, Output& out, bool follow) {
  auto approver = read_approver();
  if (!approver) return approver.failure();
  auto remote = Remote::connect(std::move(*approver));
  if (!remote) return remote.failure();
  for (const std::string& note : (*remote)->notes()) out.aside(note);
  if (follow) {
    if (const auto done = (*remote)->subscribe(); !done) return done.failure();
  }
  if (const auto read = (*remote)->read_all(); !read) return read.failure();
  if (args.has(Option::kTrust)) {
    const auto trusted = (*remote)->trust(args.value(Option::kTrust));
    if (!trusted) return trusted.failure();
    out.aside("the key of that host is kept in " + approver_file());
  }
  return remote;
}

// Any server of a stream answers, and where the one that led has died, the others know of what it confirmed last when one of them leads.
Result<const RemoteRequest*> found_in(Remote& remote, const std::string& id, Output& out) {
  auto found = remote.find(id);
  const bool may_come = remote.of_several_servers() && remote.strangers().empty();
  const auto missing = [&] { return !found && found.failure().code == Exit::kNotAllowed && may_come; };
  if (missing()) out.aside("the relay knows no such request; one of its servers may have just died, so it is asked again for 12 s");
  const std::int64_t end = monotonic_ms() + kElection.count();
  while (missing() && monotonic_ms() < end) {
    if (const auto pause = remote.next(kAsksAgain, -1); !pause) return pause.failure();
    if (const auto read = remote.read_all(); !read) return read.failure();
    found = remote.find(id);
  }
  if (!found) tell_hidden(remote, out);
  return found;
}

// What a relay has no answer to is refused, or it would look like one.
std::optional<Failure> beyond_relay(const Args& args) {
  for (const Option option : {Option::kState, Option::kSince, Option::kOwed, Option::kCode, Option::kEnvelope}) {
    if (!args.has(option)) continue;
    const auto name = std::ranges::find(option_names(), option, &OptionName::option);
    return Failure{Exit::kUsage, std::string(name->name) + " is not for requests over a relay: ask their host, jitctl -H HOST " + args.verb + " ..., or leave it out"};
  }
  return std::nullopt;
}

}  // namespace

Result<Decision> Verbs::decision_given(bool approve) const {
  Decision decision;
  decision.approve = approve;
  const auto reason = reason_of(args, !approve);
  if (!reason) return reason.failure();
  decision.reason = *reason;
  const auto seconds = duration_of(args);
  if (!seconds) return seconds.failure();
  decision.duration_s = *seconds;
  const auto block = duration_of(args, Option::kBlock);
  if (!block) return block.failure();
  decision.block_s = *block;
  decision.scope = args.value(Option::kScope);
  if (!decision.scope.empty() && !policy::scope_named(decision.scope)) return Failure{Exit::kUsage, "--scope: give command, tty, session or login"};
  for (const char c : args.value(Option::kTyped)) {
    if (c != ' ' && c != '-') decision.typed += c;
  }
  return decision;
}

bool Verbs::over_relay() const {
  if (args.has(Option::kRelay) || args.has(Option::kTrust)) return args.verb != "vote";
  const auto approver = read_approver();
  if (!approver || !approver->relay) return false;
  return access("/run/dbus/system_bus_socket", F_OK) != 0 || !Client::connect();
}

Exit Verbs::remote_requests() {
  if (const auto left_out = beyond_relay(args)) return out.fail(*left_out);
  const auto remote = whole_remote(args, out, false);
  if (!remote) return out.fail(remote.failure());
  Json documents = Json::array();
  for (const auto& [id, request] : (*remote)->requests()) {
    if (is_open(request.document) || args.has(Option::kAll)) documents.push_back(request.document);
  }
  const Exit code = list(documents, request_row, "no requests");
  tell_hidden(**remote, out);
  return code;
}

Exit Verbs::remote_show() {
  if (const auto left_out = beyond_relay(args)) return out.fail(*left_out);
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto remote = whole_remote(args, out, false);
  if (!remote) return out.fail(remote.failure());
  const auto request = found_in(**remote, *id, out);
  if (!request) return out.fail(request.failure());
  return print((*request)->document, request_facts((*request)->document));
}

Exit Verbs::remote_vote(bool approve) {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto decision = decision_given(approve);
  if (!decision) return out.fail(decision.failure());
  const auto remote = whole_remote(args, out, true);
  if (!remote) return out.fail(remote.failure());
  const auto found = found_in(**remote, *id, out);
  if (!found) return out.fail(found.failure());
  const RemoteRequest& request = **found;
  if (!json()) out.facts(request_facts(request.document));
  // A no ends what was approved already.
  const std::string before = text_of(request.document, "state");
  if (!is_open(request.document) && (approve || before != "approved")) return out.fail({Exit::kNo, "request " + *id + " is " + before + " already"});
  if (approve && request.request.request.offer.match && decision->typed.empty()) {
    return out.fail({Exit::kUsage, "this needs the code on the requester's screen: ask for it by voice, then add --typed CODE"});
  }
  const auto vote = signed_vote(request.request, *decision, (*remote)->person(), {}, args.has(Option::kKey) ? args.value(Option::kKey) : (*remote)->key());
  if (!vote) return out.fail(vote.failure());
  if (const auto sent = (*remote)->send(request, *vote); !sent) return out.fail(sent.failure());
  // The vote is kept for its host now; what comes of it is worth a moment.
  const std::int64_t end = monotonic_ms() + kOutcome.count();
  while (is_open(request.document) && monotonic_ms() < end) {
    const auto news = (*remote)->next(milliseconds(end - monotonic_ms()), -1);
    if (!news) break;
  }
  return sent_vote(request.document, before, *decision);
}

// A host says over the relay how a request ended, and nothing of a single vote.
Exit Verbs::sent_vote(const Json& request, const std::string& before, const Decision& decision) {
  const std::string state = text_of(request, "state");
  const std::string id = text_of(request, "id");
  const bool ended = !is_open(request) && state != before;
  const Exit code = !ended || state == (decision.approve ? "approved" : "denied") ? Exit::kDone : Exit::kNo;
  if (json()) {
    print(request, {});
    return code;
  }
  const std::string there = "jitctl -H " + text_of(request, "host.name") + " ";
  const bool granted = state == "approved" && !decision.approve;
  if (!ended || granted) {
    out.line("sent: the vote is kept for its host; request " + id + (granted ? " was approved already, and a no that counts ends its grant" : " still waits"));
    out.note(granted ? "the host has not confirmed it, and takes it only while it is connected; to see what came of it: " + there + "show " + id + ", and to be sure: " + there + "deny " + id
                     : "the host has not confirmed that it counts; to see whether it does: " + there + "show " + id);
    return code;
  }
  std::uint64_t lifetime = number_of(request, "offer.give_s");
  if (decision.duration_s) lifetime = std::min<std::uint64_t>(lifetime, *decision.duration_s);
  out.line(decision_line(request, lifetime));
  if (code != Exit::kDone) out.note("this is not what you voted: your vote was sent, and came too late or did not count; to see why: " + there + "show " + id);
  return code;
}

Exit Verbs::remote_watch() {
  const int stop = stop_signals();
  if (stop < 0) return out.fail({Exit::kNo, "signals cannot be waited for: too many open files?"});
  std::map<std::string, std::string> said;
  const auto show = [&](const Json& request) {
    const std::string state = text_of(request, "state");
    if (std::exchange(said[text_of(request, "id")], state) == state) return;
    out.line(json() ? request.dump() : request_line(request));
  };
  bool followed = false;
  const auto follow = [&]() -> Result<Nothing> {
    const auto remote = whole_remote(args, out, true);
    if (!remote) return remote.failure();
    followed = true;
    std::set<std::string> told;
    const auto show_all = [&] {
      for (const auto& [id, request] : (*remote)->requests()) {
        if (is_open(request.document) || said.contains(id)) show(request.document);
      }
      tell_hidden(**remote, out, told);
    };
    show_all();
    for (std::int64_t look = monotonic_ms() + kLooksAgain.count();;) {
      const auto news = (*remote)->next(milliseconds(std::max<std::int64_t>(look - monotonic_ms(), 0)), stop);
      if (!news) return news.failure();
      if (news->woken == RelayClient::Woken::kStopped) return Nothing{};
      if (news->woken == RelayClient::Woken::kMissed) return Failure{Exit::kUnreachable, "too much came at once; reading it again"};
      if (!news->id.empty()) show((*remote)->requests().at(news->id).document);
      if (monotonic_ms() < look) continue;
      if (const auto read = (*remote)->read_more(); !read) return read.failure();
      show_all();
      if (const std::string why = (*remote)->renew(); !why.empty() && told.insert(why).second) out.aside(why);
      look = monotonic_ms() + kLooksAgain.count();
    }
  };
  for (;;) {
    const auto done = follow();
    if (done) break;
    if (!followed || done.failure().code != Exit::kUnreachable) {
      close(stop);
      return out.fail(done.failure());
    }
    out.note(done.failure().message + "; trying again");
    timespec pause{kReconnect.count() / 1000, 0};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigtimedwait(&set, nullptr, &pause) > 0) break;
  }
  close(stop);
  return Exit::kDone;
}

}  // namespace jit::cli
