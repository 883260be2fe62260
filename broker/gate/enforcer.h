// SPDX-License-Identifier: Apache-2.0
// The way to the enforcer: plain sd-bus to its own socket, on the core's loop. A connection stands while anything could be held;
// each begins with a comparison, so what could not be said before is made good then. An end before its time is said until it is
// answered: who was let through before may come after it, and the enforcer has nothing of him to compare.
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "broker/core/core.h"
#include "broker/gate/server.h"

namespace jit::gate {

class Enforcer final : public core::Enforcement {
 public:
  // As they are stored, also where they are not in the core any more. Nothing: not known.
  struct Stored {
    std::function<std::optional<core::Grant>(const core::Id&)> grant;
    std::function<std::optional<core::Request>(const core::Id&)> request;
  };
  using ToldFinishing = std::function<void(const std::optional<std::vector<core::Finishing>>&)>;

  Enforcer(sd_event* loop, core::Core& core, Stored stored) : loop_(loop), core_(core), stored_(std::move(stored)) {}
  ~Enforcer();
  Enforcer(const Enforcer&) = delete;
  Enforcer& operator=(const Enforcer&) = delete;

  void wanted();  // something may be held from now on
  void move_end(const core::Id& grant, core::BootMs end) override;
  void warn(const core::Id& grant, std::uint32_t minutes) override;
  void end(const core::Id& grant, core::BootMs until) override;
  void finishing(ToldFinishing then) override;

 private:
  // An end that the enforcer has not answered.
  struct Unheard {
    core::BootMs until = 0;  // nobody comes of it any more
    std::uint64_t call = 0;  // under way; 0: none
  };
  bool connect();
  bool ask_what_is_held();
  void lose();
  void try_again();
  MessagePtr call(const char* method) const;
  void send(MessagePtr message);
  void compare(sd_bus_message* held);
  void tell_finishing(const std::vector<core::Id>& held);
  void say_end(const core::Id& grant, Unheard& unheard);
  void say_ends();
  void on_ended(sd_bus_message* message);
  void reported(const core::Id& grant, std::uint32_t number);
  static int on_message(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_list(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_end(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_timer(sd_event_source* source, std::uint64_t usec, void* self);

  sd_event* loop_;
  core::Core& core_;
  Stored stored_;
  BusPtr bus_;
  SourcePtr timer_;
  bool wanted_ = false;
  std::map<core::Id, Unheard> unheard_;
  std::vector<ToldFinishing> ask_finishing_;  // answered with the next comparison
  std::shared_ptr<Enforcer*> self_ = std::make_shared<Enforcer*>(this);
};

}  // namespace jit::gate
