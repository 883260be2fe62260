// SPDX-License-Identifier: Apache-2.0
#include "bench/peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dbus/contract.h"

namespace jit::bench {
namespace {

namespace contract = dbus::gate1;
constexpr int kWaitMs = 30'000;
constexpr std::uint32_t kBudgetS = 3'600;

// cause, and the first line for the person, of a{sv}.
void read_detail(sd_bus_message* message, Answer& answer) {
  const char* key = nullptr;
  if (sd_bus_message_enter_container(message, 'a', "{sv}") < 0) fail("an answer without detail");
  while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
    const char* text = nullptr;
    if (sd_bus_message_read(message, "s", &key) < 0) fail("a detail that cannot be read");
    if (std::strcmp(key, "cause") == 0) {
      if (sd_bus_message_read(message, "v", "s", &text) < 0) fail("a cause that cannot be read");
      answer.cause = text;
    } else if (std::strcmp(key, "text") == 0) {
      char** lines = nullptr;
      if (sd_bus_message_enter_container(message, 'v', "as") < 0 || sd_bus_message_read_strv(message, &lines) < 0) {
        fail("a text that cannot be read");
      }
      if (lines != nullptr && *lines != nullptr) answer.text = *lines;
      for (char** line = lines; line != nullptr && *line != nullptr; ++line) std::free(*line);
      std::free(lines);
      sd_bus_message_exit_container(message);
    } else if (sd_bus_message_skip(message, "v") < 0) {
      fail("a detail that cannot be skipped");
    }
    sd_bus_message_exit_container(message);
  }
  sd_bus_message_exit_container(message);
}

}  // namespace

pam::Context sudo_context(const User& user, std::string_view argv) {
  pam::Context context{};
  context.service = "sudo";
  context.phase = "account";
  context.user = context.ruser = user.name;
  context.cwd = "/";
  context.argv = argv;
  context.budget_s = kBudgetS;
  return context;
}

void Peer::open(const char* path) {
  close();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot connect to %s: %s", path, std::strerror(errno));
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != 0) fail("root does not listen at %s", path);
  sd_bus* raw = nullptr;
  if (sd_bus_new(&raw) < 0) fail("no memory");
  bus_.reset(raw);
  if (sd_bus_set_fd(raw, fd, fd) < 0 || sd_bus_set_bus_client(raw, 0) < 0 || sd_bus_negotiate_fds(raw, 1) < 0 ||
      sd_bus_start(raw) < 0) {
    fail("no handshake at %s", path);
  }
}

bool Peer::wait() {
  pollfd item{fd(), static_cast<short>(sd_bus_get_events(bus_.get())), 0};
  return poll(&item, 1, kWaitMs) > 0;
}

pam::Message Peer::ask(sd_bus_message* call) {
  std::uint64_t cookie = 0;
  if (sd_bus_send(bus_.get(), call, &cookie) < 0) fail("cannot send");
  for (;;) {
    sd_bus_message* raw = nullptr;
    const int r = sd_bus_process(bus_.get(), &raw);
    pam::Message message(raw);
    if (r < 0 || sd_bus_is_open(bus_.get()) <= 0) fail("the gate hung up: %s", std::strerror(r < 0 ? -r : ECONNRESET));
    std::uint64_t answers = 0;
    if (message && sd_bus_message_get_reply_cookie(message.get(), &answers) >= 0 && answers == cookie) {
      if (sd_bus_message_is_method_error(message.get(), nullptr) != 0) {
        fail("the gate answered with an error: %s", sd_bus_message_get_error(message.get())->name);
      }
      return message;
    }
    if (r == 0 && !wait()) fail("no answer within %d s", kWaitMs / 1000);
  }
}

Answer Peer::submit(const pam::Context& context, const pam::Proof& proof) {
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_method_call(bus_.get(), &raw, nullptr, contract::kPath, contract::kInterface, contract::kSubmit) < 0) {
    fail("no memory");
  }
  const pam::Message call(raw);
  if (!pam::append_submit(raw, context, proof)) fail("the message cannot be built");
  const pam::Message reply = ask(raw);
  const char *word = nullptr, *id = nullptr, *secret = nullptr;
  if (sd_bus_message_read(reply.get(), "sss", &word, &id, &secret) < 0) fail("an answer that cannot be read");
  Answer answer{word, id, {}, {}};
  read_detail(reply.get(), answer);
  return answer;
}

Answer Peer::bind(const char* service, const char* user, int pidfd) {
  sd_bus_message* raw = nullptr;
  if (sd_bus_message_new_method_call(bus_.get(), &raw, nullptr, contract::kPath, contract::kInterface, contract::kBind) < 0) {
    fail("no memory");
  }
  const pam::Message call(raw);
  if (!pam::append_bind(raw, service, user, {}, pidfd)) fail("the message cannot be built");
  const pam::Message reply = ask(raw);
  const char *word = nullptr, *grant = nullptr;
  if (sd_bus_message_read(reply.get(), "ss", &word, &grant) < 0) fail("an answer that cannot be read");
  return {word, grant, {}, {}};
}

bool Peer::decided(Answer& answer) {
  for (;;) {
    sd_bus_message* raw = nullptr;
    const int r = sd_bus_process(bus_.get(), &raw);
    const pam::Message message(raw);
    if (r < 0 || sd_bus_is_open(bus_.get()) <= 0) {
      answer.word = "gone";
      return true;
    }
    if (message && sd_bus_message_is_signal(raw, contract::kInterface, contract::kDecided) > 0) {
      const char* word = nullptr;
      if (sd_bus_message_read(raw, "s", &word) < 0) fail("a decision that cannot be read");
      answer.word = word;
      read_detail(raw, answer);
      return true;
    }
    if (r == 0) return false;
  }
}

}  // namespace jit::bench
