// SPDX-License-Identifier: Apache-2.0
// [approval.NAME]
#include <algorithm>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

constexpr std::int64_t kMostSeats = 100;  // of one set

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

// Either { after, add, to } or { after, notify }.
void read_rung(Draft& draft, const Node& node, Approval& approval) {
  Report& report = draft.report;
  const Fields fields(node, Table::kRung, report);
  const auto after = fields.duration("after");
  const auto add = fields.text("add"), to = fields.text("to"), notify = fields.text("notify");
  if (!fields.has("after")) report.add("E01", node.place, "a step without `after`; say when it happens, like after = \"5m\"");
  const bool adds = fields.has("add") || fields.has("to");
  if (adds == fields.has("notify") || (adds && !(fields.has("add") && fields.has("to")))) {
    report.add("E01", node.place, "a step either adds people or tells a channel; write { after, add, to } or { after, notify }");
    return;
  }
  if (!after || (adds ? !add || !to : !notify)) return;
  Approval::Rung rung;
  rung.step.after_s = *after;
  rung.place = node.place;
  if (notify) {
    if (!valid_object_name(notify->value)) {
      report.add("E01", notify->place, "`" + notify->value + "` is no name of a channel; use letters, digits, - and _, at most 64");
      return;
    }
    rung.step.notify = notify->value;
  } else {
    ParsedPrincipal parsed = parse_principal(add->value);
    if (!parsed.principal) {
      report.add("E01", add->place, parsed.why);
      return;
    }
    std::vector<std::string_view> sets;
    for (const Approval::Need& need : approval.need) sets.push_back(need.seat.set);
    if (std::ranges::find(sets, to->value) == sets.end()) {
      const std::string hint = did_you_mean(to->value, sets);
      report.add("E02", to->place,
                 "`" + to->value + "` is in no `need` of this approval" + (hint.empty() ? "; name one that is" : hint), approval.name.place);
      return;
    }
    rung.add = Named{std::move(*parsed.principal), add->place};
    rung.step.add = add->value;
    rung.step.to = to->value;
  }
  approval.escalate.push_back(std::move(rung));
}

void read_self(const Fields& fields, Approval& approval) {
  const auto self = fields.text("self");
  if (!self) return;
  approval.self = self->value == "hardware-key";
  if (approval.self || self->value == "never") return;
  fields.report().add("E01", self->place, "`self` must be \"never\" or \"hardware-key\"" +
                                              did_you_mean(self->value, {"never", "hardware-key"}));
}

}  // namespace

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
    made.votes = read_votes(fields);
    made.machines = fields.boolean("machines").value_or(false);
    made.match = fields.boolean("match").value_or(false);
    read_self(fields, made);
    for (const Node* need : fields.tables("need")) read_need(draft, *need, made);
    for (const Node* rung : fields.tables("escalate")) read_rung(draft, *rung, made);
  }
}

}  // namespace jit::policy
