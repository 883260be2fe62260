// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/answer.h"

#include <stdio.h>

#include <algorithm>
#include <charconv>

#include "dbus/contract.h"

namespace jit::pam {
namespace {

constexpr char kUnprintable[] = "(the broker sent a text that cannot be shown)";

bool read_text(sd_bus_message* m, std::string_view& out) {
  const char* s = nullptr;
  if (sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &s) <= 0 || s == nullptr) return false;
  out = s;
  return true;
}

template <std::size_t N>
bool keep(std::string_view text, std::array<char, N>& out) {
  if (text.size() >= N) return false;
  out = {};
  std::copy(text.begin(), text.end(), out.begin());
  return true;
}

bool read_word(sd_bus_message* m, Word& word) {
  std::string_view text;
  if (!read_text(m, text)) return false;
  if (text == "allow") {
    word = Word::kAllow;
  } else if (text == "deny") {
    word = Word::kDeny;
  } else if (text == "pending") {
    word = Word::kPending;
  } else if (text == "needs") {
    word = Word::kNeeds;
  } else {
    return false;
  }
  return true;
}

bool is_hex_id(std::string_view text) {
  return text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Calls each(text) for every string of an array of strings.
template <class Each>
bool read_texts(sd_bus_message* m, Each each) {
  if (sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "s") <= 0) return false;
  for (;;) {
    const char* s = nullptr;
    const int r = sd_bus_message_read_basic(m, SD_BUS_TYPE_STRING, &s);
    if (r == 0) return sd_bus_message_exit_container(m) >= 0;
    if (r < 0 || s == nullptr || !each(std::string_view(s))) return false;
  }
}

// False: something this module cannot ask for.
bool read_need(std::string_view need, Needs& needs) {
  constexpr std::string_view kLeast = "reason:";
  if (need == "ticket") return needs.ticket = true;
  if (need == "reason") return needs.reason = true;
  if (!starts_with(need, kLeast)) return false;
  const char* const end = need.data() + need.size();
  const auto [stop, error] = std::from_chars(need.data() + kLeast.size(), end, needs.reason_min);
  return needs.reason = error == std::errc{} && stop == end;
}

bool read_choice(sd_bus_message* m, Choice& choice) {
  std::size_t at = 0;
  const bool read = read_texts(m, [&](std::string_view text) {
    switch (at++) {
      case 0: return !text.empty() && printable(text, choice.permit.size() - 1) && keep(text, choice.permit);
      case 1: choice.break_glass = text == "break-glass"; return choice.break_glass || text == "permit";
      case 2: return printable(text, Choice::kTextMax) && keep(text, choice.text);
      default: return read_need(text, choice.needs);
    }
  });
  return read && at >= 3;
}

bool read_choices(sd_bus_message* m, Detail& d) {
  if (sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "as") <= 0) return false;
  for (;;) {
    const int more = sd_bus_message_at_end(m, 0);
    if (more > 0) return sd_bus_message_exit_container(m) >= 0;
    if (more < 0 || d.choice_count == Detail::kChoices || !read_choice(m, d.choices[d.choice_count++])) return false;
  }
}

bool read_lines(sd_bus_message* m, Detail& d) {
  return read_texts(m, [&](std::string_view line) {
    if (d.line_count == Detail::kLines) return true;  // a person reads no more than that
    return keep(printable(line, Detail::kLineMax) ? line : kUnprintable, d.lines[d.line_count++]);
  });
}

bool read_value(sd_bus_message* m, std::string_view key, Detail& d) {
  if (key == "text") {
    return sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "as") > 0 && read_lines(m, d);
  }
  if (key == "needs") {
    return sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "as") > 0 &&
           read_texts(m, [&](std::string_view need) { return read_need(need, d.needs); });
  }
  if (key == "choices") return sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "aas") > 0 && read_choices(m, d);
  if (key == "cause") {
    std::string_view cause;
    return sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "s") > 0 && read_text(m, cause) &&
           printable(cause, d.cause.size() - 1) && keep(cause, d.cause);
  }
  if (key == "takes-code") {
    int takes = 0;
    if (sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "b") <= 0 || sd_bus_message_read_basic(m, SD_BUS_TYPE_BOOLEAN, &takes) <= 0) return false;
    d.takes_code = takes != 0;
    return true;
  }
  if (key == "deadline-s") {
    return sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, "u") > 0 &&
           sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT32, &d.deadline_s) > 0;
  }
  return false;
}

bool read_detail(sd_bus_message* m, Detail& out) {
  Detail d;
  if (sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}") <= 0) return false;
  for (;;) {
    const int r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
    if (r == 0) break;
    std::string_view key;
    if (r < 0 || !read_text(m, key) || !read_value(m, key, d)) return false;
    if (sd_bus_message_exit_container(m) < 0 || sd_bus_message_exit_container(m) < 0) return false;
  }
  if (sd_bus_message_exit_container(m) < 0) return false;
  out = d;
  return true;
}

