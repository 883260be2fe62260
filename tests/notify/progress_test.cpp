// SPDX-License-Identifier: Apache-2.0
#include "notify/progress.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/catch.h"
#include "tests/host/folder.h"

using namespace jit::notify;

TEST_CASE("what was delivered is known after a restart, until the broker knows") {
  const jit::test::TemporaryFolder folder;
  const std::string path = folder.at("delivered");
  {
    Progress progress(path);
    progress.load();
    progress.add("pager", "key-1", 1);
    progress.add("pager", "key-2", 2);
    progress.add("mail", "key-1", 1);
  }
  Progress progress(path);
  progress.load();
  CHECK(progress.has("pager", "key-1"));
  CHECK(progress.has("pager", "key-2"));
  CHECK(progress.has("mail", "key-1"));
  CHECK_FALSE(progress.has("mail", "key-2"));
  progress.settle(1);
  CHECK_FALSE(progress.has("pager", "key-1"));
  CHECK(progress.has("pager", "key-2"));
  CHECK(progress.size() == 1);
  CHECK(progress.problem().empty());
}

TEST_CASE("a file that a crash cut short, or that somebody wrote into, tells what it can") {
  const jit::test::TemporaryFolder folder;
  const std::string path = folder.at("delivered");
  std::ofstream(path) << "pager key-1 1\nnonsense\npager key-2 x\n../x key-3 3\npager key-4 4 4\n\npager key-5 5\npager key-6 6";
  Progress progress(path);
  progress.load();
  CHECK(progress.size() == 2);
  CHECK(progress.has("pager", "key-1"));
  CHECK(progress.has("pager", "key-5"));
  CHECK_FALSE(progress.has("pager", "key-6"));  // perhaps "60" was meant: it is told again
}

TEST_CASE("the file does not grow for ever") {
  const jit::test::TemporaryFolder folder;
  const std::string path = folder.at("delivered");
  Progress progress(path);
  progress.load();
  for (std::uint64_t i = 1; i <= 1500; ++i) {
    progress.add("pager", "0123456789abcdef0123456789abcdef", i);
    if (i % 100 == 0) progress.settle(i);
  }
  CHECK(std::filesystem::file_size(path) < 60'000);
}

TEST_CASE("where it cannot be written, it is said, and known until the end") {
  Progress progress("/nonexistent/delivered");
  progress.load();
  progress.add("pager", "key", 1);
  CHECK(progress.has("pager", "key"));
  CHECK(progress.problem().starts_with("/nonexistent/delivered: "));
}
