// SPDX-License-Identifier: Apache-2.0
// The socket: who may say what. Root hands over its own process; _jit moves and ends what was handed over, by its id.
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "enforcer/keeper.h"

namespace jit::enforcer {

class Server {
 public:
  // listen_fd: owned from here on. broker: the uid of _jit.
  Server(sd_event* loop, int listen_fd, uid_t broker) : loop_(loop), listen_(listen_fd), broker_(broker) {}
  bool serve(Keeper& keeper);
  void tell(const Report& report);  // to every connection of the broker
  bool is_idle() const { return connections_.empty(); }

 private:
  struct Connection {
    Server* server = nullptr;
    std::uint64_t number = 0;
    uid_t uid = 0;
    pid_t pid = 0;
    int fd = -1;  // the bus's own
    std::array<std::uint32_t, 2> charged{kNoNumber, kNoNumber};  // whose places it takes; a door's
    BusPtr bus;
    SourcePtr limit;
  };
  void accept();
  void welcome(int fd);  // which it owns from here on
  bool charge(Connection& door);
  void close(std::uint64_t number);
  int on_call(Connection& connection, sd_bus_message* message);
  int adopt(Connection& connection, sd_bus_message* message);
  int by_broker(Connection& connection, sd_bus_message* message);
  int list(sd_bus_message* message);
  static int on_listen(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_message(sd_bus_message* message, void* connection, sd_bus_error* error);
  static int on_limit(sd_event_source* source, std::uint64_t usec, void* connection);

  sd_event* loop_;
  Fd listen_, spare_;
  uid_t broker_;
  Keeper* keeper_ = nullptr;
  SourcePtr source_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::size_t doors_ = 0;
  std::map<std::uint32_t, std::size_t> doors_of_;  // by real uid and loginuid
};

}  // namespace jit::enforcer
