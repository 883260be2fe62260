// SPDX-License-Identifier: Apache-2.0
// What callers send, read strictly: a wrong type, an unknown key or a value past its limit is BadInput, which names
// the key. The results own their bytes, so that nothing of the bus reaches the core's thread.
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/core.h"

namespace jit::bus {

using Dict = std::map<std::string, sdbus::Variant>;
using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kListDefault = 200;
inline constexpr std::size_t kListMax = 1000;  // of what lives, whatever the limit

// limit: what has ended fills up to it; since: when it ended. Neither is about what lives.
struct RequestQuery {
  bool all = false;
  bool living = false;  // nothing that has ended
  bool owed = false;    // break-glass uses whose review is owed, and nothing else
  std::optional<core::RequestState> state;
  core::WallMs since = 0;
  std::size_t limit = kListDefault;
};

struct GrantQuery {
  bool all = false;
  bool living = false;
  std::optional<core::GrantState> state;
  core::WallMs since = 0;
  std::size_t limit = kListDefault;
};

struct AuditQuery {
  std::uint64_t after = 0;
  core::WallMs since = 0;
  std::string request;  // an id or a prefix of one; empty: all
  std::string person;
  std::string type;
  bool newest = false;
  std::size_t limit = kListDefault;
};

struct CreateArgs {
  policy::Door door = policy::Door::kSudo;
  std::string as;  // empty: the door's own default
  std::optional<std::uint32_t> for_s;
  std::string reason;
  std::string ticket;
  core::Urgency urgency = core::Urgency::kNormal;
  std::string via;
  std::vector<std::string> argv;
  std::string cwd;
  core::WallMs not_before = 0;  // 0: at once
  std::optional<policy::Scope> scope;
};

struct ExplainArgs {
  CreateArgs ask;
  std::string user;                                // empty: the caller
  std::optional<std::vector<std::string>> groups;  // instead of those of the directory
  std::optional<policy::Origin> from;
  core::Suppose suppose;
  bool claimed = false;
};

struct FactArgs {
  std::string name;
  policy::Value value;
  std::optional<std::uint32_t> for_s;
};

core::Outcome<FactArgs> read_fact(const std::string& name, const sdbus::Variant& value, std::uint32_t fresh_for);
core::Outcome<std::string> read_fact_name(const std::string& name);
core::Outcome<RequestQuery> read_request_query(const Dict& dict);
core::Outcome<GrantQuery> read_grant_query(const Dict& dict);
core::Outcome<AuditQuery> read_audit_query(const Dict& dict);
core::Outcome<CreateArgs> read_create(const Dict& dict);
core::Outcome<ExplainArgs> read_explain(const Dict& dict);
core::Outcome<CreateArgs> read_extension(const Dict& dict);  // for_s, reason, ticket, urgency
core::Outcome<core::Ballot> read_ballot(bool approve, const Dict& dict);
core::Outcome<core::Core::Which> read_which(const Dict& dict);
core::Outcome<std::string> read_reason(const Bytes& bytes);  // of a revocation or a review: not empty
core::Outcome<std::string> read_signed_vote(const Bytes& bytes);
core::Outcome<std::string> read_person(const Bytes& bytes);  // a name of somebody whom the log tells of
core::Outcome<std::string> read_id(const std::string& text);  // 4 to 32 lower-case hex digits

}  // namespace jit::bus
