// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/enforcer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "dbus/contract.h"

namespace jit::gate {
namespace {

namespace contract = dbus::enforcer1;

constexpr std::string_view kEnforcerSocket = "/run/jit/enforcer";
constexpr std::uint64_t kAgainUs = 200'000;
constexpr std::uint64_t kAnswerUs = 5'000'000;  // what is held; who revokes waits for it
constexpr char kNothingHeld[] = "org.pamjit.Error.NotFound";  // and nothing of it will be
constexpr char kNotWritten[] = "org.pamjit.Error.Failed";

bool read_left(sd_bus_message* m, std::vector<core::EndReport::Left>& out) {
  if (sd_bus_message_enter_container(m, 'a', "(uuay)") <= 0) return false;
  while (sd_bus_message_enter_container(m, 'r', "uuay") > 0) {
    core::EndReport::Left left;
    const void* name = nullptr;
    std::size_t size = 0;
    if (sd_bus_message_read(m, "uu", &left.pid, &left.uid) <= 0 || sd_bus_message_read_array(m, 'y', &name, &size) < 0) return false;
    left.name.assign(static_cast<const char*>(name), size);
    out.push_back(std::move(left));
    if (sd_bus_message_exit_container(m) < 0) return false;
  }
  return sd_bus_message_exit_container(m) >= 0;
}

bool read_paths(sd_bus_message* m, std::vector<std::string>& out) {
  if (sd_bus_message_enter_container(m, 'a', "ay") <= 0) return false;
  const void* bytes = nullptr;
  std::size_t size = 0;
  while (sd_bus_message_read_array(m, 'y', &bytes, &size) > 0) out.emplace_back(static_cast<const char*>(bytes), size);
  return sd_bus_message_exit_container(m) >= 0;
}

}  // namespace

Enforcer::~Enforcer() {
  if (bus_) sd_bus_detach_event(bus_.get());
}

bool Enforcer::connect() {
  if (bus_) return true;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::ranges::copy(kEnforcerSocket, address.sun_path);
  ucred peer{};
  socklen_t size = sizeof peer;
  sd_bus* made = nullptr;
  // Who called listen(): root, since systemd made the socket.
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != 0 || sd_bus_new(&made) < 0) {
    ::close(fd);
    return false;
  }
  BusPtr bus(made);
  if (sd_bus_set_fd(made, fd, fd) < 0) {
    ::close(fd);
    return false;
  }
  if (sd_bus_set_bus_client(made, 0) < 0 || sd_bus_start(made) < 0 || sd_bus_add_filter(made, nullptr, on_message, this) < 0 ||
      sd_bus_attach_event(made, loop_, SD_EVENT_PRIORITY_NORMAL) < 0) {
    return false;
  }
  bus_ = std::move(bus);
  return ask_what_is_held();
}

bool Enforcer::ask_what_is_held() {
  const MessagePtr list = call(contract::kList);
  if (list && sd_bus_call_async(bus_.get(), nullptr, list.get(), on_list, this, kAnswerUs) >= 0) return true;
  lose();
  return false;
}

void Enforcer::lose() {
  if (bus_) sd_bus_detach_event(bus_.get());
  bus_.reset();
  for (auto& [grant, unheard] : unheard_) unheard.call = 0;
  for (const ToldFinishing& then : std::exchange(ask_finishing_, {})) then(std::nullopt);
}

// Nobody waits here: where it cannot be reached now, a moment later. The ends themselves are held by others meanwhile.
void Enforcer::wanted() {
  wanted_ = true;
  if (!connect()) try_again();
}

void Enforcer::try_again() {
  if (!timer_) {
    sd_event_source* timer = nullptr;
    if (sd_event_add_time_relative(loop_, &timer, CLOCK_BOOTTIME, kAgainUs, 1000, on_timer, this) < 0) return;
    timer_.reset(timer);
    return;
  }
  sd_event_source_set_time_relative(timer_.get(), kAgainUs);
  sd_event_source_set_enabled(timer_.get(), SD_EVENT_ONESHOT);
}

