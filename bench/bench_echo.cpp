// SPDX-License-Identifier: Apache-2.0
// bench_echo: the least that can answer Submit: a plain sd-bus and sd-event server, peer to peer, on the listening socket that
// it gets as descriptor 3. Looks at nothing, always says the same.
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "bench/asker.h"
#include "dbus/contract.h"

namespace {

using namespace jit;

int answer(sd_bus_message* call, void*, sd_bus_error*) {
  if (sd_bus_message_is_signal(call, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
    sd_bus* bus = sd_bus_message_get_bus(call);
    sd_bus_detach_event(bus);
    sd_bus_close(bus);
    sd_bus_unref(bus);
    return 1;
  }
  if (sd_bus_message_is_method_call(call, dbus::gate1::kInterface, dbus::gate1::kSubmit) <= 0) return 0;
  return sd_bus_reply_method_return(call, dbus::gate1::kSubmitOut, "allow", "", "", 1, "cause", "s", "granted");
}

int accepted(sd_event_source* source, int listener, std::uint32_t, void*) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return 0;
  sd_bus* bus = nullptr;
  sd_id128_t id{};
  if (sd_id128_randomize(&id) < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
      sd_bus_set_server(bus, 1, id) < 0 || sd_bus_negotiate_fds(bus, 1) < 0 ||
      sd_bus_add_filter(bus, nullptr, answer, nullptr) < 0 || sd_bus_start(bus) < 0 ||
      sd_bus_attach_event(bus, sd_event_source_get_event(source), SD_EVENT_PRIORITY_NORMAL) < 0) {
    bench::fail("a connection cannot be served");
  }
  return 0;
}

}  // namespace

int main() {
  sd_event* loop = nullptr;
  if (sd_event_default(&loop) < 0 || sd_event_add_io(loop, nullptr, 3, 1 /* EPOLLIN */, accepted, nullptr) < 0) {
    bench::fail("no event loop");
  }
  return sd_event_loop(loop);
}
