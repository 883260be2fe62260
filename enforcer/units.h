// SPDX-License-Identifier: Apache-2.0
// PID 1, over its private socket as systemctl uses it: no bus daemon stands between. Nothing waits here; what systemd does not
// answer within kAnswerMs has failed.
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace jit::enforcer {

struct UnrefBus {
  void operator()(sd_bus* b) const noexcept { sd_bus_close_unref(b); }
};
struct UnrefMessage {
  void operator()(sd_bus_message* m) const noexcept { sd_bus_message_unref(m); }
};
struct UnrefSlot {
  void operator()(sd_bus_slot* s) const noexcept { sd_bus_slot_unref(s); }
};
struct UnrefSource {
  void operator()(sd_event_source* s) const noexcept { sd_event_source_disable_unref(s); }
};
using BusPtr = std::unique_ptr<sd_bus, UnrefBus>;
using MessagePtr = std::unique_ptr<sd_bus_message, UnrefMessage>;
using SlotPtr = std::unique_ptr<sd_bus_slot, UnrefSlot>;
using SourcePtr = std::unique_ptr<sd_event_source, UnrefSource>;

class Units {
 public:
  static constexpr std::uint64_t kAnswerMs = 3000;
  static constexpr std::uint64_t kStopMs = 1000;  // from TERM to KILL, where systemd is the one that ends a scope

  using Done = std::function<void(const std::string& error)>;  // empty: done

  explicit Units(sd_event* loop) : loop_(loop) {}
  // A scope with these processes in it, that systemd ends after max_ms (its CLOCK_MONOTONIC). done: they are in it.
  void start(const std::string& name, const std::string& slice, const std::vector<pid_t>& pids, std::uint64_t max_ms, Done done);
  // Where the running systemd can set it on a scope that is there.
  void set_max(const std::string& name, std::uint64_t max_ms, Done done);

 private:
  struct Call {
    Units* units;
    std::uint64_t number;
    std::string job;  // object path; empty: the reply is what is waited for
    bool waits_for_job = false;
    Done done;
    SlotPtr slot;
    SourcePtr timer;
  };
  bool connect();
  void lose();  // the connection, and all calls on it
  void finish(std::uint64_t number, const std::string& error);
  void send(MessagePtr message, bool waits_for_job, Done done);
  static int on_reply(sd_bus_message* message, void* call, sd_bus_error* error);
  static int on_message(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_time(sd_event_source* source, std::uint64_t usec, void* call);

  sd_event* loop_;
  BusPtr bus_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::unique_ptr<Call>> calls_;
};

}  // namespace jit::enforcer
