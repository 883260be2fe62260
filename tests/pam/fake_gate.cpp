// SPDX-License-Identifier: Apache-2.0
#include "tests/pam/fake_gate.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <map>

#include "dbus/contract.h"

namespace jit::pam_test {
namespace {

namespace contract = dbus::gate1;
namespace enforcer = dbus::enforcer1;
constexpr std::uint64_t kFarEnd = std::uint64_t{1} << 50;
constexpr char kId[] = "0123456789abcdef0123456789abcdef";

const char* path_of(Part part) { return part == Part::kGate ? "/run/jit/gate" : "/run/jit/enforcer"; }

int listen_here(const Script& script) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path_of(script.part));
  unlink(address.sun_path);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) abort();
  // The kernel remembers who called listen().
  if (script.listen == Listen::kNobody && setresuid(65534, 65534, 65534) != 0) abort();
  if (listen(fd, 512) != 0) abort();
  return fd;
}

// What a message of the module holds, for the test to compare: key=value of texts, key of the rest.
std::string describe(sd_bus_message* m) {
  std::string out;
  if (sd_bus_message_enter_container(m, 'a', "{sv}") <= 0) return "unreadable";
  while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
    const char* key = nullptr;
    sd_bus_message_read(m, "s", &key);
    out += std::string(" ") + key;
    const char* type = nullptr;
    sd_bus_message_peek_type(m, nullptr, &type);
    const std::string t = type == nullptr ? "" : type;
    if (t == "s") {
      const char* value = nullptr;
      sd_bus_message_read(m, "v", "s", &value);
      out += "=" + std::string(value);
    } else if (t == "u" || t == "b") {
      std::uint32_t value = 0;
      sd_bus_message_read(m, "v", t.c_str(), &value);
      out += "=" + std::to_string(value);
    } else if (t == "ay") {
      const void* value = nullptr;
      std::size_t size = 0;
      sd_bus_message_enter_container(m, 'v', "ay");
      sd_bus_message_read_array(m, 'y', &value, &size);
      sd_bus_message_exit_container(m);
      out += "=" + std::string(static_cast<const char*>(value), size);
    } else {
      sd_bus_message_skip(m, "v");
    }
    sd_bus_message_exit_container(m);
  }
  return out;
}

class Server {
 public:
  Server(const Script& script, int listener, int events) : script_(script), listener_(listener), events_(events) {}

  [[noreturn]] void serve() {
    for (;;) {
      std::vector<pollfd> fds = {{listener_, POLLIN, 0}};
      std::vector<sd_bus*> order;
      for (const auto& [bus, first] : buses_) {
        fds.push_back({sd_bus_get_fd(bus), static_cast<short>(sd_bus_get_events(bus)), 0});
        order.push_back(bus);
      }
      poll(fds.data(), fds.size(), -1);
      if (fds[0].revents != 0) accept_one();
      for (std::size_t i = 0; i < order.size(); ++i) {
        if (fds[i + 1].revents != 0) turn(order[i]);
      }
    }
  }

 private:
  void event(const std::string& text) {
    const std::string line = text + "\n";
    if (write(events_, line.data(), line.size()) < 0) _exit(0);
  }

