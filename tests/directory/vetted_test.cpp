// SPDX-License-Identifier: Apache-2.0
// G9: a source of names that says what it likes, against this machine's own files.
#include <unistd.h>

#include "tests/catch.h"
#include <cstdlib>
#include <fstream>
#include <map>

#include "broker/directory/local_files.h"
#include "broker/directory/vetted.h"

using namespace jit::directory;
using Strings = std::vector<std::string>;

namespace {

constexpr char kPasswd[] = R"(root:x:0:0:root:/root:/bin/bash
toor:x:0:0::/root:/bin/sh
_jit:x:980:980::/:/usr/sbin/nologin
alice:x:2001:2001::/home/alice:/bin/bash
alice:x:2999:2001::/:/bin/bash
bob:x:2002:100::/home/bob:/bin/bash
+nis::::::
no line
huge:x:99999999999:1::/:/bin/sh
)";
constexpr char kGroup[] = R"(root:x:0:
sudo:x:27:alice,erin
users:x:100:
alice:x:2001:
twice:x:300:
twice:x:301:alice
short:x:302
)";

// A table that stands for all sources together; first match wins, as in NSS.
class Said final : public Source {
 public:
  std::vector<Entry> users, groups;
  std::map<std::string, std::vector<std::uint32_t>> members;
  bool broken = false;

  static Entry one(std::string name, std::uint32_t id, std::uint32_t primary = 0) { return {Status::kFound, std::move(name), id, primary}; }

  Entry user(const std::string& name) override { return find(users, [&](const Entry& e) { return e.name == name; }); }
  Entry user(std::uint32_t uid) override { return find(users, [&](const Entry& e) { return e.id == uid; }); }
  Entry group(const std::string& name) override {
    return broken ? Entry{} : find(groups, [&](const Entry& e) { return e.name == name; });
  }
  Entry group(std::uint32_t gid) override { return broken ? Entry{} : find(groups, [&](const Entry& e) { return e.id == gid; }); }
  std::optional<std::vector<std::uint32_t>> gids_of(const std::string& name, std::uint32_t primary) override {
    std::vector<std::uint32_t> out{primary};
    for (const std::uint32_t gid : members[name]) out.push_back(gid);
    return out;
  }

 private:
  template <class Is>
  static Entry find(const std::vector<Entry>& in, Is is) {
    for (const Entry& entry : in) {
      if (is(entry)) return entry;
    }
    return {Status::kAbsent, "", 0, 0};
  }
};

struct Host {
  Host() {
    write("passwd", kPasswd);
    write("group", kGroup);
    // What "files" says, and a directory behind or before it.
    said->users = {Said::one("root", 0, 0),     Said::one("toor", 0, 0),         Said::one("alice", 2001, 2001),
                   Said::one("bob", 2002, 100), Said::one("erin", 6000, 6000),   Said::one("_jit", 980, 980)};
    said->groups = {Said::one("root", 0), Said::one("sudo", 27), Said::one("users", 100), Said::one("staff", 6000)};
  }
  ~Host() {
    for (const char* name : {"passwd", "group"}) unlink((folder + "/" + name).c_str());
    rmdir(folder.c_str());
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder + "/" + name) << text; }
  User name(const std::string& text) { return resolver->by_name(text); }
  User uid(std::uint32_t id) { return resolver->by_uid(id); }

  static std::string made() {
    char path[] = "/tmp/vetted.XXXXXX";
    return mkdtemp(path) != nullptr ? path : "";
  }
  const std::string folder = made();
  std::shared_ptr<Said> said = std::make_shared<Said>();
  std::shared_ptr<Resolver> resolver = vetted(said, folder + "/passwd", folder + "/group");
};

bool known(const User& user) { return user.status == Status::kFound; }

}  // namespace

TEST_CASE("those of the file, and those of a directory that does not contradict it") {
  Host host;
  host.said->members["erin"] = {27};
  for (const User& alice : {host.name("alice"), host.uid(2001)}) {
    REQUIRE(known(alice));
    CHECK(alice.local);
    CHECK(alice.groups == Strings{"alice"});
  }
  for (const User& erin : {host.name("erin"), host.uid(6000)}) {
    REQUIRE(known(erin));
    CHECK_FALSE(erin.local);
    CHECK(erin.groups == Strings{"staff", "sudo"});  // the file itself lists her in sudo
  }
  CHECK(host.name("toor").uid == 0);
  CHECK(host.uid(0).name == "root");
  CHECK(host.name("nobody-here").status == Status::kAbsent);
  CHECK(host.uid(4242).status == Status::kAbsent);
}

