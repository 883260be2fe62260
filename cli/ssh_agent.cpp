// SPDX-License-Identifier: Apache-2.0
#include "cli/ssh_agent.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <utility>

#include "evidence/wire.h"

namespace jit::cli {

namespace {

constexpr std::uint8_t kAgentIdentities = 11, kAgentIdentitiesAnswer = 12, kAgentSign = 13, kAgentSignature = 14;
constexpr std::uint32_t kAgentRsaSha512 = 4;
constexpr std::size_t kAgentAnswerMax = 256 * 1024;  // as OpenSSH has it
constexpr std::uint32_t kAgentKeysMax = 2048;
constexpr int kAgentListMs = 10'000;
constexpr int kAgentSignMs = 120'000;  // somebody may have to find the token first

Failure no_agent(const std::string& why) { return {Exit::kNo, "ssh-agent " + why}; }

std::int64_t agent_clock_ms() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return std::int64_t{ts.tv_sec} * 1000 + ts.tv_nsec / 1'000'000;
}

bool agent_ready(int fd, short events, std::int64_t deadline) {
  for (;;) {
    const std::int64_t left = deadline - agent_clock_ms();
    if (left <= 0) return false;
    pollfd one{fd, events, 0};
    const int got = poll(&one, 1, static_cast<int>(left));
    if (got > 0) return true;
    if (got < 0 && errno != EINTR) return false;
  }
}

bool send_all(int fd, std::span<const std::uint8_t> bytes, std::int64_t deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    } else if (sent == 0 || (errno != EINTR && errno != EAGAIN) || !agent_ready(fd, POLLOUT, deadline)) {
      return false;
    }
  }
  return true;
}

bool receive_all(int fd, std::span<std::uint8_t> bytes, std::int64_t deadline) {
  while (!bytes.empty()) {
    if (!agent_ready(fd, POLLIN, deadline)) return false;
    const ssize_t got = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
      return false;
    }
  }
  return true;
}

// Of a process that lives; empty: it does not. ssh-agent itself goes into the background after it began to listen, so who listened
// is usually gone; a server that forwards lives as long as its socket is answered.
std::string name_of_process(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

bool forwarded(int fd, std::string& why) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 0) {
    why = "is served by a process that cannot be seen from here";
    return true;
  }
  const std::string name = name_of_process(peer.pid);
  if (!name.starts_with("sshd") && !name.starts_with("dropbear")) return false;
  why = "is one of another machine, forwarded to this one; its signatures could be asked for by whoever is root here";
  return true;
}

}  // namespace

Result<SshAgent> SshAgent::connect(const std::string& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof address.sun_path) return no_agent("is not there");
  std::memcpy(address.sun_path, socket.data(), socket.size());
  SshAgent out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (out.fd_ < 0 || ::connect(out.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return no_agent("cannot be reached: " + std::string(std::strerror(errno)));
  }
  if (std::string why; forwarded(out.fd_, why)) {
    return Failure{Exit::kNotAllowed, "this ssh-agent " + why + ": sign on the machine where you sit, or name a key here: --key FILE"};
  }
  return out;
}

SshAgent::SshAgent(SshAgent&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

SshAgent::~SshAgent() {
  if (fd_ >= 0) close(fd_);
}

Result<evidence::Bytes> SshAgent::ask(const evidence::Bytes& question, int wait_ms) {
  const std::int64_t deadline = agent_clock_ms() + wait_ms;
  if (!send_all(fd_, evidence::WireWriter().string(question).bytes(), deadline)) return no_agent("does not answer");
  std::array<std::uint8_t, 4> head{};
  if (!receive_all(fd_, head, deadline)) return no_agent("does not answer");
  const std::uint32_t length = evidence::WireReader(head).number();
  if (length == 0 || length > kAgentAnswerMax) return no_agent("answers something that is no answer");
  evidence::Bytes answer(length);
  if (!receive_all(fd_, answer, deadline)) return no_agent("does not answer");
  return answer;
}

Result<std::vector<evidence::Bytes>> SshAgent::keys() {
  const auto answer = ask({kAgentIdentities}, kAgentListMs);
  if (!answer) return answer.failure();
  evidence::WireReader reader(*answer);
  if (reader.byte() != kAgentIdentitiesAnswer) return no_agent("does not say which keys it holds");
  const std::uint32_t count = reader.number();
  if (!reader.ok() || count > kAgentKeysMax) return no_agent("answers something that is no answer");
  std::vector<evidence::Bytes> out;
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const auto blob = reader.string();
    (void)reader.string();  // the comment
    out.emplace_back(blob.begin(), blob.end());
  }
  if (!reader.done()) return no_agent("answers something that is no answer");
  return out;
}

Result<evidence::Bytes> SshAgent::sign(const evidence::Bytes& key, const evidence::Bytes& what) {
  const char type = static_cast<char>(kAgentSign);
  const auto answer = ask(evidence::WireWriter().raw({&type, 1}).string(key).string(what).number(kAgentRsaSha512).bytes(), kAgentSignMs);
  if (!answer) return answer.failure();
  evidence::WireReader reader(*answer);
  if (reader.byte() != kAgentSignature) return no_agent("did not sign (was it confirmed, and the key touched?)");
  const auto signature = reader.string();
  if (!reader.done()) return no_agent("answers something that is no answer");
  return evidence::Bytes(signature.begin(), signature.end());
}

}  // namespace jit::cli
