// SPDX-License-Identifier: Apache-2.0
#include "tests/gate/client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "dbus/contract.h"

namespace jit::test {
namespace {

namespace gate1 = dbus::gate1;
constexpr unsigned long kPatience = 60'000'000;

int open_variant(sd_bus_message* m, const char* type) { return sd_bus_message_open_container(m, 'v', type); }
int close_variant(sd_bus_message* m) { return sd_bus_message_close_container(m); }

void need(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(-result));
}

std::vector<std::string> read_texts(sd_bus_message* m) {
  std::vector<std::string> out;
  need(sd_bus_message_enter_container(m, 'a', "s"), "list");
  const char* text = nullptr;
  while (sd_bus_message_read(m, "s", &text) > 0) out.emplace_back(text);
  sd_bus_message_exit_container(m);
  return out;
}

std::vector<std::string> read_list(sd_bus_message* m) {
  need(sd_bus_message_enter_container(m, 'v', "as"), "list");
  std::vector<std::string> out = read_texts(m);
  sd_bus_message_exit_container(m);
  return out;
}

Detail read_detail(sd_bus_message* m) {
  Detail out;
  need(sd_bus_message_enter_container(m, 'a', "{sv}"), "detail");
  while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
    const char* key = nullptr;
    need(sd_bus_message_read(m, "s", &key), "detail");
    const std::string name = key;
    if (name == "text") {
      out.text = read_list(m);
    } else if (name == "needs") {
      out.needs = read_list(m);
    } else if (name == "choices") {
      need(sd_bus_message_enter_container(m, 'v', "aas"), "choices");
      need(sd_bus_message_enter_container(m, 'a', "as"), "choices");
      while (sd_bus_message_at_end(m, 0) == 0) out.choices.push_back(read_texts(m));
      sd_bus_message_exit_container(m);
      sd_bus_message_exit_container(m);
    } else if (name == "cause") {
      const char* cause = nullptr;
      need(sd_bus_message_read(m, "v", "s", &cause), "cause");
      out.cause = cause;
    } else if (name == "deadline-s") {
      need(sd_bus_message_read(m, "v", "u", &out.deadline_s), "deadline-s");
    } else {
      throw std::runtime_error("an unknown key in detail: " + name);
    }
    sd_bus_message_exit_container(m);
  }
  sd_bus_message_exit_container(m);
  return out;
}

Reply read_reply(sd_bus_message* m) {
  Reply out;
  if (const sd_bus_error* error = sd_bus_message_get_error(m)) {
    out.error = error->name;
    out.message = error->message == nullptr ? "" : error->message;
    return out;
  }
  const std::string signature = sd_bus_message_get_signature(m, 1);
  const char *answer = "", *id = "", *secret = "";
  if (signature == gate1::kSubmitOut) {
    need(sd_bus_message_read(m, "sss", &answer, &id, &secret), "reply");
    out.detail = read_detail(m);
  } else if (signature == gate1::kBindOut) {
    need(sd_bus_message_read(m, "sstt", &answer, &id, &out.end, &out.hard), "reply");
  } else if (signature == gate1::kResumeOut) {
    need(sd_bus_message_read(m, "s", &answer), "reply");
    out.detail = read_detail(m);
  }
  out.answer = answer;
  out.id = id;
  out.secret = secret;
  return out;
}

int append_context(sd_bus_message* m, const Entries& context) {
  need(sd_bus_message_open_container(m, 'a', "{sv}"), "context");
  for (const auto& entry : context) {
    need(sd_bus_message_open_container(m, 'e', "sv"), "context");
    need(sd_bus_message_append(m, "s", entry.key.c_str()), "context");
    need(entry.value(m), entry.key.c_str());
    need(sd_bus_message_close_container(m), "context");
  }
  return sd_bus_message_close_container(m);
}

sd_bus_message* new_call(sd_bus* bus, const char* path, const char* interface, const char* member) {
  sd_bus_message* m = nullptr;
  need(sd_bus_message_new_method_call(bus, &m, nullptr, path, interface, member), "call");
  return m;
}

sd_bus_message* new_submit(sd_bus* bus, const Entries& context, int pidfd, int exe, int mnt_ns) {
  sd_bus_message* m = new_call(bus, gate1::kPath, gate1::kInterface, gate1::kSubmit);
  need(append_context(m, context), "context");
  need(sd_bus_message_append(m, "hhh", pidfd, exe, mnt_ns), "descriptors");
  return m;
}

}  // namespace

