// SPDX-License-Identifier: Apache-2.0
// The way from a question to its answer, as pam_jit and sudo_jit go it. Everything is a deny until the broker's answer is exactly
// "allow".
#pragma once

#include "pam_jit/attempt.h"
#include "pam_jit/codes.h"
#include "pam_jit/manner.h"
#include "pam_jit/options.h"
#include "pam_jit/question.h"
#include "pam_jit/talk.h"

namespace jit::pam {

// What is held while it is asked. argv, cwd and reason keep what the views of the context point at.
struct Case {
  Door door = Door::kOther;
  Phase phase = Phase::kSession;
  Options options;
  Manner manner;
  Context context;
  Bytes argv, cwd, reason;
  Said said;
  Ms budget_end = 0;  // counted from the start: login and sshd count from before that
};

void log_outcome(const Case& c, const char* outcome, const char* why, const char* id, const char* head = "");  // head: of the log it stands in, for whoever keeps this line
Verdict deny(const Case& c, Talk& talk, const char* text, const char* why, const Answer& answer = {});

// JIT_REASON, of the environment that this program was started with; null, or why it cannot be had, for the person.
const char* collect_reason(Case& c);

// Why there is no answer, as a person may read it; null: nobody is there.
const char* text_of(Fault fault);

// Submits, asks what is missing, waits. kAllow: nothing was said of it yet, and the connection is the attempt's; else the person
// was told why.
Verdict run(Case& c, Talk& talk, Waiter& waiter, Attempt& attempt, Answer& answer);

}  // namespace jit::pam
