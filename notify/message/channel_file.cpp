// SPDX-License-Identifier: Apache-2.0
#include "notify/message/channel_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "evidence/text.h"

namespace jit::notify {
namespace {

constexpr std::size_t kWords = 64;
constexpr std::size_t kWordMax = 4096;
constexpr std::size_t kRecipients = 32;
constexpr std::size_t kNetworks = 64;
constexpr std::size_t kUrlMax = 2048;
constexpr std::size_t kErrors = 50;
constexpr std::uint32_t kTimeoutMost = 300;

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// RFC 5322 "dot-atom" on both sides, or a user of this host; what is quoted or commented is no address here.
bool is_mailbox(std::string_view text) {
  constexpr std::string_view kAtom = "!#$%&'*+/=?^_`{|}~-.";
  const std::size_t at = text.find('@');
  const std::string_view local = text.substr(0, at);
  const auto dots = [](std::string_view part) { return part.empty() || part.front() == '.' || part.back() == '.' || part.find("..") != std::string_view::npos; };
  if (text.size() > 254 || local.size() > 64 || dots(local) || local.front() == '-') return false;
  if (!std::ranges::all_of(local, [&](char c) { return letter_or_digit(c) || kAtom.find(c) != std::string_view::npos; })) return false;
  if (at == std::string_view::npos) return true;
  const std::string_view domain = text.substr(at + 1);
  return !dots(domain) && std::ranges::all_of(domain, [](char c) { return letter_or_digit(c) || c == '-' || c == '.'; });
}

// https://HOST[:PORT][/...]: no user, no fragment, and nothing that somebody could read in another way.
bool is_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme) || url.size() > kUrlMax) return false;
  const std::string_view rest = url.substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  constexpr std::string_view kPath = "-._~%!$&'()*+,;=:/?@";
  if (!std::ranges::all_of(rest, [&](char c) { return letter_or_digit(c) || kPath.find(c) != std::string_view::npos || c == '[' || c == ']'; })) return false;
  std::string_view host = authority;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    const auto address = read_network(host.substr(1, end - 1));
    if (!address || host.substr(1, end - 1).find(':') == std::string_view::npos || host.find('/') != std::string_view::npos) return false;
    port = host.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return false;
    if (!port.empty()) port.remove_prefix(1);
    if (host.ends_with(':')) return false;
  } else {
    const std::size_t colon = host.find(':');
    if (colon != std::string_view::npos) {
      port = host.substr(colon + 1);
      if (port.empty()) return false;
      host = host.substr(0, colon);
    }
    if (host.empty() || host.front() == '.' || host.front() == '-' || host.size() > 253) return false;
    if (!std::ranges::all_of(host, [](char c) { return letter_or_digit(c) || c == '-' || c == '.' || c == '_'; })) return false;
  }
  if (port.empty()) return true;
  unsigned number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == port.data() + port.size() && number >= 1 && number <= 65535;
}

bool is_path(std::string_view text) { return text.starts_with('/') && text.size() <= kWordMax && text.find('\0') == std::string_view::npos; }

