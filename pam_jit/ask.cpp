// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/ask.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>

#include "pam_jit/log.h"
#include "pam_jit/proc.h"

namespace jit::pam {
namespace {

constexpr Ms kPastDeadline = 5'000;             // the broker ends a request itself; longer than that it is not waited for
constexpr std::uint32_t kDeadlineUnsaid = 3'600;
constexpr int kCodeTries = 3;

}  // namespace

void log_outcome(const Case& c, const char* outcome, const char* why, const char* id, const char* head) {
  const bool allowed = strcmp(outcome, "allowed") == 0;
  if (allowed && !c.options.debug && !c.options.observe) return;  // the broker's log has it
  log_line(allowed ? LOG_INFO : LOG_NOTICE, "%s%s at %s, %s, uid %u: %s%s%s%s%s", c.options.observe ? "observing, would be " : "",
           outcome, word_of(c.door), word_of(c.phase), static_cast<unsigned>(getuid()), why, *id != '\0' ? ", request " : "", id,
           *head != '\0' ? ", log " : "", head);
}

Verdict deny(const Case& c, Talk& talk, const char* text, const char* why, const Answer& answer) {
  if (text != nullptr) talk.complain(text);
  log_outcome(c, "denied", why, answer.id.data(), answer.head.data());
  return Verdict::kDeny;
}

const char* collect_reason(Case& c) {
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

namespace {

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

// The budget is over: the request lives on if the broker says so, and the next equal attempt finds it.
Verdict give_up(const Case& c, Talk& talk, Attempt& attempt, Waiter& waiter, const Answer& answer) {
  std::array<char, 160> text{};
  const bool lives = attempt.detach(waiter);
  snprintf(text.data(), text.size(), "jit: still waiting for approval: request %.8s; %s again once it is approved", answer.id.data(),
           c.door == Door::kSsh || c.door == Door::kLogin ? "log in" : "run the same command");
  return deny(c, talk, lives ? text.data() : "jit: denied: nobody answered in time", lives ? "still waiting" : "no answer in time",
              answer);
}

Show show_of(Talk& talk) {
  return {&talk, [](void* self, const Detail& detail) { static_cast<Talk*>(self)->progress(detail); }};
}

// Of the prompt before a wait.
struct Prompted {
  bool shown = false;
  bool answered = true;
  Fault fault = Fault::kNone;  // why there is nothing to wait for any more
};

// At ssh what is said is seen only with a prompt, and a wait before the first prompt is stretched by sshd: so the wait stands
// behind the answer to one. Elsewhere only where votes are signed, so that a vote code may help.
Prompted ask_code(const Case& c, Talk& talk, Waiter& waiter, Attempt& attempt, Ms deadline, Answer& answer) {
  Prompted out;
  const bool takes_code = answer.detail.takes_code;
  if (!c.manner.by_prompt && !(c.manner.can_ask && takes_code)) return out;
  if (strcmp(answer.detail.cause.data(), "telling") == 0) return out;  // no approval is waited for
  for (int tries = 0; tries < kCodeTries && answer.word == Word::kPending; ++tries) {
    const Ms left = std::min(c.budget_end, deadline) - now_ms();
    if (left <= 0) return out;
    out.shown = true;
    std::array<char, 80> prompt{};
    const auto seconds = static_cast<long long>((left + 999) / 1000);
    if (takes_code) {
      snprintf(prompt.data(), prompt.size(), "Vote code, or Enter to wait for approval (max %lld s): ", seconds);
    } else {
      snprintf(prompt.data(), prompt.size(), "Press Enter to wait for approval (max %lld s): ", seconds);
    }
    Bytes code;
    waiter.release();
    const Talk::Reply reply = talk.ask(prompt.data(), code);
    waiter.hold();
    out.answered = reply != Talk::Reply::kFailed;
    if (reply != Talk::Reply::kText) return out;
    if (!starts_with(code.get(), "jc1")) {
      if (!takes_code) return out;  // whatever was typed before Enter
      talk.say("jit: that is no vote code; it begins with jc1");
      continue;
    }
    bool taken = false;
    Detail detail;
    const Fault fault = attempt.vote(waiter, c.budget_end, code.get(), answer, taken, detail);
    if (fault == Fault::kTimeout || fault == Fault::kRefused) {
      talk.say("jit: the vote code did not arrive; enter it again, or press Enter and hand it in with: jitctl vote --paste");
      continue;
    }
    out.fault = fault;
    if (fault != Fault::kNone) return out;
    talk.say(detail);
    if (taken) return out;
    // It may have been decided before: then there is no more to enter.
    const Fault seen = attempt.wait(waiter, 0, show_of(talk), answer);
    if (seen == Fault::kCancelled || seen == Fault::kGone) out.fault = seen;
    if (out.fault != Fault::kNone) return out;
  }
  return out;
}

// sudo ends a prompt of PAM's by itself (passwd_timeout), and says no more of it than of Ctrl-C; but by Ctrl-C it ends before it runs
// anything, whatever we answer. A plugin's prompt has no such time.
bool may_have_timed_out(const Case& c) { return c.door == Door::kSudo && c.phase == Phase::kAccount; }

Verdict leave_unanswered(const Case& c, Talk& talk, Attempt& attempt, Waiter& waiter, const Answer& answer) {
  attempt.withdraw(waiter);
  if (c.manner.by_prompt) talk.nobody_there();
  return deny(c, talk, c.manner.by_prompt ? nullptr : "jit: cancelled: the question was not answered", "the person left", answer);
}

// A yes is good for some seconds only, and one that came while the person stood at our prompt may have lain there for long: the
// broker says it again, or why not.
Fault renew(Waiter& waiter, Attempt& attempt, Answer& answer) {
  Answer again = answer;
  const Fault fault = attempt.resume(waiter, after(kResumeMs), again);
  if (fault == Fault::kNone && again.word != Word::kAllow) answer = again;
  return fault;
}

// A pending request.
Verdict wait_for(const Case& c, Talk& talk, Waiter& waiter, Attempt& attempt, Answer& answer) {
  talk.progress(answer.detail);
  const std::uint32_t left_s = answer.detail.deadline_s != 0 ? answer.detail.deadline_s : kDeadlineUnsaid;
  const Ms deadline = after(static_cast<Ms>(left_s) * 1000);
  const Prompted prompted = ask_code(c, talk, waiter, attempt, deadline, answer);
  if (!prompted.answered && !may_have_timed_out(c)) return leave_unanswered(c, talk, attempt, waiter, answer);
  const Ms until = prompted.answered ? std::min(c.budget_end, deadline + kPastDeadline) : 0;  // 0: what has come meanwhile
  Fault fault = prompted.fault;
  if (fault == Fault::kNone && answer.word == Word::kPending) fault = attempt.wait(waiter, until, show_of(talk), answer);
  if (fault == Fault::kTimeout && !prompted.answered) return leave_unanswered(c, talk, attempt, waiter, answer);
  if (fault == Fault::kNone && answer.word == Word::kAllow && prompted.shown) fault = renew(waiter, attempt, answer);
  if (fault == Fault::kNone && answer.word == Word::kAllow) return Verdict::kAllow;
  if (fault == Fault::kTimeout) return give_up(c, talk, attempt, waiter, answer);
  if (fault == Fault::kNone) {
    talk.complain(answer.detail);
    return deny(c, talk, nullptr, answer.detail.cause.data(), answer);
  }
  attempt.withdraw(waiter);
  if (fault == Fault::kGone) talk.nobody_there();
  return deny(c, talk, text_of(fault), word_of(fault), answer);
}

}  // namespace

namespace {

// What is left of it: whoever typed has used some. Less than a second is one, for none means that nobody waits here.
void say_budget(Case& c) {
  if (c.manner.budget_s == 0) return;
  const Ms left = c.budget_end - now_ms();
  c.context.budget_s = left > 1000 ? static_cast<std::uint32_t>((left + 999) / 1000) : 1;
}

}  // namespace

Verdict run(Case& c, Talk& talk, Waiter& waiter, Attempt& attempt, Answer& answer) {
  Proof proof;
  if (!proof.take()) return deny(c, talk, text_of(Fault::kSystem), "no descriptor of this process");
  say_budget(c);
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
    say_budget(c);
    fault = attempt.submit(waiter, c.context, proof, answer);
  }
  if (fault != Fault::kNone) return deny(c, talk, text_of(fault), word_of(fault));
  if (answer.word == Word::kAllow) return Verdict::kAllow;
  if (answer.word == Word::kPending) return wait_for(c, talk, waiter, attempt, answer);
  talk.complain(answer.detail);
  return deny(c, talk, answer.word == Word::kNeeds ? "jit: denied: more is needed than can be asked here" : nullptr,
              answer.detail.cause.data(), answer);
}

}  // namespace jit::pam
