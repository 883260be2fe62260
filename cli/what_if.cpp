// SPDX-License-Identifier: Apache-2.0
#include "cli/what_if.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <ctime>

#include "cli/commands.h"
#include "evidence/text.h"
#include "policy/facts.h"

namespace jit::cli {

namespace {

constexpr int kMostGroups = 65536;  // NGROUPS_MAX of Linux

std::vector<std::string> groups_of(const passwd& entry) {
  int count = 64;
  std::vector<gid_t> ids(static_cast<std::size_t>(count));
  while (getgrouplist(entry.pw_name, entry.pw_gid, ids.data(), &count) < 0 && count <= kMostGroups) {
    ids.resize(static_cast<std::size_t>(count));
  }
  std::vector<std::string> out;
  for (int i = 0; i < count && static_cast<std::size_t>(i) < ids.size(); ++i) {
    const group* const found = getgrgid(ids[static_cast<std::size_t>(i)]);
    out.push_back(found != nullptr ? found->gr_name : std::to_string(ids[static_cast<std::size_t>(i)]));
  }
  return out;
}

// As the directory knows him; a user that it does not know is supposed, with the groups that are given.
policy::Identity identity_of(const std::string& user, const policy::Policy& policy, bool groups) {
  policy::Identity out;
  out.user = user;
  errno = 0;
  if (const passwd* const entry = getpwnam(user.c_str())) {
    out.uid = entry->pw_uid;
    if (groups) out.groups_all = groups_of(*entry);
    out.groups_known = true;
  } else {
    out.uid = policy::kNoUid - 1;
    // What getpwnam(3) says where there is no such user; all else is a directory that did not answer.
    out.groups_known = errno == 0 || errno == ENOENT || errno == ESRCH || errno == EBADF || errno == EPERM;
  }
  out.groups_any = out.groups_all;
  out.person = policy.person_name(user, out.uid);
  return out;
}

// As the broker does: the folder is resolved, the name is not.
std::string resolved(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || path.front() != '/') return {};
  char folder[PATH_MAX];
  if (realpath(slash == 0 ? "/" : path.substr(0, slash).c_str(), folder) == nullptr) return path;
  const std::string real = folder;
  return (real == "/" ? "" : real) + path.substr(slash);
}

std::string found_in_secure_path(const std::string& name) {
  for (const char* folder : {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    const std::string path = std::string(folder) + '/' + name;
    if (access(path.c_str(), X_OK) == 0) return resolved(path);
  }
  return {};
}

// "3" is a decimal number, or a text, where the fact is one.
policy::Value as_declared(const policy::Policy& policy, const std::string& name, const policy::Value& value) {
  const auto& all = policy.rules().facts;
  const auto declared = std::ranges::find(all, name, &policy::FactRule::name);
  const auto type = declared != all.end() ? std::optional(declared->type) : policy::built_in(name);
  const auto* whole = std::get_if<std::int64_t>(&value);
  if (whole == nullptr) return value;
  if (type == policy::FactRule::Type::kFloat) return static_cast<double>(*whole);
  if (type == policy::FactRule::Type::kString) return std::to_string(*whole);
  return value;
}

}  // namespace

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (comma != 0) out.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return out;
}

Result<std::optional<std::vector<std::string>>> host_tags(const Args& args) {
  std::optional<std::vector<std::string>> out;
  if (!args.has(Option::kHostTag)) return out;
  out.emplace();
  for (std::string tag : split(args.value(Option::kHostTag))) {
    if (tag.starts_with("tag:")) tag.erase(0, 4);
    const bool good = !tag.empty() && tag.size() <= 64 && tag.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!good) return Failure{Exit::kUsage, "--host-tag: a tag is 1 to 64 of a-z, 0-9 and -; several with commas between them"};
    out->push_back(std::move(tag));
  }
  return out;
}

Result<std::map<std::string, policy::Value>> supposed_facts(const Args& args) {
  std::map<std::string, policy::Value> out;
  for (const std::string& fact : split(args.value(Option::kFact))) {
    const std::size_t equals = fact.find('=');
    if (equals == std::string::npos || equals == 0) return Failure{Exit::kUsage, "--fact: NAME=VALUE, several with commas between them"};
    out.insert_or_assign(fact.substr(0, equals), value_of(std::string_view(fact).substr(equals + 1)));
  }
  return out;
}

