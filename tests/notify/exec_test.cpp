// SPDX-License-Identifier: Apache-2.0
#include "notify/exec.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>

#include "tests/catch.h"
#include "tests/host/folder.h"

using namespace jit::notify;

namespace {

constexpr int kWaitMs = 10'000;

// A command, and a pipe that tells whether anything of it is left: its number comes first, and the end when nobody has it open any more.
struct Scene : jit::test::TemporaryFolder {
  sd_event* event = nullptr;
  int left = -1;
  std::optional<Attempted> how;
  std::unique_ptr<Exec> exec;

  Scene() {
    std::signal(SIGPIPE, SIG_IGN);  // as jit-notify does: a command need not read its message
    REQUIRE(sd_event_new(&event) >= 0);
    REQUIRE(::mkfifo(at("left").c_str(), 0600) == 0);
    left = ::open(at("left").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(left >= 0);
  }
  ~Scene() {
    exec.reset();
    ::close(left);
    sd_event_unref(event);
  }
  void run(const std::string& script, std::uint32_t timeout_s = 60) {
    exec = std::make_unique<Exec>(event, std::vector<std::string>{"/bin/sh", "-c", "exec 3>" + at("left") + "; " + script}, "a message", timeout_s, [this](const Attempted& attempted) {
      how = attempted;
      sd_event_exit(event, 0);
    });
    REQUIRE(sd_event_loop(event) >= 0);
    REQUIRE(how);
  }
  // Of a child that it left; 0: the pipe is not closed, and the child goes on.
  bool nothing_is_left() const {
    std::string said;
    for (;;) {
      pollfd one{left, POLLIN, 0};
      char some[64];
      const ssize_t got = ::poll(&one, 1, kWaitMs) > 0 ? ::read(left, some, sizeof some) : -1;
      if (got == 0) return true;
      if (got > 0) said.append(some, static_cast<std::size_t>(got));
      if (got > 0) continue;
      if (const int child = std::atoi(said.c_str()); child > 1) ::kill(child, SIGKILL);
      return false;
    }
  }
};

const std::string kLeaveOne = "sleep 600 >/dev/null 2>&1 & echo $! >&3; ";

}  // namespace

TEST_CASE("nothing that a command started outlives it, however it ended") {
  Scene scene;
  SECTION("it took the message") {
    scene.run(kLeaveOne + "exit 0");
    CHECK(scene.how->delivered);
  }
  SECTION("it failed") {
    scene.run(kLeaveOne + "echo no pager; exit 3");
    CHECK(scene.how->why == "it ended with 3: no pager");
  }
  SECTION("it was ended") {
    scene.run(kLeaveOne + "kill -9 $$");
    CHECK(scene.how->why == "it was ended by signal 9");
  }
  CHECK(scene.nothing_is_left());
}

TEST_CASE("a command that takes too long is ended with all that it started") {
  Scene scene;
  scene.run(kLeaveOne + "wait", 1);
  CHECK(scene.how->why == "it did not end within 1 s");
  scene.exec.reset();
  CHECK(scene.nothing_is_left());
}
