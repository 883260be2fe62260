// SPDX-License-Identifier: Apache-2.0
#include "cli/sshd_facts.h"

#include "tests/catch.h"

using namespace jit::cli;

TEST_CASE("a line of ours stands in auth only where every way that talks comes after a key") {
  struct {
    const char* methods;
    bool after_key;
  } const table[] = {{"any", false},
                     {"publickey", false},
                     {"publickey,keyboard-interactive:pam", true},
                     {"publickey,keyboard-interactive", true},
                     {"hostbased,keyboard-interactive:pam", true},
                     {"publickey publickey,keyboard-interactive:pam", true},
                     {"keyboard-interactive:pam", false},
                     {"keyboard-interactive:pam,publickey", false},
                     {"publickey,keyboard-interactive:pam keyboard-interactive:pam", false},
                     {"publickey,password", false},
                     {"publickey,keyboard-interactive:pam publickey,password", false},
                     {"", false}};
  for (const auto& row : table) {
    INFO(row.methods);
    const std::string text = "usepam yes\nkbdinteractiveauthentication yes\nauthenticationmethods " + std::string(row.methods) + "\n";
    CHECK(read_sshd(text).asks_after_key == row.after_key);
    CHECK_FALSE(read_sshd("kbdinteractiveauthentication no\nauthenticationmethods " + std::string(row.methods) + "\n").asks_after_key);
  }
  CHECK(read_sshd("usepam yes\nmaxstartups 10:30:100\n").get("maxstartups") == "10:30:100");
  CHECK_FALSE(read_sshd("").there);
}