// "30s", "2m".
std::optional<std::uint32_t> seconds(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  const std::uint32_t unit = text.back() == 's' ? 1 : text.back() == 'm' ? 60 : 0;
  std::uint32_t value = 0;
  const std::string_view digits = text.substr(0, text.size() - 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (unit == 0 || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || value > kTimeoutMost || value * unit > kTimeoutMost || value == 0) return std::nullopt;
  return value * unit;
}

class Reader {
 public:
  Reader(const std::string& file, ReadChannel& out) : file_(file), out_(out) {}

  void blame(const toml::source_region& at, const std::string& what) {
    if (out_.errors.size() >= kErrors) return;
    out_.errors.push_back(file_ + ":" + std::to_string(at.begin.line) + ":" + std::to_string(at.begin.column) + ": " + evidence::escape(what));
  }
  void blame(const toml::node& at, const std::string& what) { blame(at.source(), what); }

  void read(const toml::table& table) {
    Channel channel;
    static constexpr std::array<std::string_view, 11> kKeys{"kind", "template", "events", "timeout", "command", "from", "to", "url", "ca", "secret", "allow"};
    for (const auto& [key, node] : table) {
      if (std::ranges::find(kKeys, key.str()) == kKeys.end()) {
        blame(key.source(), "`" + std::string(key.str()) + "` is no key of a channel (kind, template, events, timeout; exec: command, from, to; webhook: url, ca, secret, allow)");
      }
    }
    read_kind(table, channel);
    read_common(table, channel);
    channel.kind == Kind::kExec ? read_exec(table, channel) : read_webhook(table, channel);
    if (out_.errors.empty()) out_.channel = std::move(channel);
  }

 private:
  // The text of a key; nothing: it is not there, or was blamed.
  std::optional<std::string> text(const toml::table& table, const char* name, bool needed, const char* form) {
    const toml::node* const node = table.get(name);
    if (node == nullptr) {
      if (needed) blame(table, std::string(name) + " must be said: " + form);
      return std::nullopt;
    }
    const auto word = node->value_exact<std::string>();
    if (!word) blame(*node, std::string(name) + ": " + form);
    return word;
  }

  template <class Good>
  std::vector<std::string> list(const toml::table& table, const char* name, std::size_t most, const char* form, Good good) {
    std::vector<std::string> out;
    const toml::node* const node = table.get(name);
    if (node == nullptr) return out;
    const toml::array* const array = node->as_array();
    if (array == nullptr || array->size() > most) {
      blame(*node, std::string(name) + " is a list of at most " + std::to_string(most) + " texts: " + form);
      return out;
    }
    for (const toml::node& each : *array) {
      const auto word = each.value_exact<std::string>();
      if (!word || !good(*word)) {
        blame(each, std::string(name) + ": " + form);
      } else {
        out.push_back(*word);
      }
    }
    return out;
  }

  void only_for(const toml::table& table, std::initializer_list<const char*> names, const char* what) {
    for (const char* const name : names) {
      if (const toml::node* const node = table.get(name)) blame(*node, std::string(name) + " is for " + what + " only");
    }
  }

  void read_kind(const toml::table& table, Channel& channel) {
    const auto kind = text(table, "kind", true, R"("exec" or "webhook")");
    if (kind && *kind != "exec" && *kind != "webhook") blame(*table.get("kind"), R"(kind: "exec" or "webhook")");
    channel.kind = kind && *kind == "webhook" ? Kind::kWebhook : Kind::kExec;
    const bool exec = channel.kind == Kind::kExec;
    const char* const forms = exec ? R"("json" or "mail")" : R"("json", "slack", "teams" or "mattermost")";
    const auto form = text(table, "template", false, forms);
    if (!form || *form == "json") return;
    if (exec && *form == "mail") {
      channel.form = Template::kMail;
    } else if (!exec && *form == "slack") {
      channel.form = Template::kSlack;
    } else if (!exec && *form == "teams") {
      channel.form = Template::kTeams;
    } else if (!exec && *form == "mattermost") {
      channel.form = Template::kMattermost;
    } else {
      blame(*table.get("template"), std::string("template: ") + forms);
    }
  }

  void read_common(const toml::table& table, Channel& channel) {
    channel.events = list(table, "events", std::size(kEvents), "each is one of request, escalated, decided, grant, ended, break-glass",
                          [](const std::string& word) { return std::ranges::find(kEvents, word) != std::end(kEvents); });
    if (const auto time = text(table, "timeout", false, R"(a time from "1s" to "5m")")) {
      const auto value = seconds(*time);
      if (!value) blame(*table.get("timeout"), R"(timeout: a time from "1s" to "5m")");
      channel.timeout_s = value.value_or(channel.timeout_s);
    }
  }

  void read_exec(const toml::table& table, Channel& channel) {
    only_for(table, {"url", "ca", "secret", "allow"}, "webhooks");
    channel.command = list(table, "command", kWords, "a program by its absolute path, and its words; no shell reads it",
                           [](const std::string& word) { return word.size() <= kWordMax && word.find('\0') == std::string::npos; });
    if (const toml::node* const node = table.get("command"); node == nullptr) {
      blame(table, R"(command must be said: ["/usr/sbin/sendmail", "-t", "-i"])");
    } else if (node->is_array() && (channel.command.empty() || !is_path(channel.command[0])) && out_.errors.empty()) {
      blame(*node, "command: a program by its absolute path comes first");
    }
    if (channel.form != Template::kMail) return only_for(table, {"from", "to"}, R"(template = "mail")");
    const char* const mailbox = "an address like ops@example.org, without a name or quotes";
    channel.from = text(table, "from", true, mailbox).value_or("");
    if (!channel.from.empty() && !is_mailbox(channel.from)) blame(*table.get("from"), std::string("from: ") + mailbox);
    channel.to = list(table, "to", kRecipients, mailbox, [](const std::string& word) { return is_mailbox(word); });
    if (const toml::node* const node = table.get("to"); node == nullptr) {
      blame(table, "to must be said: a list of addresses");
    } else if (node->is_array() && node->as_array()->empty()) {
      blame(*node, "to: at least one address");
    }
  }

  void read_webhook(const toml::table& table, Channel& channel) {
    only_for(table, {"command", "from", "to"}, "exec channels");
    const char* const url = "https://HOST[:PORT]/PATH, without a user in it";
    channel.url = text(table, "url", true, url).value_or("");
    if (table.get("url") != nullptr && table.get("url")->is_string() && !is_url(channel.url)) blame(*table.get("url"), std::string("url: ") + url);
    for (const auto& [name, to] : {std::pair("ca", &channel.ca), std::pair("secret", &channel.secret)}) {
      const auto path = text(table, name, false, "a file by its absolute path");
      if (path && !is_path(*path)) blame(*table.get(name), std::string(name) + ": a file by its absolute path");
      *to = path.value_or("");
    }
    for (const std::string& each : list(table, "allow", kNetworks, "each is an address or a network, like 127.0.0.1 or 10.0.0.0/8",
                                        [](const std::string& word) { return read_network(word).has_value(); })) {
      channel.allow.push_back(*read_network(each));
    }
  }

  const std::string& file_;
  ReadChannel& out_;
};

}  // namespace

bool Channel::wants(std::string_view event) const { return std::ranges::find(events, event) != events.end(); }

bool valid_channel_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) { return letter_or_digit(c) || c == '-' || c == '_'; });
}

ReadChannel read_channel(const std::string& file, std::string_view text) {
  ReadChannel out;
  Reader reader(file, out);
  if (text.size() > kChannelFileMax) {
    out.errors.push_back(file + ":1:1: it is longer than " + std::to_string(kChannelFileMax) + " bytes");
    return out;
  }
  try {
    reader.read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    reader.blame(error.source(), std::string(error.description()));
  }
  return out;
}

}  // namespace jit::notify
