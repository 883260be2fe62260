// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "evidence/text.h"

namespace jit::gate {
namespace {

constexpr const char* kNoHandshake = "the D-Bus handshake failed";
constexpr std::size_t kOwnDescriptors = 256;  // database, bus, /proc (Starts), descriptors in flight

void check(int result, const char* what) {
  if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

int on_input(sd_event_source*, int, std::uint32_t, void* data) {
  auto& connection = *static_cast<Connection*>(data);
  Server::Impl& server = *connection.server;
  server.drive(connection);
  // Nothing of sd-bus or of the core is under way here, so what has ended need not wait for a turn of its own.
  server.reap();
  return 0;
}

int on_listen(sd_event_source*, int, std::uint32_t, void* data) {
  static_cast<Server::Impl*>(data)->accept_next();
  return 0;
}

int on_timer(sd_event_source*, std::uint64_t, void* data) {
  static_cast<Server::Impl*>(data)->close_quiet();
  return 0;
}

int on_reap(sd_event_source*, void* data) {
  static_cast<Server::Impl*>(data)->reap();
  return 0;
}

int on_bus_message(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& connection = *static_cast<Connection*>(data);
  return connection.server->on_message(connection, message);
}

std::size_t affordable(std::size_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  const auto most = static_cast<std::size_t>(limit.rlim_cur);
  return std::min(wanted, most > 2 * kOwnDescriptors ? most - kOwnDescriptors : most / 2);
}

int open_spare() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Connection::~Connection() {
  io.reset();
  if (!bus && fd >= 0) close(fd);
}

Server::Impl::Impl(sd_event* event, int fd, directory::Directory& users, Options given)
    : loop(sd_event_ref(event)),
      directory(users),
      options(given),
      listen_fd(fd),
      spare_fd(open_spare()),
      quota(given.connections_per_uid),
      over(given.connections_per_uid),
      kept(given.connections_per_uid) {
  options.connections = affordable(given.connections);
  if (given.origins) origins.keep_in(*given.origins);
  const int flags = fcntl(listen_fd, F_GETFL);
  if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(listen_fd, F_SETFD, FD_CLOEXEC) < 0) {
    check(-errno, "the gate's socket");
  }
  sd_event_source* source = nullptr;
  check(sd_event_add_time(loop.get(), &source, CLOCK_MONOTONIC, UINT64_MAX, 100'000, on_timer, this), "the gate's timer");
  quiet_timer.reset(source);
  check(sd_event_source_set_enabled(source, SD_EVENT_OFF), "the gate's timer");
  check(sd_event_add_defer(loop.get(), &source, on_reap, this), "the gate's event source");
  reaper.reset(source);
  check(sd_event_source_set_enabled(source, SD_EVENT_OFF), "the gate's event source");
  check(sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT), "the gate's event source");
}

Server::Impl::~Impl() {
  self.reset();
  listen_source.reset();
  connections.clear();
  close(listen_fd);
  if (spare_fd >= 0) close(spare_fd);
}

void Server::Impl::serve(core::Core& its_core) {
  core = &its_core;
  sd_event_source* source = nullptr;
  check(sd_event_add_io(loop.get(), &source, listen_fd, EPOLLIN, on_listen, this), "the gate's socket");
  listen_source.reset(source);
}

// One a turn: whoever else comes is seen in the next, and asking whether there is anybody else costs a call each time.
void Server::Impl::accept_next() {
  if (spare_fd < 0) spare_fd = open_spare();
  int fd = -1;
  do {
    fd = accept4(listen_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (fd >= 0) return accept_one(fd);
  if (errno == EAGAIN) return;
  const int error = errno;
  log.warn(policy::kNoUid, std::string("a connection cannot be taken: ") + std::strerror(error));
  if ((error != EMFILE && error != ENFILE) || spare_fd < 0) return;
  // Take it and close it: left in the queue it would wake the loop for ever, and its module would wait.
  close(spare_fd);
  const int refused = accept4(listen_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (refused >= 0) close(refused);
  spare_fd = open_spare();
}

void Server::Impl::accept_one(int fd) {
  auto connection = std::make_unique<Connection>();
  connection->fd = fd;
  // Its handshake is there already, as a rule: while it takes up our answer, we look who it is.
  if (is_of_root(fd) && handshake_ahead(fd) == Ahead::kWhole && !shake_hands(*connection)) return log.warn(0, kNoHandshake);
  std::uint32_t effective_uid = policy::kNoUid;
  const auto peer = callers.peer_of(fd, effective_uid);
  if (!peer) {
    return log.warn(effective_uid, effective_uid == 0 ? "a peer is gone or cannot be read in /proc" : "a peer is not root");
  }
  const auto counts = [](std::uint32_t uid) { return uid != 0 && uid != policy::kNoUid; };
  if (counts(peer->real_uid)) {
    connection->charged[0] = peer->real_uid;
    if (counts(peer->loginuid) && peer->loginuid != peer->real_uid) connection->charged[1] = peer->loginuid;
  }
  connection->id = ++last_id;
  connection->server = this;
  connection->peer_pid = peer->pid;
  connection->real_uid = peer->real_uid;
  if (connections.size() >= options.connections) return log.warn(peer->real_uid, "too many connections on this host");
  if (!quota.take(connection->charged)) {
    // As many again are answered with the limit's name; past that there is only the close.
    if (!over.take(connection->charged)) return log.warn(peer->real_uid, "too many connections of this user");
    connection->over_quota = true;
  }
  sd_event_source* source = nullptr;
  const bool watched = sd_event_add_io(loop.get(), &source, fd, EPOLLIN | EPOLLRDHUP, on_input, connection.get()) >= 0;
  if (!watched || !expect_call(*connection)) {
    sd_event_source_unref(source);
    charge_of(*connection).give_back(connection->charged);
    return log.warn(peer->real_uid, "a connection cannot be watched");
  }
  connection->io.reset(source);
  Connection& fresh = *connection;
  connections.emplace(fresh.id, std::move(connection));
  if (!fresh.bus) drive(fresh);  // it may have come meanwhile
}

bool Server::Impl::shake_hands(Connection& connection) {
  const int fd = std::exchange(connection.fd, -1);
  connection.bus = greet(fd);
  if (!connection.bus) {
    // The source watches a descriptor that is closed now; no event may come for its next owner.
    connection.io.reset();
    return false;
  }
  connection.fd = fd;
  return sd_bus_add_filter(connection.bus.get(), nullptr, on_bus_message, &connection) >= 0;
}

// All have the same time, so the new one is the last.
bool Server::Impl::expect_call(Connection& connection) {
  std::uint64_t now = 0;
  if (sd_event_now(loop.get(), CLOCK_MONOTONIC, &now) < 0) return false;
  connection.quiet_until = now + static_cast<std::uint64_t>(options.quiet_ms) * 1000;
  quiet.emplace_back(connection.quiet_until, connection.id);
  if (quiet.size() > 1) return true;
  sd_event_source_set_time(quiet_timer.get(), connection.quiet_until);
  sd_event_source_set_enabled(quiet_timer.get(), SD_EVENT_ONESHOT);
  return true;
}

void Server::Impl::close_quiet() {
  std::uint64_t now = 0;
  if (sd_event_now(loop.get(), CLOCK_MONOTONIC, &now) < 0) return;
  while (!quiet.empty()) {
    const auto [deadline, id] = quiet.front();
    Connection* connection = find(id);
    const bool counts = connection != nullptr && connection->quiet_until == deadline;
    if (counts && deadline > now) break;
    quiet.pop_front();
    if (!counts) continue;
    if (connection->stage == Stage::kFresh) log.warn(connection->real_uid, "a connection that asked nothing is closed");
    close_later(*connection);
  }
  if (quiet.empty()) return;
  sd_event_source_set_time(quiet_timer.get(), quiet.front().first);
  sd_event_source_set_enabled(quiet_timer.get(), SD_EVENT_ONESHOT);
}

// Who was let through may keep the connection for Bind as long as a hand-over lives. It is no request any more and must
// not take the place of one, so it is charged apart; where that is full the module connects anew.
void Server::Impl::keep(Connection& connection) {
  if (connection.kept || connection.over_quota || connection.closing) return;
  quota.give_back(connection.charged);
  quota.give_back({connection.login_uid, policy::kNoUid});
  connection.login_uid = policy::kNoUid;
  connection.kept = true;
  const bool room = kept.take(connection.charged);
  if (!room) connection.charged = {policy::kNoUid, policy::kNoUid};
  if (!room || !expect_call(connection)) close_later(connection);
}

void Server::Impl::drive(Connection& connection) {
  const auto drop = [&](const char* why) {
    log.warn(connection.real_uid, why);
    close_later(connection);
  };
  if (connection.closing) return;
  if (!connection.bus) {
    switch (handshake_ahead(connection.fd)) {
      case Ahead::kNothing: return;
      case Ahead::kGone: return close_later(connection);
      case Ahead::kBad: return drop("no D-Bus handshake as the module sends it");
      case Ahead::kWhole: break;
    }
    if (!shake_hands(connection)) drop(kNoHandshake);
    return;  // it waits for our answer before it says more
  }
  do {
    if (connection.frame_left == 0) {
      switch (next_frame(connection.fd, connection.frame_left)) {
        case Ahead::kNothing: return;
        case Ahead::kGone: return close_later(connection);
        case Ahead::kBad: return drop("bytes that are no D-Bus message, or one of more than 1 MiB");
        case Ahead::kWhole: break;
      }
    }
    const std::uint32_t there = waiting(connection.fd);
    const int result = sd_bus_process(connection.bus.get(), nullptr);
    if (result < 0) return drop("the connection broke within a message");
    if (connection.frame_left != 0) {
      // All of it was there, yet no message came of it: sd-bus threw it away.
      if (there >= connection.frame_left) return drop("a malformed D-Bus message");
      connection.frame_left -= there;
    }
    if (result == 0) return;
  } while (!connection.closing && connection.frame_left != 0);
}

void Server::Impl::send(Connection& connection, const MessagePtr& message) {
  if (connection.closing) return;
  if (!message || sd_bus_send(connection.bus.get(), message.get(), nullptr) < 0) {
    log.warn(connection.real_uid, message ? "a message cannot be sent" : "a message cannot be built");
    return close_later(connection);
  }
  // What does not fit into the socket's buffer is not queued here: a peer that does not read must not grow us.
  std::uint64_t queued = 0;
  if (sd_bus_get_n_queued_write(connection.bus.get(), &queued) < 0 || queued > 0) {
    log.warn(connection.real_uid, "a peer that does not read is dropped");
    close_later(connection);
  }
}

// Not at once: sd-bus or the core may be in the middle of it.
void Server::Impl::close_later(Connection& connection) {
  if (connection.closing) return;
  connection.closing = true;
  if (connection.io) sd_event_source_set_enabled(connection.io.get(), SD_EVENT_OFF);
  dying.push_back(connection.id);
  sd_event_source_set_enabled(reaper.get(), SD_EVENT_ONESHOT);
}

void Server::Impl::reap() {
  if (dying.empty()) return;
  sd_event_source_set_enabled(reaper.get(), SD_EVENT_OFF);
  for (const auto id : std::exchange(dying, {})) {
    const auto node = connections.extract(id);
    if (node.empty()) continue;
    Connection& connection = *node.mapped();
    charge_of(connection).give_back(connection.charged);
    quota.give_back({connection.login_uid, policy::kNoUid});
    if (connection.in_core) core->hangup(id);
  }
}

Connection* Server::Impl::find(core::Conn id) {
  const auto it = connections.find(id);
  return it == connections.end() || it->second->closing ? nullptr : it->second.get();
}

Server::Server(sd_event* loop, int listen_fd, directory::Directory& directory, Options options)
    : impl_(std::make_unique<Impl>(loop, listen_fd, directory, options)) {}

Server::~Server() = default;

void Server::serve(core::Core& core) { impl_->serve(core); }

void Server::use_limit(std::size_t connections_per_uid) {
  impl_->options.connections_per_uid = connections_per_uid;
  for (Quota* each : {&impl_->quota, &impl_->over, &impl_->kept}) each->use(connections_per_uid);
}

void Server::answer(core::Conn conn, const core::Answer& answer) {
  if (Connection* connection = impl_->find(conn)) impl_->reply(*connection, answer);
}

void Server::progress(core::Conn conn, std::vector<std::string> text) {
  Connection* connection = impl_->find(conn);
  if (connection == nullptr || connection->stage != Stage::kPending) return;
  impl_->send(*connection, signal_progress(connection->bus.get(), text));
}

void Server::decided(core::Conn conn, const core::Answer& answer) {
  Connection* connection = impl_->find(conn);
  if (connection == nullptr || connection->stage != Stage::kPending) return;
  connection->stage = Stage::kDone;
  connection->in_core = false;
  if (connection->call == Call::kVote) {
    connection->held = std::make_unique<core::Answer>(answer);
    return;
  }
  impl_->send(*connection, signal_decided(connection->bus.get(), answer));
  if (answer.verdict == core::Verdict::kAllow) impl_->keep(*connection);
}

void Server::bound(core::Conn conn, const core::BindAnswer& answer) {
  if (Connection* connection = impl_->find(conn)) impl_->reply(*connection, answer);
}

}  // namespace jit::gate