Entry string(std::string key, std::string value) {
  return {std::move(key), [value = std::move(value)](sd_bus_message* m) { return sd_bus_message_append(m, "v", "s", value.c_str()); }};
}

Entry bytes(std::string key, std::string value) {
  return {std::move(key), [value = std::move(value)](sd_bus_message* m) {
            open_variant(m, "ay");
            sd_bus_message_append_array(m, 'y', value.data(), value.size());
            return close_variant(m);
          }};
}

Entry words(std::string key, std::vector<std::string> value) {
  return {std::move(key), [value = std::move(value)](sd_bus_message* m) {
            open_variant(m, "aay");
            sd_bus_message_open_container(m, 'a', "ay");
            for (const auto& word : value) sd_bus_message_append_array(m, 'y', word.data(), word.size());
            sd_bus_message_close_container(m);
            return close_variant(m);
          }};
}

Entry number(std::string key, unsigned value) {
  return {std::move(key), [value](sd_bus_message* m) { return sd_bus_message_append(m, "v", "u", value); }};
}

Entry flag(std::string key, bool value) {
  return {std::move(key), [value](sd_bus_message* m) { return sd_bus_message_append(m, "v", "b", value ? 1 : 0); }};
}

Entry descriptor(std::string key, int fd) {
  return {std::move(key), [fd](sd_bus_message* m) { return sd_bus_message_append(m, "v", "h", fd); }};
}

Entry typed(std::string key, const std::string& signature) {
  return {std::move(key), [signature](sd_bus_message* m) {
            if (signature == "as") return sd_bus_message_append(m, "v", "as", 1, "x");
            if (signature == "a{sv}") return sd_bus_message_append(m, "v", "a{sv}", 0);
            if (signature == "v") return sd_bus_message_append(m, "v", "v", "s", "x");
            if (signature == "t") return sd_bus_message_append(m, "v", "t", std::uint64_t{1});
            if (signature == "i") return sd_bus_message_append(m, "v", "i", 1);
            if (signature == "d") return sd_bus_message_append(m, "v", "d", 1.0);
            if (signature == "o") return sd_bus_message_append(m, "v", "o", "/x");
            if (signature == "s") return sd_bus_message_append(m, "v", "s", "x");
            if (signature == "b") return sd_bus_message_append(m, "v", "b", 1);
            if (signature == "u") return sd_bus_message_append(m, "v", "u", 1U);
            if (signature == "ay") return bytes("", "x").value(m);
            if (signature == "aay") return words("", {"x"}).value(m);
            throw std::runtime_error("no value for " + signature);
          }};
}

Entries sudo_context() {
  return {string("service", "sudo"), string("phase", "account"), bytes("user", "alice"),
          words("argv", {"sudo", "id"}), bytes("cwd", "/home/alice"), bytes("tty", "/dev/pts/3"),
          flag("can-ask", true), number("budget-s", 60)};
}

Entries command_entries() {
  return {string("phase", "command"), words("run", {"id"}), bytes("run-path", "/usr/bin/id"), bytes("run-user", "root"), number("run-uid", 0), bytes("run-group", "sre"),
          bytes("recording", "/var/log/sudo-io/00/00/01"), flag("child", false)};
}

Entries ssh_context(const std::string& user, const std::string& rhost) {
  return {string("service", "sshd"), string("phase", "account"), bytes("user", user), bytes("rhost", rhost),
          bytes("tty", "ssh")};
}

Entries with(Entries context, const Entries& changes) {
  for (const auto& change : changes) {
    context = without(std::move(context), change.key);
    context.push_back(change);
  }
  return context;
}

Entries without(Entries context, const std::string& key) {
  std::erase_if(context, [&](const Entry& entry) { return entry.key == key; });
  return context;
}

Descriptors::Descriptors()
    : pidfd(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0))),
      exe(open("/bin/sh", O_PATH | O_CLOEXEC)),
      mnt_ns(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)) {}

Descriptors::~Descriptors() {
  for (const int fd : {pidfd, exe, mnt_ns}) close(fd);
}

