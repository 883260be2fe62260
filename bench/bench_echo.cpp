// SPDX-License-Identifier: Apache-2.0
// bench_echo: the least that can answer Submit: a plain sd-bus and sd-event server, peer to peer, that always says the same. On
// descriptor 3 it looks at nothing; on descriptor 4 it reads who asks, once, as any program of no rights must on Linux 6.1.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cstdio>

#include "bench/asker.h"
#include "dbus/contract.h"

namespace {

using namespace jit;

void read_text(const char* folder, const char* name) {
  char path[64], text[4096];
  std::snprintf(path, sizeof path, "/proc/%s/%s", folder, name);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text) <= 0) bench::fail("%s cannot be read", path);
  close(fd);
}

// The process behind the pidfd, its start, parent and terminal, its uid and groups, its login; and that nothing changed
// meanwhile.
void read_asker(sd_bus_message* call) {
  int pidfd = -1;
  ucred peer{};
  socklen_t size = sizeof peer;
  if (sd_bus_message_skip(call, "a{sv}") < 0 || sd_bus_message_read_basic(call, 'h', &pidfd) < 0 ||
      getsockopt(sd_bus_get_fd(sd_bus_message_get_bus(call)), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    bench::fail("a Submit that cannot be read");
  }
  read_text("self/fdinfo", std::to_string(pidfd).c_str());
  const std::string pid = std::to_string(peer.pid);
  for (const char* file : {"stat", "status", "loginuid", "sessionid", "stat"}) read_text(pid.c_str(), file);
}

int answer(sd_bus_message* call, void* knowing, sd_bus_error*) {
  if (sd_bus_message_is_signal(call, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
    sd_bus* bus = sd_bus_message_get_bus(call);
    sd_bus_detach_event(bus);
    sd_bus_close(bus);
    sd_bus_unref(bus);
    return 1;
  }
  if (sd_bus_message_is_method_call(call, dbus::gate1::kInterface, dbus::gate1::kSubmit) <= 0) return 0;
  if (knowing != nullptr) read_asker(call);
  return sd_bus_reply_method_return(call, dbus::gate1::kSubmitOut, "allow", "", "", 1, "cause", "s", "granted");
}

int accepted(sd_event_source* source, int listener, std::uint32_t, void* knowing) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return 0;
  sd_bus* bus = nullptr;
  sd_id128_t id{};
  if (sd_id128_randomize(&id) < 0 || sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 ||
      sd_bus_set_server(bus, 1, id) < 0 || sd_bus_negotiate_fds(bus, 1) < 0 ||
      sd_bus_add_filter(bus, nullptr, answer, knowing) < 0 || sd_bus_start(bus) < 0 ||
      sd_bus_attach_event(bus, sd_event_source_get_event(source), SD_EVENT_PRIORITY_NORMAL) < 0) {
    bench::fail("a connection cannot be served");
  }
  return 0;
}

}  // namespace

int main() {
  sd_event* loop = nullptr;
  if (sd_event_default(&loop) < 0 || sd_event_add_io(loop, nullptr, 3, EPOLLIN, accepted, nullptr) < 0 ||
      sd_event_add_io(loop, nullptr, 4, EPOLLIN, accepted, loop) < 0) {
    bench::fail("no event loop");
  }
  return sd_event_loop(loop);
}
