// SPDX-License-Identifier: Apache-2.0
// The host's key: made once, the same ever after, and refused where anybody else may have a hand in it.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <filesystem>
#include <fstream>

#include "broker/store/host_key_file.h"
#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;

namespace {

void put(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  ::chmod(path.c_str(), 0600);
}

}  // namespace

TEST_CASE("a host key is made once and is the same ever after") {
  const Folder folder;
  const std::string path = folder / "host.key";
  put(path + ".new", "half of one, from a crash");
  const auto made = store::load_host_key(path);
  REQUIRE(made.key);
  CHECK(made.made);
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0600);
  CHECK(st.st_size == 45);
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
  const auto again = store::load_host_key(path);
  REQUIRE(again.key);
  CHECK_FALSE(again.made);
  CHECK(again.key->id() == made.key->id());
  CHECK(again.key->id().size() == 32);
  CHECK(again.key->sign("x", "y") == made.key->sign("x", "y"));
  CHECK(again.key->fingerprint().starts_with("SHA256:"));
  std::filesystem::remove(path);
  const auto other = store::load_host_key(path);
  REQUIRE(other.key);
  CHECK(other.key->id() != made.key->id());
}

TEST_CASE("a host key that is not ours alone, or none, is refused and stays as it is") {
  const Folder folder;
  const std::string path = folder / "host.key";
  REQUIRE(store::load_host_key(path).key);
  const std::string good = text_in(path);
  const auto refused = [&](const char* words) {
    const std::string before = text_in(path);
    const auto loaded = store::load_host_key(path);
    INFO(loaded.problem);
    CHECK_FALSE(loaded.key);
    CHECK_FALSE(loaded.made);
    CHECK(loaded.problem.find(words) != std::string::npos);
    CHECK(loaded.problem.find(good.substr(0, 44)) == std::string::npos);
    CHECK(text_in(path) == before);
  };
  for (const unsigned mode : {0640U, 0604U, 0400U, 0700U, 04600U, 0200U}) {
    ::chmod(path.c_str(), mode);
    refused(::geteuid() != 0 && (mode & 0400U) == 0 ? "denied" : "0600");
  }
  ::chmod(path.c_str(), 0600);
  for (const std::string& text : {std::string(), good.substr(0, 44), good + "\n", "\n" + good, good.substr(0, 20) + "\n", std::string(44, '=') + "\n",
                                  std::string(45, 'A'), std::string(44, 'A') + "\n", std::string(4096, 'A'), good.substr(0, 42) + "B=\n"}) {
    put(path, text);
    refused("damaged");
  }
  put(path, good);
  if (::geteuid() == 0) {
    REQUIRE(::chown(path.c_str(), 1, 0) == 0);
    refused("belongs to uid 1");
    REQUIRE(::chown(path.c_str(), 0, 0) == 0);
  }
  std::filesystem::create_hard_link(path, folder / "other");
  refused("hard link");
  std::filesystem::remove(folder / "other");
  std::filesystem::rename(path, folder / "kept");
  std::filesystem::create_symlink(folder / "kept", path);
  refused("symbolic link");
  std::filesystem::remove(path);
  std::filesystem::create_symlink(folder / "nowhere", path);
  refused("symbolic link");
  CHECK_FALSE(std::filesystem::exists(folder / "nowhere"));
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK(store::load_host_key(path).problem.find("regular file") != std::string::npos);
  std::filesystem::remove(path);
  ::chmod(folder.path.c_str(), 0770);
  CHECK(store::load_host_key(path).problem.find("written by others") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(path));
  ::chmod(folder.path.c_str(), 0700);
  std::filesystem::create_symlink(folder.path, folder / "way");
  CHECK(store::load_host_key(folder / "way/host.key").problem.find("symbolic link") != std::string::npos);
  CHECK_FALSE(store::load_host_key("host.key").key);
  CHECK_FALSE(store::load_host_key(folder / "").key);
}
