// SPDX-License-Identifier: Apache-2.0
// Keys of people: add-key, import. They write people.d, which only root can; the broker has no method for it.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/allowed_signers.h"
#include "cli/commands.h"
#include "cli/people_edit.h"
#include "cli/policy_files.h"
#include "cli/replace_file.h"
#include "evidence/signature.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr const char* kPeopleFolder = "/etc/jit/people.d";

Failure only_root() { return {Exit::kNotAllowed, "only root changes who may sign: type sudo jitctl people ..."}; }

// As they stand on disk, for as long as this lives: two who add keys at once wait for each other.
class PeopleFiles {
 public:
  PeopleFiles() : lock_(open(kPeopleFolder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  PeopleFiles(const PeopleFiles&) = delete;
  PeopleFiles& operator=(const PeopleFiles&) = delete;
  ~PeopleFiles() {
    if (lock_ >= 0) close(lock_);
  }

  Result<Nothing> read() {
    if (lock_ < 0 || flock(lock_, LOCK_EX) != 0) return Failure{Exit::kNo, std::string(kPeopleFolder) + " cannot be opened; make it, and a file with [[person]] in it"};
    auto loaded = load_policy({});
    if (!loaded) return loaded.failure();
    for (const policy::Finding& finding : loaded->findings) {
      // People come before the first policy.
      if (finding.code == "E03" && !finding.file.ends_with("/policy.d")) return Failure{Exit::kNo, shown(finding)};
    }
    sources = std::move(loaded->people);
    people = policy::load_people(sources, config::judge_key);
    if (!people.findings.empty()) return Failure{Exit::kNo, "the people files have errors: see jitctl people check; nothing was written"};
    return Nothing{};
  }
  const policy::Person* person(std::string_view name) const {
    const auto found = std::ranges::find(people.people, name, &policy::Person::name);
    return found == people.people.end() ? nullptr : &*found;
  }
  // Whose key it is, and under which id.
  std::optional<std::pair<std::string, std::string>> owner(const std::string& fingerprint) const {
    for (const policy::Person& one : people.people) {
      const auto key = std::ranges::find(one.keys, fingerprint, &policy::Key::fingerprint);
      if (key != one.keys.end()) return std::pair(one.name, key->id);
    }
    return std::nullopt;
  }

  std::vector<policy::Source> sources;
  policy::PeopleSet people;

 private:
  int lock_;
};

struct Change {
  std::string file;
  std::string text;
  std::int64_t version = 0;
  std::vector<std::string> added;
};

// What becomes of the files; the whole set is checked, so that no reload can trip over it.
Result<std::vector<Change>> changes_for(const PeopleFiles& files, const std::vector<NewKey>& keys) {
  std::vector<Change> out;
  std::vector<policy::Source> after = files.sources;
  for (policy::Source& source : after) {
    const std::vector<policy::Source> one = {source};
    const policy::PeopleSet in = policy::load_people(one);
    std::vector<NewKey> his;
    for (const NewKey& key : keys) {
      if (std::ranges::find(in.people, key.person, &policy::Person::name) != in.people.end()) his.push_back(key);
    }
    if (his.empty()) continue;
    auto edited = add_keys(source, his);
    if (!edited) return edited.failure();
    source.text = edited->text;
    out.push_back({source.name, std::move(edited->text), edited->version, std::move(edited->added)});
  }
  const policy::PeopleSet whole = policy::load_people(after, config::judge_key);
  if (!whole.findings.empty()) return Failure{Exit::kNo, shown(whole.findings.front()) + "; nothing was written"};
  return out;
}

// The one key of a file *.pub; blank lines and comments do not count.
Result<std::string> only_key(const std::string& text) {
  std::string out;
  std::string_view left = text;
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    const std::string_view line = evidence::trim(left.substr(0, end));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (line.find("PRIVATE KEY") != std::string_view::npos) return Failure{Exit::kUsage, "this is a private key: keep it to yourself, and give the file *.pub beside it"};
    if (!out.empty()) return Failure{Exit::kUsage, "this holds more than one key: give one at a time"};
    out = line;
  }
  if (out.empty()) return Failure{Exit::kUsage, "this holds no key"};
  return out;
}

std::string comment_of(const policy::Key& key) {
  if (key.kind != "ssh") return {};
  const std::size_t at = key.public_text.find(' ', key.public_text.find(' ') + 1);
  return at == std::string::npos ? std::string() : key.public_text.substr(at + 1);
}

// "PRINCIPAL=NAME,..."
Result<std::map<std::string, std::string>> people_named(const std::string& text) {
  std::map<std::string, std::string> out;
  std::string_view left = text;
  while (!left.empty()) {
    const std::string_view one = left.substr(0, left.find(','));
    left.remove_prefix(std::min(one.size() + 1, left.size()));
    const std::size_t equals = one.rfind('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == one.size()) return Failure{Exit::kUsage, "--person: say which principal is whom: --person alice@example.org=alice"};
    out.insert_or_assign(std::string(one.substr(0, equals)), std::string(one.substr(equals + 1)));
  }
  return out;
}

struct ImportedKeys {
  std::vector<NewKey> keys;
  Json notes = Json::array();  // {"line", "what"}
  void leave_out(const AllowedSigner& signer, const std::string& why) { notes.push_back({{"line", signer.line}, {"what", why}}); }
};

// Who it is: by --person, or where the principal is written just as the person. What stands before an @ says nothing.
void take(const AllowedSigner& signer, const std::map<std::string, std::string>& named, const PeopleFiles& files, ImportedKeys& out) {
  if (!signer.wrong.empty()) return out.leave_out(signer, signer.wrong);
  const policy::Person* person = nullptr;
  for (const std::string& principal : signer.principals) {
    const auto found = named.find(principal);
    const policy::Person* const one = files.person(found == named.end() ? principal : found->second);
    if (one == nullptr) return out.leave_out(signer, "no person for " + evidence::escape_to(principal, 64) + ": name him with --person PRINCIPAL=NAME");
    if (person != nullptr && person != one) return out.leave_out(signer, "its principals are two people; a key is one person's");
    person = one;
  }
  policy::Key key;
  key.kind = "ssh";
  key.public_text = signer.public_text;
  key.not_before = signer.valid_after;
  key.not_after = signer.valid_before;
  policy::KeyVerdict verdict = config::judge_key(key);
  if (!verdict.wrong.empty()) return out.leave_out(signer, "the key " + verdict.wrong);
  key.fingerprint = std::move(verdict.fingerprint);
  if (const auto owner = files.owner(key.fingerprint)) {
    return out.leave_out(signer, "is already a key of " + evidence::escape(owner->first) + " (" + evidence::escape(owner->second) + ")");
  }
  if (std::ranges::any_of(out.keys, [&](const NewKey& one) { return one.key.fingerprint == key.fingerprint; })) return out.leave_out(signer, "stands in this file twice");
  std::vector<policy::Key> taken = person->keys;
  for (const NewKey& one : out.keys) {
    if (one.person == person->name) taken.push_back(one.key);
  }
  key.id = id_for(key, signer.comment, taken);
  out.keys.push_back({person->name, std::move(key)});
}

Exit write_keys(const PeopleFiles& files, const std::vector<NewKey>& keys, Output& out, bool json) {
  const auto changes = changes_for(files, keys);
  if (!changes) return out.fail(changes.failure());
  for (const Change& one : *changes) {
    if (const std::string wrong = replace_file(one.file, one.text); !wrong.empty()) {
      return out.fail({Exit::kNo, evidence::escape_to(one.file, 256) + ": cannot be replaced: " + wrong});
    }
    if (json) continue;
    out.line(evidence::escape(one.file) + ": now version " + std::to_string(one.version));
    for (const std::string& line : one.added) out.line("+ " + evidence::escape(line));
  }
  if (json) {
    Json written = Json::array(), added = Json::array();
    for (const Change& one : *changes) written.push_back({{"file", evidence::escape(one.file)}, {"version", one.version}});
    for (const NewKey& one : keys) added.push_back({{"person", evidence::escape(one.person)}, {"id", evidence::escape(one.key.id)}, {"fingerprint", one.key.fingerprint}});
    out.line(Json{{"files", std::move(written)}, {"keys", std::move(added)}}.dump());
  } else {
    for (const NewKey& one : keys) out.line(evidence::escape(one.person) + " may sign with " + one.key.fingerprint + " (" + evidence::escape(one.key.id) + ")");
    out.note("it counts from the next load on: jitctl policy reload");
  }
  return Exit::kDone;
}

}  // namespace

Exit Verbs::add_key() {
  if (geteuid() != 0) return out.fail(only_root());
  const auto text = read_policy_file(args.words[1]);
  if (!text) return out.fail(text.failure());
  auto line = only_key(*text);
  if (!line) return out.fail(line.failure());
  policy::Key key;
  key.kind = args.has(Option::kKind) ? args.value(Option::kKind) : "ssh";
  key.public_text = std::move(*line);
  key.verify_required = args.has(Option::kVerifyRequired);
  policy::KeyVerdict verdict = config::judge_key(key);
  if (!verdict.wrong.empty()) return out.fail({Exit::kNo, "the key " + verdict.wrong + "; nothing was written"});
  key.fingerprint = std::move(verdict.fingerprint);
  PeopleFiles files;
  if (const auto read = files.read(); !read) return out.fail(read.failure());
  const std::string& name = args.words[0];
  const policy::Person* const person = files.person(name);
  if (person == nullptr) {
    return out.fail({Exit::kNotAllowed, "no person " + evidence::escape_to(name, 64) + ": write him into a file of " + kPeopleFolder + " first, see jitctl people list"});
  }
  if (const auto owner = files.owner(key.fingerprint)) {
    return out.fail({Exit::kNo, "this is already a key of " + evidence::escape(owner->first) + " (" + evidence::escape(owner->second) + "); nothing was written"});
  }
  key.id = args.has(Option::kId) ? args.value(Option::kId) : id_for(key, comment_of(key), person->keys);
  if (evidence::trim(key.id).empty() || !evidence::valid_utf8(key.id)) return out.fail({Exit::kUsage, "--id: give the key a name, as laptop"});
  const std::vector<NewKey> keys = {{name, std::move(key)}};
  return write_keys(files, keys, out, json());
}

Exit Verbs::import_people() {
  if (geteuid() != 0) return out.fail(only_root());
  const auto named = people_named(args.value(Option::kPerson));
  if (!named) return out.fail(named.failure());
  const auto text = read_policy_file(args.words[0]);
  if (!text) return out.fail(text.failure());
  PeopleFiles files;
  if (const auto read = files.read(); !read) return out.fail(read.failure());
  ImportedKeys imported;
  for (const AllowedSigner& signer : parse_allowed_signers(*text, evidence::kVoteNamespace)) take(signer, *named, files, imported);
  for (const Json& note : imported.notes) {
    const std::string line = "line " + std::to_string(note["line"].get<std::uint32_t>()) + ": left out: " + note["what"].get<std::string>();
    json() ? out.aside(line) : out.note(line);
  }
  if (imported.keys.empty()) return out.fail({Exit::kNo, "no key was carried over; nothing was written"});
  return write_keys(files, imported.keys, out, json());
}

}  // namespace jit::cli
