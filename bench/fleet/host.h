// SPDX-License-Identifier: Apache-2.0
// One simulated host: a key of its own, a connection of its own, as jit-relay has it, and requests that wait.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "evidence/host_key.h"
#include "evidence/signature.h"
#include "relay/credentials/authority.h"
#include "relay/transport/transport.h"

namespace jit::bench {

using Ns = std::int64_t;  // CLOCK_MONOTONIC
Ns now();

// What all of them need to know.
struct Scene {
  relay::Authority authority;
  std::string ca;
  std::string set;                // whose approvers answer
  evidence::PublicKey approver;
};

class Host {
 public:
  // What became of a message; `vote`: it verified, and a request of this host waits for it.
  struct News {
    bool opened = false, closed = false;
    std::string vote;       // the request's id
    std::string confirmed;  // a request that the stream has
    std::string refused;    // what the server says to something else
  };

  Host(Scene& scene, int number);
  void connect();
  int fd() const { return transport_->fd(); }
  std::vector<News> take();
  std::string ask();  // signs and sends a request: its id; empty: the connection is gone
  const std::string& id() const { return id_; }

 private:
  Scene& scene_;
  evidence::HostKey key_;
  std::string id_, name_;
  std::unique_ptr<relay::Transport> transport_;
  std::map<std::string, std::string> digests_;  // of the requests that wait
  std::map<std::string, std::string> sent_;     // token -> request
};

}  // namespace jit::bench
