// SPDX-License-Identifier: Apache-2.0
#include "enforcer/server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstring>
#include <string_view>

#include "dbus/contract.h"

namespace jit::enforcer {
namespace {

namespace contract = dbus::enforcer1;

constexpr std::size_t kDoors = 512;     // at once
constexpr std::size_t kDoorsOfOne = 64;  // of them by one uid, as who began or as who logged in: he may stop them all
constexpr std::uint64_t kLimitUs = 10'000'000;  // a door's connection; its caller may have stopped it
constexpr std::int64_t kEndMost = std::int64_t{400} * 24 * 3600 * 1000;  // from now; longer than any grant
constexpr char kDenied[] = "org.pamjit.Error.Denied";
constexpr char kBadInput[] = "org.pamjit.Error.BadInput";
constexpr char kNotFound[] = "org.pamjit.Error.NotFound";
constexpr char kFailed[] = "org.pamjit.Error.Failed";

int refuse(sd_bus_message* message, const char* name, const std::string& why) {
  return sd_bus_reply_method_errorf(message, name, "%s", why.c_str());
}

int reply(sd_bus_message* message, Result result) {
  switch (result) {
    case Result::kDone: return sd_bus_reply_method_return(message, "");
    case Result::kNotFound: return refuse(message, kNotFound, "nothing is held under this id");
    case Result::kFailed: break;
  }
  return refuse(message, kFailed, "it could not be written down");
}

bool is_time(std::uint64_t ms) { return ms > 0 && ms <= static_cast<std::uint64_t>(boot_ms() + kEndMost); }

bool append(sd_bus_message* m, const std::vector<Left>& list) {
  bool good = sd_bus_message_open_container(m, 'a', "(uuay)") >= 0;
  for (const Left& left : list) {
    good = good && sd_bus_message_open_container(m, 'r', "uuay") >= 0 &&
           sd_bus_message_append(m, "uu", static_cast<std::uint32_t>(left.pid), left.uid) >= 0 &&
           sd_bus_message_append_array(m, 'y', left.name.data(), left.name.size()) >= 0 && sd_bus_message_close_container(m) >= 0;
  }
  return good && sd_bus_message_close_container(m) >= 0;
}

bool append(sd_bus_message* m, const std::vector<std::string>& list) {
  bool good = sd_bus_message_open_container(m, 'a', "ay") >= 0;
  for (const std::string& text : list) good = good && sd_bus_message_append_array(m, 'y', text.data(), text.size()) >= 0;
  return good && sd_bus_message_close_container(m) >= 0;
}

Fd open_spare() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

MessagePtr signal_of(sd_bus* bus, const Report& report) {
  sd_bus_message* made = nullptr;
  if (sd_bus_message_new_signal(bus, &made, contract::kPath, contract::kInterface, contract::kEnded) < 0) return nullptr;
  MessagePtr m(made);
  const bool good = sd_bus_message_append(made, "susu", report.id.c_str(), report.number, report.why.c_str(), report.ended) >= 0 &&
                    append(made, report.survivors) && append(made, report.beyond) && append(made, report.later) &&
                    sd_bus_message_append(made, "u", report.left_out) >= 0;
  return good ? std::move(m) : nullptr;
}

}  // namespace

bool Server::serve(Keeper& keeper) {
  keeper_ = &keeper;
  spare_ = open_spare();
  const int flags = ::fcntl(listen_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(listen_.get(), F_SETFL, flags | O_NONBLOCK) < 0) return false;
  sd_event_source* source = nullptr;
  if (sd_event_add_io(loop_, &source, listen_.get(), EPOLLIN, on_listen, this) < 0) return false;
  source_.reset(source);
  return true;
}

int Server::on_listen(sd_event_source*, int, std::uint32_t, void* self) {
  static_cast<Server*>(self)->accept();
  return 0;
}

void Server::accept() {
  if (!spare_) spare_ = open_spare();
  const int fd = ::accept4(listen_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) return welcome(fd);
  if ((errno != EMFILE && errno != ENFILE) || !spare_) return;
  // Take it and close it: left in the queue it would wake the loop for ever, and its door would wait.
  spare_ = Fd();
  { const Fd refused(::accept4(listen_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)); }
  spare_ = open_spare();
}

// As at the gate: whoever stops his own doors fills no more than his own places.
bool Server::charge(Connection& door) {
  const auto who = process_of(door.pid);
  if (!who || doors_ >= kDoors) return false;
  const auto counts = [](std::uint32_t uid) { return uid != 0 && uid != kNoNumber; };
  std::array<std::uint32_t, 2> uids{kNoNumber, kNoNumber};
  if (counts(who->real_uid)) uids[0] = who->real_uid;
  if (counts(who->loginuid) && who->loginuid != who->real_uid) uids[1] = who->loginuid;
  for (const std::uint32_t uid : uids) {
    const auto it = doors_of_.find(uid);
    if (it != doors_of_.end() && it->second >= kDoorsOfOne) return false;
  }
  for (const std::uint32_t uid : uids) {
    if (uid != kNoNumber) ++doors_of_[uid];
  }
  door.charged = uids;
  ++doors_;
  return true;
}

void Server::welcome(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0;
  sd_bus* made = nullptr;
  sd_id128_t id;
  if (!known || (peer.uid != 0 && peer.uid != broker_) || sd_bus_new(&made) < 0) {
    ::close(fd);
    return;
  }
  BusPtr bus(made);
  if (sd_bus_set_fd(made, fd, fd) < 0) {
    ::close(fd);
    return;
  }
  if (sd_id128_randomize(&id) < 0 || sd_bus_set_server(made, 1, id) < 0 || sd_bus_negotiate_fds(made, 1) < 0 ||
      sd_bus_set_anonymous(made, 0) < 0 || sd_bus_start(made) < 0) {
    return;
  }
  auto connection = std::make_unique<Connection>();
  Connection& here = *connection;
  here.server = this;
  here.number = ++last_;
  here.uid = peer.uid;
  here.pid = peer.pid;
  here.fd = fd;
  here.bus = std::move(bus);
  if (sd_bus_add_filter(made, nullptr, on_message, &here) < 0) return;
  if (peer.uid != broker_) {
    sd_event_source* limit = nullptr;
    if (sd_event_add_time_relative(loop_, &limit, CLOCK_BOOTTIME, kLimitUs, 1000, on_limit, &here) < 0) return;
    here.limit.reset(limit);
  }
  if (sd_bus_attach_event(made, loop_, SD_EVENT_PRIORITY_NORMAL) < 0) return;
  if (peer.uid != broker_ && !charge(here)) {
    sd_bus_detach_event(made);
    return;
  }
  connections_[here.number] = std::move(connection);
}

int Server::on_limit(sd_event_source*, std::uint64_t, void* data) {
  auto& connection = *static_cast<Connection*>(data);
  connection.server->close(connection.number);
  return 0;
}

void Server::close(std::uint64_t number) {
  const auto it = connections_.find(number);
  if (it == connections_.end()) return;
  sd_bus_detach_event(it->second->bus.get());
  if (it->second->uid != broker_) --doors_;
  for (const std::uint32_t uid : it->second->charged) {
    const auto place = doors_of_.find(uid);
    if (place != doors_of_.end() && --place->second == 0) doors_of_.erase(place);
  }
  connections_.erase(it);
}

int Server::on_message(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& connection = *static_cast<Connection*>(data);
  if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
    connection.server->close(connection.number);
    return 1;
  }
  if (sd_bus_message_is_method_call(message, nullptr, nullptr) <= 0) return 1;
  return connection.server->on_call(connection, message) < 0 ? 0 : 1;
}

