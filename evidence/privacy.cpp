// SPDX-License-Identifier: Apache-2.0
#include "evidence/privacy.h"

#include <algorithm>
#include <array>

namespace jit::evidence {
namespace {

// As they are looked up for each field of each entry.
template <std::size_t N>
constexpr std::array<std::string_view, N> sorted(std::array<std::string_view, N> names) {
  std::ranges::sort(names);
  return names;
}

// What was decided, by which rule and on which terms: enough to check every grant after its people were erased.
constexpr auto kPublicFields = sorted<44>({
    "after",         "after_s",      "approve",   "block_s",       "boot",       "break_glass",     "cause",   "digest",
    "door",          "due_ms",       "duration_s", "ended",        "end",        "expires_ms",      "extends", "fact",
    "for_s",         "give_s",       "kind",      "lifetime_s",    "max_s",      "not_before_ms",   "policy",  "reason_from",
    "repeated",      "request_digest", "rule",    "scope",         "needed",     "service",         "state",   "target_verified",
    "urgency",       "uses",         "wait_s",    "would",         "attested_by",   "epoch",           "size",    "people",
    "removed",       "first",        "last",      "left_out",
});

// "vote" and "grant_digest" are hashes of documents that name people: without a salt, who knows the rest could guess them.
// "seats" may name one ("person:bob"); "needed" says how many had to answer. "digest" names nobody: a request holds a nonce of 256 bits that stands nowhere else.
constexpr auto kPersonalFields = sorted<40>({
    "add",      "argv",       "audit_session", "by",     "by_uid", "cwd",     "decision", "file",      "findings",     "login_user", "loginuid",
    "notify",   "origin",     "person",        "reason", "risk",   "ssh_key", "target",   "text",      "ticket",       "to",         "tty",
    "uid",      "until_ms",   "user",          "value",  "vote",   "voter",   "voter_uid", "why",      "grant_digest", "key",        "typed",
    "seats",    "path",       "sha256",        "recording", "survivors", "beyond", "later",
});

}  // namespace

Privacy privacy_of(std::string_view type, std::string_view field) {
  // There it says which part observed: "door" or "guard".
  if (type == "access.observed" && field == "by") return Privacy::kPublic;
  if (std::ranges::binary_search(kPublicFields, field)) return Privacy::kPublic;
  if (std::ranges::binary_search(kPersonalFields, field)) return Privacy::kPersonal;
  return Privacy::kUndecided;
}

}  // namespace jit::evidence
