// SPDX-License-Identifier: Apache-2.0
#include "enforcer/units.h"

#include <sys/socket.h>

#include <cstring>
#include <utility>

namespace jit::enforcer {
namespace {

constexpr char kSocket[] = "unix:path=/run/systemd/private";
constexpr char kManager[] = "org.freedesktop.systemd1.Manager";
constexpr char kObject[] = "/org/freedesktop/systemd1";

std::string text_of(int error) { return std::strerror(error < 0 ? -error : error); }

MessagePtr call_of(sd_bus* bus, const char* method) {
  sd_bus_message* made = nullptr;
  if (sd_bus_message_new_method_call(bus, &made, "org.freedesktop.systemd1", kObject, kManager, method) < 0) return nullptr;
  return MessagePtr(made);
}

bool append_pids(sd_bus_message* m, const std::vector<pid_t>& pids) {
  bool good = sd_bus_message_open_container(m, 'r', "sv") >= 0 && sd_bus_message_append(m, "s", "PIDs") >= 0 &&
              sd_bus_message_open_container(m, 'v', "au") >= 0 && sd_bus_message_open_container(m, 'a', "u") >= 0;
  for (const pid_t pid : pids) good = good && sd_bus_message_append(m, "u", static_cast<std::uint32_t>(pid)) >= 0;
  for (int i = 0; i < 3; ++i) good = good && sd_bus_message_close_container(m) >= 0;
  return good;
}

}  // namespace

bool Units::connect() {
  if (bus_ && sd_bus_is_open(bus_.get()) > 0) return true;
  lose();
  sd_bus* made = nullptr;
  if (sd_bus_new(&made) < 0) return false;
  BusPtr bus(made);
  if (sd_bus_set_address(made, kSocket) < 0 || sd_bus_set_bus_client(made, 0) < 0 || sd_bus_start(made) < 0) return false;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(sd_bus_get_fd(made), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != 0) return false;
  if (sd_bus_add_filter(made, nullptr, on_message, this) < 0) return false;
  if (sd_bus_attach_event(made, loop_, SD_EVENT_PRIORITY_NORMAL) < 0) return false;
  bus_ = std::move(bus);
  return true;
}

void Units::lose() {
  // Whoever is told may call again, on a connection of its own.
  const BusPtr bus = std::move(bus_);
  const auto calls = std::exchange(calls_, {});
  if (bus) sd_bus_detach_event(bus.get());
  for (const auto& [number, call] : calls) call->done("systemd hung up");
}

void Units::finish(std::uint64_t number, const std::string& error) {
  const auto it = calls_.find(number);
  if (it == calls_.end()) return;
  const std::unique_ptr<Call> call = std::move(it->second);
  calls_.erase(it);
  call->done(error);
}

void Units::send(MessagePtr message, bool waits_for_job, Done done) {
  auto call = std::make_unique<Call>();
  call->units = this;
  call->number = ++last_;
  call->waits_for_job = waits_for_job;
  call->done = std::move(done);
  Call& here = *call;
  calls_[here.number] = std::move(call);
  sd_bus_slot* slot = nullptr;
  sd_event_source* timer = nullptr;
  const int sent = sd_bus_call_async(bus_.get(), &slot, message.get(), on_reply, &here, kAnswerMs * 1000);
  here.slot.reset(slot);
  if (sent < 0) return finish(here.number, "systemd cannot be asked: " + text_of(sent));
  const int timed = sd_event_add_time_relative(loop_, &timer, CLOCK_MONOTONIC, kAnswerMs * 1000, 1000, on_time, &here);
  here.timer.reset(timer);
  if (timed < 0) finish(here.number, "no timer: " + text_of(timed));
}

int Units::on_time(sd_event_source*, std::uint64_t, void* data) {
  auto& call = *static_cast<Call*>(data);
  call.units->finish(call.number, "systemd does not answer");
  return 0;
}

int Units::on_reply(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& call = *static_cast<Call*>(data);
  Units& units = *call.units;
  if (const sd_bus_error* error = sd_bus_message_get_error(message)) {
    units.finish(call.number, std::string("systemd: ") + (error->message != nullptr ? error->message : error->name));
    return 0;
  }
  if (!call.waits_for_job) {
    units.finish(call.number, "");
    return 0;
  }
  const char* job = nullptr;
  if (sd_bus_message_read(message, "o", &job) <= 0) {
    units.finish(call.number, "systemd answered otherwise than expected");
  } else {
    call.job = job;
  }
  return 0;
}

// JobRemoved comes after the reply that names the job. Private connections get every signal.
int Units::on_message(sd_bus_message* message, void* data, sd_bus_error*) {
  Units& units = *static_cast<Units*>(data);
  if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
    units.lose();
    return 0;
  }
  if (sd_bus_message_is_signal(message, kManager, "JobRemoved") <= 0) return 0;
  const char* job = nullptr;
  const char* unit = nullptr;
  const char* result = nullptr;
  if (sd_bus_message_read(message, "uoss", nullptr, &job, &unit, &result) <= 0) return 0;
  for (const auto& [number, call] : units.calls_) {
    if (call->job != job) continue;
    units.finish(number, std::strcmp(result, "done") == 0 ? std::string() : std::string("systemd: the scope was not started: ") + result);
    break;
  }
  return 0;
}

void Units::start(const std::string& name, const std::string& slice, const std::vector<pid_t>& pids, std::uint64_t max_ms, Done done) {
  if (!connect()) return done("systemd cannot be reached");
  MessagePtr m = call_of(bus_.get(), "StartTransientUnit");
  // Delegate: systemd lets only such a scope take in processes later. HUP beside TERM: an interactive shell ignores TERM.
  const bool good =
      m && sd_bus_message_append(m.get(), "ss", name.c_str(), "fail") >= 0 &&
      sd_bus_message_open_container(m.get(), 'a', "(sv)") >= 0 && append_pids(m.get(), pids) &&
      sd_bus_message_append(m.get(), "(sv)", "Description", "s", "Timed access (pam_jit)") >= 0 &&
      sd_bus_message_append(m.get(), "(sv)", "Slice", "s", slice.c_str()) >= 0 &&
      sd_bus_message_append(m.get(), "(sv)", "RuntimeMaxUSec", "t", max_ms * 1000) >= 0 &&
      sd_bus_message_append(m.get(), "(sv)", "TimeoutStopUSec", "t", kStopMs * 1000) >= 0 &&
      sd_bus_message_append(m.get(), "(sv)", "SendSIGHUP", "b", 1) >= 0 &&
      sd_bus_message_append(m.get(), "(sv)", "Delegate", "b", 1) >= 0 &&
      sd_bus_message_append(m.get(), "(sv)", "CollectMode", "s", "inactive-or-failed") >= 0 &&
      sd_bus_message_close_container(m.get()) >= 0 && sd_bus_message_append(m.get(), "a(sa(sv))", 0) >= 0;
  if (!good) return done("no memory");
  send(std::move(m), true, std::move(done));
}

void Units::set_max(const std::string& name, std::uint64_t max_ms, Done done) {
  if (!connect()) return done("systemd cannot be reached");
  MessagePtr m = call_of(bus_.get(), "SetUnitProperties");
  if (!m || sd_bus_message_append(m.get(), "sba(sv)", name.c_str(), 1, 1, "RuntimeMaxUSec", "t", max_ms * 1000) < 0) {
    return done("no memory");
  }
  send(std::move(m), false, std::move(done));
}

}  // namespace jit::enforcer
