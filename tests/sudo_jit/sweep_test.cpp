// SPDX-License-Identifier: Apache-2.0
// B1, H7: the n-th use of each call of the plugin fails, for all n. The gate would say yes each time; the plugin must not, unless all
// that was lost is what it knows of the program: then the gate is told less, and no permit that asks for more matches.
#include <dlfcn.h>
#include <unistd.h>

#include <cstring>
#include <iostream>
#include <map>

#include "sudo_jit/sudo.h"
#include "tests/catch.h"
#include "tests/pam/bed.h"
#include "tests/pam/fake_gate.h"
#include "tests/pam/interpose.h"

using namespace jit::pam_test;

namespace {

constexpr int kYes = 61, kNo = 62, kNotMade = 72, kNotLoaded = 73;

struct Way {
  const char* name;
  Script script;
  bool recorded = false;
};

std::vector<Way> all_ways() {
  return {{"allowed", {}},
          {"allowed, sudo records it", {}, true},
          {"waits", {.submit = Say::kPending, .then = Then::kAllow, .resume = Say::kDeny}},
          {"asks", {.submit = Say::kNeeds, .again = Say::kAllow}}};
}

int converse(int count, const sudo_conv_message messages[], sudo_conv_reply replies[], sudo_conv_callback*) {
  for (int i = 0; i < count; ++i) {
    const bool asks = (messages[i].msg_type & 0xff) == SUDO_CONV_PROMPT_ECHO_ON;
    replies[i].reply = asks ? strdup("deploy 4711") : nullptr;
  }
  return 0;
}

int show(int, const char*, ...) { return 0; }

// As sudo calls it; ends the process.
[[noreturn]] void check(const Way& way, const std::function<void()>& arm, const std::function<void()>& counted) {
  void* const loaded = dlopen(SUDO_JIT_PLUGIN, RTLD_NOW);
  const auto* const plugin = loaded == nullptr ? nullptr : static_cast<const approval_plugin*>(dlsym(loaded, "sudo_jit"));
  if (plugin == nullptr) _exit(kNotLoaded);
  const auto words = [](std::vector<const char*> list) {
    list.push_back(nullptr);
    return list;
  };
  const auto settings = words({"progname=sudo"});
  const auto user = words({"user=alice", "uid=1000", "tty=/dev/pts/0", "cols=80"});
  auto command = words({"command=/usr/bin/id", "runas_uid=0", "runas_user=root", "cwd=/"});
  if (way.recorded) command.insert(command.begin(), {"iolog_ttyout=true", "iolog_path=/var/log/sudo-io/00/00/01"});
  const auto argv = words({"id", "-un"});
  const auto options = words({"budget=3"});
  const auto list = [](const std::vector<const char*>& from) { return const_cast<char* const*>(from.data()); };
  const char* error = nullptr;
  arm();
  const bool opened = plugin->open(SUDO_API_VERSION, converse, show, list(settings), list(user), 1, list(argv), list(argv), list(options), &error) == 1;
  const bool yes = opened && plugin->check(list(command), list(argv), list(argv), &error) == 1;
  stop_interposing();
  counted();
  plugin->close();
  _exit(yes ? kYes : kNo);
}

struct Seen {
  int exit = 0;
  std::string submitted;  // the keys of the last Submit
};

Seen seen_with(const Way& way, const std::function<void()>& arm, const std::function<void()>& counted) {
  FakeGate gate(way.script);
  Attempt attempt{.dir = "/run/sweep", .service = "sudo", .calls = {}};
  attempt.before = [&] { check(way, arm, counted); };
  Seen out;
  out.exit = run(attempt).exit;
  gate.end();
  for (std::string event = gate.next_event(); !event.empty(); event = gate.next_event()) {
    if (event.starts_with("submit")) out.submitted = event;
  }
  return out;
}

std::map<std::string, long> uses(const Way& way, Seen& whole) {
  whole = seen_with(way, count_calls, [] {
    FILE* const file = fopen("/run/uses", "w");
    for (const std::string& name : interposed()) fprintf(file, "%s %ld\n", name.c_str(), calls_of(name));
    fclose(file);
  });
  std::map<std::string, long> out;
  if (whole.exit != kYes) return out;
  FILE* const file = fopen("/run/uses", "r");
  char name[64];
  long n = 0;
  while (fscanf(file, "%63s %ld", name, &n) == 2) out[name] = n;
  fclose(file);
  return out;
}

// All that was told, but for what it knows of the program and of its recording; and something of that is missing.
bool told_less(const std::string& whole, const std::string& told) {
  std::string less;
  std::size_t lost = 0;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = std::min(whole.find(' ', at), whole.size());
    const std::string word = whole.substr(at, end - at);
    const bool may_go = word == "program" || word.starts_with("run-path=") || word.starts_with("recording=");
    const bool there = (" " + told + " ").find(" " + word + " ") != std::string::npos;
    if (!there && !may_go) return false;
    lost += there ? 0 : 1;
    at = end + 1;
  }
  return lost > 0;
}

std::string sweep(const Way& way) {
  write_stacks("/run/sweep", "budget=3", true);
  Seen whole;
  const std::map<std::string, long> counted = uses(way, whole);
  if (counted.empty()) return "0\nnot allowed where nothing fails: " + std::to_string(whole.exit) + "\n";
  std::string wrong;
  long cells = 0;
  for (const auto& [name, count] : counted) {
    for (long nth = 1; nth <= count; ++nth) {
      const Seen seen = seen_with(way, [&which = name, nth] { fail_call(which, nth); }, [] {
        if (!failed()) _exit(kNotMade);
      });
      if (seen.exit == kNotMade) continue;  // how often a program waits depends on how fast the other one is
      ++cells;
      if (seen.exit == kNo || (seen.exit == kYes && told_less(whole.submitted, seen.submitted))) continue;
      wrong += name + " " + std::to_string(nth) + " of " + std::to_string(count) + ": " + std::to_string(seen.exit) + ", " + seen.submitted + "\n";
    }
  }
  return std::to_string(cells) + "\n" + wrong;
}

}  // namespace

TEST_CASE("each call of sudo's plugin fails at each of its uses: deny, or less is known") {
  long cells = 0;
  for (const Way& way : all_ways()) {
    const std::string report = in_bed([&] { return sweep(way); });
    INFO(way.name << ": " << report);
    const std::size_t end = report.find('\n');
    REQUIRE(end != std::string::npos);
    cells += std::stol(report.substr(0, end));
    CHECK(report.substr(end + 1) == "");
  }
  std::cout << "failing calls: " << cells << " cells" << std::endl;
  CHECK(cells >= 600);
}
