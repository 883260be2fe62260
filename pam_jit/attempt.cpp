// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/attempt.h"

#include <algorithm>

#include "dbus/contract.h"

namespace jit::pam {
namespace {

namespace contract = dbus::gate1;
constexpr Ms kResumeAgain = 100;

// Whether joining again can help: the broker restarts, or what came from it was damaged.
bool may_resume(Fault fault) { return fault == Fault::kBroken || fault == Fault::kBadAnswer || fault == Fault::kNoGate; }

}  // namespace

Fault Attempt::submit(Waiter& waiter, const Context& context, const Proof& proof, Answer& answer) {
  const Ms until = after(kCallMs);
  if (const Fault fault = gate_.open(waiter, until); fault != Fault::kNone) return fault;
  const Message call = gate_.call(contract::kSubmit);
  if (!call || !append_submit(call.get(), context, proof)) return Fault::kSystem;
  Message reply;
  const Fault fault = gate_.ask(waiter, call.get(), contract::kSubmitOut, until, reply);
  if (fault == Fault::kRefused && read_bad_context(reply.get(), answer)) return Fault::kNone;
  if (fault != Fault::kNone) return fault;
  return read_submit(reply.get(), answer) ? Fault::kNone : Fault::kBadAnswer;
}

Fault Attempt::wait(Waiter& waiter, Ms until, Show show, Answer& answer) {
  if (!waiter.holds()) return Fault::kSystem;
  for (;;) {
    Message m;
    Fault fault = gate_.next(waiter, until, m);
    if (fault == Fault::kNone) {
      Detail detail;
      if (sd_bus_message_is_signal(m.get(), nullptr, contract::kDecided) > 0) {
        if (read_decided(m.get(), answer)) return Fault::kNone;
        fault = Fault::kBadAnswer;
      } else if (read_progress(m.get(), detail)) {
        show.progress(show.self, detail);
        continue;
      } else {
        fault = Fault::kBadAnswer;
      }
    }
    if (!may_resume(fault)) return fault;
    if (fault = resume(waiter, until, answer); fault != Fault::kNone) return fault;
    if (answer.word != Word::kPending) return Fault::kNone;
  }
}

Fault Attempt::resume(Waiter& waiter, Ms until, Answer& answer) {
  const Ms give_up = std::min(until, after(kResumeMs));
  for (;;) {
    const Ms call_until = std::min(give_up, after(kCallMs));
    Fault fault = gate_.open(waiter, call_until);
    if (fault == Fault::kNone) {
      const Message call = gate_.call(contract::kResume);
      if (!call || sd_bus_message_append(call.get(), contract::kResumeIn, answer.id.data(), answer.secret.data()) < 0) {
        return Fault::kSystem;
      }
      Message reply;
      fault = gate_.ask(waiter, call.get(), contract::kResumeOut, call_until, reply);
      if (fault == Fault::kNone) return read_resume(reply.get(), answer) ? Fault::kNone : Fault::kBadAnswer;
    }
    if (!may_resume(fault) && fault != Fault::kTimeout) return fault;
    if (now_ms() >= give_up) return Fault::kBroken;
    const Wake wake = waiter.wait(-1, 0, std::min(give_up, after(kResumeAgain)));
    if (wake == Wake::kSignal) return Fault::kCancelled;
    if (wake == Wake::kGone) return Fault::kGone;
    if (wake != Wake::kTime) return Fault::kSystem;
  }
}

// Carried twice, it is one vote.
Fault Attempt::vote(Waiter& waiter, Ms until, std::string_view code, Answer& answer, bool& taken, Detail& detail) {
  taken = false;
  Fault fault = vote_here(waiter, code, taken, detail);
  if (!may_resume(fault)) return fault;
  fault = resume(waiter, until, answer);
  return fault == Fault::kNone && answer.word == Word::kPending ? vote_here(waiter, code, taken, detail) : fault;
}

Fault Attempt::vote_here(Waiter& waiter, std::string_view code, bool& taken, Detail& detail) {
  const Message call = gate_.call(contract::kVote);
  if (!call || sd_bus_message_append_array(call.get(), SD_BUS_TYPE_BYTE, code.data(), code.size()) < 0) return Fault::kSystem;
  Message reply;
  if (const Fault fault = gate_.ask(waiter, call.get(), contract::kVoteOut, after(kCallMs), reply); fault != Fault::kNone) return fault;
  return read_vote(reply.get(), taken, detail) ? Fault::kNone : Fault::kBadAnswer;
}

bool Attempt::leave(Waiter& waiter, const char* method) {
  if (!gate_.is_open()) return false;
  const Message call = gate_.call(method);
  Message reply;
  const bool said = call && gate_.ask(waiter, call.get(), "", after(kLeaveMs), reply) == Fault::kNone;
  gate_.close();
  return said;
}

bool Attempt::detach(Waiter& waiter) { return leave(waiter, contract::kDetach); }
void Attempt::withdraw(Waiter& waiter) { leave(waiter, contract::kWithdraw); }

Fault Attempt::bind(Waiter& waiter, std::string_view service, std::string_view user, std::string_view ssh_auth, Binding& binding) {
  const Ms until = after(kCallMs);
  const Fd self = own_pidfd();
  if (!self) return Fault::kSystem;
  if (gate_.is_open()) {
    const Fault fault = bind_here(waiter, until, service, user, ssh_auth, self.get(), binding);
    if (fault != Fault::kBroken) return fault;
    // The broker was restarted, or closed what said nothing for too long. It takes a hand-over once, whoever asks again.
  }
  if (const Fault fault = gate_.open(waiter, until); fault != Fault::kNone) return fault;
  return bind_here(waiter, until, service, user, ssh_auth, self.get(), binding);
}

Fault Attempt::bind_here(Waiter& waiter, Ms until, std::string_view service, std::string_view user, std::string_view ssh_auth,
                         int self, Binding& binding) {
  const Message call = gate_.call(contract::kBind);
  if (!call || !append_bind(call.get(), service, user, ssh_auth, self)) return Fault::kSystem;
  Message reply;
  if (const Fault fault = gate_.ask(waiter, call.get(), contract::kBindOut, until, reply); fault != Fault::kNone) return fault;
  return read_bind(reply.get(), binding) ? Fault::kNone : Fault::kBadAnswer;
}

}  // namespace jit::pam
