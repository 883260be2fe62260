// SPDX-License-Identifier: Apache-2.0
// The record of ends: whole, or nothing.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <csignal>
#include <filesystem>
#include <fstream>

#include "broker/store/tombstone_file.h"
#include "tests/store/samples.h"

using namespace jit;
using namespace jit::test;
namespace fs = std::filesystem;
using core::GrantEnd;
using core::RequestState;
using core::Tombstone;
using store::TombstoneFile;

namespace {

const std::string kBoot(32, 'b');
using Ends = std::vector<Tombstone>;

core::Id id_of(std::uint8_t n) {
  core::Id id;
  id.bytes.fill(n);
  return id;
}

Ends some() {
  return {{id_of(1), GrantEnd::kExpired},        {id_of(2), GrantEnd::kRevoked},          {id_of(3), GrantEnd::kReturned},
          {id_of(4), GrantEnd::kVoid},           {id_of(5), RequestState::kDenied},       {id_of(6), RequestState::kExpired},
          {id_of(255), RequestState::kCancelled}};
}

void put_text(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace

TEST_CASE("a record is made, added to, read again and replaced", "[tombstone]") {
  const Folder folder;
  const std::string path = folder / "ends";
  TombstoneFile file(path, kBoot);
  CHECK_FALSE(file.load());
  CHECK(file.problem().empty());  // missing is no problem, and not an empty record either
  CHECK_FALSE(file.add(some()));
  CHECK_FALSE(fs::exists(path));
  REQUIRE(file.replace({}));
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0600);
  CHECK(TombstoneFile(path, kBoot).load() == Ends{});
  const Ends all = some();
  for (const Tombstone& end : all) REQUIRE(file.add({&end, 1}));
  TombstoneFile next(path, kBoot);
  CHECK(next.load() == all);
  REQUIRE(next.add({all.data(), 1}));
  CHECK(TombstoneFile(path, kBoot).load()->size() == all.size() + 1);
  REQUIRE(next.replace({all.data() + 1, 2}));
  CHECK(TombstoneFile(path, kBoot).load() == Ends{all[1], all[2]});
  CHECK_FALSE(fs::exists(path + ".new"));
}

TEST_CASE("a record of another boot counts as missing", "[tombstone]") {
  const Folder folder;
  REQUIRE(TombstoneFile(folder / "ends", kBoot).replace(some()));
  TombstoneFile other(folder / "ends", std::string(32, 'c'));
  CHECK_FALSE(other.load());
  CHECK(other.problem().empty());
}

TEST_CASE("any change of any byte, and any cut, makes the whole unknown", "[tombstone]") {
  const Folder folder;
  const std::string path = folder / "ends";
  REQUIRE(TombstoneFile(path, kBoot).replace(some()));
  const std::string whole = text_in(path);
  const auto refused = [&](const std::string& bytes) {
    put_text(path, bytes);
    TombstoneFile file(path, kBoot);
    const bool nothing = !file.load();
    const bool named = file.problem().find(path) != std::string::npos;
    return nothing && named && !file.add(some()) && text_in(path) == bytes;
  };
  std::size_t lines_cut = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    INFO(at);
    for (const char flip : {'\x01', '\x20', '\x80'}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      CHECK(refused(bytes));
    }
    if (at == 0 || whole[at - 1] != '\n') CHECK(refused(whole.substr(0, at)));
    if (at > 0 && whole[at - 1] == '\n') ++lines_cut;
  }
  CHECK(lines_cut == some().size());
  CHECK(refused(whole + "x"));
  CHECK(refused(whole + "\n"));
  CHECK(refused(whole + whole));
  CHECK(refused(std::string(100, '\0')));
  put_text(path, whole);
  CHECK(TombstoneFile(path, kBoot).load() == some());
}

TEST_CASE("a record that somebody else may have a hand in, or that is no file", "[tombstone]") {
  const Folder folder;
  const std::string path = folder / "ends";
  REQUIRE(TombstoneFile(path, kBoot).replace(some()));
  const auto refused = [&] {
    TombstoneFile file(path, kBoot);
    return !file.load() && !file.problem().empty();
  };
  SECTION("mode") {
    fs::permissions(path, static_cast<fs::perms>(0640));
    CHECK(refused());
  }
  SECTION("hard link") {
    fs::create_hard_link(path, folder / "other");
    CHECK(refused());
  }
  SECTION("symbolic link") {
    fs::rename(path, folder / "other");
    fs::create_symlink(folder / "other", path);
    CHECK(refused());
  }
  SECTION("folder") {
    fs::remove(path);
    fs::create_directory(path);
    CHECK(refused());
  }
  SECTION("pipe") {
    fs::remove(path);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(refused());
  }
  if (::geteuid() == 0) {
    SECTION("owner") {
      REQUIRE(::chown(path.c_str(), 1000, 1000) == 0);
      CHECK(refused());
    }
  }
}

TEST_CASE("what cannot be added is not lost: the record is gone, and can be made anew", "[tombstone]") {
  const Folder folder;
  const std::string path = folder / "ends";
  TombstoneFile file(path, kBoot);
  REQUIRE(file.replace(some()));
  // As on a full file system: half of a line is written, then no more.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  rlimit full = before;
  full.rlim_cur = fs::file_size(path) + 10;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  const Ends all = some();
  const bool added = file.add({all.data(), 1});
  const bool missing = !TombstoneFile(path, kBoot).load();
  const bool again = file.add({all.data(), 1});
  Ends more = all;
  more.insert(more.end(), all.begin(), all.end());
  const bool replaced = file.replace(more);
  const bool fits = file.replace({all.data(), 3});
  const bool too_many = file.replace(more);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK_FALSE(added);
  CHECK(missing);
  CHECK_FALSE(again);
  CHECK_FALSE(replaced);
  CHECK(fits);
  CHECK_FALSE(too_many);
  CHECK(TombstoneFile(path, kBoot).load() == Ends{all[0], all[1], all[2]});  // as it was
  CHECK(file.add({all.data() + 3, 1}));
  CHECK(TombstoneFile(path, kBoot).load()->size() == 4);
}

TEST_CASE("without its folder nothing is recorded", "[tombstone]") {
  const Folder folder;
  TombstoneFile file(folder / "none/ends", kBoot);
  CHECK_FALSE(file.load());
  CHECK_FALSE(file.replace({}));
  CHECK_FALSE(file.add(some()));
}
