// SPDX-License-Identifier: Apache-2.0
// Everything that must not be in a context: a named error, the connection closed, the core untouched, the gate alive.
#include "tests/catch.h"

#include "broker/core/limits.h"
#include "dbus/contract.h"
#include "tests/gate/bed.h"
#include "tests/gate/client.h"

using namespace jit;
using namespace jit::test;
namespace gate1 = dbus::gate1;

namespace {

struct Key {
  const char* name;
  const char* signature;
};

constexpr Key kKeys[] = {{"service", "s"}, {"phase", "s"},   {"user", "ay"},   {"ruser", "ay"},       {"rhost", "ay"},   {"tty", "ay"},
                         {"cwd", "ay"},    {"argv", "aay"},  {"reason", "ay"}, {"reason-from", "s"},  {"ticket", "ay"},  {"via", "s"},
                         {"for-s", "u"},   {"can-ask", "b"}, {"budget-s", "u"}, {"ssh-auth", "ay"}, {"observe", "b"}, {"peer", "ay"}};

constexpr const char* kTypes[] = {"s", "ay", "aay", "u", "b", "t", "i", "d", "o", "as", "v", "a{sv}"};

// A context with a good reason, so that keys that need each other are there.
Entries full() { return with(sudo_context(), {bytes("reason", "because"), string("reason-from", "prompt")}); }

struct Case {
  std::string about;
  Entries context;
  std::string names;  // what the message must name
};

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const auto& key : kKeys) {
    for (const char* type : kTypes) {
      if (std::string(type) == key.signature) continue;
      out.push_back({std::string(key.name) + " as " + type, with(full(), {typed(key.name, type)}), key.name});
    }
    Entries twice = with(full(), {typed(key.name, key.signature)});
    if (std::string(key.name) == "phase") twice = with(full(), {string("phase", "auth")});
    if (std::string(key.name) == "reason-from") twice = with(full(), {string("reason-from", "prompt")});
    if (std::string(key.name) == "peer") twice = with(full(), {bytes("peer", "2001:db8::1")});
    twice.push_back(twice.back());
    out.push_back({std::string(key.name) + " twice", twice, key.name});
  }
  for (const char* unknown : {"uid", "pid", "session", "Service", "service ", "", "loginuid", "target", "a\x1b[2J"}) {
    out.push_back({std::string("unknown ") + unknown, with(full(), {string(unknown, "x")}), "unknown key"});
  }
  for (const char* needed : {"service", "phase", "user"}) {
    out.push_back({std::string("no ") + needed, without(full(), needed), needed});
  }
  const auto add = [&](const std::string& about, const Entry& entry) { out.push_back({about, with(full(), {entry}), entry.key}); };
  add("empty service", string("service", ""));
  add("long service", string("service", std::string(257, 's')));
  add("other phase", string("phase", "session"));
  add("empty phase", string("phase", ""));
  add("empty user", bytes("user", ""));
  for (const char* key : {"user", "ruser", "rhost", "tty"}) {
    add(std::string("long ") + key, bytes(key, std::string(core::kNameMax + 1, 'x')));
    add(std::string("NUL in ") + key, bytes(key, std::string("a\0b", 3)));
  }
  add("long cwd", bytes("cwd", std::string(core::kPathMax + 1, '/')));
  add("long reason", bytes("reason", std::string(core::kReasonMax + 1, 'r')));
  add("very long reason", bytes("reason", std::string(900 * 1024, 'r')));
  add("reason in Latin-1", bytes("reason", "f\xfcr"));
  add("reason with a lone surrogate", bytes("reason", "\xed\xa0\x80"));
  add("reason overlong", bytes("reason", "\xc0\xaf"));
  add("reason cut", bytes("reason", "\xe2\x82"));
  add("NUL in reason", bytes("reason", std::string("a\0b", 3)));
  add("ticket in Latin-1", bytes("ticket", "\xff"));
  add("long ticket", bytes("ticket", std::string(core::kTicketMax + 1, 't')));
  add("long via", string("via", std::string(257, 'v')));
  add("long ssh-auth", bytes("ssh-auth", std::string(64 * 1024 + 1, 'k')));
  add("other reason-from", string("reason-from", "command-line"));
  add("for 0", number("for-s", 0));
  add("for too long", number("for-s", 315'360'001));
  add("for -1", number("for-s", 4294967295U));
  add("a name as peer", bytes("peer", "host.example"));
  add("an empty peer", bytes("peer", ""));
  add("argv too long", words("argv", {"sudo", std::string(core::kArgvMax, 'a')}));
  add("argv too many", words("argv", std::vector<std::string>(core::kArgvMax + 1, "")));
  add("NUL in argv", words("argv", {"sudo", std::string("a\0b", 3)}));
  // What sudo will run is said in its own phase, whole.
  const Entries command = with(full(), command_entries());
  for (const char* needed : {"run", "run-user", "run-uid"}) out.push_back({std::string("no ") + needed, without(command, needed), needed});
  for (const Entry& entry : command_entries()) {
    if (entry.key != "phase") out.push_back({entry.key + " in another phase", with(full(), {entry}), entry.key});
  }
  const auto wrong = [&](const std::string& about, const Entry& entry) { out.push_back({about, with(command, {entry}), entry.key}); };
  wrong("no words", words("run", {}));
  wrong("a relative path", bytes("run-path", "usr/bin/id"));
  wrong("an empty path", bytes("run-path", ""));
  wrong("a long path", bytes("run-path", std::string(core::kPathMax + 1, '/')));
  wrong("a NUL in the path", bytes("run-path", std::string("/a\0b", 4)));
  wrong("nobody", bytes("run-user", ""));
  wrong("no group", bytes("run-group", ""));
  wrong("a long group", bytes("run-group", std::string(core::kNameMax + 1, 'g')));
  wrong("uid -1", number("run-uid", 4294967295U));
  wrong("run too long", words("run", {"id", std::string(core::kArgvMax, 'a')}));
  wrong("resolves there", flag("resolves", true));
  wrong("program as a number", number("program", 3));
  out.push_back({"resolves in auth", with(full(), {string("phase", "auth"), flag("resolves", true)}), "resolves"});
  out.push_back({"reason alone", without(full(), "reason-from"), "reason"});
  out.push_back({"reason-from alone", without(full(), "reason"), "reason"});
  return out;
}

}  // namespace

