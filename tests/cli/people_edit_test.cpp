// SPDX-License-Identifier: Apache-2.0
// Keys that come into people.d, and what allowed_signers says.
#include "tests/catch.h"

#include <algorithm>

#include "cli/allowed_signers.h"
#include "cli/people_edit.h"

using namespace jit::cli;

namespace {

const std::string kPeopleText = R"(# Who is who.
version = 41  # raise it

[[person]]  # the first
name  = "alice"
users = [
  "alice", "alice-adm",
]

[[person.key]]
id = "old"
kind = "ssh"
public = "ssh-ed25519 AAAA"
revoked = true
# the end of alice

# bob is new
[[person]]
name = "bob"
users = ["bob"]


# nothing follows)";

NewKey laptop(const std::string& person, const std::string& id = "laptop") {
  NewKey out;
  out.person = person;
  out.key.id = id;
  out.key.kind = "ssh";
  out.key.public_text = "ssh-ed25519 AAAAC3 her \"own\" \\ key";
  return out;
}

std::string edited(const std::string& text, const std::vector<NewKey>& keys) {
  const auto out = add_keys({"people.toml", text}, keys);
  return out ? out->text : "refused: " + out.failure().message;
}

bool refused(const std::string& text, const std::vector<NewKey>& keys) { return edited(text, keys).starts_with("refused: "); }

std::string replaced(std::string text, const std::string& from, const std::string& to) { return text.replace(text.find(from), from.size(), to); }

std::vector<AllowedSigner> signers(const std::string& text) { return parse_allowed_signers(text, "vote@pam-jit.v1"); }

}  // namespace

TEST_CASE("a key is added, and every other byte stays") {
  const std::string lines = "\n[[person.key]]\nid = \"laptop\"\nkind = \"ssh\"\npublic = \"ssh-ed25519 AAAAC3 her \\\"own\\\" \\\\ key\"\n";
  const std::string risen = replaced(kPeopleText, "41", "42");
  CHECK(edited(kPeopleText, {laptop("alice")}) == replaced(risen, "revoked = true\n", "revoked = true\n" + lines) + "\n");
  CHECK(edited(kPeopleText, {laptop("bob")}) == replaced(risen, "users = [\"bob\"]\n", "users = [\"bob\"]\n" + lines) + "\n");
  const auto both = add_keys({"people.toml", kPeopleText}, std::vector{laptop("alice"), laptop("bob"), laptop("alice", "desk")});
  REQUIRE(both);
  CHECK(both->version == 42);
  CHECK(both->added.size() == 12);

  NewKey dated = laptop("bob");
  dated.key.verify_required = true;
  dated.key.not_before = 0;
  dated.key.not_after = 1767225600;
  CHECK(edited(kPeopleText, {dated}).find("verify-required = true\nnot-before = 1970-01-01T00:00:00Z\nnot-after = 2026-01-01T00:00:00Z\n") != std::string::npos);
}

TEST_CASE("the version rises however it is written") {
  for (const char* before : {"version = 9", "version=9", "version = +9", "\"version\" = 9", "version = 0x9", "\tversion\t=\t9\t# 9"}) {
    const std::string out = edited(std::string(before) + "\n[[person]]\nname = \"bob\"\n", {laptop("bob")});
    CAPTURE(out);
    CHECK(out.find("10") != std::string::npos);
    CHECK_FALSE(out.starts_with("refused"));
  }
  CHECK(refused("version = 9223372036854775807\n[[person]]\nname = \"bob\"\n", {laptop("bob")}));
}

TEST_CASE("a file that cannot be changed is left alone") {
  CHECK(refused(kPeopleText, {laptop("carol")}));
  CHECK(refused(kPeopleText, {laptop("alice", "old")}));  // an id that is taken
  CHECK(refused(kPeopleText, {laptop("bob"), laptop("bob")}));
  CHECK(refused("version = 1\nperson = [{ name = \"bob\" }]\n", {laptop("bob")}));
  CHECK(refused("version = \n", {laptop("bob")}));
  CHECK(refused("", {laptop("bob")}));
  CHECK(refused("version = 1\n[[person]]\nname = \"bob\"\nunknown = 1\n", {laptop("bob")}));
  // Text that looks like a table: what comes out is read again.
  const std::string odd = "version = 1\n[[person]]\nname = \"bob\"\nusers = [\"bob\", \"\"\"\n# x\n\"\"\"]\n";
  CHECK(refused(odd, {laptop("bob")}));
  NewKey broken = laptop("bob");
  broken.key.public_text = "ssh-ed25519 AAAA \xff";
  CHECK(refused(kPeopleText, {broken}));
  broken.key.public_text = "x\"\n[[person]]\nname = \"mallory\"\n#";
  CHECK(refused(kPeopleText, {broken}));
}

TEST_CASE("the id of a key that names none") {
  jit::policy::Key key;
  key.fingerprint = "SHA256:abcdefghijkl";
  CHECK(id_for(key, "alice@laptop", {}) == "alice@laptop");
  CHECK(id_for(key, " alice@laptop of 2024", {}) == "alice@laptop");
  CHECK(id_for(key, "", {}) == "SHA256:abcdefgh");
  CHECK(id_for(key, "\xc3\xa4rger", {}) == "SHA256:abcdefgh");
  jit::policy::Key taken;
  taken.id = "alice@laptop";
  CHECK(id_for(key, "alice@laptop", std::vector{taken}) == "alice@laptop-2");
  CHECK(id_for(key, std::string(500, 'x'), {}).size() <= 64);
}

TEST_CASE("allowed signers") {
  const auto found = signers("# comment\n\nalice@example.org,alice ssh-ed25519 AAAA her laptop\n"
                             "\"bob\" valid-after=\"20260101Z\",Valid-Before=\"20270203040506Z\" sk-ssh-ed25519@openssh.com BBBB\n"
                             "carol namespaces=\"git,vote@pam-jit.v1\" ecdsa-sha2-nistp256 CCCC\n"
                             "dan namespaces=\"git\" ssh-rsa DDDD\n"
                             "*@example.org cert-authority ssh-ed25519 EEEE\n"
                             "*@example.org ssh-ed25519 FFFF\n"
                             "eve no-pty ssh-ed25519 GGGG\n"
                             "fay ssh-ed25519\n"
                             "gil valid-before=\"20260231\" ssh-ed25519 HHHH\n");
  REQUIRE(found.size() == 9);
  CHECK(found[0].line == 3);
  CHECK(found[0].principals == std::vector<std::string>{"alice@example.org", "alice"});
  CHECK(found[0].public_text == "ssh-ed25519 AAAA her laptop");
  CHECK(found[0].comment == "her laptop");
  CHECK(found[1].principals == std::vector<std::string>{"bob"});
  CHECK(found[1].valid_after == 1767225600);
  CHECK(found[1].valid_before == 1801627506);
  CHECK(found[1].public_text == "sk-ssh-ed25519@openssh.com BBBB");
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(found[i].wrong);
    CHECK(found[i].wrong.empty() == (i < 3));
  }
  CHECK(found[3].wrong.starts_with("namespaces"));
  CHECK(found[4].wrong.starts_with("cert-authority"));
  CHECK(signers("").empty());
  CHECK(signers("\"unclosed ssh-ed25519 AAAA")[0].wrong.size() > 0);
  CHECK(signers("x")[0].wrong.size() > 0);
}
