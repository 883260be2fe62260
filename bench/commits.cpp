// SPDX-License-Identifier: Apache-2.0
#include "bench/commits.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ctime>
#include <string_view>

namespace jit::bench {
namespace {

constexpr char kSocket[] = "/run/systemd/journal/socket";

// The value of KEY=value in one entry; our fields hold no newline, so the short form is the only one.
std::string field(std::string_view entry, std::string_view key) {
  std::size_t at = 0;
  while (at < entry.size()) {
    const std::size_t end = std::min(entry.find('\n', at), entry.size());
    const std::string_view line = entry.substr(at, end - at);
    if (line.starts_with(key)) return std::string(line.substr(key.size()));
    at = end + 1;
  }
  return {};
}

// The kernel's stamp is wall-clock time; both clocks are read now to bring it to ours.
Ns sent_at(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec stamp{}, wall{};
    std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
    clock_gettime(CLOCK_REALTIME, &wall);
    return now_ns() - (Ns{wall.tv_sec} - stamp.tv_sec) * 1'000'000'000 - (wall.tv_nsec - stamp.tv_nsec);
  }
  fail("this kernel does not stamp datagrams of local sockets");
}

}  // namespace

Commits::Commits() {
  unlink(kSocket);
  socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, kSocket, sizeof kSocket);
  const int on = 1;
  if (socket_ < 0 || bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(kSocket, 0666) != 0 || setsockopt(socket_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
    fail("cannot listen at %s", kSocket);
  }
  thread_ = std::thread([this] { run(); });
}

Commits::~Commits() {
  shutdown(socket_, SHUT_RDWR);
  thread_.join();
  close(socket_);
}

void Commits::run() {
  std::array<char, 64 * 1024> bytes;
  alignas(cmsghdr) std::array<char, 256> control;
  for (;;) {
    iovec part{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) return;
    const std::string_view entry(bytes.data(), static_cast<std::size_t>(got));
    const std::string type = field(entry, "JIT_TYPE=");
    if (type != "vote.cast" && type != "request.approved") continue;
    const Ns when = sent_at(message);
    const std::string request = field(entry, "JIT_REQUEST=");
    const std::lock_guard lock(mutex_);
    if (type == "vote.cast") {
      votes_.emplace(request, when);
    } else {
      const auto vote = votes_.find(request);  // written in the same transaction
      approvals_.emplace(request, vote == votes_.end() ? when : vote->second);
      came_.notify_all();
    }
  }
}

Ns Commits::approved(const std::string& request) {
  std::unique_lock lock(mutex_);
  if (!came_.wait_for(lock, std::chrono::seconds(10), [&] { return approvals_.contains(request); })) {
    fail("no entry says that %s was approved", request.c_str());
  }
  return approvals_[request];
}

}  // namespace jit::bench
