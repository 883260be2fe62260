// SPDX-License-Identifier: Apache-2.0
// Who may use the relay: the keys that say so, whom they named, and whose word was taken back. One document, a secret, kept by an
// admin away from the servers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/credentials/jwt.h"

namespace jit::relay {

struct Issued {
  std::string kind;  // "host", "approver"
  std::string name;  // the host's id, the person
  std::string user;  // public key
  std::int64_t issued = 0, expires = 0;  // Unix time; expires 0: never
  std::vector<std::string> sets;         // of an approver
};

// New words for a key that is out there, to be brought to it by anybody.
struct Renewal {
  std::string kind, name, user, jwt;
  std::int64_t expires = 0;
};

struct Server {
  std::string name;     // "node-1"
  std::string address;  // of its route to the others, HOST:PORT
  int port = 4222;      // for hosts and approvers
};

class Authority {
 public:
  static Authority make();  // throws std::runtime_error where OpenSSL fails
  static std::optional<Authority> read(std::string_view document);
  std::string document() const;

  std::vector<std::string> urls;  // of the servers, for whoever connects
  unsigned replicas = 1;          // of each stream

  // A *.creds file. lasts: seconds; 0: until it is revoked.
  std::string issue_host(const std::string& host, std::int64_t now, std::int64_t lasts);
  std::string issue_approver(const std::string& person, const std::vector<std::string>& sets, std::int64_t now, std::int64_t lasts);
  // For what was issued for a while, holds, and has lived half of it: as long again.
  std::vector<Renewal> renew(std::int64_t now);
  // What was issued to it until now is void, and what was so before is counted too. 0: nothing was ever issued to it.
  std::size_t revoke(std::string_view kind, std::string_view name, std::int64_t now);
  const std::vector<Issued>& issued() const { return issued_; }
  const std::map<std::string, std::int64_t>& revoked() const { return revoked_.until; }

  // For an hour: an admin's own, made when they are needed.
  std::string keeper_credentials(std::int64_t now) const;  // of the streams
  std::string system_credentials(std::int64_t now) const;  // of the servers: new claims of an account are told to them
  std::vector<std::string> account_claims(std::int64_t now) const;  // the accounts as they are now
  std::string account_of(std::string_view kind) const;

  // nats-server's configuration. `folder`: where it keeps what it stores. `servers`: all of a cluster, `self` among them.
  std::string server_config(const Server& self, const std::vector<Server>& servers, const std::string& folder, std::int64_t now) const;

 private:
  Authority(evidence::Nkey authority, evidence::Nkey relay, evidence::Nkey hosts, evidence::Nkey approvers, evidence::Nkey system);
  Accounts accounts() const;
  std::string issue(Issued about);
  std::string claims_of(const Issued& about) const;
  bool is_over(const Issued& about, std::int64_t now) const;
  Revocations revoked_of(std::string_view kind, std::int64_t now) const;

  evidence::Nkey operator_, relay_, hosts_, approvers_, system_;
  std::vector<Issued> issued_;
  Revocations revoked_;
  // Unix time that the claims of the last revocation bear: of two that differ, servers that were apart keep the newer one.
  std::int64_t claimed_ = 0;
};

}  // namespace jit::relay
