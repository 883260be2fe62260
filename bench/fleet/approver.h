// SPDX-License-Identifier: Apache-2.0
// Who answers: verifies each request by the key of its host, and approves it with a key of his own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/fleet/host.h"

namespace jit::bench {

class Approver {
 public:
  struct Seen {
    std::string request;
    Ns came = 0, voted = 0;
  };

  Approver(Scene& scene, std::string person, const evidence::HostKey& key);
  int fd() const { return transport_.fd(); }
  bool open() const { return open_; }
  const std::string& trouble() const { return trouble_; }
  std::vector<Seen> take();

 private:
  std::optional<Seen> answer(const relay::Event& event);

  Scene& scene_;
  const std::string person_;
  const evidence::HostKey& key_;
  relay::Transport transport_;
  bool open_ = false;
  std::string trouble_;
};

}  // namespace jit::bench