int dial(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

bool hung_up(int fd, int timeout_ms) {
  for (;;) {
    pollfd item{fd, POLLIN, 0};
    if (poll(&item, 1, timeout_ms) <= 0) return false;
    char bytes[4096];
    const ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return true;
  }
}

Client::Client(const std::string& path) {
  const int fd = dial(path);
  if (fd < 0) throw std::runtime_error("no connection");
  need(sd_bus_new(&bus_), "bus");
  need(sd_bus_set_fd(bus_, fd, fd), "fd");
  need(sd_bus_negotiate_fds(bus_, 1), "fds");
  need(sd_bus_start(bus_), "start");
}

Client::~Client() { drop(); }

Client::Client(Client&& other) noexcept : bus_(std::exchange(other.bus_, nullptr)) {}

void Client::drop() {
  slot_ = sd_bus_slot_unref(slot_);
  if (bus_ != nullptr) sd_bus_close_unref(std::exchange(bus_, nullptr));
}

Reply Client::exchange(sd_bus_message* message) {
  sd_bus_error error{};
  sd_bus_message* reply = nullptr;
  const int result = sd_bus_call(bus_, message, kPatience, &error, &reply);
  sd_bus_message_unref(message);
  Reply out;
  if (result >= 0) {
    out = read_reply(reply);
  } else {
    out.error = error.name == nullptr ? "?" : error.name;
    out.message = error.message == nullptr ? std::strerror(-result) : error.message;
  }
  sd_bus_error_free(&error);
  sd_bus_message_unref(reply);
  return out;
}

Reply Client::submit(const Entries& context) {
  const Descriptors mine;
  return submit(context, mine.pidfd, mine.exe, mine.mnt_ns);
}

Reply Client::submit(const Entries& context, int pidfd, int exe, int mnt_ns) {
  return exchange(new_submit(bus_, context, pidfd, exe, mnt_ns));
}

void Client::start_submit(const Entries& context) {
  const Descriptors mine;
  sd_bus_message* m = new_submit(bus_, context, mine.pidfd, mine.exe, mine.mnt_ns);
  const auto take = [](sd_bus_message* reply, void* data, sd_bus_error*) {
    auto* self = static_cast<Client*>(data);
    self->late_ = read_reply(reply);
    self->late_done_ = true;
    return 1;
  };
  need(sd_bus_call_async(bus_, &slot_, m, take, this, kPatience), "call");
  sd_bus_message_unref(m);
  need(sd_bus_flush(bus_), "flush");
}

void Client::wait(const char* what) {
  // 0 also where sd-bus has something in its queues already.
  const int result = sd_bus_wait(bus_, kPatience);
  if (result < 0 || std::chrono::steady_clock::now() > give_up_) throw std::runtime_error(what);
}

void Client::ready() { need(sd_bus_flush(bus_), "handshake"); }

Reply Client::finish() {
  while (!late_done_) {
    const int result = sd_bus_process(bus_, nullptr);
    need(result, "process");
    if (result == 0) wait("no reply");
  }
  return late_;
}

Reply Client::resume(const std::string& id, const std::string& secret) {
  sd_bus_message* m = new_call(bus_, gate1::kPath, gate1::kInterface, gate1::kResume);
  need(sd_bus_message_append(m, "ss", id.c_str(), secret.c_str()), "resume");
  return exchange(m);
}

Reply Client::bind(const Entries& context) {
  sd_bus_message* m = new_call(bus_, gate1::kPath, gate1::kInterface, gate1::kBind);
  need(append_context(m, context), "bind");
  return exchange(m);
}

Reply Client::call(const char* member) { return exchange(new_call(bus_, gate1::kPath, gate1::kInterface, member)); }

Reply Client::raw(const char* path, const char* interface, const char* member,
                  const std::function<int(sd_bus_message*)>& body) {
  sd_bus_message* m = new_call(bus_, path, interface, member);
  need(body(m), "body");
  return exchange(m);
}

Signal Client::signal() {
  for (;;) {
    sd_bus_message* m = nullptr;
    const int result = sd_bus_process(bus_, &m);
    need(result, "process");
    if (m != nullptr) {
      Signal out;
      const char* member = sd_bus_message_get_member(m);
      const bool ours = sd_bus_message_is_signal(m, gate1::kInterface, nullptr) > 0;
      if (ours) {
        out.member = member;
        const char* answer = "";
        if (out.member == gate1::kDecided) need(sd_bus_message_read(m, "s", &answer), "signal");
        out.answer = answer;
        out.detail = read_detail(m);
        const char* head = "";
        if (out.member == gate1::kDecided) need(sd_bus_message_read(m, "s", &head), "signal");
        out.head = head;
      }
      sd_bus_message_unref(m);
      if (ours) return out;
      continue;
    }
    if (result == 0) wait("no signal");
  }
}

bool Client::closed() {
  const int fd = sd_bus_get_fd(bus_);
  return fd < 0 || hung_up(fd);
}

}  // namespace jit::test