bool signed_as(sd_bus_message* m, const char* signature) { return sd_bus_message_has_signature(m, signature) > 0; }

}  // namespace

bool read_submit(sd_bus_message* m, Answer& answer) {
  Answer a;
  std::string_view id;
  std::string_view secret;
  if (!signed_as(m, dbus::gate1::kSubmitOut) || !read_word(m, a.word) || !read_text(m, id) || !read_text(m, secret)) return false;
  if (!id.empty() && !(is_hex_id(id) && keep(id, a.id))) return false;
  if (!secret.empty() && !(is_hex_id(secret) && keep(secret, a.secret))) return false;
  if (a.word == Word::kPending && (id.empty() || secret.empty())) return false;
  if (!read_detail(m, a.detail)) return false;
  // Either a choice or texts.
  if (a.word == Word::kNeeds && a.detail.needs.any() == (a.detail.choice_count > 0)) return false;
  answer = a;
  return true;
}

bool read_resume(sd_bus_message* m, Answer& answer) {
  Word word = Word::kDeny;
  Detail detail;
  if (!signed_as(m, dbus::gate1::kResumeOut) || !read_word(m, word) || word == Word::kNeeds || !read_detail(m, detail)) return false;
  answer.word = word;
  answer.detail = detail;
  return true;
}

// "SIZE:ROOT", the root in 64 digits of hex.
static bool is_head(std::string_view text) {
  const std::size_t digits = text.find(':');
  if (digits == std::string_view::npos || digits == 0 || digits > 20 || text.size() != digits + 65) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (i != digits && !digit && (i < digits || c < 'a' || c > 'f')) return false;
  }
  return true;
}

bool read_decided(sd_bus_message* m, Answer& answer) {
  Word word = Word::kDeny;
  Detail detail;
  std::string_view head;
  if (!signed_as(m, dbus::gate1::kDecidedIn) || !read_word(m, word) || !read_detail(m, detail) || !read_text(m, head)) return false;
  if (word != Word::kAllow && word != Word::kDeny) return false;
  if (!head.empty() && !is_head(head)) return false;
  keep(head, answer.head);
  answer.word = word;
  answer.detail = detail;
  return true;
}

bool read_bad_context(sd_bus_message* m, Answer& answer) {
  const sd_bus_error* error = sd_bus_message_get_error(m);
  if (error == nullptr || sd_bus_error_has_name(error, "org.pamjit.Error.BadContext") == 0 || error->message == nullptr) return false;
  Answer a;
  std::array<char, Detail::kLineMax + 1>& line = a.detail.lines[0];
  const int length = snprintf(line.data(), line.size(), "jit: denied: %s", error->message);
  if (length < 0 || static_cast<std::size_t>(length) >= line.size() || !printable(line.data(), Detail::kLineMax)) return false;
  a.detail.line_count = 1;
  keep(std::string_view("bad-context"), a.detail.cause);
  answer = a;
  return true;
}

bool read_progress(sd_bus_message* m, Detail& detail) {
  return signed_as(m, dbus::gate1::kProgressIn) && read_detail(m, detail);
}

bool read_vote(sd_bus_message* m, bool& taken, Detail& detail) {
  int yes = 0;
  Detail d;
  if (!signed_as(m, dbus::gate1::kVoteOut) || sd_bus_message_read_basic(m, SD_BUS_TYPE_BOOLEAN, &yes) <= 0 || !read_lines(m, d)) return false;
  taken = yes != 0;
  detail = d;
  return true;
}

bool read_bind(sd_bus_message* m, Binding& binding) {
  std::string_view word;
  std::string_view grant;
  Binding b;
  if (!signed_as(m, dbus::gate1::kBindOut) || !read_text(m, word) || !read_text(m, grant)) return false;
  if (sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT64, &b.end) <= 0) return false;
  if (sd_bus_message_read_basic(m, SD_BUS_TYPE_UINT64, &b.hard) <= 0) return false;
  if (word != "allow" && word != "other-key") return word == "deny";
  b.bound = word == "allow" ? Bound::kYes : Bound::kOtherKey;
  if (b.bound == Bound::kYes) {
    // A grant has an end, and what has no grant has none.
    if (grant.empty() ? b.end != 0 || b.hard != 0 : !is_hex_id(grant) || b.end == 0 || b.hard < b.end) return false;
    keep(grant, b.grant);
  }
  binding = b;
  return true;
}

bool read_adopted(sd_bus_message* m) {
  std::string_view scope;
  return signed_as(m, dbus::enforcer1::kAdoptOut) && read_text(m, scope);
}

}  // namespace jit::pam