int Server::on_call(Connection& connection, sd_bus_message* message) {
  const char* path = sd_bus_message_get_path(message);
  const char* interface = sd_bus_message_get_interface(message);
  const char* member = sd_bus_message_get_member(message);
  if (path == nullptr || interface == nullptr || member == nullptr || std::strcmp(path, contract::kPath) != 0 ||
      std::strcmp(interface, contract::kInterface) != 0) {
    return refuse(message, kBadInput, "there is no such object");
  }
  if (std::strcmp(member, contract::kAdopt) == 0) return adopt(connection, message);
  return by_broker(connection, message);
}

int Server::adopt(Connection& connection, sd_bus_message* message) {
  if (connection.uid != 0) return refuse(message, kDenied, "only root hands over a process, and only its own");
  const char* id = nullptr;
  int pidfd = -1;
  std::uint64_t end = 0;
  std::uint64_t hard = 0;
  if (sd_bus_message_has_signature(message, contract::kAdoptIn) <= 0 || sd_bus_message_read(message, "shtt", &id, &pidfd, &end, &hard) <= 0) {
    return refuse(message, kBadInput, "the signature is wrong");
  }
  const bool own = *id != '\0';
  if (own ? !is_id(id) || !is_time(end) || !is_time(hard) || hard < end : end != 0 || hard != 0) {
    return refuse(message, kBadInput, "the id is 32 hex digits, and the end is in time");
  }
  Fd process(::fcntl(pidfd, F_DUPFD_CLOEXEC, 3));
  if (!process || pid_of(process.get()) != connection.pid) return refuse(message, kDenied, "that is not the process that asks");
  sd_bus_message_ref(message);
  keeper_->adopt(id, std::move(process), connection.pid, static_cast<std::int64_t>(end), static_cast<std::int64_t>(hard),
                 [this, number = connection.number, held = std::shared_ptr<sd_bus_message>(message, sd_bus_message_unref)](const std::string& error,
                                                                                                                          const std::string& unit) {
                   if (error.empty()) {
                     sd_bus_reply_method_return(held.get(), "s", unit.c_str());
                   } else {
                     refuse(held.get(), kFailed, error);
                   }
                   // What it came for is done; not at once, for sd-bus is in the middle of its message.
                   const auto it = connections_.find(number);
                   if (it != connections_.end()) sd_event_source_set_time_relative(it->second->limit.get(), 0);
                 });
  return 0;
}

