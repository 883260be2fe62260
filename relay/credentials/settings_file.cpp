// SPDX-License-Identifier: Apache-2.0
#include "relay/credentials/settings_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "evidence/text.h"

namespace jit::relay {
namespace {

constexpr std::size_t kServers = 32;
constexpr std::size_t kFileMax = 64 * 1024;

// tls://HOST:PORT: never in the clear.
bool is_server(std::string_view url) {
  constexpr std::string_view kScheme = "tls://";
  if (!url.starts_with(kScheme) || url.size() > 300) return false;
  return std::ranges::all_of(url.substr(kScheme.size()), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
  }) && url.size() > kScheme.size();
}

std::string place_of(const toml::node& node) { return "line " + std::to_string(node.source().begin.line) + ": "; }

}  // namespace

std::optional<SettingsFile> read_settings(std::string_view text, std::string_view table, std::string& why) {
  toml::table whole;
  try {
    whole = toml::parse(text);
  } catch (const toml::parse_error& error) {
    why = "line " + std::to_string(error.source().begin.line) + ": " + evidence::escape_to(error.description(), 300);
    return std::nullopt;
  }
  const toml::table* from = &whole;
  if (!table.empty()) {
    from = whole[table].as_table();
    if (from == nullptr) {
      why = "it has no [" + std::string(table) + "]";
      return std::nullopt;
    }
  }
  SettingsFile out;
  for (const auto& [key, node] : *from) {
    const std::string_view name = key.str();
    const auto word = node.value_exact<std::string>();
    if (name == "transport" && word && (*word == "none" || *word == "nats")) {
      out.none = *word == "none";
    } else if ((name == "credentials" || name == "ca") && word && word->starts_with('/')) {
      (name == "ca" ? out.ca : out.credentials) = *word;
    } else if (name == "servers" && node.is_array() && node.as_array()->size() <= kServers) {
      for (const toml::node& each : *node.as_array()) {
        const auto url = each.value_exact<std::string>();
        if (!url || !is_server(*url)) {
          why = place_of(each) + "servers: each is tls://HOST:PORT";
          return std::nullopt;
        }
        out.servers.push_back(*url);
      }
    } else {
      why = place_of(node) + evidence::escape_to(name, 80) +
            R"(: transport is "nats" or "none", servers is a list of tls://HOST:PORT, credentials and ca are absolute paths)";
      return std::nullopt;
    }
  }
  if (!out.none && (out.servers.empty() || out.credentials.empty())) {
    why = "servers and credentials must be said";
    return std::nullopt;
  }
  return out;
}

std::optional<std::string> read_small_file(const std::string& path, std::string& why) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat about {};
  std::optional<std::string> out;
  if (fd < 0 || fstat(fd, &about) != 0) {
    why = path + ": " + std::strerror(errno);
  } else if (!S_ISREG(about.st_mode) || about.st_size > static_cast<off_t>(kFileMax)) {
    why = path + " is no file of at most " + std::to_string(kFileMax) + " bytes";
  } else {
    std::string text(kFileMax + 1, '\0');
    const ssize_t got = read(fd, text.data(), text.size());
    if (got >= 0) {
      text.resize(static_cast<std::size_t>(got));
      out = std::move(text);
    } else {
      why = path + ": " + std::strerror(errno);
    }
  }
  if (fd >= 0) close(fd);
  return out;
}

std::string told_to_others(const std::string& path, bool group) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0 || (about.st_mode & (group ? 07U : 077U)) == 0) return {};
  return path + " holds a secret key and others may read it: chmod " + (group ? "640" : "600") + ", or have new ones issued where they may have read it";
}

}  // namespace jit::relay
