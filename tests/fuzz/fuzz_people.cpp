// SPDX-License-Identifier: Apache-2.0
// Files that keys come from and go to: 'a' a file of allowed signers, 'p' a file of people.d that gets a key.
#include <algorithm>

#include "cli/allowed_signers.h"
#include "cli/people_edit.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace jit::cli;
using jit::fuzz::require;

// Whatever the file is like: what comes out is the people of before and the key, at a version that is one higher.
void add_to(const std::string& text) {
  const std::vector<jit::policy::Source> before = {{"people.toml", text}};
  const jit::policy::PeopleSet people = jit::policy::load_people(before);
  std::vector<NewKey> keys(1);
  keys[0].person = people.people.empty() ? "bob" : people.people.back().name;
  keys[0].key.id = "a new key";
  keys[0].key.kind = "ssh";
  keys[0].key.public_text = "ssh-ed25519 AAAA \"\\";
  const auto edited = add_keys(before[0], keys);
  if (!edited) return;
  const std::vector<jit::policy::Source> after = {{"people.toml", edited->text}};
  const jit::policy::PeopleSet now = jit::policy::load_people(after);
  require(now.findings.empty() && now.people.size() == people.people.size());
  require(now.files.at(0).version == people.files.at(0).version + 1 && edited->version == now.files[0].version);
  for (std::size_t i = 0; i < now.people.size(); ++i) {
    const bool his = now.people[i].name == keys[0].person;
    require(now.people[i].name == people.people[i].name && now.people[i].users == people.people[i].users);
    require(now.people[i].keys.size() == people.people[i].keys.size() + (his ? 1 : 0));
    if (his) require(now.people[i].keys.back().public_text == keys[0].key.public_text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = jit::fuzz::text_of(data + 1, size - 1);
  if (data[0] == 'p') add_to(std::string(text));
  if (data[0] != 'a') return 0;
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  const auto signers = parse_allowed_signers(text, "vote@pam-jit.v1");
  require(signers.size() <= lines + 1);
  for (const AllowedSigner& one : signers) require(!one.principals.empty() && one.line >= 1 && one.line <= lines + 1);
  return 0;
}