int Enforcer::on_timer(sd_event_source*, std::uint64_t, void* data) {
  auto& self = *static_cast<Enforcer*>(data);
  if (self.wanted_ && !self.connect()) self.try_again();
  return 0;
}

MessagePtr Enforcer::call(const char* method) const {
  sd_bus_message* made = nullptr;
  if (!bus_ || sd_bus_message_new_method_call(bus_.get(), &made, nullptr, contract::kPath, contract::kInterface, method) < 0) return nullptr;
  return MessagePtr(made);
}

void Enforcer::send(MessagePtr message) {
  if (!message) return;
  sd_bus_message_set_expect_reply(message.get(), 0);
  if (sd_bus_send(bus_.get(), message.get(), nullptr) < 0) {
    lose();
    try_again();
  }
}

void Enforcer::move_end(const core::Id& grant, core::BootMs end) {
  wanted();
  MessagePtr m = call(contract::kSetEnd);
  if (m && sd_bus_message_append(m.get(), contract::kSetEndIn, grant.text().c_str(), static_cast<std::uint64_t>(end)) >= 0) send(std::move(m));
}

void Enforcer::warn(const core::Id& grant, std::uint32_t minutes) {
  wanted();
  MessagePtr m = call(contract::kWarn);
  if (m && sd_bus_message_append(m.get(), contract::kWarnIn, grant.text().c_str(), minutes) >= 0) send(std::move(m));
}

void Enforcer::end(const core::Id& grant, core::BootMs until) {
  Unheard& unheard = unheard_[grant];
  unheard.until = std::max(unheard.until, until);
  wanted();
  say_end(grant, unheard);
}

void Enforcer::finishing(ToldFinishing then) {
  wanted();
  if (!bus_) return then(std::nullopt);
  ask_finishing_.push_back(std::move(then));
  if (!ask_what_is_held()) try_again();
}

void Enforcer::tell_finishing(const std::vector<core::Id>& held) {
  std::vector<core::Finishing> found;
  for (const core::Id& id : held) {
    const auto grant = stored_.grant(id);
    if (grant && grant->end == core::GrantEnd::kExpired) found.push_back({*grant, stored_.request(grant->request)});
  }
  for (const ToldFinishing& then : std::exchange(ask_finishing_, {})) then(found);
}

void Enforcer::say_end(const core::Id& grant, Unheard& unheard) {
  if (unheard.call != 0) return;
  const MessagePtr m = call(contract::kEnd);
  if (!m || sd_bus_message_append(m.get(), contract::kEndIn, grant.text().c_str()) < 0) return;
  if (sd_bus_call_async(bus_.get(), nullptr, m.get(), on_end, this, 0) < 0 || sd_bus_message_get_cookie(m.get(), &unheard.call) < 0) {
    lose();
    try_again();
  }
}

void Enforcer::say_ends() {
  std::uint64_t now_us = 0;
  sd_event_now(loop_, CLOCK_BOOTTIME, &now_us);
  const auto now = static_cast<core::BootMs>(now_us / 1000);
  std::erase_if(unheard_, [now](const auto& one) { return one.second.until <= now; });
  for (auto& [grant, unheard] : unheard_) say_end(grant, unheard);
}

int Enforcer::on_end(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& self = *static_cast<Enforcer*>(data);
  std::uint64_t call = 0;
  sd_bus_message_get_reply_cookie(message, &call);
  const auto it = std::ranges::find_if(self.unheard_, [call](const auto& one) { return one.second.call == call; });
  if (it == self.unheard_.end()) return 0;
  if (sd_bus_message_is_method_error(message, nullptr) == 0 || sd_bus_message_is_method_error(message, kNothingHeld) > 0) {
    self.unheard_.erase(it);
    if (self.unheard_.empty() && !self.core_.has_live_grants() && !self.ask_what_is_held()) self.try_again();
  } else if (sd_bus_message_is_method_error(message, kNotWritten) > 0) {
    it->second.call = 0;  // with the next comparison
  } else {
    self.lose();
    self.try_again();
  }
  return 0;
}