TEST_CASE("bad contexts, one by one") {
  Bed bed;
  const auto all = cases();
  CHECK(all.size() >= 200);
  for (const auto& one : all) {
    CAPTURE(one.about);
    Client client(bed.path());
    const auto reply = client.submit(one.context);
    CHECK(reply.error == "org.pamjit.Error.BadContext");
    CHECK(reply.message.find(one.names) != std::string::npos);
    CHECK(reply.message.find('\x1b') == std::string::npos);
    CHECK(reply.message.size() < 300);
    CHECK(client.closed());
  }
  CHECK(bed.notes().all().empty());
  bed.answer_all(answer(core::Verdict::kAllow, "granted"));
  Client client(bed.path());
  CHECK(client.submit(full()).answer == "allow");
}

TEST_CASE("the largest that is allowed passes") {
  Bed bed;
  bed.answer_all(answer(core::Verdict::kAllow, "granted"));
  Client client(bed.path());
  const auto reply = client.submit(with(
      full(), {bytes("reason", std::string(core::kReasonMax, 'r')), bytes("ticket", std::string(core::kTicketMax, 't')),
               words("argv", {"sudo", std::string(core::kArgvMax - 6, 'a')}), bytes("cwd", std::string(core::kPathMax, '/')),
               bytes("tty", std::string(core::kNameMax, 't')), number("for-s", 315'360'000), bytes("ssh-auth", ""),
               flag("observe", false), bytes("peer", "2001:db8::1")}));
  CHECK(reply.message.empty());
  CHECK(reply.answer == "allow");
  CHECK(bed.notes().wait("submit").ask.argv.back().size() == core::kArgvMax - 6);
}

