// SPDX-License-Identifier: Apache-2.0
#include "host/channels.h"

#include <unistd.h>

#include "tests/catch.h"
#include "tests/host/folder.h"

TEST_CASE("channels are files of a folder") {
  const jit::test::TemporaryFolder folder;
  folder.put("pager.toml", "");
  folder.put("db-audit.toml", "broken");
  folder.put("pager.secret", "");
  CHECK(jit::host::channels(folder.path) == std::vector<std::string>{"db-audit", "pager"});
  CHECK(jit::host::channels(folder.at("nothing")) == std::vector<std::string>{});
  CHECK(jit::host::channels(folder.at("pager.toml")) == std::nullopt);
}
