// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <utility>

#include "policy/policy.h"

namespace jit::policy {
namespace {

constexpr std::array<std::pair<Door, std::string_view>, 5> kDoors{{
    {Door::kSudo, "sudo"},
    {Door::kSu, "su"},
    {Door::kSsh, "ssh"},
    {Door::kLogin, "login"},
    {Door::kPolkit, "polkit"},
}};

constexpr std::array<std::pair<Scope, std::string_view>, 4> kScopes{{
    {Scope::kCommand, "command"},
    {Scope::kTty, "tty"},
    {Scope::kSession, "session"},
    {Scope::kLogin, "login"},
}};

constexpr std::array<std::pair<std::string_view, Door>, 8> kServices{{
    {"sudo", Door::kSudo},
    {"sudo-i", Door::kSudo},
    {"su", Door::kSu},
    {"su-l", Door::kSu},
    {"sshd", Door::kSsh},
    {"login", Door::kLogin},
    {"remote", Door::kLogin},  // login -h, where login is util-linux's
    {"polkit-1", Door::kPolkit},
}};

}  // namespace

std::string_view name_of(Door door) {
  const auto found = std::ranges::find(kDoors, door, &std::pair<Door, std::string_view>::first);
  return found == kDoors.end() ? "unknown" : found->second;
}

std::string_view name_of(Scope scope) {
  const auto found = std::ranges::find(kScopes, scope, &std::pair<Scope, std::string_view>::first);
  return found == kScopes.end() ? "unknown" : found->second;
}

std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDeny: return "deny";
    case Outcome::kAllow: return "allow";
    case Outcome::kApproval: return "approval";
    case Outcome::kNeeds: return "needs";
  }
  return "unknown";
}

std::string_view name_of(Votes votes) {
  switch (votes) {
    case Votes::kAny: return "any";
    case Votes::kSigned: return "signed";
    case Votes::kHardware: return "hardware";
  }
  return "unknown";
}

std::string_view name_of(Expiry expiry) {
  switch (expiry) {
    case Expiry::kEnd: return "end";
    case Expiry::kFinish: return "finish";
    case Expiry::kWarn: return "warn";
  }
  return "unknown";
}

std::optional<Door> door_named(std::string_view name) {
  const auto found = std::ranges::find(kDoors, name, &std::pair<Door, std::string_view>::second);
  return found == kDoors.end() ? std::nullopt : std::optional(found->first);
}

std::optional<Scope> scope_named(std::string_view name) {
  const auto found = std::ranges::find(kScopes, name, &std::pair<Scope, std::string_view>::second);
  return found == kScopes.end() ? std::nullopt : std::optional(found->first);
}

std::optional<Door> door_of_service(std::string_view pam_service) {
  const auto found = std::ranges::find(kServices, pam_service, &std::pair<std::string_view, Door>::first);
  return found == kServices.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace jit::policy
