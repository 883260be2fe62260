// SPDX-License-Identifier: Apache-2.0
// Which PAM services a door has, and where in each of them our lines stand. One table for setup and doctor.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "policy/policy.h"

namespace jit::setup {

// Where a line of ours stands among those of its type.
enum class Place : std::uint8_t { kNone, kFirst, kAfterLoginuid, kLast };

struct Service {
  std::string_view name;
  policy::Door door;
  bool main = true;   // the door has no other way in; the other ones may be missing
  Place session = Place::kNone;  // the account line is always the first, at sudo and su after what lets root pass by pam_rootok
  bool rescue = false;           // a rescue line directly before each line of ours

  // Is the program root to pam_rootok only where root asks? sshd, login and polkit's helper may be root whoever comes.
  bool root_is_who_asks() const { return door == policy::Door::kSudo || door == policy::Door::kSu; }
};

inline constexpr std::string_view kModule = "pam_jit.so";
inline constexpr std::string_view kRootOk = "pam_rootok.so";
inline constexpr std::string_view kGates = "[success=ok default=die]";
inline constexpr std::string_view kRescue = "[success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*";
inline constexpr std::string_view kMark = "  # jitctl setup";  // at the end of each line that setup wrote

inline constexpr std::array<policy::Door, 5> kDoors = {policy::Door::kSudo, policy::Door::kSu, policy::Door::kSsh, policy::Door::kLogin, policy::Door::kPolkit};

std::span<const Service> services();
const Service* service_named(std::string_view name);
std::optional<policy::Door> door_named(std::string_view name);  // of people: "sudo", "su", "ssh", "login", "polkit"

}  // namespace jit::setup