int Server::by_broker(Connection& connection, sd_bus_message* message) {
  if (connection.uid != broker_) return refuse(message, kDenied, "only the broker may say that");
  const auto is = [&](const char* member, const char* signature) {
    return sd_bus_message_is_method_call(message, contract::kInterface, member) > 0 && sd_bus_message_has_signature(message, signature) > 0;
  };
  if (is(contract::kList, contract::kListIn)) {
    const int sent = list(message);
    for (const Report& report : keeper_->reports()) {
      if (const MessagePtr m = signal_of(connection.bus.get(), report)) sd_bus_send(connection.bus.get(), m.get(), nullptr);
    }
    return sent;
  }
  const char* id = nullptr;
  std::uint64_t time = 0;
  std::uint32_t number = 0;
  if (is(contract::kSetEnd, contract::kSetEndIn) && sd_bus_message_read(message, "st", &id, &time) > 0) {
    if (!is_time(time)) return refuse(message, kBadInput, "the end is in time");
    return reply(message, keeper_->set_end(id, static_cast<std::int64_t>(time)));
  }
  if (is(contract::kWarn, contract::kWarnIn) && sd_bus_message_read(message, "su", &id, &number) > 0) return reply(message, keeper_->warn(id, number));
  if (is(contract::kEnd, contract::kEndIn) && sd_bus_message_read(message, "s", &id) > 0) return reply(message, keeper_->end(id));
  if (is(contract::kReported, contract::kReportedIn) && sd_bus_message_read(message, "su", &id, &number) > 0) {
    keeper_->reported(id, number);
    return reply(message, Result::kDone);
  }
  return refuse(message, kBadInput, "there is no such method");
}

int Server::list(sd_bus_message* message) {
  sd_bus_message* made = nullptr;
  if (sd_bus_message_new_method_return(message, &made) < 0) return -1;
  const MessagePtr m(made);
  bool good = sd_bus_message_open_container(made, 'a', "(sttb)") >= 0;
  for (const Keeper::Summary& held : keeper_->list()) {
    good = good && sd_bus_message_append(made, "(sttb)", held.id.c_str(), static_cast<std::uint64_t>(held.end),
                                         static_cast<std::uint64_t>(held.hard), held.ending ? 1 : 0) >= 0;
  }
  if (!good || sd_bus_message_close_container(made) < 0) return -1;
  return sd_bus_message_send(made);
}

void Server::tell(const Report& report) {
  for (const auto& [number, connection] : connections_) {
    if (connection->uid != broker_) continue;
    if (const MessagePtr m = signal_of(connection->bus.get(), report)) sd_bus_send(connection->bus.get(), m.get(), nullptr);
  }
}

}  // namespace jit::enforcer
