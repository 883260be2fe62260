// SPDX-License-Identifier: Apache-2.0
// [[permit]] and [[guard]].
#include <algorithm>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

std::optional<std::string> read_id(Draft& draft, const Fields& fields, std::string_view kind) {
  Report& report = draft.report;
  const auto id = fields.text("id");
  if (!id) {
    if (!fields.has("id")) report.add("E01", fields.place(), "a " + std::string(kind) + " without `id`; give it one");
    return std::nullopt;
  }
  if (!valid_object_name(id->value)) {
    report.add("E01", id->place, "`" + id->value + "` is no id; use letters, digits, - and _, at most 64");
    return std::nullopt;
  }
  const auto [at, added] = draft.rules_at.emplace(id->value, id->place);
  if (!added) report.add("E02", id->place, "rule id `" + id->value + "` is used twice", at->second);
  return id->value;
}

void read_rule(Draft& draft, const Node& node, bool permit, Rule& rule) {
  Report& report = draft.report;
  const Fields fields(node, permit ? Table::kPermit : Table::kGuard, report);
  rule.permit = permit;
  rule.place = node.place;
  rule.id = read_id(draft, fields, permit ? "permit" : "guard").value_or("");
  rule.tests = read_tests(fields, draft);
  if (const Entry* unless = fields.find("unless")) {
    if (unless->value.kind != Node::Kind::kTable) {
      report.add("E01", unless->place, "`unless` is a table; write unless.who = [...]");
    } else if (unless->value.entries.empty()) {
      // Nothing to hold would hold always, and switch the rule off.
      report.add("E05", unless->place, "`unless` is empty; leave it out");
    } else {
      const Fields inner(unless->value, Table::kUnless, report);
      rule.unless = read_tests(inner, draft);
    }
  }
  rule.approval_name = fields.text("approval");
  read_requirements(fields, rule.require);
  rule.give_s = fields.duration("give");
  rule.max_s = fields.duration("max");
  if (const auto scope = fields.text("scope")) {
    rule.scope = scope_named(scope->value);
    if (!rule.scope) {
      report.add("E01", scope->place, "`" + scope->value + "` is no scope (command, tty, session, login)" +
                                          did_you_mean(scope->value, {"command", "tty", "session", "login"}));
    }
  }
  if (permit) {
    read_permit_only(fields, rule);
  } else {
    read_guard_only(fields, rule);
  }
}

}  // namespace

void read_rules(Draft& draft, const Fields& file) {
  for (const bool permit : {true, false}) {
    const std::vector<const Node*> nodes = file.tables(permit ? "permit" : "guard");
    std::vector<Rule>& rules = permit ? draft.out->permits : draft.out->guards;
    if (const std::size_t wanted = rules.size() + nodes.size(); wanted > rules.capacity()) rules.reserve(std::max(wanted, 2 * rules.capacity()));
    for (const Node* node : nodes) read_rule(draft, *node, permit, rules.emplace_back());
  }
}

}  // namespace jit::policy
