// SPDX-License-Identifier: Apache-2.0
// What a NATS server believes (nats-io/jwt, version 2): an operator signs accounts, an account signs users. Pure: keys and times in,
// text out.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "evidence/nkey.h"
#include "relay/credentials/subjects.h"

namespace jit::relay {

// The four accounts: RELAY holds the streams, HOSTS and APPROVERS only what they share with it, SYSTEM is the servers' own.
struct Accounts {
  std::string relay, hosts, approvers, system;  // public keys
};

std::string operator_jwt(const evidence::Nkey& key, const std::string& system_account, std::int64_t now);

struct Revocations {
  std::map<std::string, std::int64_t> until;  // a user's public key -> what was issued to it until then is void
};
std::string relay_account_jwt(const evidence::Nkey& authority, const Accounts& accounts, std::int64_t now);
std::string hosts_account_jwt(const evidence::Nkey& authority, const Accounts& accounts, const Revocations& revoked, std::int64_t now);
std::string approvers_account_jwt(const evidence::Nkey& authority, const Accounts& accounts, const Revocations& revoked, std::int64_t now);
std::string system_account_jwt(const evidence::Nkey& authority, const Accounts& accounts, std::int64_t now);

// expires: Unix time; 0: never. No permissions: all of the account.
std::string user_jwt(const evidence::Nkey& account, const std::string& user, std::string_view name, const Permissions* permissions,
                     std::int64_t now, std::int64_t expires);
std::string credentials(const std::string& jwt, const std::string& seed);  // a *.creds file

struct UserClaims {
  std::string name, user, account;
  std::int64_t issued = 0, expires = 0;
  std::vector<std::string> sets;  // of an approver: whose requests he reads
};
// Unverified: for what their owner wants to know of them. Of a *.creds file; of the words in it.
std::optional<UserClaims> read_credentials(std::string_view text);
std::optional<UserClaims> read_claims(std::string_view jwt);

// Behind why a connection ended, or none was opened, in the server's words: what their owner, who keeps them in `path`, has to do about
// them. Empty: they are not the reason.
std::string remark_on(const UserClaims& claims, std::string_view why, std::int64_t now, const std::string& path);

// When the owner begins to look for new claims: at half of their life. 0: they hold for ever.
std::int64_t renew_from(const UserClaims& claims);
// How long until he looks (again), ms; nothing: they hold for ever. Behind their end, by a clock that may be off, once a minute.
std::optional<std::int64_t> look_in(const UserClaims& claims, std::int64_t unix_ms);
// Does `offered`, of whoever brought it, take the place of `current`? It is of the same user and of the same account, signed by it, and
// ends later.
bool renews(std::string_view current, std::string_view offered);
// The file with other words in it, for the same key; empty: it is none.
std::string with_jwt(std::string_view credentials, const std::string& jwt);

// Of a *.creds file, what a server wants to see: the user's words, and its nonce signed by the user's key.
struct Login {
  std::string jwt;
  std::function<std::string(std::string_view nonce)> sign;
};
std::optional<Login> read_login(std::string_view text);

}  // namespace jit::relay
