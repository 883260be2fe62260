// SPDX-License-Identifier: Apache-2.0
#include "notify/folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/host/folder.h"

using namespace jit::notify;

namespace {

const std::string kGood = "kind = \"exec\"\ncommand = [\"/bin/x\"]\n";

struct Room : jit::test::TemporaryFolder {
  void file(const std::string& name, const std::string& text, mode_t mode = 0640) const {
    put(name, text);
    REQUIRE(::chmod(at(name).c_str(), mode) == 0);
  }
};

}  // namespace

TEST_CASE("a broken file stops none of the others, and is said with its place") {
  const Room room;
  room.file("a.toml", kGood);
  room.file("b.toml", "kind = \"exec\"\ncommand = [\"/bin/x\"]\nshell = true\n");
  room.file("c.toml", "kind = ");
  room.file("notes.txt", "no channel");
  room.file(".hidden.toml", "no channel");
  room.file("d.toml", kGood);
  const Folder read = read_folder(room.path);
  CHECK(read.channels.size() == 2);
  CHECK(read.channels.contains("a"));
  CHECK(read.channels.contains("d"));
  CHECK(read.broken.at("b").starts_with(room.at("b.toml") + ":3:1: `shell` is no key"));
  CHECK(read.broken.at("c").starts_with(room.at("c.toml") + ":1:"));
  CHECK(read.errors.size() == 2);
}

TEST_CASE("files that others could read or write are refused, and so is what is no file") {
  const Room room;
  room.file("a.toml", kGood, 0644);
  room.file("b.toml", kGood, 0660);
  room.file("c.toml", kGood, 0600);
  room.file("e.toml", kGood);
  REQUIRE(::symlink(room.at("e.toml").c_str(), room.at("link.toml").c_str()) == 0);
  REQUIRE(::mkfifo(room.at("fifo.toml").c_str(), 0640) == 0);
  REQUIRE(::mkdir(room.at("dir.toml").c_str(), 0750) == 0);
  room.file("big.toml", std::string(kChannelFileMax + 1, '#'));
  room.file("odd name.toml", kGood);
  if (::getuid() == 0) {
    room.file("theirs.toml", kGood);
    REQUIRE(::chown(room.at("theirs.toml").c_str(), 1, 1) == 0);
  }
  const Folder read = read_folder(room.path);
  CHECK(read.channels.size() == (::getuid() == 0 ? 2 : 0));  // only root's count
  for (const char* const name : {"a", "b", "link", "fifo", "dir", "big"}) {
    INFO(name);
    CHECK(read.broken.contains(name));
  }
  if (::getuid() == 0) CHECK(read.broken.at("theirs").find("only root may write it") != std::string::npos);
  CHECK(read.broken.at("a").find("chmod 640") != std::string::npos);
}

TEST_CASE("a secret is a file of its own, as Standard Webhooks writes it") {
  const Room room;
  const std::string hook = "kind = \"webhook\"\nurl = \"https://hooks.example.org/x\"\nsecret = \"" + room.at("key") + "\"\n";
  room.file("a.toml", hook);
  CHECK(read_folder(room.path).broken.at("a").find("No such file") != std::string::npos);
  room.file("key", "hunter2\n");
  CHECK(read_folder(room.path).broken.at("a").find("it holds no secret; to make one") != std::string::npos);
  room.file("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
  if (::getuid() == 0) CHECK(read_folder(room.path).channels.at("a").secret.size() == 24);
  room.file("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0644);
  CHECK(read_folder(room.path).channels.empty());
}

TEST_CASE("there is a bound to how many channels there are") {
  const Room room;
  for (std::size_t i = 0; i < kChannels + 3; ++i) room.file("c" + std::to_string(i) + ".toml", kGood);
  const Folder read = read_folder(room.path);
  CHECK(read.channels.size() + read.broken.size() == kChannels);
  CHECK(read.errors.back().find("more than 64 channels") != std::string::npos);
}

TEST_CASE("a folder that is not there is said") { CHECK(read_folder("/nonexistent").errors.size() == 1); }
