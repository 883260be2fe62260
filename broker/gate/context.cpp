// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/context.h"

#include <array>
#include <cstring>
#include <span>

#include "broker/core/limits.h"
#include "dbus/contract.h"
#include "evidence/text.h"

namespace jit::gate {
namespace {

constexpr std::uint32_t kLongest = 315'360'000;       // 10 years, as the policy's own durations
constexpr std::size_t kSshAuthMax = 64 * 1024;        // several certificates
constexpr std::size_t kKeyShown = 64;

// Reads one value of a known type; false with `problem` set to what is wrong with it.
class Reader {
 public:
  explicit Reader(sd_bus_message* message) : message_(message) {}
  std::string problem;

  bool fail(const char* what) {
    problem = what;
    return false;
  }

  bool expect(const char* type) {
    char kind = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(message_, &kind, &contents) <= 0 || kind != 'v') return fail("is no variant");
    if (std::strcmp(contents, type) != 0) return fail("has the wrong type");
    return sd_bus_message_enter_container(message_, 'v', type) >= 0 || fail("cannot be read");
  }
  bool leave() { return sd_bus_message_exit_container(message_) >= 0 || fail("cannot be read"); }

  bool basic(char type, void* value) { return sd_bus_message_read_basic(message_, type, value) > 0 || fail("cannot be read"); }

  bool string(std::string& out) {
    const char* text = nullptr;
    if (!expect("s") || !basic('s', &text)) return false;
    out = text;
    return (out.size() <= core::kNameMax || fail("is too long")) && leave();
  }

  bool bytes_here(std::string& out, std::size_t most) {
    const void* data = nullptr;
    std::size_t size = 0;
    if (sd_bus_message_read_array(message_, 'y', &data, &size) < 0) return fail("cannot be read");
    if (size > most) return fail("is too long");
    out.assign(static_cast<const char*>(data), size);
    return out.find('\0') == std::string::npos || fail("holds a NUL byte");
  }

  bool bytes(std::string& out, std::size_t most) { return expect("ay") && bytes_here(out, most) && leave(); }

  bool text(std::string& out, std::size_t most) {
    return bytes(out, most) && (evidence::valid_utf8(out) || fail("is not UTF-8"));
  }

  bool words(std::vector<std::string>& out) {
    if (!expect("aay") || sd_bus_message_enter_container(message_, 'a', "ay") < 0) {
      return !problem.empty() ? false : fail("cannot be read");
    }
    std::size_t total = 0;
    for (;;) {
      const int at_end = sd_bus_message_at_end(message_, 0);
      if (at_end < 0) return fail("cannot be read");
      if (at_end > 0) break;
      std::string word;
      if (!bytes_here(word, core::kArgvMax)) return false;
      total += word.size() + 1;
      if (total > core::kArgvMax) return fail("is too long");
      out.push_back(std::move(word));
    }
    return sd_bus_message_exit_container(message_) >= 0 && leave();
  }

  bool number(std::uint32_t& out) { return expect("u") && basic('u', &out) && leave(); }

  bool flag(bool& out) {
    int value = 0;
    if (!expect("b") || !basic('b', &value) || !leave()) return false;
    out = value != 0;
    return true;
  }

  bool descriptor(int& out) { return expect("h") && basic('h', &out) && leave(); }

  // Walks a{sv}; take(i) reads the value of keys[i].
  template <std::size_t N, class Take>
  bool dictionary(const std::array<const char*, N>& keys, std::array<bool, N>& seen, Take take) {
    if (sd_bus_message_enter_container(message_, 'a', "{sv}") < 0) return fail("the context cannot be read");
    for (;;) {
      const int entered = sd_bus_message_enter_container(message_, 'e', "sv");
      if (entered < 0) return fail("the context cannot be read");
      if (entered == 0) break;
      const char* key = nullptr;
      if (!basic('s', &key)) return fail("the context cannot be read");
      const auto named = [&](const std::string& what) {
        problem = evidence::escape_to(key, kKeyShown) + " " + what;
        return false;
      };
      std::size_t i = 0;
      while (i < N && std::strcmp(keys[i], key) != 0) ++i;
      if (i == N) return named("is an unknown key");
      if (seen[i]) return named("comes twice");
      seen[i] = true;
      if (!take(i)) return named(problem.empty() ? "cannot be read" : problem);
      if (sd_bus_message_exit_container(message_) < 0) return named("cannot be read");
    }
    return sd_bus_message_exit_container(message_) >= 0 || fail("the context cannot be read");
  }

