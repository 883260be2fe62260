// SPDX-License-Identifier: Apache-2.0
// The broker as a courier sees it: org.pamjit.Broker1 on the system bus at its fixed address, over the event loop.
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <cstdint>
#include <functional>
#include <string>

namespace jit::courier {

// error: empty where it went well; else the last part of the error's name, and a text for people.
struct BusAnswer {
  std::string error;
  std::string text;  // the document, or what went wrong
};
using Answered = std::function<void(const BusAnswer&)>;

class Broker {
 public:
  struct Heard {
    std::function<void(bool there)> there;  // it has come, or left
    std::function<void()> more;             // Courier.Waiting
  };
  // The end of the bus ends the loop.
  Broker(sd_event* event, Heard heard);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  int start();  // < 0: -errno
  bool is_there() const { return there_; }
  void open(const std::string& after, Answered answered);
  void next(std::uint64_t after, Answered answered);
  void done(std::uint64_t sequence);
  void reachable(bool reached, const std::string& why);
  void acknowledged(std::uint64_t sequence, const std::string& channel);  // that channel took the message of that entry
  void submit_vote(const std::string& vote, Answered answered);
  void status(Answered answered);

 private:
  void call(const char* interface, const char* method, Answered answered, const std::function<int(sd_bus_message*)>& fill);
  void owner(const char* name);
  static int on_owner(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_first_owner(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_more(sd_bus_message* message, void* self, sd_bus_error* error);
  static int on_answer(sd_bus_message* message, void* answered, sd_bus_error* error);

  sd_event* event_;
  Heard heard_;
  sd_bus* bus_ = nullptr;
  bool there_ = false;
};

}  // namespace jit::courier
