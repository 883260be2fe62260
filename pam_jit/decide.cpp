// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/decide.h"

#include <errno.h>
#include <unistd.h>

#include "pam_jit/ask.h"
#include "pam_jit/door.h"
#include "pam_jit/end.h"
#include "pam_jit/kept.h"
#include "pam_jit/listing.h"
#include "pam_jit/log.h"
#include "pam_jit/proc.h"
#include "pam_jit/voice.h"

namespace jit::pam {
namespace {

constexpr char kListing[] = "pam_jit.listing";  // PAM data: this handle was let through as a listing

bool takes_command(Door door) { return door == Door::kSudo || door == Door::kSu || door == Door::kOther; }
bool has_outer_alarm(Door door) { return door == Door::kLogin || door == Door::kSsh; }

// What a phase holds while it asks.
struct DoorCase : Case {
  pam_handle_t* handle = nullptr;
  Items items;
};

// sudo and su open the session in the process that runs account; at the other doors the connection would only be in the way.
bool binds_here(const Case& c) { return c.phase == Phase::kAccount && (c.door == Door::kSudo || c.door == Door::kSu); }

Verdict allow(const DoorCase& c, Talk& talk, Attempt& attempt, const Answer& answer) {
  if (binds_here(c) && !keep(c.handle, std::move(attempt))) {
    return deny(c, talk, "jit: denied: no memory", "the connection cannot be kept", answer);
  }
  talk.say(answer.detail);
  log_outcome(c, "allowed", answer.detail.cause.data(), answer.id.data(), answer.head.data());
  return Verdict::kAllow;
}

// Reads argv, cwd and JIT_REASON where they say something of what is asked for. In sshd and login they are the daemon's.
const char* collect(DoorCase& c, std::size_t argv_size) {
  if (!takes_command(c.door)) return nullptr;
  c.context.argv = {c.argv.get(), argv_size};
  c.cwd.reset(getcwd(nullptr, 0));
  if (c.cwd) {
    c.context.cwd = c.cwd.get();
  } else if (errno != ENOENT) {  // a folder that was removed has no path
    return "jit: denied: the current folder cannot be read";
  }
  return c.door == Door::kOther ? nullptr : collect_reason(c);
}

// What was typed for a program that does not run must not reach the shell (CVE-2025-64170). At ssh the terminal is elsewhere.
void leave_nothing_typed(const Case& c) {
  if (c.door != Door::kSsh) drop_typed_input();
}

// Runs with the signals held, and gives them back whatever came out.
Verdict run_held(DoorCase& c, Talk& talk) {
  Waiter waiter(c.manner.peer, has_outer_alarm(c.door), c.door == Door::kLogin);
  Attempt attempt;
  Answer answer;
  Verdict verdict = run(c, talk, waiter, attempt, answer);
  if (verdict == Verdict::kAllow) verdict = allow(c, talk, attempt, answer);
  if (!waiter.release()) verdict = deny(c, talk, text_of(Fault::kSystem), "the signal mask could not be put back");
  if (verdict == Verdict::kDeny) {
    leave_nothing_typed(c);
    talk.end_by_prompt();
  }
  return verdict;
}

Verdict ask(DoorCase& c) {
  SudoOptions sudo;
  std::size_t argv_size = 0;
  Read argv = Read::kAbsent;
  if (takes_command(c.door)) argv = read_argv(c.argv, argv_size);
  if (c.door == Door::kSudo && argv == Read::kFound) sudo = read_sudo_options({c.argv.get(), argv_size});
  Talk talk(voice_of(c.handle), c.manner);
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
  c.context.resolves = c.door == Door::kSudo && c.phase == Phase::kAccount && sudo_jit_asks();
  c.context.can_ask = c.manner.can_ask;
  c.context.budget_s = c.manner.budget_s;
  if (const char* why = collect(c, argv_size)) return deny(c, talk, why, "the attempt cannot be described");
  return run_held(c, talk);
}

// What both ways in check first; false denies.
bool prepare(DoorCase& c, int argc, const char* const* argv) {
  const bool items = read_items(c.handle, c.items);
  c.door = door_of(c.items.service);
  if (geteuid() != 0) return false;  // not a door, and no log: any user can load a module into a program of his
  const std::optional<Options> options = read_options(argc, argv);
  if (!options) return false;
  c.options = *options;
  if (!items) log_line(LOG_NOTICE, "denied: the host program gives no service or no user");
  return items;
}

DoorCase case_of(pam_handle_t* handle, Phase phase) {
  DoorCase c;
  c.handle = handle;
  c.phase = phase;
  return c;
}

}  // namespace

int ask_gate(pam_handle_t* handle, Phase phase, int argc, const char* const* argv) {
  DoorCase c = case_of(handle, phase);
  Verdict verdict = Verdict::kDeny;
  if (prepare(c, argc, argv)) verdict = ask(c);
  return code_for(c.door, phase, verdict);
}

int open_session(pam_handle_t* handle, int argc, const char* const* argv) {
  DoorCase c = case_of(handle, Phase::kSession);
  if (!prepare(c, argc, argv)) return code_for(c.door, c.phase, Verdict::kDeny);
  c.manner.errors_only = true;
  c.manner.silent = c.options.observe;
  Talk talk(voice_of(handle), c.manner);

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
  Waiter waiter(-1, has_outer_alarm(c.door), c.door == Door::kLogin);
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