policy::Value value_of(std::string_view text) {
  if (text == "true" || text == "false") return text == "true";
  std::int64_t whole = 0;
  const auto all = [&](std::from_chars_result parsed) { return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size(); };
  if (all(std::from_chars(text.data(), text.data() + text.size(), whole))) return whole;
  double number = 0;
  if (text.find_first_not_of("0123456789.-") == std::string_view::npos && all(std::from_chars(text.data(), text.data() + text.size(), number))) {
    return number;
  }
  return std::string(text);
}

Result<WhatIf> WhatIf::from(const Args& args, const policy::Policy& policy) {
  WhatIf out;
  const auto usage = [](std::string message) { return Failure{Exit::kUsage, std::move(message)}; };
  if (args.has(Option::kDoor)) {
    const auto door = policy::door_named(args.value(Option::kDoor));
    if (!door) return usage("--door: sudo, su, ssh, login or polkit");
    out.asked.door = *door;
  }
  std::string user = args.value(Option::kUser);
  if (user.empty()) {
    const passwd* const self = getpwuid(getuid());
    if (self == nullptr) return usage("name the user: --user NAME");
    user = self->pw_name;
  }
  const bool login = out.asked.door == policy::Door::kSsh || out.asked.door == policy::Door::kLogin;
  const bool given = args.has(Option::kGroups);
  out.asked.subject = identity_of(user, policy, !given);
  if (given) {
    out.asked.subject.groups_all = out.asked.subject.groups_any = split(args.value(Option::kGroups));
    out.asked.subject.groups_known = true;
  }
  out.asked.root = identity_of("root", policy, true);
  const std::string as = args.value(Option::kAs);
  if (login && !as.empty()) return usage("--as: at " + std::string(policy::name_of(out.asked.door)) + " the user logs in as himself");
  out.asked.target = login ? out.asked.subject : identity_of(as.empty() ? "root" : as, policy, true);

  const std::string origin = args.value(Option::kFrom);
  if (origin == "local" || (origin.empty() && !login)) {
    out.asked.from.kind = policy::Origin::Kind::kLocal;
  } else if (!origin.empty() && origin != "unknown") {
    const auto peer = policy::Address::parse(origin);
    if (!peer) return usage("--from: an address, local or unknown");
    out.asked.from = {policy::Origin::Kind::kPeer, *peer};
  }
  out.asked.now = std::time(nullptr);
  if (args.has(Option::kAt)) {
    const auto at = parse_since(args.value(Option::kAt), out.asked.now * 1000);
    if (!at) return usage("--at: a time with its zone (2026-11-24T21:10:00Z), or how long ago (2h)");
    out.asked.now = *at / 1000;
  }
  const auto asked = duration_of(args);
  if (!asked) return asked.failure();
  out.duration_s = *asked;
  out.asked.reason = args.value(Option::kReason);
  out.asked.ticket = args.value(Option::kTicket);
  out.asked.via = args.value(Option::kVia);
  if (args.has(Option::kUrgency)) out.asked.urgency = args.value(Option::kUrgency);
  const auto facts = supposed_facts(args);
  if (!facts) return facts.failure();
  for (const auto& [name, said] : *facts) {
    const policy::Value value = as_declared(policy, name, said);
    if (const auto wrong = policy::wrong_fact(policy.rules(), name, &value)) return usage("--fact: " + evidence::escape(*wrong));
    out.asked.facts.readings.insert_or_assign(name, policy::Reading{value, 0, {}});
  }
  out.asked.verified = !args.has(Option::kClaimed);
  if (!args.command.empty()) {
    const std::string& first = args.command.front();
    const std::string path = first.find('/') == std::string::npos ? found_in_secure_path(first) : resolved(first);
    if (path.empty()) return usage("the command " + evidence::escape_to(first, 64) + " is not found; give its whole path");
    out.asked.path = path;
    out.asked.words.assign(args.command.begin() + 1, args.command.end());
  }
  return out;
}

policy::Request WhatIf::request() const {
  policy::Request out = asked.view();
  out.asked_s = duration_s;
  out.command.digest_bound = out.command.known && out.command.verified;
  return out;
}

std::string WhatIf::line() const {
  const bool login = asked.door == policy::Door::kSsh || asked.door == policy::Door::kLogin;
  std::string out = asked.subject.user + ", " + std::string(policy::name_of(asked.door));
  if (!login) out += " as " + asked.target.user;
  if (asked.path) out += ": " + *asked.path;
  for (const std::string& word : asked.words) out += ' ' + word;
  return evidence::escape(out);
}

}  // namespace jit::cli
