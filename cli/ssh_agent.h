// SPDX-License-Identifier: Apache-2.0
// An ssh-agent behind its socket (OpenSSH, PROTOCOL.agent): which keys it holds, and signatures of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/exit.h"
#include "evidence/base64.h"

namespace jit::cli {

class SshAgent {
 public:
  // Refused: a socket that an ssh server listens on. Behind it is another machine's agent, and this machine's root could ask it
  // for signatures at any time, so people are not to get used to it. Who listens is the kernel's word (SO_PEERCRED; unix(7)), and
  // by its name a server of OpenSSH or dropbear. Not seen: a server of another name, and a relay (socat) in between.
  static Result<SshAgent> connect(const std::string& socket);
  SshAgent(SshAgent&&) noexcept;
  ~SshAgent();

  Result<std::vector<evidence::Bytes>> keys();  // their blobs
  // A signature of SSH ("string type, ..."); RSA: with SHA-512. Waits for a touch or a confirmation, two minutes at most.
  Result<evidence::Bytes> sign(const evidence::Bytes& key, const evidence::Bytes& what);

 private:
  explicit SshAgent(int fd) : fd_(fd) {}
  Result<evidence::Bytes> ask(const evidence::Bytes& question, int wait_ms);
  int fd_;
};

}  // namespace jit::cli
