// SPDX-License-Identifier: Apache-2.0
#include "host/writer.h"

#include "tests/catch.h"
#include <functional>

#include "host/access_list.h"
#include "host/names.h"
#include "tests/host/folder.h"

using namespace jit;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kOther = 3'999'999'999;  // no user and no group has this number

// /opt/app/run, a link /usr/run to it, and a folder /srv that everybody writes, sticky.
class Place : public test::TemporaryFolder {
 public:
  Place() {
    for (const char* folder : {"opt", "opt/app", "usr", "srv"}) fs::create_directory(at(folder)), mode(folder, 0755);
    put("opt/app/run", "");
    mode("opt/app/run", 0755);
    mode("srv", 01777);
    link("/opt/app/run", "usr/run");
    link("../opt/app", "usr/app");
  }
  void mode(const std::string& name, unsigned bits) const { REQUIRE(::chmod(at(name).c_str(), bits) == 0); }
  void link(const std::string& to, const std::string& name) const { fs::create_symlink(to, at(name)); }
  host::Tree tree() const { return {path, ::geteuid(), ::getegid()}; }
};

}  // namespace

TEST_CASE("who may replace a program") {
  struct {
    const char* what;
    std::function<void(const Place&)> act;
    std::string path, who;
  } const table[] = {
      {"nobody", [](const Place&) {}, "/opt/app/run", ""},
      {"nobody, by a link", [](const Place&) {}, "/usr/run", ""},
      {"nobody, by a link of a folder", [](const Place&) {}, "/usr/app/run", ""},
      {"everybody writes it", [](const Place& p) { p.mode("opt/app/run", 0757); }, "/opt/app/run", "everybody"},
      {"everybody writes what the link names", [](const Place& p) { p.mode("opt/app/run", 0757); }, "/usr/run", "everybody"},
      {"everybody writes its folder", [](const Place& p) { p.mode("opt/app", 0777); }, "/opt/app/run", "everybody"},
      {"everybody writes a folder above", [](const Place& p) { p.mode("opt", 0777); }, "/opt/app/run", "everybody"},
      {"everybody writes the folder of what the link names", [](const Place& p) { p.mode("opt", 0777); }, "/usr/app/run", "everybody"},
      {"everybody writes the folder of the link", [](const Place& p) { p.mode("usr", 0777); }, "/usr/run", "everybody"},
      {"everybody writes the root", [](const Place& p) { p.mode("", 0777); }, "/opt/app/run", "everybody"},
      {"sticky keeps what is ours", [](const Place& p) { p.mode("opt", 01777); }, "/opt/app/run", ""},
      {"sticky keeps a link of ours", [](const Place& p) { p.mode("usr", 01777); }, "/usr/run", ""},
      {"sticky does not keep what is not there", [](const Place&) {}, "/srv/run", "everybody"},
      {"nor a folder that is not there", [](const Place&) {}, "/srv/app/run", "everybody"},
      {"a link to what everybody may make", [](const Place& p) { p.link("../srv/run", "usr/soon"); }, "/usr/soon", "everybody"},
      {"what is not there, in a folder of ours", [](const Place&) {}, "/opt/none", ""},
      {"below a file", [](const Place&) {}, "/opt/app/run/x", ""},
      {"a circle of links", [](const Place& p) { p.link("b", "usr/a"), p.link("a", "usr/b"); }, "/usr/a", ""},
      {"above the root is the root", [](const Place& p) { p.link("../../../srv/x", "usr/up"); }, "/usr/up", "everybody"},
      {"not absolute", [](const Place&) {}, "opt/app/run", ""},
  };
  for (const auto& row : table) {
    INFO(row.what);
    const Place place;
    row.act(place);
    CHECK(host::writer_of(row.path, place.tree()).value_or("") == row.who);
  }
}

