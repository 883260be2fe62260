// SPDX-License-Identifier: Apache-2.0
#include "broker/config/broker_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "evidence/text.h"
#include "policy/document.h"
#include "policy/suggest.h"

namespace jit::config {
namespace {

using policy::Entry;
using policy::Node;
using Words = std::vector<std::string_view>;

constexpr std::size_t kHostNameMax = 253;
constexpr std::size_t kTagMax = 64;
constexpr std::size_t kTagsMax = 256;
constexpr std::uint32_t kRetainLeast = 86'400;  // what is counted by the hour needs the log of that time
constexpr std::int64_t kLimitMax = 16'384;  // as many as a broker can hold at all

bool only(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  });
}

std::string list(const Words& words) {
  std::string all;
  for (const std::string_view word : words) all += (all.empty() ? "`" : ", `") + std::string(word) + "`";
  return all;
}

class Parser {
 public:
  Parser(policy::Report& report, Broker& broker) : report_(report), broker_(broker) {}

  void file(const Node& root) {
    for (const Entry& entry : root.entries) {
      if (entry.key == "host") {
        table(entry, {"name", "tags"}, [this](const Entry& key) { host(key); });
      } else if (entry.key == "limits") {
        table(entry, {"pending-per-uid", "connections-per-uid", "requests-per-hour", "pending-per-host"},
              [this](const Entry& key) { limit(key); });
      } else if (entry.key == "log") {
        table(entry, {"level"}, [this](const Entry& key) { level(key); });
      } else if (entry.key == "audit") {
        table(entry, {"retain"}, [this](const Entry& key) { retain(key); });
      } else if (entry.key == "privacy") {
        table(entry, {"private"}, [this](const Entry& key) { hide(key); });
      } else {
        unknown(entry, "file", {"host", "limits", "log", "audit", "privacy"});
      }
    }
  }

 private:
  void wrong(const policy::Place& place, std::string message) { report_.add("E01", place, std::move(message)); }

  void unknown(const Entry& entry, const std::string& where, const Words& known) {
    wrong(entry.place, "unknown key `" + evidence::escape_to(entry.key, 80) + "`; this " + where + " knows " +
                           list(known) + policy::did_you_mean(entry.key, known));
  }

  bool is(const Entry& entry, Node::Kind kind) {
    if (entry.value.kind == kind) return true;
    wrong(entry.value.place, "`" + entry.key + "` must be " + std::string(policy::name_of(kind)) + ", not " +
                                 std::string(policy::name_of(entry.value.kind)));
    return false;
  }

  template <class Each>
  void table(const Entry& entry, const Words& known, const Each& each) {
    if (!is(entry, Node::Kind::kTable)) return;
    for (const Entry& key : entry.value.entries) {
      if (std::ranges::find(known, key.key) == known.end()) {
        unknown(key, "table", known);
      } else {
        each(key);
      }
    }
  }

  void host(const Entry& entry) {
    if (entry.key == "tags") return tags(entry);
    if (!is(entry, Node::Kind::kString)) return;
    const std::string& name = entry.value.text;
    if (name.empty() || name.size() > kHostNameMax || !only(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_")) {
      return wrong(entry.value.place, "a host name is 1 to 253 of letters, digits, `.`, `-` and `_`");
    }
    broker_.host_name = name;
  }

  void tags(const Entry& entry) {
    if (!is(entry, Node::Kind::kArray)) return;
    if (entry.value.items.size() > kTagsMax) {
      return wrong(entry.value.place, "more than " + std::to_string(kTagsMax) + " tags");
    }
    for (const Node& item : entry.value.items) {
      if (item.kind != Node::Kind::kString || item.text.empty() || item.text.size() > kTagMax || !only(item.text, "-")) {
        wrong(item.place, "a tag is 1 to 64 of a-z, 0-9 and `-`, in quotes and without `tag:`");
      } else if (std::ranges::find(broker_.tags, item.text) != broker_.tags.end()) {
        wrong(item.place, "tag `" + item.text + "` stands here twice");
      } else {
        broker_.tags.push_back(item.text);
      }
    }
  }

  void limit(const Entry& entry) {
    if (!is(entry, Node::Kind::kInteger)) return;
    const std::int64_t value = entry.value.integer;
    if (value < 1 || value > kLimitMax) {
      return wrong(entry.value.place, "`" + entry.key + "` must be from 1 to " + std::to_string(kLimitMax));
    }
    std::size_t& limit = entry.key == "pending-per-uid"       ? broker_.pending_per_uid
                         : entry.key == "connections-per-uid" ? broker_.connections_per_uid
                         : entry.key == "requests-per-hour"   ? broker_.requests_per_hour
                                                              : broker_.pending_per_host;
    limit = static_cast<std::size_t>(value);
  }

  void retain(const Entry& entry) {
    if (!is(entry, Node::Kind::kString)) return;
    const auto value = policy::parse_duration(entry.value.text);
    if (!value || *value < kRetainLeast) return wrong(entry.value.place, "`retain` is a duration of at least a day, as `400d`");
    broker_.retain_s = *value;
  }

  void hide(const Entry& entry) {
    const Words fields = {"argv", "cwd", "reason"};
    if (!is(entry, Node::Kind::kArray)) return;
    for (const Node& each : entry.value.items) {
      const bool text = each.kind == Node::Kind::kString;
      if (!text || std::ranges::find(fields, each.text) == fields.end()) {
        wrong(each.place, "`private` names " + list(fields) + (text ? policy::did_you_mean(each.text, fields) : std::string()));
        continue;
      }
      (each.text == "argv" ? broker_.hide.command : each.text == "cwd" ? broker_.hide.cwd : broker_.hide.reason) = true;
    }
  }

  void level(const Entry& entry) {
    const Words levels = {"error", "warning", "info", "debug"};
    if (!is(entry, Node::Kind::kString)) return;
    if (std::ranges::find(levels, entry.value.text) == levels.end()) {
      return wrong(entry.value.place, "`level` is one of " + list(levels) + policy::did_you_mean(entry.value.text, levels));
    }
    broker_.log_level = entry.value.text;
  }

  policy::Report& report_;
  Broker& broker_;
};

}  // namespace

std::string kernel_host_name() {
  std::array<char, 65> name{};  // HOST_NAME_MAX and a NUL
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "localhost";
}

Broker parse_broker(const std::string& name, std::string_view text, std::vector<policy::Finding>& findings) {
  Broker broker;
  policy::Report report;
  const std::uint32_t file = report.add_file(evidence::escape(name));
  if (const auto root = policy::parse_document(file, text, report)) Parser(report, broker).file(*root);
  auto found = report.take();
  findings.insert(findings.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  return broker;
}

}  // namespace jit::config
