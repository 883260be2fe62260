// SPDX-License-Identifier: Apache-2.0
#include "host/names.h"

#include "tests/catch.h"

#include "tests/host/folder.h"

using namespace jit;

TEST_CASE("names of a group are those whose own it is in the file") {
  const test::TemporaryFolder folder;
  folder.put("passwd", "root:x:0:0::/root:/bin/sh\neve:x:2005:999::/:\nbin:x:999:2::/:\nmallory:x:2006:999::/:\n");
  CHECK(host::names_of_group(999, folder.at("passwd")) == std::vector<std::string>{"eve", "mallory"});
  CHECK(host::names_of_group(998, folder.at("passwd")).empty());
}

TEST_CASE("names of uid 0 are those of the file, root left out") {
  const test::TemporaryFolder folder;
  folder.put("passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nbin:x:2:2::/bin:/bin/false\n"
                       "zero:*:0:100::/:\nbroken line\nlate:x:0:0::/:\n");
  CHECK(host::names_of_root(folder.at("passwd")) == std::vector<std::string>{"toor", "zero", "late"});
  CHECK(host::names_of_root(folder.at("absent")).empty());
}
