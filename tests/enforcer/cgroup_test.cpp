// SPDX-License-Identifier: Apache-2.0
// Names of control groups, and the words on a terminal.
#include "enforcer/cgroup.h"

#include "tests/catch.h"

#include "enforcer/terminals.h"

namespace jit::enforcer {

TEST_CASE("unit and slice of a control group") {
  struct Row {
    const char *path, *unit, *slice, *place;
  };
  const Row rows[] = {
      {"/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "user-1000.slice", "/user.slice/user-1000.slice/session-3.scope"},
      {"/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope", "user@1000.service", "user-1000.slice",
       "/user.slice/user-1000.slice/user@1000.service"},
      {"/system.slice/ssh.service", "ssh.service", "system.slice", "/system.slice/ssh.service"},
      {"/user.slice/user-0.slice/jit-x.scope/inner", "jit-x.scope", "user-0.slice", "/user.slice/user-0.slice/jit-x.scope"},
      {"/init.scope", "init.scope", "-.slice", "/init.scope"},
      {"/", "", "-.slice", ""},
      {"/user.slice", "", "user.slice", ""},
      {"", "", "-.slice", ""},
  };
  for (const Row& row : rows) {
    INFO(row.path);
    CHECK(unit_in(row.path) == row.unit);
    CHECK(slice_in(row.path) == row.slice);
    CHECK(unit_path(row.path) == row.place);
  }
}

TEST_CASE("what leads out of the tree is no control group") {
  for (const char* path : {"", "/", "relative", "/a/../b", "/..", "/a/.."}) {
    INFO(path);
    CHECK(pids_in(path).empty());
    CHECK_FALSE(is_populated(path));
    CHECK_FALSE(move_to(1, path));
  }
}

TEST_CASE("fixed words") {
  CHECK(warning("0123456789abcdef0123456789abcdef", 5) == "\r\njit: this access ends in 5 minutes; for more time: jitctl extend 01234567\r\n");
  CHECK(warning("0123456789abcdef0123456789abcdef", 1) == "\r\njit: this access ends in 1 minute; for more time: jitctl extend 01234567\r\n");
  CHECK(warning("0123456789abcdef0123456789abcdef", 0) == "\r\njit: this access has ended; what runs may finish, nothing new starts\r\n");
}

}  // namespace jit::enforcer
