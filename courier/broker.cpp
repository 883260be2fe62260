// SPDX-License-Identifier: Apache-2.0
#include "courier/broker.h"

#include <memory>
#include <string_view>

namespace jit::courier {
namespace {

constexpr char kName[] = "org.pamjit.Broker1";
constexpr char kPath[] = "/org/pamjit/Broker1";
constexpr char kCourier[] = "org.pamjit.Broker1.Courier";
constexpr char kRequests[] = "org.pamjit.Broker1.Requests";
constexpr char kPolicy[] = "org.pamjit.Broker1.Policy";
constexpr char kAddress[] = "unix:path=/run/dbus/system_bus_socket";
constexpr std::uint64_t kCallUs = 30'000'000;

struct FreeMessage {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};

}  // namespace

Broker::Broker(sd_event* event, Heard heard) : event_(event), heard_(std::move(heard)) {}

Broker::~Broker() { sd_bus_close_unref(bus_); }

int Broker::start() {
  int code = sd_bus_new(&bus_);
  if (code >= 0) code = sd_bus_set_address(bus_, kAddress);
  if (code >= 0) code = sd_bus_set_bus_client(bus_, 1);
  if (code >= 0) code = sd_bus_set_exit_on_disconnect(bus_, 1);
  if (code >= 0) code = sd_bus_set_method_call_timeout(bus_, kCallUs);
  if (code >= 0) code = sd_bus_start(bus_);
  if (code >= 0) code = sd_bus_attach_event(bus_, event_, SD_EVENT_PRIORITY_NORMAL);
  if (code >= 0) {
    code = sd_bus_match_signal_async(bus_, nullptr, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged",
                                     on_owner, nullptr, this);
  }
  // Whoever sends it: it only makes us ask.
  if (code >= 0) code = sd_bus_match_signal_async(bus_, nullptr, nullptr, kPath, kCourier, "Waiting", on_more, nullptr, this);
  if (code >= 0) {
    code = sd_bus_call_method_async(bus_, nullptr, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner",
                                    on_first_owner, this, "s", kName);
  }
  return code;
}

void Broker::owner(const char* name) {
  const bool there = *name != '\0';
  // Another one has taken over: what was asked of the first is not answered any more.
  if (there_) {
    there_ = false;
    heard_.there(false);
  }
  there_ = there;
  if (there) heard_.there(true);
}

int Broker::on_owner(sd_bus_message* message, void* self, sd_bus_error*) {
  const char* name = "";
  const char* before = "";
  const char* now = "";
  if (sd_bus_message_read(message, "sss", &name, &before, &now) < 0 || std::string_view(name) != kName) return 0;
  static_cast<Broker*>(self)->owner(now);
  return 0;
}

int Broker::on_first_owner(sd_bus_message* message, void* self, sd_bus_error*) {
  const char* now = "";
  auto* const broker = static_cast<Broker*>(self);
  if (sd_bus_message_is_method_error(message, nullptr) == 0 && sd_bus_message_read(message, "s", &now) >= 0 && !broker->there_) broker->owner(now);
  return 0;
}

int Broker::on_more(sd_bus_message*, void* self, sd_bus_error*) {
  static_cast<Broker*>(self)->heard_.more();
  return 0;
}

int Broker::on_answer(sd_bus_message* message, void* raw, sd_bus_error*) {
  const std::unique_ptr<Answered> answered(static_cast<Answered*>(raw));
  BusAnswer answer;
  if (const sd_bus_error* const error = sd_bus_message_get_error(message); error != nullptr) {
    const std::string_view name = error->name;
    answer.error = name.substr(name.rfind('.') + 1);
    answer.text = error->message != nullptr ? error->message : "";
  } else if (sd_bus_message_is_empty(message) == 0) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    if (sd_bus_message_read_array(message, 'y', &bytes, &size) >= 0) {
      answer.text.assign(static_cast<const char*>(bytes), size);
    } else {
      answer.error = "BadAnswer";
    }
  }
  if (*answered) (*answered)(answer);
  return 0;
}

void Broker::call(const char* interface, const char* method, Answered answered, const std::function<int(sd_bus_message*)>& fill) {
  sd_bus_message* raw = nullptr;
  int code = sd_bus_message_new_method_call(bus_, &raw, kName, kPath, interface, method);
  const std::unique_ptr<sd_bus_message, FreeMessage> message(raw);
  // It carries out what the broker says: one that does not run is not to be started by asking.
  if (code >= 0) code = sd_bus_message_set_auto_start(raw, 0);
  if (code >= 0) code = fill(raw);
  auto to = std::make_unique<Answered>(std::move(answered));
  if (code >= 0) code = sd_bus_call_async(bus_, nullptr, raw, on_answer, to.get(), kCallUs);
  if (code >= 0) {
    [[maybe_unused]] const Answered* const kept = to.release();  // on_answer's
    return;
  }
  if (*to) (*to)({"Unavailable", "the bus does not take the call"});
}

void Broker::open(const std::string& after, Answered answered) {
  call(kCourier, "Open", std::move(answered), [&](sd_bus_message* message) { return sd_bus_message_append(message, "s", after.c_str()); });
}

void Broker::next(std::uint64_t after, Answered answered) {
  call(kCourier, "Next", std::move(answered), [&](sd_bus_message* message) { return sd_bus_message_append(message, "t", after); });
}

void Broker::done(std::uint64_t sequence) {
  call(kCourier, "Done", {}, [&](sd_bus_message* message) { return sd_bus_message_append(message, "t", sequence); });
}

void Broker::reachable(bool reached, const std::string& why) {
  call(kCourier, "Reachable", {}, [&](sd_bus_message* message) {
    const int code = sd_bus_message_append(message, "b", reached ? 1 : 0);
    return code < 0 ? code : sd_bus_message_append_array(message, 'y', why.data(), why.size());
  });
}

void Broker::acknowledged(std::uint64_t sequence, const std::string& channel) {
  call(kCourier, "Acknowledged", {}, [&](sd_bus_message* message) {
    const int code = sd_bus_message_append(message, "t", sequence);
    return code < 0 ? code : sd_bus_message_append_array(message, 'y', channel.data(), channel.size());
  });
}

void Broker::submit_vote(const std::string& vote, Answered answered) {
  call(kRequests, "SubmitVote", std::move(answered), [&](sd_bus_message* message) { return sd_bus_message_append_array(message, 'y', vote.data(), vote.size()); });
}

void Broker::status(Answered answered) {
  call(kPolicy, "Status", std::move(answered), [](sd_bus_message*) { return 0; });
}

}  // namespace jit::courier
