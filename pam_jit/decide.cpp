// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <array>

#include "pam_jit/attempt.h"
#include "pam_jit/door.h"
#include "pam_jit/end.h"
#include "pam_jit/kept.h"
#include "pam_jit/listing.h"
#include "pam_jit/log.h"
#include "pam_jit/proc.h"
#include "pam_jit/question.h"
#include "pam_jit/talk.h"

namespace jit::pam {
namespace {

constexpr char kListing[] = "pam_jit.listing";  // PAM data: this handle was let through as a listing
constexpr Ms kPastDeadline = 5'000;             // the broker ends a request itself; longer than that it is not waited for
constexpr std::uint32_t kDeadlineUnsaid = 3'600;
constexpr int kCodeTries = 3;

bool takes_command(Door door) { return door == Door::kSudo || door == Door::kSu || door == Door::kOther; }
bool has_outer_alarm(Door door) { return door == Door::kLogin || door == Door::kSsh; }

// What this phase holds while it asks. argv, cwd and reason keep what the views of the context point at.
struct Case {
  pam_handle_t* handle;
  Door door;
  Phase phase;
  Options options;
  Items items;
  Manner manner;
  Context context;
  Bytes argv, cwd, reason;
  Said said;
  Ms budget_end = 0;  // counted from the start: login and sshd count from before that
};

void log_outcome(const Case& c, const char* outcome, const char* why, const char* id) {
  const bool allowed = strcmp(outcome, "allowed") == 0;
  if (allowed && !c.options.debug && !c.options.observe) return;  // the broker's log has it
  log_line(allowed ? LOG_INFO : LOG_NOTICE, "%s%s at %s, %s, uid %u: %s%s%s", c.options.observe ? "observing, would be " : "",
           outcome, word_of(c.door), word_of(c.phase), static_cast<unsigned>(getuid()), why, *id != '\0' ? ", request " : "", id);
}

Verdict deny(const Case& c, Talk& talk, const char* text, const char* why, const Answer& answer = {}) {
  if (text != nullptr) talk.complain(text);
  log_outcome(c, "denied", why, answer.id.data());
  return Verdict::kDeny;
}

// sudo and su open the session in the process that runs account; at the other doors the connection would only be in the way.
bool binds_here(const Case& c) { return c.phase == Phase::kAccount && (c.door == Door::kSudo || c.door == Door::kSu); }

Verdict allow(const Case& c, Talk& talk, Attempt& attempt, const Answer& answer) {
  if (binds_here(c) && !keep(c.handle, std::move(attempt))) {
    return deny(c, talk, "jit: denied: no memory", "the connection cannot be kept", answer);
  }
  talk.say(answer.detail);
  log_outcome(c, "allowed", answer.detail.cause.data(), answer.id.data());
  return Verdict::kAllow;
}

// Reads argv, cwd and JIT_REASON where they say something of what is asked for. In sshd and login they are the daemon's.
const char* collect(Case& c, std::size_t argv_size) {
  if (!takes_command(c.door)) return nullptr;
  c.context.argv = {c.argv.get(), argv_size};
  c.cwd.reset(getcwd(nullptr, 0));
  if (c.cwd) {
    c.context.cwd = c.cwd.get();
  } else if (errno != ENOENT) {  // a folder that was removed has no path
    return "jit: denied: the current folder cannot be read";
  }
  if (c.door == Door::kOther) return nullptr;
  c.reason.reset(static_cast<char*>(malloc(kReasonMax)));
  if (!c.reason) return "jit: denied: no memory";
  std::size_t size = 0;
  switch (read_environ("JIT_REASON=", {c.reason.get(), kReasonMax}, size)) {
    case Read::kFound:
      if (size == 0) return nullptr;
      c.context.reason = {c.reason.get(), size};
      c.context.reason_from = "environment";
      return nullptr;
    case Read::kAbsent: return nullptr;
    case Read::kTooLong: return "jit: denied: JIT_REASON is longer than 1024 bytes";
    case Read::kFailed: break;
  }
  return "jit: denied: the environment cannot be read";
}

// One round of questions. What is missing for a permit is known once it is chosen; if that was not all there is one more
// round, for texts only.
bool may_ask(const Case& c, const Detail& detail, int round) {
  return c.manner.can_ask && (round == 0 || (round == 1 && c.context.via.data() != nullptr && detail.choice_count == 0));
}

const char* ask_round(Case& c, Talk& talk, const Detail& detail) {
  Needs needs = detail.needs;
  if (detail.choice_count > 0) {
    if (const char* why = ask_choice(talk, detail, c.said.choice)) return why;
    c.context.via = c.said.choice.permit.data();
    needs = c.said.choice.needs;
  }
  if (needs.reason) {
    if (const char* why = ask_reason(talk, needs.reason_min, c.said.reason)) return why;
    c.context.reason = c.said.reason.get();
    c.context.reason_from = "prompt";
  }
  if (needs.ticket) {
    if (const char* why = ask_ticket(talk, c.said.ticket)) return why;
    c.context.ticket = c.said.ticket.get();
  }
  return nullptr;
}

// Why there is no answer, as a person may read it; null: nobody is there.
const char* text_of(Fault fault) {
  switch (fault) {
    case Fault::kCancelled: return "jit: cancelled";
    case Fault::kGone: return nullptr;
    case Fault::kBadAnswer:
    case Fault::kRefused: return "jit: denied: the approval service gave no usable answer";
    case Fault::kSystem: return "jit: denied: a system call failed";
    case Fault::kNone:
    case Fault::kNoGate:
    case Fault::kWrongPeer:
    case Fault::kTimeout:
    case Fault::kBroken: break;
  }
  return "jit: denied: the approval service cannot be reached";
}

// The budget is over: the request lives on if the broker says so, and the next equal attempt finds it.
Verdict give_up(const Case& c, Talk& talk, Attempt& attempt, Waiter& waiter, const Answer& answer) {
  std::array<char, 160> text{};
  const bool lives = attempt.detach(waiter);
  snprintf(text.data(), text.size(), "jit: still waiting for approval: request %.8s; %s again once it is approved", answer.id.data(),
           c.door == Door::kSsh || c.door == Door::kLogin ? "log in" : "run the same command");
  return deny(c, talk, lives ? text.data() : "jit: denied: nobody answered in time", lives ? "still waiting" : "no answer in time",
              answer);
}

// At ssh what is said is seen only with a prompt, and a wait before the first prompt is stretched by sshd: so the wait stands
// behind the answer to one. Elsewhere only where a vote code is all that can help. False: the person left.
bool ask_code(const Case& c, Talk& talk, Waiter& waiter, Attempt& attempt, const Answer& answer) {
  if (!c.manner.by_prompt && !(c.manner.can_ask && answer.detail.takes_code)) return true;
  for (int tries = 0; tries < kCodeTries; ++tries) {
    const Ms left = c.budget_end - now_ms();
    if (left <= 0) return true;
    std::array<char, 80> prompt{};
    const auto seconds = static_cast<long long>((left + 999) / 1000);
    if (answer.detail.takes_code) {
      snprintf(prompt.data(), prompt.size(), "Vote code, or Enter to wait for approval (max %lld s): ", seconds);
    } else {
      snprintf(prompt.data(), prompt.size(), "Press Enter to wait for approval (max %lld s): ", seconds);
    }
    Bytes code;
    waiter.release();
    const Talk::Reply reply = talk.ask(prompt.data(), code);
    waiter.hold();
    if (reply != Talk::Reply::kText) return reply == Talk::Reply::kEmpty;
    if (!starts_with(code.get(), "jc1")) {
      if (!answer.detail.takes_code) return true;  // whatever was typed before Enter
      talk.say("jit: that is no vote code; it begins with jc1");
      continue;
    }
    bool taken = false;
    Detail detail;
    // No answer to it: the wait that follows finds out why, and joins again.
    if (attempt.vote(waiter, code.get(), taken, detail) != Fault::kNone) return true;
    talk.say(detail);
    if (taken) return true;
  }
  return true;
}

// A pending request.
Verdict wait_for(const Case& c, Talk& talk, Waiter& waiter, Attempt& attempt, Answer& answer) {
  talk.progress(answer.detail);
  if (!ask_code(c, talk, waiter, attempt, answer)) {
    attempt.withdraw(waiter);
    return deny(c, talk, nullptr, "the person left", answer);
  }
  const std::uint32_t deadline = answer.detail.deadline_s != 0 ? answer.detail.deadline_s : kDeadlineUnsaid;
  const Ms last = after(static_cast<Ms>(deadline) * 1000 + kPastDeadline);
  const Ms until = c.budget_end < last ? c.budget_end : last;
  const Show show{&talk, [](void* self, const Detail& detail) { static_cast<Talk*>(self)->progress(detail); }};
  const Fault fault = attempt.wait(waiter, until, show, answer);
  if (fault == Fault::kNone && answer.word == Word::kAllow) {
    return allow(c, talk, attempt, answer);
  }
  if (fault == Fault::kTimeout) return give_up(c, talk, attempt, waiter, answer);
  if (fault == Fault::kNone) {
    talk.complain(answer.detail);
    return deny(c, talk, nullptr, answer.detail.cause.data(), answer);
  }
  attempt.withdraw(waiter);
  if (fault == Fault::kGone) talk.nobody_there();
  return deny(c, talk, text_of(fault), word_of(fault), answer);
}

Verdict run(Case& c, Talk& talk, Waiter& waiter) {
  Proof proof;
  if (!proof.take()) return deny(c, talk, text_of(Fault::kSystem), "no descriptor of this process");
  Attempt attempt;
  Answer answer;
  Fault fault = attempt.submit(waiter, c.context, proof, answer);
  for (int round = 0; fault == Fault::kNone && answer.word == Word::kNeeds && may_ask(c, answer.detail, round); ++round) {
    attempt = Attempt();  // nothing was stored, and the gate does not wait for a person to type
    waiter.release();
    if (const char* why = ask_round(c, talk, answer.detail)) {
      if (answer.detail.choice_count == 0) talk.complain(answer.detail);
      return deny(c, talk, why, "what is needed was not given");
    }
    waiter.hold();
    answer = Answer();
    fault = attempt.submit(waiter, c.context, proof, answer);
  }
  if (fault != Fault::kNone) return deny(c, talk, text_of(fault), word_of(fault));
  if (answer.word == Word::kAllow) return allow(c, talk, attempt, answer);
  if (answer.word == Word::kPending) return wait_for(c, talk, waiter, attempt, answer);
  talk.complain(answer.detail);
  return deny(c, talk, answer.word == Word::kNeeds ? "jit: denied: more is needed than can be asked here" : nullptr,
              answer.detail.cause.data(), answer);
}

// What was typed for a program that does not run must not reach the shell (CVE-2025-64170). At ssh the terminal is elsewhere.
void leave_nothing_typed(const Case& c) {
  if (c.door != Door::kSsh) drop_typed_input();
}

// Runs with the signals held, and gives them back whatever came out.
Verdict run_held(Case& c, Talk& talk) {
  Waiter waiter(c.manner.peer, has_outer_alarm(c.door));
  Verdict verdict = run(c, talk, waiter);
  if (!waiter.release()) verdict = deny(c, talk, text_of(Fault::kSystem), "the signal mask could not be put back");
  if (verdict == Verdict::kDeny) {
    leave_nothing_typed(c);
    talk.end_by_prompt();
  }
  return verdict;
}

Verdict ask(Case& c) {
  SudoOptions sudo;
  std::size_t argv_size = 0;
  Read argv = Read::kAbsent;
  if (takes_command(c.door)) argv = read_argv(c.argv, argv_size);
  if (c.door == Door::kSudo && argv == Read::kFound) sudo = read_sudo_options({c.argv.get(), argv_size});
  Talk talk(c.handle, c.manner);
  if (!find_manner(c.handle, c.door, c.items, c.options, sudo, c.manner)) {
    return deny(c, talk, text_of(Fault::kSystem), "terminal or connection not known");
  }
  c.budget_end = after(static_cast<Ms>(c.manner.budget_s) * 1000);

  if (takes_command(c.door) && argv != Read::kFound) {
    return deny(c, talk, argv == Read::kTooLong ? "jit: denied: the command line is longer than 128 KiB"
                                                : "jit: denied: the command line cannot be read",
                "command line");
  }
  if (c.door == Door::kSudo && is_sudo_listing(sudo)) {
    // In auth a success would renew sudo's ticket, so only account lets a listing through, and only where open_session
    // will know it.
    if (c.phase == Phase::kAccount && pam_set_data(c.handle, kListing, c.handle, nullptr) == PAM_SUCCESS) {
      log_outcome(c, "allowed", "a listing, no request", "");
      return Verdict::kAllow;
    }
    return deny(c, talk, nullptr, "a listing in a phase that cannot let it through");
  }
  if (c.door == Door::kSsh && c.phase == Phase::kAuth && c.items.ssh_auth.empty()) {
    log_outcome(c, "denied", "nothing is proven yet, so nobody is asked", "");
    return Verdict::kDeny;
  }
  c.context.service = c.items.service;
  c.context.phase = word_of(c.phase);
  c.context.user = c.items.user;
  c.context.ruser = c.items.ruser;
  c.context.rhost = c.items.rhost;
  c.context.tty = c.items.tty;
  c.context.ssh_auth = c.items.ssh_auth;
  if (c.manner.peer_address[0] != '\0') c.context.peer = c.manner.peer_address.data();
  c.context.observe = c.options.observe;
  c.context.can_ask = c.manner.can_ask;
  c.context.budget_s = c.manner.budget_s;
  if (const char* why = collect(c, argv_size)) return deny(c, talk, why, "the attempt cannot be described");
  return run_held(c, talk);
}

// What both ways in check first; false denies.
bool prepare(Case& c, int argc, const char* const* argv) {
  const bool items = read_items(c.handle, c.items);
  c.door = door_of(c.items.service);
  if (geteuid() != 0) return false;  // not a door, and no log: any user can load a module into a program of his
  const std::optional<Options> options = read_options(argc, argv);
  if (!options) return false;
  c.options = *options;
  if (!items) log_line(LOG_NOTICE, "denied: the host program gives no service or no user");
  return items;
}

Case case_of(pam_handle_t* handle, Phase phase) {
  return {.handle = handle, .door = Door::kOther, .phase = phase, .options = {}, .items = {}, .manner = {}, .context = {},
          .argv = nullptr, .cwd = nullptr, .reason = nullptr, .said = {}};
}

}  // namespace

int ask_gate(pam_handle_t* handle, Phase phase, int argc, const char* const* argv) {
  Case c = case_of(handle, phase);
  Verdict verdict = Verdict::kDeny;
  if (prepare(c, argc, argv)) verdict = ask(c);
  return code_for(c.door, phase, verdict);
}

int open_session(pam_handle_t* handle, int argc, const char* const* argv) {
  Case c = case_of(handle, Phase::kSession);
  if (!prepare(c, argc, argv)) return code_for(c.door, c.phase, Verdict::kDeny);
  c.manner.errors_only = true;
  c.manner.silent = c.options.observe;
  Talk talk(handle, c.manner);

  const void* listing = nullptr;
  if (pam_get_data(handle, kListing, &listing) != PAM_NO_MODULE_DATA) {
    deny(c, talk, "jit: denied: a listing opens no session", "a session after a listing");
    return code_for(c.door, c.phase, Verdict::kDeny);  // at sudo, where listings are: PAM_ABORT
  }
  Binding binding;
  Attempt attempt;
  if (!take(handle, attempt)) {
    deny(c, talk, text_of(Fault::kSystem), "the connection that was kept is not known");
    return code_for(c.door, c.phase, Verdict::kDeny);
  }
  Waiter waiter(-1, has_outer_alarm(c.door));
  Fault fault = attempt.bind(waiter, c.items.service, c.items.user, c.items.ssh_auth, binding);
  Fault held = Fault::kNone;
  if (fault == Fault::kNone && binding.bound == Bound::kYes && !c.options.observe) held = hand_over(waiter, binding);
  if (!waiter.release()) fault = Fault::kSystem;
  Verdict verdict = Verdict::kDeny;
  if (fault != Fault::kNone) {
    deny(c, talk, text_of(fault), word_of(fault));
  } else if (binding.bound == Bound::kOtherKey) {
    deny(c, talk, "jit: denied: this login was approved for another ssh key; use that key, or ask with this one", "another ssh key");
  } else if (binding.bound != Bound::kYes) {
    deny(c, talk, "jit: denied: no approval covers this session", "nothing to bind");
  } else if (held != Fault::kNone || !limit_session(handle, binding)) {
    deny(c, talk, "jit: denied: nothing would end this session in time; see: systemctl status jit-enforcer.socket",
         held == Fault::kNone ? "the limit of the session cannot be set" : "the enforcer did not take it over");
  } else {
    log_outcome(c, "allowed", "bound", "");
    verdict = Verdict::kAllow;
  }
  if (verdict == Verdict::kDeny) leave_nothing_typed(c);
  return code_for(c.door, c.phase, verdict);
}

}  // namespace jit::pam
