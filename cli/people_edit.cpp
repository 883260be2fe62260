// SPDX-License-Identifier: Apache-2.0
#include "cli/people_edit.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "evidence/text.h"
#include "policy/document.h"

namespace jit::cli {

namespace {

constexpr std::size_t kKeyIdMax = 64;

std::string key_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string key_time(std::int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  std::string out(32, '\0');
  if (gmtime_r(&time, &parts) == nullptr) return {};
  out.resize(std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
  return out;
}

std::vector<std::string> lines_for(const policy::Key& key) {
  std::vector<std::string> out = {"[[person.key]]", "id = " + key_text(key.id), "kind = " + key_text(key.kind), "public = " + key_text(key.public_text)};
  if (key.verify_required) out.emplace_back("verify-required = true");
  if (key.not_before) out.push_back("not-before = " + key_time(*key.not_before));
  if (key.not_after) out.push_back("not-after = " + key_time(*key.not_after));
  return out;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    out.emplace_back(text.substr(0, end + 1));  // with its end
    text.remove_prefix(end + 1);
  }
  return out;
}

const policy::Node* entry_of(const policy::Node& table, std::string_view key) {
  const auto found = std::ranges::find(table.entries, key, &policy::Entry::key);
  return found == table.entries.end() ? nullptr : &found->value;
}

// Columns count code points.
std::size_t byte_at(std::string_view line, std::uint32_t column) {
  std::size_t at = 0;
  for (std::uint32_t seen = 1; seen < column && at < line.size(); ++seen) {
    ++at;
    while (at < line.size() && (static_cast<unsigned char>(line[at]) & 0xc0U) == 0x80U) ++at;
  }
  return at;
}

Failure cannot_edit(const std::string& file, const std::string& why) {
  return {Exit::kNo, evidence::escape_to(file, 256) + " " + why + "; nothing was written"};
}

bool same_key(const policy::Key& a, const policy::Key& b) {
  return a.id == b.id && a.kind == b.kind && a.public_text == b.public_text && a.verify_required == b.verify_required && a.not_before == b.not_before &&
         a.not_after == b.not_after && a.revoked == b.revoked;
}

bool same_person(const policy::Person& a, const policy::Person& b) {
  return a.name == b.name && a.users == b.users && a.roles == b.roles && a.machine == b.machine && std::ranges::equal(a.keys, b.keys, same_key);
}

// Lines are found by looking at them, so what came out is read once more: the people of before, and the keys.
bool says(const std::string& text, std::vector<policy::Person> people, std::span<const NewKey> keys, std::int64_t version) {
  for (const NewKey& one : keys) {
    const auto person = std::ranges::find(people, one.person, &policy::Person::name);
    if (person == people.end()) return false;
    person->keys.push_back(one.key);
  }
  const std::vector<policy::Source> file = {{"the new text", text}};
  const policy::PeopleSet after = policy::load_people(file);
  return after.findings.empty() && after.files.size() == 1 && after.files[0].version == version && std::ranges::equal(after.people, people, same_person);
}

// The line behind the last one of the person that begins on line `from`: what stands before the next one (comments, blank lines)
// is the next one's.
std::size_t end_of(const std::vector<std::string>& lines, const policy::Node& people, std::uint32_t from) {
  std::size_t end = lines.size();
  for (const policy::Node& other : people.items) {
    if (other.place.line > from) end = std::min<std::size_t>(end, other.place.line - 1);
  }
  while (end > from) {
    const std::string_view last = evidence::trim(lines[end - 1]);
    if (!last.empty() && last.front() != '#') break;
    --end;
  }
  return end;
}

}  // namespace

Result<Edited> add_keys(const policy::Source& file, std::span<const NewKey> keys) {
  const std::vector<policy::Source> files = {file};
  const policy::PeopleSet before = policy::load_people(files);
  if (!before.findings.empty() || before.files.size() != 1) return cannot_edit(file.name, "has errors: see jitctl people check");
  policy::Report report;
  const auto root = policy::parse_document(report.add_file(file.name), file.text, report);
  const policy::Node* const people = root ? entry_of(*root, "person") : nullptr;
  const policy::Node* const version = root ? entry_of(*root, "version") : nullptr;
  if (people == nullptr || version == nullptr) return cannot_edit(file.name, "has no [[person]]");
  if (version->integer == INT64_MAX) return cannot_edit(file.name, "has the highest version there is");

  Edited out;
  out.version = version->integer + 1;
  std::vector<std::string> lines = split_lines(file.text);
  if (!lines.empty() && !lines.back().ends_with('\n')) lines.back() += '\n';
  std::map<std::size_t, std::string, std::greater<>> inserts;  // by the line they stand before, the last first
  for (const NewKey& one : keys) {
    const auto is_he = [&](const policy::Node& node) {
      const policy::Node* const name = entry_of(node, "name");
      return name != nullptr && name->text == one.person;
    };
    const auto person = std::ranges::find_if(people->items, is_he);
    if (person == people->items.end()) return cannot_edit(file.name, "has no person " + evidence::escape_to(one.person, 64));
    const std::uint32_t line = person->place.line;
    if (line == 0 || line > lines.size() || !evidence::trim(lines[line - 1]).starts_with("[[")) {
      return cannot_edit(file.name, "does not write its people as [[person]], each on a line of its own");
    }
    std::string& insert = inserts[end_of(lines, *people, line)];
    insert += '\n';
    for (const std::string& added : lines_for(one.key)) {
      insert += added + '\n';
      out.added.push_back(added);
    }
  }
  for (const auto& [at, text] : inserts) lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at), text);
  // The keys stand below the version: tables follow the values of the file.
  std::string& line = lines.at(version->place.line - 1);
  const std::size_t from = byte_at(line, version->place.column);
  const std::size_t to = std::min(line.find_first_not_of("0123456789abcdefABCDEFxo_+", from), line.size());
  line.replace(from, to - from, std::to_string(out.version));
  for (const std::string& one : lines) out.text += one;
  if (!says(out.text, before.people, keys, out.version)) return cannot_edit(file.name, "is written in a way that jitctl cannot change; add the key by hand");
  return out;
}

std::string id_for(const policy::Key& key, std::string_view comment, std::span<const policy::Key> taken) {
  comment = evidence::trim(comment);
  std::string base(comment.substr(0, std::min(comment.find(' '), kKeyIdMax)));
  const bool plain = !base.empty() && std::ranges::all_of(base, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!plain) base = key.fingerprint.substr(0, std::string_view("SHA256:").size() + 8);
  std::string out = base;
  for (int n = 2; std::ranges::find(taken, out, &policy::Key::id) != taken.end(); ++n) out = base + "-" + std::to_string(n);
  return out;
}

}  // namespace jit::cli