 private:
  sd_bus_message* message_;
};

enum Key : std::size_t {
  kService, kPhase, kUser, kRuser, kRhost, kTty, kCwd, kArgv, kReason, kReasonFrom, kTicket, kVia, kFor, kCanAsk,
  kBudget, kSshAuth, kObserve, kPeer, kUrgency, kResolves, kRun, kRunPath, kRunUser, kRunUid, kRunGroup, kRecording, kChild, kProgram, kKeys
};
constexpr std::array<const char*, kKeys> kNames = {
    "service", "phase", "user", "ruser", "rhost", "tty", "cwd", "argv", "reason", "reason-from", "ticket", "via", "for-s",
    "can-ask", "budget-s", "ssh-auth", "observe", "peer", "urgency", "resolves", "run", "run-path", "run-user", "run-uid", "run-group", "recording", "child", "program"};

bool take(Reader& in, Key key, Context& out) {
  std::string text;
  switch (key) {
    case kService: return in.string(out.service) && (!out.service.empty() || in.fail("is empty"));
    case kPhase:
      return in.string(out.phase) &&
             (out.phase == "auth" || out.phase == "account" || out.phase == "command" ||
              in.fail("is none of \"auth\", \"account\" and \"command\""));
    case kUser: return in.bytes(out.user, core::kNameMax) && (!out.user.empty() || in.fail("is empty"));
    case kRuser: return in.bytes(out.ruser, core::kNameMax);
    case kRhost: return in.bytes(out.rhost, core::kNameMax);
    case kTty: return in.bytes(out.tty, core::kNameMax);
    case kCwd: return in.bytes(out.cwd, core::kPathMax);
    case kArgv: return in.words(out.argv);
    case kReason: return in.text(out.reason, core::kReasonMax);
    case kReasonFrom:
      if (!in.string(text)) return false;
      if (text == "prompt") out.reason_from = core::ReasonFrom::kPrompt;
      if (text == "environment") out.reason_from = core::ReasonFrom::kEnvironment;
      return out.reason_from != core::ReasonFrom::kNone || in.fail("is neither \"prompt\" nor \"environment\"");
    case kTicket: return in.text(out.ticket, core::kTicketMax);
    case kVia: return in.string(out.via);
    case kFor:
      if (!in.number(out.for_s.emplace())) return false;
      return (*out.for_s >= 1 && *out.for_s <= kLongest) || in.fail("is 0 or more than 10 years");
    case kCanAsk: return in.flag(out.can_ask);
    case kBudget: return in.number(out.budget_s);
    case kSshAuth: return in.bytes(out.ssh_auth, kSshAuthMax);
    case kObserve: return in.flag(out.observe);
    case kPeer:
      return in.bytes(out.peer, core::kNameMax) && (policy::Address::parse(out.peer) || in.fail("is not a numeric address"));
    case kUrgency: {
      if (!in.string(text)) return false;
      const auto urgency = core::urgency_named(text);
      out.urgency = urgency.value_or(out.urgency);
      return urgency || in.fail("is none of \"low\", \"normal\", \"high\" and \"critical\"");
    }
    case kResolves: return in.flag(out.resolves);
    case kRun: return in.words(out.run) && (!out.run.empty() || in.fail("is empty"));
    case kRunPath: return in.bytes(out.run_path, core::kPathMax) && (out.run_path.starts_with('/') || in.fail("is no absolute path"));
    case kRunUser: return in.bytes(out.run_user, core::kNameMax) && (!out.run_user.empty() || in.fail("is empty"));
    case kRunUid: return in.number(out.run_uid) && (out.run_uid != policy::kNoUid || in.fail("is no uid"));
    case kRunGroup: return in.bytes(out.run_group, core::kNameMax) && (!out.run_group.empty() || in.fail("is empty"));
    case kRecording: return in.bytes(out.recording, core::kPathMax);
    case kChild: return in.flag(out.child);
    case kProgram: return in.descriptor(out.program);
    case kKeys: break;
  }
  return in.fail("is an unknown key");
}

}  // namespace

std::optional<Context> read_context(sd_bus_message* message, std::string& problem) {
  const auto no = [&problem](std::string text) {
    problem = std::move(text);
    return std::nullopt;
  };
  if (sd_bus_message_has_signature(message, dbus::gate1::kSubmitIn) <= 0) return no("the signature is wrong");
  Context out;
  Reader in(message);
  std::array<bool, kKeys> seen{};
  if (!in.dictionary(kNames, seen, [&](std::size_t key) { return take(in, static_cast<Key>(key), out); })) {
    return no(in.problem);
  }
  for (const Key key : {kService, kPhase, kUser}) {
    if (!seen[key]) return no(std::string(kNames[key]) + " is missing");
  }
  const bool command = out.phase == "command";
  for (std::size_t key = kRun; key < kKeys; ++key) {
    if (seen[key] && !command) return no(std::string(kNames[key]) + " comes in phase \"command\" only");
  }
  for (const Key key : {kRun, kRunUser, kRunUid}) {
    if (command && !seen[key]) return no(std::string(kNames[key]) + " is missing");
  }
  if (out.resolves && out.phase != "account") return no("resolves comes in phase \"account\" only");
  if (seen[kReason] != seen[kReasonFrom]) return no("reason and reason-from come together or not at all");
  if (!in.basic('h', &out.pidfd) || !in.basic('h', &out.exe) || !in.basic('h', &out.mnt_ns)) {
    return no("a descriptor cannot be read");
  }
  return out;
}

std::optional<Bind> read_bind(sd_bus_message* message, std::string& problem) {
  const auto no = [&problem](std::string text) {
    problem = std::move(text);
    return std::nullopt;
  };
  if (sd_bus_message_has_signature(message, dbus::gate1::kBindIn) <= 0) return no("the signature is wrong");
  constexpr std::array<const char*, 4> kBindNames = {"service", "user", "ssh-auth", "pidfd"};
  Bind out;
  Reader in(message);
  std::array<bool, 4> seen{};
  const bool read = in.dictionary(kBindNames, seen, [&](std::size_t key) {
    switch (key) {
      case 0: return in.string(out.service) && (!out.service.empty() || in.fail("is empty"));
      case 1: return in.bytes(out.user, core::kNameMax) && (!out.user.empty() || in.fail("is empty"));
      case 2: return in.bytes(out.ssh_auth, kSshAuthMax);
      default: return in.descriptor(out.pidfd);
    }
  });
  if (!read) return no(in.problem);
  for (const std::size_t key : {0U, 1U, 3U}) {
    if (!seen[key]) return no(std::string(kBindNames[key]) + " is missing");
  }
  return out;
}

}  // namespace jit::gate
