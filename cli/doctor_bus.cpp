// SPDX-License-Identifier: Apache-2.0
// Rules of the system bus, wherever they stand, that reach the broker's name.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "cli/doctor.h"

namespace jit::cli {

namespace {

using setup::Level;

constexpr std::string_view kBusName = "org.pamjit.Broker1";
constexpr const char* kBusRules = "/usr/share/dbus-1/system.d/org.pamjit.Broker1.conf";

struct BusTag {
  std::string name;  // with its "/" where it ends one
  std::map<std::string, std::string> attributes;
};

// What a file of the bus holds beside comments and text. Total: what is no XML gives tags that nobody asks for.
std::vector<BusTag> bus_tags(std::string_view text) {
  std::vector<BusTag> out;
  std::size_t at = 0;
  const auto blanks = [&] {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) != 0) ++at;
  };
  const auto word = [&] {
    const std::size_t begin = at;
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at])) == 0 && std::string_view("=/>\"'").find(text[at]) == std::string_view::npos) ++at;
    return std::string(text.substr(begin, at - begin));
  };
  while ((at = text.find('<', at)) < text.size()) {
    if (text.substr(at).starts_with("<!--")) {
      at = text.find("-->", at);
      continue;
    }
    BusTag tag;
    ++at;
    if (at < text.size() && text[at] == '/') tag.name = text[at++];
    tag.name += word();
    while (at < text.size() && text[at] != '>') {
      blanks();
      const std::string key = word();
      blanks();
      if (at >= text.size() || text[at] != '=') {
        if (key.empty() && at < text.size() && text[at] != '>') ++at;
        continue;
      }
      ++at;
      blanks();
      const char quote = at < text.size() ? text[at] : '\0';
      const std::size_t end = quote == '"' || quote == '\'' ? text.find(quote, at + 1) : std::string_view::npos;
      if (end == std::string_view::npos) continue;
      tag.attributes[key] = text.substr(at + 1, end - at - 1);
      at = end + 1;
    }
    out.push_back(std::move(tag));
  }
  return out;
}

bool names_broker(const BusTag& tag, const std::string& key) {
  const auto is = [&](const std::string& attribute, const auto& right) {
    const auto found = tag.attributes.find(attribute);
    return found != tag.attributes.end() && right(found->second);
  };
  return is(key, [](const std::string& value) { return value == kBusName; }) ||
         is(key + "_prefix", [](const std::string& value) { return value == kBusName || kBusName.starts_with(value + '.'); });
}

struct BusRules {
  bool owned_by_others = false;
  bool named = false;
};

BusRules bus_rules(std::string_view text) {
  BusRules out;
  bool for_jit = false;
  for (const BusTag& tag : bus_tags(text)) {
    if (tag.name == "policy" || tag.name == "/policy") {
      const auto user = tag.attributes.find("user");
      for_jit = user != tag.attributes.end() && user->second == "_jit";
    }
    if (tag.name != "allow" && tag.name != "deny") continue;
    const auto own = tag.attributes.find("own");
    const bool all = own != tag.attributes.end() && own->second == "*";
    const bool named = names_broker(tag, "own");
    out.owned_by_others = out.owned_by_others || (tag.name == "allow" && !for_jit && (all || named));
    out.named = out.named || named || names_broker(tag, "send_destination") || names_broker(tag, "receive_sender");
  }
  return out;
}

}  // namespace

void Doctor::bus_policy() {
  if (!std::filesystem::exists(kBusRules)) {
    add(Level::kFault, "D-Bus", "the bus policy org.pamjit.Broker1.conf is not installed: the broker cannot have its name", "install jit-broker again");
  }
  std::vector<std::string> paths = {"/etc/dbus-1/system.conf", "/etc/dbus-1/system-local.conf"};
  for (const char* const folder : {"/usr/share/dbus-1/system.d", "/etc/dbus-1/system.d"}) {
    std::error_code error;
    for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".conf") paths.push_back(it->path().string());
    }
  }
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const BusRules rules = bus_rules(std::string{std::istreambuf_iterator<char>(file), {}});
    if (rules.owned_by_others) {
      add(Level::kFault, path, "it lets others than _jit own org.pamjit.Broker1: whoever takes that name keeps the broker from it", "take the rule out, then type: systemctl reload dbus");
    } else if (rules.named && path != kBusRules) {
      add(Level::kNote, path, "it changes who may call the broker", std::string("read it: the broker's own rules are in ") + kBusRules);
    }
  }
}

}  // namespace jit::cli