  void accept_one() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    if (script_.listen == Listen::kGarbage) {
      std::array<char, 300> noise;
      for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<char>(i * 37 + 11);
      send(fd, noise.data(), noise.size(), MSG_NOSIGNAL);
      return;  // and the connection stays
    }
    if (script_.listen == Listen::kTruncated) {
      send(fd, "DATA\r\nOK 0123", 13, MSG_NOSIGNAL);
      close(fd);
      return;
    }
    sd_bus* bus = nullptr;
    sd_id128_t id{};
    sd_id128_randomize(&id);
    sd_bus_new(&bus);
    sd_bus_set_fd(bus, fd, fd);
    sd_bus_set_server(bus, 1, id);
    sd_bus_negotiate_fds(bus, 1);
    sd_bus_start(bus);
    buses_[bus] = true;
    event("connect");
    ++connects_;
    turn(bus);
  }

  void drop(sd_bus* bus) {
    sd_bus_flush(bus);
    buses_.erase(bus);
    sd_bus_close_unref(bus);
  }

  void turn(sd_bus* bus) {
    while (buses_.count(bus) != 0) {
      sd_bus_message* m = nullptr;
      const int r = sd_bus_process(bus, &m);
      if (r < 0 || sd_bus_is_open(bus) <= 0) {
        event("hangup");
        drop(bus);
        sd_bus_message_unref(m);
        return;
      }
      if (m != nullptr && sd_bus_message_is_method_call(m, contract::kInterface, nullptr) > 0) answer(bus, m);
      if (m != nullptr && sd_bus_message_is_method_call(m, enforcer::kInterface, enforcer::kAdopt) > 0) {
        event("adopt");
        reply(bus, m, script_.adopt, enforcer::kAdoptOut);
      }
      sd_bus_message_unref(m);
      if (r == 0) return;
    }
  }

  void answer(sd_bus* bus, sd_bus_message* m) {
    const std::string member = sd_bus_message_get_member(m);
    if (member == contract::kSubmit) {
      const std::string context = describe(m);
      event("submit" + context);
      const auto brings = [&](const char* key) { return context.find(key) != std::string::npos; };
      const Say say = brings(" via=") && brings(" ticket=") ? script_.third : brings(" via=") || brings(" reason=") ? script_.again : script_.submit;
      if (script_.early) afterwards(bus, script_.then);
      reply(bus, m, say, contract::kSubmitOut);
      if (say == Say::kPending && !script_.early && buses_.count(bus) != 0) afterwards(bus, script_.then);
      if (say == Say::kAllow && buses_.count(bus) != 0) afterwards(bus, script_.after_yes);
    } else if (member == contract::kResume) {
      event("resume");
      reply(bus, m, decided_ && connects_ == 1 ? script_.renew : script_.resume, contract::kResumeOut);
    } else if (member == contract::kVote) {
      vote(bus, m);
    } else if (member == contract::kBind) {
      event("bind" + describe(m));
      reply(bus, m, script_.bind, contract::kBindOut);
    } else {
      event(member == contract::kDetach ? "detach" : "withdraw");
      sd_bus_reply_method_return(m, nullptr);
    }
  }

  void vote(sd_bus* bus, sd_bus_message* m) {
    const void* code = nullptr;
    std::size_t size = 0;
    sd_bus_message_read_array(m, 'y', &code, &size);
    event("vote " + std::string(static_cast<const char*>(code), size));
    if (script_.vote != Say::kAllow && script_.vote != Say::kDeny) return reply(bus, m, script_.vote, contract::kVoteOut);
    sd_bus_reply_method_return(m, contract::kVoteOut, script_.vote == Say::kAllow ? 1 : 0, 1, script_.lines.front().c_str());
    if (script_.voted != Then::kNothing) afterwards(bus, script_.voted);
  }

  void append_detail(sd_bus_message* m, Say say) {
    sd_bus_message_open_container(m, 'a', "{sv}");
    sd_bus_message_open_container(m, 'e', "sv");
    sd_bus_message_append(m, "s", "text");
    sd_bus_message_open_container(m, 'v', "as");
    sd_bus_message_open_container(m, 'a', "s");
    for (const std::string& line : script_.lines) sd_bus_message_append(m, "s", line.c_str());
    for (int i = 0; i < 3; ++i) sd_bus_message_close_container(m);
    sd_bus_message_append(m, "{sv}", "cause", "s", script_.cause.c_str());
    if (say == Say::kPending) sd_bus_message_append(m, "{sv}", "deadline-s", "u", script_.deadline_s);
    if (say == Say::kPending && script_.takes_code) sd_bus_message_append(m, "{sv}", "takes-code", "b", 1);
    if (say == Say::kNeeds) sd_bus_message_append(m, "{sv}", "needs", "as", 2, "reason", "ticket");
    if (say == Say::kNeedsOther) sd_bus_message_append(m, "{sv}", "needs", "as", 1, "blood");
    if (say == Say::kChoice || say == Say::kBadChoice) {
      sd_bus_message_append(m, "{sv}", "choices", "aas", 3, 3, "admin-root", "permit", "1 of group:wheel, for 15m", 4, "glass",
                            say == Say::kChoice ? "break-glass" : "glass", "nobody is asked, for 10m", "reason:20", 4, "night", "permit",
                            "1 of group:night, for 5m", "ticket");
    }
    if (say == Say::kManyChoices) {
      sd_bus_message_append(m, "{sv}", "choices", "aas", 10, 3, "a", "permit", "", 3, "b", "permit", "", 3, "c", "permit", "", 3, "d",
                            "permit", "", 3, "e", "permit", "", 3, "f", "permit", "", 3, "g", "permit", "", 3, "h", "permit", "", 3, "i",
                            "permit", "", 3, "j", "permit", "");
    }
    if (say == Say::kUnknownKey) sd_bus_message_append(m, "{sv}", "obligation", "s", "record");
    if (say == Say::kWrongType) sd_bus_message_append(m, "{sv}", "deadline-s", "s", "soon");
    sd_bus_message_close_container(m);
  }

  static const char* word(Say say) {
    switch (say) {
      case Say::kAllow: case Say::kUnknownKey: case Say::kWrongType: return "allow";
      case Say::kPending: case Say::kBadId: return "pending";
      case Say::kNeeds: case Say::kNeedsOther: case Say::kChoice: case Say::kBadChoice: case Say::kManyChoices: return "needs";
      case Say::kOtherKey: return "other-key";
      case Say::kOtherWord: return "Allow";
      case Say::kEmptyWord: return "";
      default: return "deny";
    }
  }

  void reply(sd_bus* bus, sd_bus_message* call, Say say, const char* signature) {
    if (say == Say::kNothing) return;
    if (say == Say::kHangUp) return drop(bus);
    if (say == Say::kDie) _exit(0);
    if (say == Say::kStop) raise(SIGSTOP);
    if (say == Say::kError) {
      sd_bus_reply_method_errorf(call, "org.pamjit.Error.Unavailable", "no");
      return;
    }
    if (say == Say::kBadContext) {
      sd_bus_reply_method_errorf(call, "org.pamjit.Error.BadContext", "reason is not UTF-8");
      return;
    }
    if (say == Say::kWrongSignature) {
      sd_bus_reply_method_return(call, script_.part == Part::kGate ? "s" : "u", script_.part == Part::kGate ? "allow" : nullptr);
      return;
    }
    const std::string shape = signature;
    if (script_.part == Part::kEnforcer) {
      sd_bus_reply_method_return(call, enforcer::kAdoptOut, "jit-0123456789abcdef0123456789abcdef.scope");
      return;
    }
    sd_bus_message* m = nullptr;
    sd_bus_message_new_method_return(call, &m);
    sd_bus_message_append(m, "s", word(say));
    if (shape == contract::kSubmitOut) {
      const char* id = say == Say::kPending ? kId : say == Say::kBadId ? "../../etc/passwd" : "";
      sd_bus_message_append(m, "ss", id, id);
    }
    if (shape == contract::kBindOut) {
      sd_bus_message_append(m, "stt", kId, kFarEnd, kFarEnd);
    } else {
      append_detail(m, say);
    }
    sd_bus_send(bus, m, nullptr);
    sd_bus_message_unref(m);
  }

  void signal_decided(sd_bus* bus, const char* answer, const char* head = "7:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") {
    sd_bus_message* m = nullptr;
    sd_bus_message_new_signal(bus, &m, contract::kPath, contract::kInterface, contract::kDecided);
    sd_bus_message_append(m, "s", answer);
    append_detail(m, Say::kAllow);
    sd_bus_message_append(m, "s", head);
    sd_bus_send(bus, m, nullptr);
    sd_bus_message_unref(m);
  }

  void afterwards(sd_bus* bus, Then then) {
    decided_ = then == Then::kAllow || then == Then::kAllowHangUp || then == Then::kProgressAllow;
    connects_ = 0;
    switch (then) {
      case Then::kNothing: return;
      case Then::kAllow: return signal_decided(bus, "allow");
      case Then::kAllowHangUp:
        signal_decided(bus, "allow");
        return drop(bus);
      case Then::kDeny: return signal_decided(bus, "deny");
      case Then::kOtherWord: return signal_decided(bus, "pending");
      case Then::kBadHead: return signal_decided(bus, "allow", "7:0123");
      case Then::kWrongSignature:
        sd_bus_emit_signal(bus, contract::kPath, contract::kInterface, contract::kDecided, "s", "allow");
        return;
      case Then::kProgressAllow:
        for (int i = 0; i < 9; ++i) {
          sd_bus_message* m = nullptr;
          sd_bus_message_new_signal(bus, &m, contract::kPath, contract::kInterface, contract::kProgress);
          append_detail(m, Say::kDeny);
          sd_bus_send(bus, m, nullptr);
          sd_bus_message_unref(m);
        }
        return signal_decided(bus, "allow");
      case Then::kHangUp: return drop(bus);
      case Then::kDie:
        sd_bus_flush(bus);
        _exit(0);
      case Then::kStop:
        sd_bus_flush(bus);
        raise(SIGSTOP);
        return;
      case Then::kGarbage:
        sd_bus_flush(bus);
        send(sd_bus_get_fd(bus), "GET / HTTP/1.1\r\n\r\n no D-Bus at all", 34, MSG_NOSIGNAL);
    }
  }

  const Script& script_;
  int listener_;
  int events_;
  bool decided_ = false;  // with yes
  int connects_ = 0;      // since it did what the script says
  std::map<sd_bus*, bool> buses_;
};

}  // namespace

