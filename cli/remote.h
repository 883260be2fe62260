// SPDX-License-Identifier: Apache-2.0
// Requests of many hosts, as an approver's workstation reads them over the relay. What no known host signed is not shown.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cli/relay_client.h"
#include "cli/signing.h"
#include "cli/trust.h"
#include "evidence/outcome.h"

namespace jit::cli {

struct RemoteRequest {  // NOLINT(bugprone-exception-escape): moving a Json asserts, and does not throw
  SignedRequest request;
  evidence::PublicKey host;
  Json document;       // as the broker's are
  std::size_t size = 0;  // of its envelope
};

class Remote {
 public:
  static Result<std::unique_ptr<Remote>> connect(Approver approver);

  Result<Nothing> subscribe();  // what comes from now on is told by next()
  Result<Nothing> read_all();   // what the relay keeps, and how that ended
  Result<Nothing> read_more();  // what has come since, and how what waits has ended
  struct News {
    RelayClient::Woken woken = RelayClient::Woken::kTimedOut;
    std::string id;  // of a request that is new, or has ended; empty: nothing to be shown
  };
  Result<News> next(std::chrono::milliseconds timeout, int stop);
  Result<Nothing> send(const RemoteRequest& request, const std::string& vote);

  const std::map<std::string, RemoteRequest>& requests() const { return requests_; }
  Result<const RemoteRequest*> find(const std::string& prefix) const;
  // Hosts that sign what is read, and that are not known here: fingerprint -> the name that they give themselves.
  const std::map<std::string, std::string>& strangers() const { return strangers_; }
  std::string unsigned_told() const;  // how much came that no host signed; empty: nothing
  const std::string& unread() const { return unread_; }  // why not all could be read; empty: it was
  Result<Nothing> trust(const std::string& fingerprint);  // one of these, or one that is known; read_all() shows what it asks
  std::string renew();  // his credentials, where half of their life is over and there are newer words; what he should mend of it
  const std::vector<std::string>& notes() const { return notes_; }  // of what he should mend
  const std::string& person() const { return person_; }
  const std::string& key() const { return approver_.key; }
  // Named in the file, or told of by the one that answers: a name may stand for all of them.
  bool of_several_servers() const { return approver_.relay->servers.size() > 1 || client_->servers() > 1; }

 private:
  Remote(Approver approver, std::string person, std::vector<std::string> sets) : approver_(std::move(approver)), person_(std::move(person)), sets_(std::move(sets)) {}
  std::string take_request(const std::string& subject, const std::string& envelope);  // its id; empty: it is not shown
  std::string take_unsigned(const std::string& subject);
  std::string take_end(const std::string& subject, const std::string& envelope);

  Approver approver_;
  std::string person_;
  std::vector<std::string> sets_;
  std::unique_ptr<RelayClient> client_;
  std::map<std::string, RemoteRequest> requests_;
  std::size_t bytes_ = 0;  // of their envelopes
  bool full_ = false;      // one was left out
  std::map<std::string, std::uint64_t> read_;  // of each set's stream, so far
  std::map<std::string, std::string> strangers_;
  std::set<std::string> unsigned_;  // subjects
  std::string unread_;
  std::vector<std::string> notes_;
  std::map<std::string, evidence::PublicKey> keys_;  // of strangers
};

// The key that a host's signature itself names; nothing is believed of it yet.
std::optional<evidence::PublicKey> key_in(const evidence::Envelope& envelope);

}  // namespace jit::cli