TEST_CASE("a foreign owner, and a group that writes") {
  const Place place;
  const std::string me = host::user_text(::geteuid()), us = host::group_text(::getegid());
  host::Tree theirs{place.path, kOther, ::getegid()};
  CHECK(host::writer_of("/opt/app/run", theirs) == me);
  CHECK(host::writer_of("/usr/run", theirs) == me);
  host::Tree group{place.path, ::geteuid(), kOther};
  CHECK(host::writer_of("/opt/app/run", group) == std::nullopt);
  place.mode("opt/app", 0775);
  CHECK(host::writer_of("/opt/app/run", group) == us);
  CHECK(host::writer_of("/opt/app/run", place.tree()) == std::nullopt);
  place.mode("opt/app", 0755);
  place.mode("opt/app/run", 0775);
  CHECK(host::writer_of("/usr/app/run", group) == us);
}

TEST_CASE("the owner of an entry in a sticky folder, and only he, may replace it") {
  if (::geteuid() != 0) {
    WARN("needs root: only root gives files away");
    return;
  }
  const Place place;
  const std::string who = "uid " + std::to_string(kOther);
  place.link("/opt/app/run", "srv/run");
  CHECK(host::writer_of("/srv/run", place.tree()) == std::nullopt);
  REQUIRE(::lchown(place.at("srv/run").c_str(), kOther, 0) == 0);
  CHECK(host::writer_of("/srv/run", place.tree()) == who);
  // Where he cannot write the folder, a link of his stays what it is.
  REQUIRE(::lchown(place.at("usr/run").c_str(), kOther, 0) == 0);
  CHECK(host::writer_of("/usr/run", place.tree()) == std::nullopt);
  REQUIRE(::chown(place.at("opt").c_str(), kOther, 0) == 0);
  CHECK(host::writer_of("/usr/run", place.tree()) == who);
}

TEST_CASE("an access list says who writes behind the mask") {
  using Entry = std::vector<unsigned>;
  const auto list = [](const std::vector<Entry>& entries) {
    std::string out("\x02\0\0\0", 4);
    const auto put = [&](unsigned number, int bytes) {
      for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(number >> (8 * i)));
    };
    for (const Entry& entry : entries) put(entry[0], 2), put(entry[1], 2), put(entry[2], 4);
    return out;
  };
  constexpr unsigned kNone = 0xffffffffU;
  struct {
    const char* what;
    std::string bytes;
    std::vector<std::uint32_t> users, groups;
    bool owning;
  } const table[] = {
      {"nobody named", list({{1, 7, kNone}, {4, 5, kNone}, {32, 5, kNone}}), {}, {}, false},
      {"the owning group", list({{1, 7, kNone}, {4, 7, kNone}, {32, 5, kNone}}), {}, {}, true},
      {"a user and a group", list({{1, 7, kNone}, {2, 7, 1001}, {4, 5, kNone}, {8, 2, 50}, {16, 7, kNone}, {32, 5, kNone}}), {1001}, {50}, false},
      {"the mask takes it away", list({{1, 7, kNone}, {2, 7, 1001}, {4, 7, kNone}, {16, 5, kNone}, {32, 5, kNone}}), {}, {}, false},
      {"one who only reads", list({{2, 5, 1001}, {16, 7, kNone}}), {}, {}, false},
  };
  for (const auto& row : table) {
    INFO(row.what);
    const auto found = host::parse_access_list(row.bytes);
    REQUIRE(found);
    CHECK(found->writing_users == row.users);
    CHECK(found->writing_groups == row.groups);
    CHECK(found->owning_group_writes == row.owning);
  }
  for (const std::string& odd : {std::string(), std::string("\x01\0\0\0", 4), std::string("\x02\0\0\0\x01", 5)}) CHECK(!host::parse_access_list(odd));
}

TEST_CASE("NSS knows root, and not what nobody has") {
  CHECK(host::known("user", "root") == true);
  CHECK(host::known("group", "root") == true);
  CHECK(host::known("user", "no-such-user-here") == false);
  CHECK(host::known("group", "no-such-group-here") == false);
  CHECK(host::user_text(0) == "user root");
  CHECK(host::user_text(kOther) == "uid 3999999999");
  CHECK(host::group_text(0) == "group root");
  CHECK(host::group_text(kOther) == "gid 3999999999");
}
