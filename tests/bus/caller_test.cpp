// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/caller.h"

#include "tests/catch.h"
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace jit;
using namespace jit::bus;

namespace {

struct Proc {
  std::filesystem::path path;
  Proc() {
    std::string name = "/tmp/jit_proc_XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Proc() { std::filesystem::remove_all(path); }
  void process(int pid, const std::string& uids, const char* loginuid) const {
    const auto folder = path / std::to_string(pid);
    std::filesystem::create_directory(folder);
    std::ofstream(folder / "status") << "Name:\tx\nUid:\t" << uids << "\nGid:\t0\t0\t0\t0\n";
    if (loginuid != nullptr) std::ofstream(folder / "loginuid") << loginuid;
  }
};

}  // namespace

TEST_CASE("loginuid of the calling process") {
  const Proc proc;
  proc.process(1, "1000\t1000\t1000\t1000", "1000");
  proc.process(2, "1001\t1001\t1001\t1001", "1000");           // after su
  proc.process(3, "1000\t1000\t1000\t1000", "4294967295");     // a service
  proc.process(4, "1000\t1000\t1000\t1000", nullptr);          // a kernel without audit
  proc.process(5, "1000\t0\t0\t0", "1000");                    // it has started a setuid program
  proc.process(6, "1000\t1000\t1000\t1000", "-1");
  proc.process(7, "2147483648\t2147483648\t2147483648\t2147483648", "4294967294");
  struct Row {
    std::uint32_t pid, uid;
    std::optional<std::uint32_t> loginuid;
  };
  const Row rows[] = {
      {1, 1000, 1000U},           {2, 1001, 1000U},           {3, 1000, policy::kNoUid}, {4, 1000, policy::kNoUid},
      {5, 1000, 1000U},           {6, 1000, policy::kNoUid},  {7, 2147483648U, 4294967294U},
      {1, 1001, std::nullopt},  // the pid is another user's by now
      {9, 1000, std::nullopt},  // gone
      {0, 0, std::nullopt},     // of another pid namespace
  };
  for (const Row& row : rows) {
    CAPTURE(row.pid, row.uid);
    CHECK(loginuid_of(row.pid, row.uid, proc.path) == row.loginuid);
  }
}

TEST_CASE("without a policy nobody but root has a role") {
  core::Caller caller;
  caller.identity = std::make_shared<const policy::Identity>(policy::Identity{1000, "alice", "", true, {}, {}});
  apply_policy(caller, nullptr);
  CHECK(!caller.admin);
  CHECK(!caller.auditor);
  CHECK(caller.identity->person == "uid:1000");
  caller.identity = std::make_shared<const policy::Identity>(policy::Identity{0, "", "", false, {}, {}});
  apply_policy(caller, nullptr);
  CHECK(caller.admin);
}

TEST_CASE("roles are those of the policy in force") {
  const policy::Source people{"people", "version = 1\n[[person]]\nname = \"alice\"\nusers = [\"alice\"]\nroles = [\"admin\"]\n"};
  policy::Policy::Input input;
  const policy::Source rules{"rules", "schema = 1\nsettings.covers = [\"sudo\"]\n"};
  input.rules = {&rules, 1};
  input.people = {&people, 1};
  input.digest = [](std::string_view) { return std::string(64, '0'); };
  const auto loaded = policy::Policy::load(input);
  REQUIRE(loaded.policy);
  core::Caller caller;
  caller.identity = std::make_shared<const policy::Identity>(policy::Identity{1000, "alice", "", true, {}, {}});
  apply_policy(caller, loaded.policy.get());
  CHECK(caller.admin);
  CHECK(caller.identity->person == "alice");
  apply_policy(caller, nullptr);
  CHECK(!caller.admin);
  // A uid that the directory does not know has no name by which a role could reach it.
  caller.identity = std::make_shared<const policy::Identity>(policy::Identity{1000, "", "", false, {}, {}});
  apply_policy(caller, loaded.policy.get());
  CHECK(!caller.admin);
}
