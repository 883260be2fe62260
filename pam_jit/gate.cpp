// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/gate.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>


namespace jit::pam {
namespace {

constexpr Ms kConnectAgain = 20;  // a full backlog cannot be polled for

Fault fault_of(Wake wake) {
  switch (wake) {
    case Wake::kReady: return Fault::kNone;
    case Wake::kTime: return Fault::kTimeout;
    case Wake::kSignal: return Fault::kCancelled;
    case Wake::kGone: return Fault::kGone;
    case Wake::kFailed: break;
  }
  return Fault::kSystem;
}

Fault connect_to(std::string_view path, Waiter& waiter, Ms until, Fd& out) {
  Fd fd = above_stdio(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Fault::kSystem;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);  // shorter than that, and NUL-ended by the line above
  while (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EAGAIN) return errno == ENOENT || errno == ECONNREFUSED ? Fault::kNoGate : Fault::kSystem;
    const Wake wake = waiter.wait(-1, 0, std::min(until, after(kConnectAgain)));
    if (wake != Wake::kTime) return fault_of(wake);
    if (now_ms() >= until) return Fault::kTimeout;
  }
  // Who called listen(): root, since systemd made the socket. Whoever took the path without being root is not believed.
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer) return Fault::kSystem;
  if (peer.uid != 0) return Fault::kWrongPeer;
  out = std::move(fd);
  return Fault::kNone;
}

}  // namespace

const char* word_of(Fault fault) {
  switch (fault) {
    case Fault::kNone: return "none";
    case Fault::kNoGate: return "nobody listens at the gate";
    case Fault::kWrongPeer: return "wrong peer at the gate";
    case Fault::kTimeout: return "no answer in time";
    case Fault::kBroken: return "the gate hung up";
    case Fault::kBadAnswer: return "bad answer";
    case Fault::kRefused: return "the broker answered with an error";
    case Fault::kSystem: return "a system call failed";
    case Fault::kCancelled: return "cancelled by a signal";
    case Fault::kGone: return "the person left";
  }
  return "unknown";
}

Fault Gate::open(Waiter& waiter, Ms until) {
  close();
  if (!waiter.holds()) return Fault::kSystem;
  Fd fd;
  if (const Fault fault = connect_to(service_->socket, waiter, until, fd); fault != Fault::kNone) return fault;
  sd_bus* raw = nullptr;
  if (sd_bus_new(&raw) < 0 || raw == nullptr) return Fault::kSystem;
  std::unique_ptr<sd_bus, UnrefBus> bus(raw);
  if (sd_bus_set_fd(raw, fd.get(), fd.get()) < 0) return Fault::kSystem;
  fd.release();  // the bus closes it from here on
  if (sd_bus_set_bus_client(raw, 0) < 0 || sd_bus_negotiate_fds(raw, 1) < 0) return Fault::kSystem;
  if (sd_bus_start(raw) < 0) return Fault::kBroken;
  bus_ = std::move(bus);
  const Fault fault = handshake(waiter, until);
  if (fault != Fault::kNone) close();
  return fault;
}

// Before any message with a descriptor: sd_bus_send() would finish the handshake itself, in a poll of its own of up to
// 90 s, deaf to signals, while the broker is stopped.
Fault Gate::handshake(Waiter& waiter, Ms until) {
  for (;;) {
    if (const int ready = sd_bus_is_ready(bus_.get()); ready != 0) return ready > 0 ? Fault::kNone : Fault::kBroken;
    Message early;
    if (const Fault fault = turn(waiter, until, early); fault != Fault::kNone) return fault;
  }
}

Message Gate::call(const char* method) const {
  sd_bus_message* m = nullptr;
  if (!bus_ || sd_bus_message_new_method_call(bus_.get(), &m, nullptr, service_->object, service_->interface, method) < 0) {
    return nullptr;
  }
  return Message(m);
}

// One step: what is there is taken in; where nothing is, waits for more.
Fault Gate::turn(Waiter& waiter, Ms until, Message& message) {
  if (!bus_) return Fault::kBroken;
  sd_bus_message* m = nullptr;
  const int r = sd_bus_process(bus_.get(), &m);
  message.reset(m);
  if (r < 0 || sd_bus_is_open(bus_.get()) <= 0) return r == -ENOMEM ? Fault::kSystem : Fault::kBroken;
  if (r > 0) return now_ms() < until || m != nullptr ? Fault::kNone : Fault::kTimeout;
  const int fd = sd_bus_get_fd(bus_.get());
  const int events = sd_bus_get_events(bus_.get());
  if (fd < 0 || events < 0) return Fault::kBroken;
  return fault_of(waiter.wait(fd, static_cast<short>(events), until));
}

Fault Gate::receive(Waiter& waiter, Ms until, Message& message) {
  do {
    if (const Fault fault = turn(waiter, until, message); fault != Fault::kNone) return fault;
  } while (!message);
  return Fault::kNone;
}

Fault Gate::ask(Waiter& waiter, sd_bus_message* call, const char* signature, Ms until, Message& reply) {
  std::uint64_t cookie = 0;
  if (call == nullptr || !bus_) return Fault::kSystem;
  if (const int r = sd_bus_send(bus_.get(), call, &cookie); r < 0) return r == -ENOMEM ? Fault::kSystem : Fault::kBroken;
  for (;;) {
    if (const Fault fault = receive(waiter, until, reply); fault != Fault::kNone) return fault;
    if (sd_bus_message_is_signal(reply.get(), service_->interface, service_->early) > 0) {
      early_ = std::move(reply);
      continue;
    }
    if (sd_bus_message_is_signal(reply.get(), nullptr, nullptr) > 0) continue;
    std::uint64_t answers = 0;  // one call, one reply: whatever else comes is not the contract
    if (sd_bus_message_get_reply_cookie(reply.get(), &answers) < 0 || answers != cookie) return Fault::kBadAnswer;
    if (sd_bus_message_is_method_error(reply.get(), nullptr) != 0) return Fault::kRefused;
    return sd_bus_message_has_signature(reply.get(), signature) > 0 ? Fault::kNone : Fault::kBadAnswer;
  }
}

Fault Gate::next(Waiter& waiter, Ms until, Message& signal) {
  for (;;) {
    signal = std::move(early_);
    if (const Fault fault = signal ? Fault::kNone : receive(waiter, until, signal); fault != Fault::kNone) return fault;
    if (sd_bus_message_is_signal(signal.get(), service_->interface, nullptr) <= 0) continue;
    const char* path = sd_bus_message_get_path(signal.get());
    if (path != nullptr && std::string_view(path) == service_->object) return Fault::kNone;
  }
}

}  // namespace jit::pam
