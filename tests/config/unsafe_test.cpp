// SPDX-License-Identifier: Apache-2.0
// Row G1 of the threats: files that somebody else than root may have written.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/catch.h"
#include <cerrno>
#include <filesystem>

#include "broker/config/safety.h"
#include "tests/config/samples.h"

using namespace jit;
using namespace jit::test;
namespace fs = std::filesystem;

namespace {

struct AclEntry {
  unsigned tag, perm, id;
};

std::string acl(const std::vector<AclEntry>& entries) {
  std::string value("\x02\0\0\0", 4);
  const auto put = [&](unsigned number, int bytes) {
    for (int i = 0; i < bytes; ++i) value.push_back(static_cast<char>(number >> (8 * i)));
  };
  for (const AclEntry& one : entries) {
    put(one.tag, 2);
    put(one.perm, 2);
    put(one.id, 4);
  }
  return value;
}

constexpr unsigned kNone = 0xffffffffU;

}  // namespace

TEST_CASE("unsafe files and folders: the whole set is refused", "[G1]") {
  if (::geteuid() != 0) {
    WARN("needs root: the owner of a safe file is root");
    return;
  }
  const Host host;
  const Host elsewhere;
  const std::string rules = host.etc("policy.d/x.toml");
  const auto chmod = [](const std::string& path, unsigned mode) { fs::permissions(path, static_cast<fs::perms>(mode)); };
  struct Case {
    std::string what;
    std::function<bool(const std::string&)> act;  // false: not possible on this machine
    std::string word;
  };
  const auto empty = [&](const std::string& path) { host.put(path, "schema = 1\n"); };
  const auto always = [&](auto act) {
    return [&empty, act](const std::string& path) {
      empty(path);
      act(path);
      return true;
    };
  };
  const std::vector<Case> table = {
      {"group can write", always([&](const std::string& p) { chmod(p, 0660); }), "by its group"},
      {"everyone can write", always([&](const std::string& p) { chmod(p, 0646); }), "by everyone"},
      {"other owner", always([](const std::string& p) { REQUIRE(::chown(p.c_str(), 1000, 0) == 0); }), "uid 1000"},
      {"odd owner", always([](const std::string& p) { REQUIRE(::chown(p.c_str(), 4294967294U, 0) == 0); }), "4294967294"},
      {"hard link", always([&](const std::string& p) { fs::create_hard_link(p, elsewhere.path + "/link"); }), "hard link"},
      {"symbolic link",
       [&](const std::string& p) {
         fs::create_symlink(elsewhere.etc("policy.d/main.toml"), p);
         return true;
       },
       "symbolic link"},
      {"dangling link",
       [](const std::string& p) {
         fs::create_symlink("nowhere", p);
         return true;
       },
       "symbolic link"},
      {"almost /dev/null",
       [](const std::string& p) {
         fs::create_symlink("/dev/nullx", p);
         return true;
       },
       "symbolic link"},
      {"somebody's link to /dev/null",
       [](const std::string& p) {
         fs::create_symlink("/dev/null", p);
         return ::lchown(p.c_str(), 1000, 0) == 0;
       },
       "symbolic link"},
      {"FIFO", [](const std::string& p) { return ::mkfifo(p.c_str(), 0600) == 0; }, "not a regular file"},
      {"character device", [](const std::string& p) { return ::mknod(p.c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0; },
       "not a regular file"},
      {"block device", [](const std::string& p) { return ::mknod(p.c_str(), S_IFBLK | 0600, makedev(7, 0)) == 0; },
       "not a regular file"},
      {"socket", [](const std::string& p) { return ::mknod(p.c_str(), S_IFSOCK | 0600, 0) == 0; }, "not a regular file"},
      {"folder", [](const std::string& p) { return fs::create_directory(p); }, "not a regular file"},
      {"ACL",
       [&](const std::string& p) {
         empty(p);
         const std::string value = acl({{1, 6, kNone}, {2, 6, 1000}, {4, 4, kNone}, {0x10, 4, kNone}, {0x20, 0, kNone}});
         return ::setxattr(p.c_str(), "system.posix_acl_access", value.data(), value.size(), 0) == 0;
       },
       "ACL"},
  };
  int done = 0;
  for (const Case& row : table) {
    for (const std::string& path : {rules, host.etc("people.d/x.toml"), host.etc("broker.toml")}) {
      INFO(row.what << " " << path);
      const bool possible = row.act(path);
      if (!possible) WARN(row.what << ": not possible here");
      if (possible) {
        const config::Loaded loaded = host.load();
        CHECK_FALSE(loaded.policy);
        REQUIRE(loaded.findings.size() == 1);
        CHECK(loaded.findings[0].code == "E03");
        CHECK(loaded.findings[0].file == path);
        CHECK(loaded.findings[0].message.find(row.word) != std::string::npos);
        ++done;
      }
      fs::remove_all(path);
      fs::remove(elsewhere.path + "/link");
      CHECK(host.load().policy);
    }
  }
  CHECK(done >= 39);

  for (const std::string& folder : {host.etc("policy.d"), host.etc("people.d"), host.roots.etc}) {
    INFO(folder);
    const std::vector<Case> folders = {
        {"group", [&](const std::string& p) { chmod(p, 0770); return true; }, "by its group"},
        {"everyone", [&](const std::string& p) { chmod(p, 0777); return true; }, "by everyone"},
        {"sticky", [&](const std::string& p) { chmod(p, 01777); return true; }, "by everyone"},
        {"owner", [](const std::string& p) { return ::chown(p.c_str(), 1000, 0) == 0; }, "uid 1000"},
    };
    for (const Case& row : folders) {
      REQUIRE(row.act(folder));
      const config::Loaded loaded = host.load();
      CHECK_FALSE(loaded.policy);
      REQUIRE_FALSE(loaded.findings.empty());
      CHECK(loaded.findings[0].file == folder);
      CHECK(loaded.findings[0].message.find(row.word) != std::string::npos);
      REQUIRE(::chown(folder.c_str(), 0, 0) == 0);
      chmod(folder, 0755);
    }
    CHECK(host.load().policy);
    fs::rename(folder, folder + ".real");
    fs::create_directory_symlink(folder + ".real", folder);
    const config::Loaded linked = host.load();
    CHECK_FALSE(linked.policy);
    CHECK(text(linked.findings).find("symbolic link") != std::string::npos);
    fs::remove(folder);
    fs::rename(folder + ".real", folder);
  }
  CHECK(host.load().policy);
}

TEST_CASE("ACLs", "[G1]") {
  const std::vector<AclEntry> plain = {{1, 6, kNone}, {4, 4, kNone}, {0x20, 0, kNone}};
  const auto with = [&](AclEntry more) {
    std::vector<AclEntry> all = plain;
    all.push_back(more);
    return acl(all);
  };
  struct {
    const char* what;
    std::string value;
    bool others;
  } const table[] = {
      {"plain", acl(plain), false},
      {"none", acl({}), false},
      {"reader", with({2, 4, 1000}), false},
      {"reading group", with({8, 5, 1000}), false},
      {"writer", with({2, 2, 1000}), true},
      {"root once more", with({2, 6, 0}), false},
      {"writing group", with({8, 6, 1000}), true},
      {"root's group", with({8, 6, 0}), true},
      {"owning group", with({4, 6, kNone}), true},
      {"others", with({0x20, 2, kNone}), true},
      {"mask alone", with({0x10, 6, kNone}), false},
      {"unknown tag", with({0x40, 0, kNone}), true},
      {"version 3", "\x03" + acl(plain).substr(1), true},
      {"cut", acl(plain).substr(0, 10), true},
      {"empty", "", true},
  };
  for (const auto& row : table) {
    INFO(row.what);
    CHECK(config::acl_lets_others_write(row.value) == row.others);
  }
}

TEST_CASE("who checks files of his own is not asked who owns them") {
  Host host;
  host.roots.check_owner = false;
  fs::permissions(host.etc("policy.d/main.toml"), static_cast<fs::perms>(0666));
  CHECK(host.load().policy);
  const std::string link = host.path + "/link";
  fs::create_directory_symlink(host.roots.etc, link);
  host.roots.etc = link;
  CHECK(host.load().policy);
  fs::create_symlink("/etc/passwd", host.etc("policy.d/y.toml"));
  CHECK_FALSE(host.load().policy);
}

TEST_CASE("odd names are escaped where they are shown") {
  const Host host;
  host.put(host.etc("policy.d/a\x1b[2J\nb.toml"), "half = ");
  const config::Loaded loaded = host.load();
  CHECK_FALSE(loaded.policy);
  CHECK(text(loaded.findings).find('\x1b') == std::string::npos);
  CHECK(text(loaded.findings).find("\\x1b[2J\\nb.toml") != std::string::npos);
}
