// SPDX-License-Identifier: Apache-2.0
#include "setup/services.h"

#include <algorithm>

namespace jit::setup {
namespace {

using policy::Door;

// sudo and su: the session line is the last, since pam_systemd after it would take the program out of its timed scope. sshd and
// login: before pam_systemd, which learns from it when the session ends; in sshd after pam_loginuid, since by the session that this
// gives a sudo in it knows the address that it came from. polkit's helper opens no session. remote: what util-linux's login is called
// by PAM when a telnet daemon starts it (login -h); without a file PAM takes the one for all others.
constexpr std::array<Service, 8> kServices = {{{"sudo", Door::kSudo, true, Place::kLast, false},
                                               {"sudo-i", Door::kSudo, false, Place::kLast, false},
                                               {"su", Door::kSu, true, Place::kLast, false},
                                               {"su-l", Door::kSu, false, Place::kLast, false},
                                               {"sshd", Door::kSsh, true, Place::kAfterLoginuid, false},
                                               {"login", Door::kLogin, true, Place::kFirst, true},
                                               {"remote", Door::kLogin, false, Place::kFirst, true},
                                               {"polkit-1", Door::kPolkit, true, Place::kNone, false}}};

}  // namespace

std::span<const Service> services() { return kServices; }

const Service* service_named(std::string_view name) {
  const auto* const found = std::ranges::find(kServices, name, &Service::name);
  return found == kServices.end() ? nullptr : found;
}

std::optional<Door> door_named(std::string_view name) {
  for (const Door door : kDoors) {
    if (policy::name_of(door) == name) return door;
  }
  return std::nullopt;
}

}  // namespace jit::setup
