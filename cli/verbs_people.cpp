// SPDX-License-Identifier: Apache-2.0
// people.d: what its files say by themselves, and which of them the broker takes.
#include <algorithm>
#include <ctime>
#include <filesystem>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

struct PeopleRead {
  policy::PeopleSet people;
  std::vector<policy::Finding> findings;  // of the files, and of what they say
};

bool names_people(const policy::Finding& finding) { return finding.file.find("people.d") != std::string::npos; }

// The host's own, a folder laid out as /etc/jit, or single files.
Result<PeopleRead> read_people(const std::vector<std::string>& paths) {
  PeopleRead out;
  std::error_code error;
  std::vector<policy::Source> sources;
  if (paths.empty() || (paths.size() == 1 && std::filesystem::is_directory(paths[0], error))) {
    auto loaded = load_policy(paths);
    if (!loaded) return loaded.failure();
    // Who may write a file, and what cannot be read: what is wrong with the words is found below.
    std::ranges::copy_if(loaded->findings, std::back_inserter(out.findings), [&](const policy::Finding& finding) {
      return names_people(finding) && std::ranges::find(loaded->people, finding.file, &policy::Source::name) == loaded->people.end();
    });
    std::ranges::copy_if(loaded->findings, std::back_inserter(out.findings), [&](const policy::Finding& finding) {
      return finding.code == "E03" && std::ranges::find(loaded->people, finding.file, &policy::Source::name) != loaded->people.end();
    });
    if (loaded->people.empty() && out.findings.empty() && !loaded->findings.empty() && loaded->findings.front().code == "E03") {
      out.findings.push_back(loaded->findings.front());  // not even the folder
    }
    sources = std::move(loaded->people);
  } else {
    for (const std::string& path : paths) {
      auto text = read_policy_file(path);
      if (!text) return text.failure();
      sources.push_back({path, std::move(*text)});
    }
  }
  out.people = policy::load_people(sources, config::judge_key);
  out.findings.insert(out.findings.end(), out.people.findings.begin(), out.people.findings.end());
  return out;
}

std::string comma_list(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + evidence::escape(word);
  return out.empty() ? "-" : out;
}

Json key_json(const policy::Key& key, std::int64_t now) {
  return {{"id", evidence::escape(key.id)}, {"kind", key.kind}, {"hardware", key.hardware}, {"usable", key.usable(now)}};
}

Json person_json(const policy::Person& person, std::int64_t now) {
  Json users = Json::array(), roles = Json::array(), keys = Json::array();
  for (const std::string& user : person.users) users.push_back(evidence::escape(user));
  for (const std::string& role : person.roles) roles.push_back(evidence::escape(role));
  for (const policy::Key& key : person.keys) keys.push_back(key_json(key, now));
  return {{"name", evidence::escape(person.name)}, {"users", users}, {"class", person.machine ? "machine" : "human"}, {"roles", roles}, {"keys", keys}};
}

std::string keys_text(const policy::Person& person, std::int64_t now) {
  if (person.keys.empty()) return "-";
  const auto usable = std::ranges::count_if(person.keys, [&](const policy::Key& key) { return key.usable(now); });
  std::string out = std::to_string(usable);
  if (const auto ended = static_cast<std::ptrdiff_t>(person.keys.size()) - usable; ended > 0) out += " (" + std::to_string(ended) + " not usable now)";
  return out;
}

}  // namespace

Exit Verbs::list_people() {
  const auto read = read_people(args.words);
  if (!read) return out.fail(read.failure());
  if (!read->findings.empty()) {
    for (const policy::Finding& finding : read->findings) out.line(shown(finding));
    return out.fail({Exit::kNo, "the people files do not load: mend the findings above"});
  }
  const std::int64_t now = std::time(nullptr);
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows = {{"NAME", "USERS", "CLASS", "ROLES", "KEYS"}};
  for (const policy::Person& person : read->people.people) {
    all.push_back(person_json(person, now));
    rows.push_back({evidence::escape(person.name), comma_list(person.users), person.machine ? "machine" : "human", comma_list(person.roles), keys_text(person, now)});
  }
  if (json()) {
    out.line(all.dump());
  } else {
    out.table(rows);
  }
  return Exit::kDone;
}

Exit Verbs::check_people() {
  const auto read = read_people(args.words);
  if (!read) return out.fail(read.failure());
  const bool good = read->findings.empty();
  const std::size_t count = read->people.people.size();
  if (json()) {
    Json findings = Json::array(), files = Json::array();
    for (const policy::Finding& finding : read->findings) {
      findings.push_back({{"code", finding.code}, {"file", evidence::escape(finding.file)}, {"line", finding.line}, {"column", finding.column},
                          {"message", evidence::escape(finding.message)}, {"other", evidence::escape(finding.other)}});
    }
    for (const policy::PeopleFile& file : read->people.files) files.push_back({{"file", evidence::escape(file.name)}, {"version", file.version}});
    out.line(Json{{"ok", good}, {"people", count}, {"files", std::move(files)}, {"findings", std::move(findings)}}.dump());
  } else {
    for (const policy::Finding& finding : read->findings) out.line(shown(finding));
    if (good) out.line("ok: " + std::to_string(count) + (count == 1 ? " person" : " people"));
  }
  return good ? Exit::kDone : Exit::kNo;
}

Exit Verbs::accept_people() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto status = (*client)->accept_people();
  return status ? loaded_again(*status) : out.fail(status.failure());
}

}  // namespace jit::cli
