// SPDX-License-Identifier: Apache-2.0
#include "cli/sshd_facts.h"

#include "tests/catch.h"
#include "tests/host/folder.h"

using namespace jit;
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

TEST_CASE("another PAM service than sshd, for all or in a Match block") {
  struct {
    const char* printed;
    std::string in_match, wanted;
  } const table[] = {{"usepam yes\n", "", ""},
                     {"usepam yes\npamservicename sshd\n", "PermitRootLogin yes\nPAMServiceName sshd\n", ""},
                     {"pamservicename sshd-vpn\n", "", "sshd sshd-vpn\n"},
                     {"usepam yes\n", "  pamSERVICEname=\"other\" # for them\n", "sshd_config:2 other\n"},
                     {"pamservicename a\n", "PAMServiceName b\nMatch all\nPAMServiceName c\n", "sshd a\nsshd_config:2 b\nsshd_config:4 c\n"}};
  for (const auto& row : table) {
    INFO(row.printed << row.in_match);
    const test::TemporaryFolder folder;
    folder.put("sshd_config", "Match User eve\n" + row.in_match);
    SshdFacts facts = read_sshd(row.printed);
    facts.matches = read_matches(folder.at("sshd_config"));
    std::string told;
    for (const SshdMatch& one : facts.other_services()) told += one.where.substr(one.where.rfind('/') + 1) + ' ' + one.value + '\n';
    CHECK(told == row.wanted);
  }
}

TEST_CASE("what Match blocks set is read from the files, as sshd reads them") {
  const test::TemporaryFolder folder;
  folder.put("sshd_config", "PermitRootLogin no\nInclude " + folder.at("d-*") + " \"" + folder.at("absent") + "\"\nAuthenticationMethods any\n"
                            "  match=Address 10.0.0.0/8  # the office\n# PermitRootLogin yes\n\tpermitROOTlogin = \"yes\"\nX11Forwarding no\n"
                            "\"AuthenticationMethods\" publickey password,publickey # both\nInclude " + folder.at("in-match") + "\nPermitRootLogin\n");
  folder.put("d-1", "PermitRootLogin yes\nMatch User git\nAuthenticationMethods publickey\n");
  folder.put("d-2", "PermitRootLogin yes\n");
  folder.put("in-match", "PermitRootLogin without-password\nInclude " + folder.at("in-match") + "\n");
  const auto found = read_matches(folder.at("sshd_config"));
  std::string told;
  for (std::size_t i = 0; i < found.size() && i < 4; ++i) told += found[i].where.substr(folder.path.size() + 1) + ' ' + found[i].name + ' ' + found[i].value + '\n';
  CHECK(told == "d-1:3 authenticationmethods publickey\nsshd_config:6 permitrootlogin yes\nsshd_config:8 authenticationmethods publickey password,publickey\n"
                "in-match:1 permitrootlogin without-password\n");
  CHECK(found.size() < 40);
  CHECK(read_matches(folder.at("absent")).empty());
  SshdFacts facts;
  CHECK(facts.talks_without_key() == nullptr);
  facts.matches = found;
  REQUIRE(facts.talks_without_key() != nullptr);
  CHECK(facts.talks_without_key()->where == folder.at("sshd_config") + ":8");
}
