// SPDX-License-Identifier: Apache-2.0
// The module's side of the gate, with every field of a call in the test's hands.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace jit::test {

struct Entry {
  std::string key;
  std::function<int(sd_bus_message*)> value;  // appends the variant
};

Entry string(std::string key, std::string value);
Entry bytes(std::string key, std::string value);
Entry words(std::string key, std::vector<std::string> value);
Entry number(std::string key, unsigned value);
Entry flag(std::string key, bool value);
Entry descriptor(std::string key, int fd);
// A variant of this signature with a small value of that type in it.
Entry typed(std::string key, const std::string& signature);

using Entries = std::vector<Entry>;
Entries sudo_context();  // as pam_jit sends it, `sudo id` by the calling user
Entries ssh_context(const std::string& user, const std::string& rhost);
// As sudo_jit sends it besides, for /usr/bin/id as root.
Entries command_entries();
// The context with these in place of, or after, those of the same key.
Entries with(Entries context, const Entries& changes);
Entries without(Entries context, const std::string& key);

struct Detail {
  std::vector<std::string> text, needs;
  std::vector<std::vector<std::string>> choices;
  std::string cause;
  unsigned deadline_s = 0;
};

struct Reply {
  std::string error, message;  // D-Bus error; empty: none
  std::string answer, id, secret;
  Detail detail;
  unsigned long end = 0, hard = 0;
};

struct Signal {
  std::string member, answer, head;
  Detail detail;
};

struct Descriptors {  // of this process
  Descriptors();
  ~Descriptors();
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  int pidfd, exe, mnt_ns;
};

int dial(const std::string& path);  // a connected socket, or -1
bool hung_up(int fd, int timeout_ms = 60'000);  // waits for the other side to close

class Client {
 public:
  explicit Client(const std::string& path);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&&) = delete;

  Reply submit(const Entries& context);
  Reply submit(const Entries& context, int pidfd, int exe, int mnt_ns);
  void start_submit(const Entries& context);  // sent; the reply is taken by finish()
  Reply finish();
  Reply resume(const std::string& id, const std::string& secret);
  Reply bind(const Entries& context);
  Reply call(const char* member);  // Detach, Withdraw, or any other without arguments
  // Any call: appends its body itself.
  Reply raw(const char* path, const char* interface, const char* member, const std::function<int(sd_bus_message*)>& body);
  Signal signal();  // the next one; throws when none comes within 20 s or the connection is gone
  bool closed();    // waits for the broker to close
  void ready();     // the handshake is done
  sd_bus* bus() { return bus_; }
  void drop();      // hangs up

 private:
  Reply exchange(sd_bus_message* message);
  void wait(const char* what);
  sd_bus* bus_ = nullptr;
  sd_bus_slot* slot_ = nullptr;
  std::chrono::steady_clock::time_point give_up_ = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Reply late_;
  bool late_done_ = false;
};

}  // namespace jit::test
