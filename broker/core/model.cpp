// SPDX-License-Identifier: Apache-2.0
#include "broker/core/model.h"

#include "broker/core/core.h"
#include "broker/core/ports.h"

namespace jit::core {

std::string Id::text() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(32);
  for (const std::uint8_t byte : bytes) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

std::optional<Id> Id::parse(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  Id id;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (digit < 0) return std::nullopt;
    id.bytes[i / 2] = static_cast<std::uint8_t>((id.bytes[i / 2] << 4) | digit);
  }
  return id;
}

std::string_view name_of(ReasonFrom from) {
  switch (from) {
    case ReasonFrom::kNone: return "";
    case ReasonFrom::kPrompt: return "prompt";
    case ReasonFrom::kEnvironment: return "environment";
    case ReasonFrom::kCommandLine: return "command line";
  }
  return "";
}

std::string_view name_of(Urgency urgency) {
  switch (urgency) {
    case Urgency::kLow: return "low";
    case Urgency::kNormal: return "normal";
    case Urgency::kHigh: return "high";
    case Urgency::kCritical: return "critical";
  }
  return "normal";
}

std::optional<Urgency> urgency_named(std::string_view name) {
  for (const Urgency each : {Urgency::kLow, Urgency::kNormal, Urgency::kHigh, Urgency::kCritical}) {
    if (name_of(each) == name) return each;
  }
  return std::nullopt;
}

std::string_view name_of(RequestKind kind) {
  switch (kind) {
    case RequestKind::kElevation: return "elevation";
    case RequestKind::kLogin: return "login";
    case RequestKind::kAhead: return "ahead of time";
    case RequestKind::kExtension: return "extension";
    case RequestKind::kBreakGlass: return "break-glass";
  }
  return "";
}

std::string_view name_of(VoteKind kind) {
  switch (kind) {
    case VoteKind::kLocal: return "local";
    case VoteKind::kSshsig: return "sshsig";
    case VoteKind::kWebauthn: return "webauthn";
    case VoteKind::kCode: return "code";
  }
  return "";
}

std::string_view name_of(RequestState state) {
  switch (state) {
    case RequestState::kPending: return "pending";
    case RequestState::kDetached: return "detached";
    case RequestState::kApproved: return "approved";
    case RequestState::kDenied: return "denied";
    case RequestState::kExpired: return "expired";
    case RequestState::kCancelled: return "cancelled";
  }
  return "";
}

std::string_view name_of(GrantState state) {
  switch (state) {
    case GrantState::kUnclaimed: return "approved";
    case GrantState::kActive: return "active";
    case GrantState::kEnded: return "ended";
  }
  return "";
}

std::string_view name_of(GrantEnd end) {
  switch (end) {
    case GrantEnd::kNone: return "";
    case GrantEnd::kExpired: return "expired";
    case GrantEnd::kRevoked: return "revoked";
    case GrantEnd::kReturned: return "returned";
    case GrantEnd::kVoid: return "void";
  }
  return "";
}

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDeny: return "deny";
    case Verdict::kAllow: return "allow";
    case Verdict::kPending: return "pending";
    case Verdict::kNeeds: return "needs";
  }
  return "deny";
}

std::string_view name_of(Error error) {
  switch (error) {
    case Error::kNone: return "";
    case Error::kBadInput: return "BadInput";
    case Error::kNotFound: return "NotFound";
    case Error::kDenied: return "Denied";
    case Error::kAmbiguous: return "Ambiguous";
    case Error::kEnded: return "Ended";
    case Error::kLimit: return "Limit";
    case Error::kUnavailable: return "Unavailable";
  }
  return "Unavailable";
}

}  // namespace jit::core
