// SPDX-License-Identifier: Apache-2.0
// people.d: who is a person, under which user names, in which roles.
#include <algorithm>
#include <array>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

// "sk-ssh-ed25519@openssh.com AAAA...": a key that lives in a token.
bool in_token(std::string_view public_text) { return public_text.starts_with("sk-"); }

// One key is one person's, once: a vote names nothing but its key.
void judge_key(Draft& draft, Key& key, const Place& place) {
  KeyVerdict verdict = draft.input.judge_key(key);
  if (!verdict.wrong.empty()) {
    draft.report.add("E17", place, "the key " + verdict.wrong);
    return;
  }
  const auto [at, added] = draft.keys_at.emplace(verdict.fingerprint, place);
  if (!added) draft.report.add("E02", place, "this key stands here twice; a key is one person's, once", at->second);
  key.fingerprint = std::move(verdict.fingerprint);
}

void read_key(Draft& draft, const Node& node, std::vector<Key>& keys) {
  Report& report = draft.report;
  const Fields fields(node, Table::kKey, report);
  Key key;
  const auto id = fields.text("id");
  if (!fields.has("id")) report.add("E01", node.place, "a key without `id`; give it one");
  if (id && std::ranges::find(keys, id->value, &Key::id) != keys.end()) {
    report.add("E02", id->place, "key id `" + id->value + "` is used twice for this person");
  }
  if (id) key.id = id->value;
  const auto kind = fields.text("kind");
  if (!fields.has("kind")) report.add("E01", node.place, "a key without `kind`; write kind = \"ssh\" or \"webauthn\"");
  if (kind && kind->value != "ssh" && kind->value != "webauthn") {
    report.add("E01", kind->place, "`kind` must be \"ssh\" or \"webauthn\"");
  }
  if (kind) key.kind = kind->value;
  if (!fields.has("public")) report.add("E01", node.place, "a key without `public`");
  const auto text = fields.text("public");
  if (text) key.public_text = text->value;
  key.hardware = key.kind == "webauthn" || in_token(key.public_text);
  key.verify_required = fields.boolean("verify-required").value_or(false);
  key.not_before = fields.time("not-before");
  key.not_after = fields.time("not-after");
  if (const Entry* revoked = fields.find("revoked"); revoked != nullptr && revoked->value.kind == Node::Kind::kBool) {
    if (revoked->value.boolean) key.revoked = 0;  // from ever on
  } else {
    key.revoked = fields.time("revoked");
  }
  if (text && draft.input.judge_key && (key.kind == "ssh" || key.kind == "webauthn")) judge_key(draft, key, text->place);
  keys.push_back(std::move(key));
}

void read_users(Draft& draft, const Fields& fields, Person& person) {
  const auto users = fields.maybe_empty_texts("users");
  if (!users) return;
  for (const Text& user : *users) {
    if (!valid_account_name(user.value)) {
      draft.report.add("E01", user.place, "`" + user.value + "` is no valid user name");
      continue;
    }
    const auto [at, added] = draft.users_at.emplace(user.value, user.place);
    if (!added) {
      draft.report.add("E02", user.place, "user `" + user.value + "` stands for two people; a user is one person", at->second);
      continue;
    }
    person.users.push_back(user.value);
  }
}

void read_person(Draft& draft, const Node& node) {
  Report& report = draft.report;
  const Fields fields(node, Table::kPerson, report);
  Person person;
  const auto name = fields.text("name");
  if (!name) {
    if (!fields.has("name")) report.add("E01", node.place, "a person without `name`; give him one");
  } else if (!valid_account_name(name->value)) {
    report.add("E01", name->place, "`" + name->value + "` is no valid name of a person (no number, : / , * or control byte)");
  } else {
    const auto [at, added] = draft.people_at.emplace(name->value, name->place);
    if (!added) report.add("E02", name->place, "person `" + name->value + "` is defined twice", at->second);
    person.name = name->value;
  }
  read_users(draft, fields, person);
  if (const auto kind = fields.text("class")) {
    person.machine = kind->value == "machine";
    if (!person.machine && kind->value != "human") report.add("E01", kind->place, "`class` must be \"human\" or \"machine\"");
  }
  if (const auto roles = fields.maybe_empty_texts("roles")) {
    for (const Text& role : *roles) {
      if (role.value != "admin" && role.value != "auditor") {
        report.add("E01", role.place, "`" + role.value + "` is no role (admin, auditor)" + did_you_mean(role.value, {"admin", "auditor"}));
      }
      person.roles.push_back(role.value);
    }
  }
  for (const Node* key : fields.tables("key")) read_key(draft, *key, person.keys);

  const std::size_t index = draft.out->people.size();
  draft.out->person_by_name.emplace(person.name, index);
  for (const std::string& user : person.users) draft.out->person_by_user.emplace(user, index);
  draft.out->people.push_back(std::move(person));
}

}  // namespace

void read_people_file(Draft& draft, const Node& root) {
  const Fields fields(root, Table::kPeople, draft.report);
  if (!fields.has("version")) draft.report.add("E01", {root.place.file, 1, 1}, "`version` is missing; write version = 1 and raise it with each change");
  if (const auto version = fields.integer("version", 1, INT64_MAX)) {
    draft.out->people_files.push_back({draft.report.files()[root.place.file], *version});
  }
  for (const Node* node : fields.tables("person")) read_person(draft, *node);
}

}  // namespace jit::policy
