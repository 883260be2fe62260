// SPDX-License-Identifier: Apache-2.0
#include "tests/gate/fake_directory.h"

#include <algorithm>

namespace jit::test {

Users& Users::get() {
  static Users users;
  return users;
}

void Users::reset() {
  const std::lock_guard lock(mutex);
  const auto user = [](std::uint32_t uid, std::string name, std::vector<std::string> of) {
    directory::User out;
    out.status = directory::Status::kFound;
    out.uid = uid;
    out.name = std::move(name);
    out.local = true;
    out.groups_known = true;
    out.groups = std::move(of);
    return out;
  };
  users = {user(0, "root", {"root"}),           user(0, "toor", {"root"}),         user(1, "daemon", {"daemon", "wheel"}),
           user(1000, "alice", {"alice", "sre"}), user(1001, "bob", {"bob"}),        user(65534, "nobody", {"nogroup"}),
           user(2147483648U, "big", {"big"}),   user(4294967294U, "bigger", {"big"})};
  groups = {{0, "root"}, {1, "daemon"}, {1000, "alice"}, {65534, "nogroup"}};
  silent.clear();
  held.clear();
}

void Users::release() {
  std::vector<std::function<void()>> now;
  {
    const std::lock_guard lock(mutex);
    silent.clear();
    now.swap(held);
  }
  for (const auto& answer : now) answer();
}

}  // namespace jit::test

namespace jit::directory {

struct Directory::Impl {};

Directory::Directory(core::Post, Options) {}
Directory::~Directory() = default;

namespace {

void give(const std::function<bool(const User&)>& matches, Found found) {
  auto& table = test::Users::get();
  User answer;
  answer.status = Status::kAbsent;
  {
    const std::lock_guard lock(table.mutex);
    const auto it = std::find_if(table.users.begin(), table.users.end(), matches);
    if (it != table.users.end()) answer = *it;
    if (std::count(table.silent.begin(), table.silent.end(), answer.name) > 0) {
      table.held.push_back([answer, found] { found(answer); });
      return;
    }
  }
  found(answer);
}

}  // namespace

void Directory::by_name(const std::string& name, Found found) {
  give([&](const User& user) { return user.name == name; }, std::move(found));
}

void Directory::by_uid(std::uint32_t uid, Found found) {
  give([&](const User& user) { return user.uid == uid; }, std::move(found));
}

void Directory::group_name(std::uint32_t gid, std::function<void(std::string)> found) {
  std::string name = std::to_string(gid);
  {
    const std::lock_guard lock(test::Users::get().mutex);
    for (const auto& [number, text] : test::Users::get().groups) {
      if (number == gid) name = text;
    }
  }
  found(name);
}

// As a program that stands where it is called.
void Directory::can_change(const Asked&, std::function<void(bool)> found) { found(false); }

void Directory::digest(int, const std::string& path, std::function<void(std::string)> found) {
  found(path.starts_with("/usr/") ? std::string(64, 'd') : std::string());
}

void Directory::program(const std::string& word, std::function<void(std::string)> found) {
  found(word.starts_with('/') ? word : "/usr/bin/" + word);
}

void Directory::forget() {}
void Directory::forget(std::uint32_t) {}
void Directory::forget(const std::string&) {}

}  // namespace jit::directory
