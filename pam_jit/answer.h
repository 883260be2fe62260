// SPDX-License-Identifier: Apache-2.0
// What the broker answers, read strictly: an unknown word, key or type is a bad answer, and that denies.
#pragma once

#include <systemd/sd-bus.h>

#include <array>

#include "pam_jit/guest.h"

namespace jit::pam {

// kDeny is what everything is until the broker says otherwise.
enum class Word : std::uint8_t { kDeny, kPending, kNeeds, kAllow };

enum class Bound : std::uint8_t { kNo, kOtherKey, kYes };

// What a session is bound to.
struct Binding {
  Bound bound = Bound::kNo;
  std::array<char, 33> grant{};  // 32 hex digits; empty: none is needed, and nothing ends
  std::uint64_t end = 0;         // CLOCK_BOOTTIME, milliseconds
  std::uint64_t hard = 0;        // the end that systemd itself holds, not before the other
};

struct Needs {
  bool reason = false;
  bool ticket = false;
  std::uint32_t reason_min = 0;  // characters; 0 and 1: any
  bool any() const { return reason || ticket; }
};

// A permit that a person may choose.
struct Choice {
  static constexpr std::size_t kTextMax = 200;
  std::array<char, 65> permit{};  // its id
  std::array<char, kTextMax + 1> text{};
  bool break_glass = false;
  Needs needs;
};

struct Detail {
  static constexpr std::size_t kLines = 6;
  static constexpr std::size_t kChoices = 9;
  static constexpr std::size_t kLineMax = 480;  // bytes; libpam holds 512
  std::array<std::array<char, kLineMax + 1>, kLines> lines{};
  std::size_t line_count = 0;
  std::array<char, 65> cause{};  // one word, for the log
  Needs needs;
  std::array<Choice, kChoices> choices{};
  std::size_t choice_count = 0;
  std::uint32_t deadline_s = 0;  // 0: not said
  bool takes_code = false;       // a vote code may be asked for
};

struct Answer {
  Word word = Word::kDeny;
  std::array<char, 33> id{};  // 32 hex digits, or empty
  std::array<char, 33> secret{};
  Detail detail;
  std::array<char, 86> head{};  // of what was decided after a wait: "SIZE:ROOT" of the signed log, or empty
};

// Each reads one whole message of the contract; false: not as the contract says, and what was read must not be used.
bool read_submit(sd_bus_message* m, Answer& answer);     // sssa{sv}
bool read_resume(sd_bus_message* m, Answer& answer);     // sa{sv}: id and secret stay as they are
bool read_decided(sd_bus_message* m, Answer& answer);    // sa{sv}s: allow or deny only
bool read_progress(sd_bus_message* m, Detail& detail);   // a{sv}
bool read_vote(sd_bus_message* m, bool& taken, Detail& detail);  // bas
bool read_bind(sd_bus_message* m, Binding& binding);     // sstt
bool read_adopted(sd_bus_message* m);                    // s
// The error that says what is wrong with what this program asked: a denial with its reason.
bool read_bad_context(sd_bus_message* m, Answer& answer);

}  // namespace jit::pam