FakeGate::FakeGate(const Script& script) {
  std::array<int, 2> events{};
  if (script.listen == Listen::kNothing) {
    unlink(path_of(script.part));
    return;
  }
  if (script.listen == Listen::kStale) {
    close(listen_here(script));
    return;
  }
  if (pipe2(events.data(), O_CLOEXEC) != 0) abort();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    close(events[0]);
    const int listener = listen_here(script);
    if (write(events[1], "up\n", 3) != 3) _exit(1);
    if (script.listen == Listen::kSilent || script.listen == Listen::kNobody) {
      for (;;) pause();
    }
    Server(script, listener, events[1]).serve();
  }
  close(events[1]);
  events_ = events[0];
  if (next_event() != "up") abort();
}

void FakeGate::end() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

FakeGate::~FakeGate() {
  end();
  if (events_ >= 0) close(events_);
}

std::string FakeGate::next_event() {
  for (;;) {
    if (const std::size_t end = rest_.find('\n'); end != std::string::npos) {
      const std::string line = rest_.substr(0, end);
      rest_.erase(0, end + 1);
      return line;
    }
    pollfd more{events_, POLLIN, 0};
    std::array<char, 4096> chunk;
    if (poll(&more, 1, 60'000) != 1) return "";
    const ssize_t n = read(events_, chunk.data(), chunk.size());
    if (n <= 0) return "";
    rest_.append(chunk.data(), static_cast<std::size_t>(n));
  }
}

bool FakeGate::saw(const std::string& word) {
  for (;;) {
    const std::string event = next_event();
    if (event.empty()) return false;
    if (event.rfind(word, 0) == 0) return true;
  }
}

}  // namespace jit::pam_test
