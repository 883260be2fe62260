// SPDX-License-Identifier: Apache-2.0
#include "cli/trust.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/policy_files.h"
#include "cli/replace_file.h"
#include "cli/signer.h"
#include "evidence/host_key.h"
#include "evidence/text.h"
#include "policy/document.h"

namespace jit::cli {

namespace {

using policy::Node;

Failure wrong(const std::string& path, const policy::Place& place, const std::string& what) {
  return {Exit::kUsage, path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + what};
}

// A key that somebody else can write here makes his host ours.
std::string unsafe(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return std::strerror(errno);
  if (!S_ISREG(file.st_mode)) return "it is no file";
  if (file.st_uid != getuid() && file.st_uid != 0) return "it is not yours";
  if ((file.st_mode & 022) != 0) return "others can write it: chmod go-w";
  return {};
}

Result<TrustedHost> read_host(const std::string& path, const Node& table) {
  TrustedHost host;
  host.key.kind = "ssh";
  for (const policy::Entry& entry : table.entries) {
    if (entry.key != "name" && entry.key != "key") return wrong(path, entry.place, "unknown key `" + evidence::escape_to(entry.key, 64) + "`; a host has name and key");
    if (entry.value.kind != Node::Kind::kString) return wrong(path, entry.value.place, "`" + entry.key + "` must be a string");
    (entry.key == "name" ? host.name : host.key.text) = entry.value.text;
  }
  if (host.name.empty() || host.key.text.empty()) return wrong(path, table.place, "a host needs name and key");
  if (evidence::host_id_of(host.key).empty() || evidence::flaw_of(host.key) != evidence::Flaw::kNone) {
    return wrong(path, table.place, "`key` is no host key; jitctl status on that host shows it");
  }
  return host;
}

}  // namespace

const TrustedHost* Approver::host(const std::string& fingerprint) const {
  const auto found = std::ranges::find_if(hosts, [&](const TrustedHost& host) { return evidence::fingerprint(host.key) == fingerprint; });
  return found == hosts.end() ? nullptr : &*found;
}

bool Approver::knows(const std::string& name, const std::string& fingerprint) const {
  return std::ranges::any_of(hosts, [&](const TrustedHost& host) { return host.name == name && evidence::fingerprint(host.key) == fingerprint; });
}

std::string approver_file() {
  const std::string home = surroundings().home;
  return home.empty() ? std::string() : home + "/.config/jit/approver.toml";
}

Result<Approver> read_approver() {
  Approver out;
  const std::string path = approver_file();
  if (path.empty() || !std::filesystem::exists(path)) return out;
  if (const std::string why = unsafe(path); !why.empty()) return Failure{Exit::kNo, path + ": " + why};
  const auto text = read_policy_file(path);
  if (!text) return text.failure();
  policy::Report report;
  report.add_file(path);
  const auto root = policy::parse_document(0, *text, report);
  const auto findings = report.take();
  if (!root) return Failure{Exit::kUsage, findings.empty() ? path + " is not TOML" : findings.front().text()};
  for (const policy::Entry& entry : root->entries) {
    if (entry.key == "person" && entry.value.kind == Node::Kind::kString) {
      out.person = entry.value.text;
    } else if (entry.key == "key" && entry.value.kind == Node::Kind::kString) {
      if (!entry.value.text.starts_with('/')) return wrong(path, entry.value.place, "`key` must be the whole path of a file, from / on");
      out.key = entry.value.text;
    } else if (entry.key == "host" && entry.value.kind == Node::Kind::kArray) {
      for (const Node& table : entry.value.items) {
        auto host = read_host(path, table);
        if (!host) return host.failure();
        out.hosts.push_back(std::move(*host));
      }
    } else if (entry.key == "relay" && entry.value.kind == Node::Kind::kTable) {
      std::string why;
      out.relay = relay::read_settings(*text, "relay", why);
      if (!out.relay) return Failure{Exit::kUsage, path + ": [relay]: " + why};
      if (out.relay->none) out.relay.reset();
    } else {
      return wrong(path, entry.place, "`" + evidence::escape_to(entry.key, 64) + "`: here stand person = \"NAME\", key = \"FILE\", [relay] and [[host]] tables");
    }
  }
  return out;
}

Result<Nothing> trust_host(const std::string& name, const evidence::PublicKey& key) {
  const std::string path = approver_file();
  if (path.empty()) return Failure{Exit::kNo, "you have no home folder to keep the key in"};
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const int made = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (made < 0) return Failure{Exit::kNo, path + " cannot be written: " + std::strerror(errno)};
  close(made);
  const FileLock lock(path);
  const auto before = read_policy_file(path);
  if (!before) return before.failure();
  std::string text = *before;
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  // Escaped, so that nothing in a name ends the string (TOML reads \u{..} otherwise, and no backslash may stand alone).
  std::string plain;
  for (const char c : name) plain += c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? c : '?';
  text += "[[host]]\nname = \"" + plain + "\"\nkey = \"" + key.text + "\"\n";
  if (const std::string why = lock.replace(text); !why.empty()) return Failure{Exit::kNo, path + ": " + why};
  return Nothing{};
}

}  // namespace jit::cli
