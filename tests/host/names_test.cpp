// SPDX-License-Identifier: Apache-2.0
#include "host/names.h"

#include "tests/catch.h"

#include "tests/host/folder.h"

using namespace jit;

TEST_CASE("names of uid 0 are those of the file, root left out") {
  const test::TemporaryFolder folder;
  folder.put("passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nbin:x:2:2::/bin:/bin/false\n"
                       "zero:*:0:100::/:\nbroken line\nlate:x:0:0::/:\n");
  CHECK(host::names_of_root(folder.at("passwd")) == std::vector<std::string>{"toor", "zero", "late"});
  CHECK(host::names_of_root(folder.at("absent")).empty());
}
