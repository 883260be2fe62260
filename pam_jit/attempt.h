// SPDX-License-Identifier: Apache-2.0
// One attempt at a door, as the gate sees it: Submit, the wait for Decided with Resume behind it, and how to leave.
#pragma once

#include "pam_jit/answer.h"
#include "pam_jit/context.h"
#include "pam_jit/gate.h"

namespace jit::pam {

inline constexpr Ms kCallMs = 4'000;     // connect, handshake and one call; a denial within 5 s, the host program's own time included
inline constexpr Ms kResumeMs = 10'000;  // how long the broker may be away while we wait; it forgets us after that
inline constexpr Ms kLeaveMs = 1'000;    // for the reply to Detach or Withdraw

// Told of each Progress during a wait.
struct Show {
  void* self;
  void (*progress)(void* self, const Detail& detail);
};

class Attempt {
 public:
  Fault submit(Waiter& waiter, const Context& context, const Proof& proof, Answer& answer);
  // After a pending answer: until it is decided or the time is over (kTimeout). A gate that hangs up or talks nonsense
  // is joined again with the secret; answer is then allow or deny, and only where kNone is returned.
  Fault wait(Waiter& waiter, Ms until, Show show, Answer& answer);
  // A vote code for what is pending; detail: what to tell the person. A gate that has hung up meanwhile is joined again, and is given
  // the code then; where that is no longer pending answer says so, and taken is false.
  Fault vote(Waiter& waiter, Ms until, std::string_view code, Answer& answer, bool& taken, Detail& detail);
  // On a connection of its own, with the secret of what is pending, or was decided: what the broker says of it now.
  Fault resume(Waiter& waiter, Ms until, Answer& answer);
  bool detach(Waiter& waiter);    // true: the broker said that the request lives on
  void withdraw(Waiter& waiter);  // the hang-up that follows says the same
  // On the connection that is open; where there is none, or it turns out to be dead, on another.
  Fault bind(Waiter& waiter, std::string_view service, std::string_view user, std::string_view ssh_auth, Binding& binding);

  bool is_open() const { return gate_.is_open(); }
  int fd() const { return gate_.fd(); }
  void abandon() { gate_.abandon(); }

 private:
  Fault bind_here(Waiter& waiter, Ms until, std::string_view service, std::string_view user, std::string_view ssh_auth, int self,
                  Binding& binding);
  Fault vote_here(Waiter& waiter, std::string_view code, bool& taken, Detail& detail);
  bool leave(Waiter& waiter, const char* method);
  Gate gate_;
};

}  // namespace jit::pam