TEST_CASE("other messages than the five") {
  Bed bed;
  const auto nothing = [](sd_bus_message*) { return 0; };
  const auto text = [](sd_bus_message* m) { return sd_bus_message_append(m, "s", "x"); };
  const auto number = [](sd_bus_message* m) { return sd_bus_message_append(m, "u", 1U); };
  // sd-bus takes 64 containers; this is what it lets through.
  const auto deep = [](sd_bus_message* m) {
    for (int n = 0; n < 31; ++n) {
      const int r = sd_bus_message_open_container(m, 'v', n == 30 ? "s" : "v");
      if (r < 0) return r;
    }
    sd_bus_message_append(m, "s", "deep");
    for (int n = 0; n < 31; ++n) sd_bus_message_close_container(m);
    return 0;
  };
  const auto deep_arrays = [](sd_bus_message* m) {
    const std::string inner(31, 'a');
    return sd_bus_message_append(m, (inner + "s").c_str(), 0);
  };
  struct Row {
    const char *path, *interface, *member;
    std::function<int(sd_bus_message*)> body;
  };
  const Row rows[] = {
      {gate1::kPath, gate1::kInterface, "Approve", nothing},
      {gate1::kPath, gate1::kInterface, "submit", nothing},
      {gate1::kPath, "org.pamjit.Gate2", gate1::kSubmit, nothing},
      {"/", gate1::kInterface, gate1::kSubmit, nothing},
      {"/org/pamjit/Gate1/x", gate1::kInterface, gate1::kWithdraw, nothing},
      {gate1::kPath, "org.freedesktop.DBus.Peer", "Ping", nothing},
      {gate1::kPath, "org.freedesktop.DBus.Introspectable", "Introspect", nothing},
      {gate1::kPath, "org.freedesktop.DBus.Properties", "GetAll", text},
      {"/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", nothing},
      {gate1::kPath, gate1::kInterface, gate1::kSubmit, nothing},
      {gate1::kPath, gate1::kInterface, gate1::kSubmit, text},
      {gate1::kPath, gate1::kInterface, gate1::kSubmit, deep},
      {gate1::kPath, gate1::kInterface, gate1::kSubmit, deep_arrays},
      {gate1::kPath, gate1::kInterface, gate1::kResume, text},
      {gate1::kPath, gate1::kInterface, gate1::kResume, number},
      {gate1::kPath, gate1::kInterface, gate1::kBind, number},
      {gate1::kPath, gate1::kInterface, gate1::kBind, deep},
      {gate1::kPath, gate1::kInterface, gate1::kDetach, text},
      {gate1::kPath, gate1::kInterface, gate1::kWithdraw, number},
      {gate1::kPath, gate1::kInterface, gate1::kDetach, nothing},    // nothing to leave
      {gate1::kPath, gate1::kInterface, gate1::kWithdraw, nothing},  // nothing to leave
  };
  for (const auto& row : rows) {
    CAPTURE(row.path, row.interface, row.member);
    Client client(bed.path());
    const auto reply = client.raw(row.path, row.interface, row.member, row.body);
    CHECK(reply.error == "org.pamjit.Error.BadContext");
    CHECK(client.closed());
  }
  Client signals(bed.path());
  signals.ready();
  sd_bus_emit_signal(signals.bus(), gate1::kPath, gate1::kInterface, gate1::kDecided, "s", "allow");
  CHECK(signals.closed());
  Client forged(bed.path());
  forged.ready();
  sd_bus_emit_signal(forged.bus(), "/org/freedesktop/DBus/Local2", "org.freedesktop.DBus.Local", "Disconnected", "");
  CHECK(forged.closed());
  CHECK(bed.notes().all().empty());
}
