// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/question.h"

#include <stdio.h>
#include <string.h>

#include "pam_jit/proc.h"

namespace jit::pam {
namespace {

constexpr std::size_t kTicketMax = 256;

const char* ask_text(Talk& talk, const char* prompt, std::size_t max, Bytes& answer) {
  switch (talk.ask(prompt, answer)) {
    case Talk::Reply::kText: return strlen(answer.get()) <= max ? nullptr : "jit: denied: that text is too long";
    case Talk::Reply::kEmpty: return "jit: denied: nothing was entered";
    case Talk::Reply::kFailed: break;
  }
  return "jit: denied: nobody answered the question, or the answer was too long";  // sudo's conversation fails alike
}

void list(Talk& talk, const Choice& choice, unsigned number) {
  std::array<char, 2 * Choice::kTextMax> line{};
  if (choice.break_glass) {
    snprintf(line.data(), line.size(), "  type: %s   (break-glass: %s)", choice.permit.data(), choice.text.data());
  } else {
    snprintf(line.data(), line.size(), "  %u) %s: %s", number, choice.permit.data(), choice.text.data());
  }
  talk.say(line.data());
}

bool names(const char* typed, const Choice& choice, unsigned number) {
  if (choice.break_glass) return strcmp(typed, choice.permit.data()) == 0;
  return typed[0] == static_cast<char>('0' + number) && typed[1] == '\0';  // never more than 9
}

}  // namespace

const char* ask_choice(Talk& talk, const Detail& detail, Choice& chosen) {
  talk.say(detail);
  unsigned number = 0;
  for (std::size_t i = 0; i < detail.choice_count; ++i) list(talk, detail.choices[i], detail.choices[i].break_glass ? 0 : ++number);
  Bytes typed;
  if (const char* why = ask_text(talk, number > 0 ? "Number, or the whole name: " : "The whole name, or Enter to stop: ",
                                 sizeof chosen.permit, typed)) {
    return why;
  }
  number = 0;
  for (std::size_t i = 0; i < detail.choice_count; ++i) {
    const Choice& choice = detail.choices[i];
    if (!names(typed.get(), choice, choice.break_glass ? 0 : ++number)) continue;
    chosen = choice;
    return nullptr;
  }
  return "jit: denied: that is none of them; break-glass is typed in full";
}

const char* ask_reason(Talk& talk, std::uint32_t least, Bytes& reason) {
  std::array<char, 64> prompt{};
  if (least > 1) {
    snprintf(prompt.data(), prompt.size(), "Reason (at least %u characters): ", static_cast<unsigned>(least));
  } else {
    snprintf(prompt.data(), prompt.size(), "Reason: ");
  }
  return ask_text(talk, prompt.data(), kReasonMax, reason);
}

const char* ask_ticket(Talk& talk, Bytes& ticket) { return ask_text(talk, "Ticket: ", kTicketMax, ticket); }

}  // namespace jit::pam