int Enforcer::on_message(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& self = *static_cast<Enforcer*>(data);
  if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
    self.lose();
    self.try_again();
  } else if (sd_bus_message_is_signal(message, contract::kInterface, contract::kEnded) > 0) {
    self.on_ended(message);
  }
  return 0;
}

int Enforcer::on_list(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& self = *static_cast<Enforcer*>(data);
  if (sd_bus_message_is_method_error(message, nullptr) != 0) {
    self.lose();
    self.try_again();
  } else {
    self.compare(message);
  }
  return 0;
}

// What is held against what lives. What is over by anything but its time is ended now, and so is what nobody knows.
void Enforcer::compare(sd_bus_message* held) {
  if (sd_bus_message_has_signature(held, contract::kListOut) <= 0 || sd_bus_message_enter_container(held, 'a', "(sttb)") <= 0) {
    lose();
    return try_again();
  }
  const char* text = nullptr;
  std::uint64_t until = 0;
  std::uint64_t hard = 0;
  int ending = 0;
  bool anything = false;
  std::vector<std::pair<core::Id, core::BootMs>> living;
  while (sd_bus_message_read(held, "(sttb)", &text, &until, &hard, &ending) > 0) {
    const auto id = core::Id::parse(text);
    if (!id) continue;
    anything = true;
    if (ending == 0) living.emplace_back(*id, static_cast<core::BootMs>(until));
  }
  std::vector<core::Id> over;
  for (const auto& [id, known] : living) {
    core::BootMs now = 0;
    if (core_.held_state(id, now)) {
      if (now > known) move_end(id, now);
    } else if (const auto grant = stored_.grant(id); !grant || grant->end != core::GrantEnd::kExpired) {
      end(id, known);
    } else {
      over.push_back(id);
    }
  }
  tell_finishing(over);
  say_ends();
  // Nothing that it could hold: it may go.
  if (!anything && unheard_.empty() && !core_.has_live_grants()) {
    wanted_ = false;
    lose();
  }
}

void Enforcer::on_ended(sd_bus_message* message) {
  const char* id = nullptr;
  const char* why = nullptr;
  core::EndReport report;
  const bool good = sd_bus_message_has_signature(message, contract::kEndedIn) > 0 &&
                    sd_bus_message_read(message, "susu", &id, &report.number, &why, &report.ended) > 0 && core::Id::parse(id) &&
                    read_left(message, report.survivors) && read_left(message, report.beyond) && read_paths(message, report.later) &&
                    sd_bus_message_read(message, "u", &report.left_out) > 0;
  if (!good) return;
  report.grant = *core::Id::parse(id);
  report.why = why;
  if (const auto grant = stored_.grant(report.grant); grant && grant->subject.identity) {
    report.person = grant->subject.identity->person;
    report.uid = grant->subject.identity->uid;
  }
  core_.enforced(report, [weak = std::weak_ptr(self_), grant = report.grant, number = report.number](const core::Outcome<bool>& outcome) {
    // While the log cannot be written it stays with the enforcer, which tells it again.
    if (const auto self = weak.lock(); self && outcome) (*self)->reported(grant, number);
  });
}

void Enforcer::reported(const core::Id& grant, std::uint32_t number) {
  MessagePtr m = call(contract::kReported);
  if (m && sd_bus_message_append(m.get(), contract::kReportedIn, grant.text().c_str(), number) >= 0) send(std::move(m));
  if (bus_ && !core_.has_live_grants() && !ask_what_is_held()) try_again();
}

}  // namespace jit::gate
