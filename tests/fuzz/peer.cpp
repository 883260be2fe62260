// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "broker/core/limits.h"
#include "broker/gate/wire.h"
#include "dbus/contract.h"
#include "tests/fuzz/fuzz.h"

namespace jit::fuzz {
namespace {

namespace gate1 = dbus::gate1;
using gate::Ahead;

struct Heard {
  const std::function<void(sd_bus_message*)>& tell;
  int messages = 0;
};

int on_bus_message(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& heard = *static_cast<Heard*>(data);
  ++heard.messages;
  if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", nullptr) <= 0) heard.tell(message);
  return 1;
}

void put(std::string& out, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift & 0xff);
}

void pad(std::string& out) { out.resize((out.size() + 7) & ~std::size_t{7}); }

// One header field: a struct of the code and a variant.
void field(std::string& out, char code, char type, std::string_view value) {
  pad(out);
  out += {code, 1, type, '\0'};
  if (type == 'g') {
    out += static_cast<char>(value.size());
  } else {
    put(out, static_cast<std::uint32_t>(value.size()));
  }
  out.append(value).push_back('\0');
}

void send_all(int fd, std::string_view bytes, std::size_t descriptors) {
  if (bytes.empty()) return;
  const std::array<int, kDescriptors> carried = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof carried)> control{};
  iovec block{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &block;
  message.msg_iovlen = 1;
  if (descriptors > 0) {
    require(descriptors == carried.size());
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof carried);
    std::memcpy(CMSG_DATA(head), carried.data(), sizeof carried);
  }
  require(sendmsg(fd, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
}

// Until the gate would hang up.
void drive(sd_bus* bus, int fd, Heard& heard) {
  std::uint32_t left = 0;
  for (;;) {
    if (left == 0) {
      if (gate::next_frame(fd, left) != Ahead::kWhole) return;
      require(left >= 16 && left <= core::kFrameMax);
    }
    const std::uint32_t there = gate::waiting(fd);
    const int before = heard.messages;
    const int result = sd_bus_process(bus, nullptr);
    if (result < 0) return;
    require(heard.messages <= before + 1);
    if (heard.messages != before) {
      require(heard.messages < 4096);
      left = 0;
    } else {
      if (there >= left) return;
      left -= there;
    }
    if (result == 0) return;
  }
}

}  // namespace

std::string call(const char* member, const char* signature, std::string_view body) {
  std::string fields(16, '\0');  // where it begins matters for the padding
  field(fields, 1, 'o', gate1::kPath);
  field(fields, 2, 's', gate1::kInterface);
  field(fields, 3, 's', member);
  field(fields, 8, 'g', signature);
  pad(fields);
  fields += {9, 1, 'u', '\0'};
  put(fields, kDescriptors);
  std::string out = {'l', 1, 0, 1};
  put(out, static_cast<std::uint32_t>(body.size()));
  put(out, 1);
  put(out, static_cast<std::uint32_t>(fields.size() - 16));
  out += fields.substr(16);
  pad(out);
  return out.append(body);
}

void speak(std::string_view hello, std::string_view frames, std::size_t descriptors,
           const std::function<void(sd_bus_message*)>& on_message) {
  std::array<int, 2> pair{};
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) == 0);
  const auto [ours, theirs] = pair;
  send_all(theirs, hello, 0);
  if (gate::handshake_ahead(ours) != Ahead::kWhole) {
    close(ours);
  } else if (const gate::BusPtr bus = gate::greet(ours)) {
    Heard heard{on_message};
    require(sd_bus_add_filter(bus.get(), nullptr, on_bus_message, &heard) >= 0);
    send_all(theirs, frames, descriptors);
    shutdown(theirs, SHUT_WR);
    drive(bus.get(), ours, heard);
  }
  close(theirs);
}

}  // namespace jit::fuzz
