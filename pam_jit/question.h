// SPDX-License-Identifier: Apache-2.0
// What a person is asked before the request is made: which permit, a reason, a ticket.
#pragma once

#include "pam_jit/answer.h"
#include "pam_jit/talk.h"

namespace jit::pam {

// What was answered: what the views of the context point at.
struct Said {
  Choice choice;
  Bytes reason, ticket;
};

// Each: null where it was answered, else why not, for the person.
// Permits are chosen by their number; break-glass is a deliberate step, so its whole id must be typed.
const char* ask_choice(Talk& talk, const Detail& detail, Choice& chosen);
const char* ask_reason(Talk& talk, std::uint32_t least, Bytes& reason);  // least: characters, only told
const char* ask_ticket(Talk& talk, Bytes& ticket);

}  // namespace jit::pam
