// SPDX-License-Identifier: Apache-2.0
// Against the NSS of this machine: root is everywhere.
#include <grp.h>

#include <algorithm>
#include "tests/catch.h"
#include <optional>

#include "broker/directory/directory.h"
#include "tests/directory/loop.h"

using namespace jit;
using namespace jit::directory;

TEST_CASE("root by name, by uid and its group") {
  test::Loop loop;
  Directory directory(loop.post());
  std::optional<User> by_name, by_uid, nobody;
  std::optional<std::string> group, no_group;
  directory.by_name("root", [&](const User& user) { by_name = user; });
  directory.by_uid(0, [&](const User& user) { by_uid = user; });
  directory.by_name("no-such-user-here", [&](const User& user) { nobody = user; });
  directory.group_name(0, [&](std::string name) { group = std::move(name); });
  directory.group_name(3999999999U, [&](std::string name) { no_group = std::move(name); });
  REQUIRE(loop.until([&] { return by_name && by_uid && nobody && group && no_group; }));
  for (const auto& user : {*by_name, *by_uid}) {
    CHECK(user.status == Status::kFound);
    CHECK(user.uid == 0);
    CHECK(user.name == "root");
    CHECK(user.groups_known);
    CHECK(std::count(user.groups.begin(), user.groups.end(), *group) == 1);
  }
  CHECK(*group == getgrgid(0)->gr_name);
  CHECK(*no_group == "3999999999");
  CHECK(nobody->status == Status::kAbsent);
  directory.forget();
}