TEST_CASE("a source that says something else of a name or uid of the file gives nothing") {
  struct Row {
    const char* what;
    Source::Entry entry;
    std::string name;
    std::uint32_t uid;
  };
  const Row rows[] = {
      {"alice is root", Said::one("alice", 0), "alice", 7},
      {"alice has another uid", Said::one("alice", 6001), "alice", 6001},
      {"alice has the uid of her second line", Said::one("alice", 2999), "alice", 2999},
      {"another one is root", Said::one("mallory", 0), "mallory", 0},
      {"another one has alice's uid", Said::one("mallory", 2001), "mallory", 2001},
      {"another one has the broker's uid", Said::one("mallory", 980), "mallory", 980},
      {"root has a uid of people", Said::one("root", 6002), "root", 6002},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    Host host;
    host.said->users.insert(host.said->users.begin(), row.entry);
    CHECK(host.name(row.name).status == Status::kUnknown);
    if (row.uid != 7) CHECK(host.uid(row.uid).status == Status::kUnknown);
  }
}

TEST_CASE("uid 0 is root of the file, or nobody") {
  Host host;
  host.write("passwd", "alice:x:2001:2001::/:/bin/sh\n");
  host.said->users = {Said::one("mallory", 0), Said::one("root", 0)};
  for (const char* name : {"root", "mallory"}) CHECK(host.name(name).status == Status::kUnknown);
  CHECK(host.uid(0).status == Status::kUnknown);
}

TEST_CASE("name and uid of a directory must lead to each other") {
  Host host;
  host.said->users.push_back(Said::one("twin", 6000));        // erin's uid
  host.said->users.push_back(Said::one("erin", 6005));        // a second line of her
  CHECK_FALSE(known(host.name("twin")));
  CHECK_FALSE(known(host.uid(6005)));
  CHECK(known(host.name("erin")));
}

TEST_CASE("a group of the file is there by the file only") {
  Host host;
  host.said->users.push_back(Said::one("mallory", 6001, 27));  // by her primary gid
  host.said->members["mallory"] = {100, 6000};
  host.said->members["bob"] = {27};
  const User mallory = host.name("mallory");
  CHECK(mallory.groups_known);
  CHECK(mallory.groups == Strings{"staff"});
  CHECK(mallory.groups_claimed == Strings{"sudo", "users"});
  CHECK(groups_any(mallory) == Strings{"staff", "sudo", "users"});
  const User bob = host.name("bob");
  CHECK(bob.groups == Strings{"users"});  // the primary group of his line
  CHECK(bob.groups_claimed == Strings{"sudo"});
}

TEST_CASE("a gid of a directory under a name of the file, or not leading back, has no name") {
  Host host;
  auto& groups = host.said->groups;
  groups.insert(groups.begin(), {Said::one("sudo", 6100), Said::one("staff", 27), Said::one("100", 6101), Said::one("one", 6102),
                                 Said::one("one", 6103)});
  CHECK(host.resolver->group(6100).name == "6100");
  CHECK(host.resolver->group(27).name == "sudo");  // whatever the source calls it
  CHECK(host.resolver->group(6101).name == "6101");
  CHECK(host.resolver->group(6102).name == "one");
  CHECK(host.resolver->group(6103).name == "6103");
  CHECK(host.resolver->group(300).name == "twice");
  CHECK(host.resolver->group(301).name == "301");
  CHECK(host.resolver->group(302).name == "short");
  host.said->members["erin"] = {6100, 6103, 301};
  CHECK(host.name("erin").groups == Strings{"6000", "6100", "6103"});  // by its name "staff" is gid 27 now
  CHECK(host.name("erin").groups_claimed == Strings{"301"});
}

TEST_CASE("what cannot be read or does not answer is unknown") {
  Host host;
  host.said->broken = true;
  CHECK(host.name("erin").groups_known == false);
  CHECK(host.name("alice").groups_known);  // her groups stand in the file
  CHECK(host.resolver->group(6000).status == Status::kUnknown);
  unlink((host.folder + "/group").c_str());
  CHECK(host.name("alice").status == Status::kUnknown);
  CHECK(host.resolver->group(27).status == Status::kUnknown);
}
