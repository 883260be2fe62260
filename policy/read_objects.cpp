// SPDX-License-Identifier: Apache-2.0
// [settings], [set], [net] and [approval].
#include <algorithm>
#include <array>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

constexpr std::int64_t kMostSeats = 100;  // of one set

// One key of [settings] may stand once in all files together.
bool first_time(Draft& draft, const Entry& entry) {
  const auto [at, added] = draft.settings_at.emplace(entry.key, entry.place);
  if (!added) {
    draft.report.add("E02", entry.place, "setting `" + entry.key + "` stands in two files; keep one", at->second);
  }
  return added;
}

void read_votes(const Fields& fields) {
  const auto votes = fields.text("votes");
  if (!votes || votes->value == "any") return;
  const bool later = votes->value == "signed" || votes->value == "hardware";
  fields.report().add("E01", votes->place,
                      later ? "votes = \"" + votes->value + "\" is not supported by this version; only \"any\" is"
                            : "`votes` must be \"any\"");
}

// `entry.value` must be a table of named things.
bool is_table(const Entry& entry, Report& report) {
  if (entry.value.kind == Node::Kind::kTable) return true;
  report.add("E01", entry.place,
             "`" + entry.key + "` must be a table, not " + std::string(name_of(entry.value.kind)) + "; write [" + entry.key + "]");
  return false;
}

void read_need(Draft& draft, const Node& node, Approval& approval) {
  const Fields fields(node, Table::kNeed, draft.report);
  const auto count = fields.integer("count", 1, kMostSeats);
  const auto from = fields.text("from");
  if (!from) {
    if (!fields.has("from")) draft.report.add("E01", node.place, "a need without `from`; write { from = \"set:NAME\" }");
    return;
  }
  const ParsedPrincipal parsed = parse_principal(from->value);
  if (!parsed.principal) {
    draft.report.add("E01", from->place, parsed.why);
    return;
  }
  const auto same = [&](const Approval::Need& other) { return other.seat.set == from->value; };
  if (const auto twice = std::ranges::find_if(approval.need, same); twice != approval.need.end()) {
    draft.report.add("E02", from->place, "`" + from->value + "` stands twice in one approval; use `count`", twice->from.place);
    return;
  }
  approval.need.push_back({{from->value, static_cast<std::uint32_t>(count.value_or(1))}, {*parsed.principal, from->place}});
}

}  // namespace

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
    if (known_key(Table::kSettings, entry.key) != Known::kYes || !first_time(draft, entry)) continue;
    if (entry.key == "covers") {
      if (auto doors = read_doors(fields.texts("covers"), report)) draft.out->settings.covers = std::move(*doors);
    } else if (entry.key == "timezone") {
      const auto zone = fields.text("timezone");
      if (!zone) continue;
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
      read_votes(fields);
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
      report.add("E01", set.place, "a set from a roster is not supported by this version; list its members");
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

void read_approvals(Draft& draft, const Entry& entry) {
  Report& report = draft.report;
  if (!is_table(entry, report)) return;
  for (const Entry& item : entry.value.entries) {
    const auto earlier = draft.out->approvals.find(item.key);
    const bool known = earlier != draft.out->approvals.end();
    if (!usable_name(item, "approval", known ? &earlier->second.name.place : nullptr, report)) continue;
    Approval& made = draft.out->approvals[item.key];
    made.name = {item.key, item.place};
    if (item.value.kind != Node::Kind::kTable) {
      report.add("E01", item.value.place, "an approval must be a table, like { need = [{ from = \"set:NAME\" }], wait = \"10m\" }");
      continue;
    }
    const Fields fields(item.value, Table::kApproval, report);
    made.wait_s = fields.duration("wait");
    read_votes(fields);
    for (const Node* need : fields.tables("need")) read_need(draft, *need, made);
  }
}

}  // namespace jit::policy
