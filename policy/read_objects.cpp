// SPDX-License-Identifier: Apache-2.0
// [settings], [set], [net] and [approval].
#include <algorithm>
#include <array>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

// One key of [settings] may stand once in all files together.
bool first_time(Draft& draft, const Entry& entry) {
  const auto [at, added] = draft.settings_at.emplace(entry.key, entry.place);
  if (!added) {
    draft.report.add("E02", entry.place, "setting `" + entry.key + "` stands in two files; keep one", at->second);
  }
  return added;
}

void read_roster_set(const Node& node, NamedSet& made, Report& report) {
  const Fields fields(node, Table::kRosterSet, report);
  const auto file = fields.text("roster");
  const auto fresh = fields.duration("fresh");
  if (!fields.has("roster")) {
    report.add("E01", node.place, "a set that is a table comes from a roster; write { roster = \"FILE.toml\", fresh = \"6h\" }");
  } else if (!fields.has("fresh")) {
    report.add("E01", node.place, "`fresh` is missing; say how old the roster may be, like fresh = \"6h\"");
  }
  if (file && fresh) made.roster = {*file, *fresh};
}

}  // namespace

bool is_table(const Entry& entry, Report& report) {
  if (entry.value.kind == Node::Kind::kTable) return true;
  report.add("E01", entry.place,
             "`" + entry.key + "` must be a table, not " + std::string(name_of(entry.value.kind)) + "; write [" + entry.key + "]");
  return false;
}

std::optional<Votes> read_votes(const Fields& fields) {
  const auto votes = fields.text("votes");
  if (!votes) return std::nullopt;
  for (const Votes kind : {Votes::kAny, Votes::kSigned, Votes::kHardware}) {
    if (votes->value == name_of(kind)) return kind;
  }
  fields.report().add("E01", votes->place, "`votes` must be \"any\", \"signed\" or \"hardware\"" +
                                               did_you_mean(votes->value, {"any", "signed", "hardware"}));
  return std::nullopt;
}

std::vector<Text> read_names(const std::vector<Text>& texts, std::string_view kind, Report& report) {
  std::vector<Text> out;
  const std::string mark = std::string(kind) + ':';
  for (const Text& text : texts) {
    const bool marked = text.value.starts_with(mark);
    const std::string name = text.value.substr(marked ? mark.size() : 0);
    if (marked && valid_object_name(name)) {
      out.push_back({name, text.place});
    } else {
      report.add("E01", text.place,
                 "`" + text.value + "` is no name of a " + std::string(kind) + "; write " + mark +
                     (valid_object_name(name) ? name : "NAME"));
    }
  }
  return out;
}

bool usable_name(const Entry& entry, std::string_view kind, const Place* earlier, Report& report) {
  if (!valid_object_name(entry.key)) {
    report.add("E01", entry.place,
               "`" + entry.key + "` is no name of a " + std::string(kind) + "; use letters, digits, - and _, at most 64");
    return false;
  }
  if (earlier == nullptr) return true;
  report.add("E02", entry.place, std::string(kind) + " `" + entry.key + "` is defined twice", *earlier);
  return false;
}

std::vector<Named> read_principals(const std::vector<Text>& texts, Report& report) {
  std::vector<Named> out;
  for (const Text& text : texts) {
    ParsedPrincipal parsed = parse_principal(text.value);
    if (parsed.principal) {
      out.push_back({std::move(*parsed.principal), text.place});
    } else {
      report.add("E01", text.place, parsed.why);
    }
  }
  return out;
}

std::optional<std::vector<Door>> read_doors(const std::optional<std::vector<Text>>& texts, Report& report) {
  if (!texts) return std::nullopt;
  std::vector<Door> out;
  for (const Text& text : *texts) {
    if (const auto door = door_named(text.value)) {
      if (std::ranges::find(out, *door) == out.end()) out.push_back(*door);
      continue;
    }
    const auto service = door_of_service(text.value);
    report.add("E01", text.place,
               "`" + text.value + "` is no door (sudo, su, ssh, login, polkit)" +
                   (service ? "; its door is " + std::string(name_of(*service))
                            : did_you_mean(text.value, {"sudo", "su", "ssh", "login", "polkit"})));
  }
  return out;
}

void read_settings(Draft& draft, const Node& node) {
  Report& report = draft.report;
  const Fields fields(node, Table::kSettings, report);
  for (const Entry& entry : node.entries) {
    if (!known_key(Table::kSettings, entry.key) || !first_time(draft, entry)) continue;
    if (entry.key == "covers") {
      draft.out->covers_at = entry.place;
      if (auto doors = read_doors(fields.texts("covers"), report)) draft.out->settings.covers = std::move(*doors);
    } else if (entry.key == "timezone") {
      const auto zone = fields.text("timezone");
      if (!zone) continue;
      draft.timezone_at = zone->place;
      const auto fits = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("/_+-").find(c) != std::string_view::npos;
      };
      if (zone->value.front() == '/' || !std::ranges::all_of(zone->value, fits)) {
        report.add("E01", zone->place, "`timezone` must be a name like \"Europe/Prague\"");
      } else {
        draft.out->settings.timezone = zone->value;
      }
    } else if (entry.key == "votes") {
      draft.out->votes = read_votes(fields);
    } else if (const auto lines = fields.texts("rescue")) {
      for (const Text& line : *lines) {
        if (line.value.empty()) report.add("E01", line.place, "a rescue route must name a terminal, like \"tty[0-9]*\"");
        draft.out->settings.rescue.push_back(line.value);
      }
    }
  }
}

void read_sets(Draft& draft, const Entry& entry) {
  Report& report = draft.report;
  if (!is_table(entry, report)) return;
  for (const Entry& set : entry.value.entries) {
    const auto earlier = draft.out->sets.find(set.key);
    if (!usable_name(set, "set", earlier == draft.out->sets.end() ? nullptr : &earlier->second.place, report)) continue;
    // Registered even where its content is wrong: one finding, and not one more for each use.
    NamedSet& made = draft.out->sets[set.key];
    made.place = set.place;
    if (set.value.kind == Node::Kind::kTable) {
      read_roster_set(set.value, made, report);
      continue;
    }
    const auto members = string_list(set, report);
    if (!members) continue;
    if (members->empty()) report.add("E05", set.value.place, "set `" + set.key + "` is empty; nobody can be in it");
    made.members = read_principals(*members, report);
  }
}

void read_nets(Draft& draft, const Entry& entry) {
  Report& report = draft.report;
  if (!is_table(entry, report)) return;
  for (const Entry& net : entry.value.entries) {
    const auto earlier = draft.out->nets.find(net.key);
    if (!usable_name(net, "net", earlier == draft.out->nets.end() ? nullptr : &earlier->second.place, report)) continue;
    NamedNets& made = draft.out->nets[net.key];
    made.place = net.place;
    const auto ranges = string_list(net, report);
    if (!ranges) continue;
    if (ranges->empty()) report.add("E05", net.value.place, "net `" + net.key + "` is empty; no address is in it");
    for (const Text& range : *ranges) {
      const ParsedNet parsed = parse_net(range.value);
      if (parsed.net) {
        made.nets.push_back(*parsed.net);
      } else {
        report.add("E01", range.place, "`" + range.value + "` " + parsed.why);
      }
    }
  }
}

}  // namespace jit::policy
