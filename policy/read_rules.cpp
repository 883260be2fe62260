// SPDX-License-Identifier: Apache-2.0
// [[permit]] and [[guard]].
#include <algorithm>
#include <charconv>

#include "policy/draft.h"
#include "policy/suggest.h"

namespace jit::policy {
namespace {

constexpr std::uint32_t kLongestReason = 1024;  // code points; the front ends take as many bytes

std::optional<TagTest> read_hosts(const Fields& fields, const Draft& draft) {
  const auto texts = fields.texts("hosts");
  if (!texts) return std::nullopt;
  TagTest out;
  for (const Text& text : *texts) {
    Principal tag;
    std::string_view name = text.value;
    const bool prefixed = name.starts_with("tag:");
    if (prefixed) name.remove_prefix(4);
    tag.prefix = name.ends_with('*');
    if (tag.prefix) name.remove_suffix(1);
    tag.name = name;
    const bool any = tag.prefix && name.empty();
    if (!prefixed || !(any || valid_account_name(name))) {
      fields.report().add("E01", text.place, "`" + text.value + "` is no tag of a host; write tag:NAME (tags stand in broker.toml)");
      continue;
    }
    out.holds = out.holds || std::ranges::any_of(draft.input.tags, [&](const std::string& own) { return tag.matches(own); });
    out.tags.push_back(std::move(tag));
  }
  return out;
}

std::optional<OriginTest> read_from(const Fields& fields) {
  const auto texts = fields.texts("from");
  if (!texts) return std::nullopt;
  OriginTest out;
  for (const Text& text : *texts) {
    if (text.value == "local") {
      out.local = true;
    } else if (text.value.starts_with("net:")) {
      out.names.push_back({text.value.substr(4), text.place});
    } else {
      const bool address = parse_net(text.value).net.has_value();
      fields.report().add("E01", text.place,
                          "`" + text.value + "` is no origin; write \"local\" or \"net:NAME\"" +
                              (address ? ", and define the net in [net]" : did_you_mean(text.value, {"local"})));
    }
  }
  return out;
}

Tests read_tests(const Fields& fields, const Draft& draft) {
  const auto principals = [&](std::string_view key) -> std::optional<PrincipalTest> {
    const auto texts = fields.texts(key);
    if (!texts) return std::nullopt;
    return PrincipalTest{read_principals(*texts, fields.report()), {}};
  };
  Tests out;
  out.who = principals("who");
  out.as = principals("as");
  out.door = read_doors(fields.texts("door"), fields.report());
  out.hosts = read_hosts(fields, draft);
  out.from = read_from(fields);
  return out;
}

void read_requirement(const Text& text, Rule& rule, Report& report) {
  const std::size_t colon = text.value.find(':');
  const std::string_view kind = std::string_view(text.value).substr(0, colon);
  if (kind == "ticket" || kind == "record" || kind == "notify" || kind == "review") {
    report.add("E01", text.place, "requirement `" + std::string(kind) + "` is not supported by this version; only `reason` is");
    return;
  }
  if (kind != "reason") {
    report.add("E01", text.place, "`" + text.value + "` is no requirement; write \"reason\" or \"reason:20\"" +
                                      did_you_mean(kind, {"reason"}));
    return;
  }
  std::uint32_t least = 0;
  if (colon != std::string::npos) {
    const std::string_view number = std::string_view(text.value).substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), least);
    if (error != std::errc() || end != number.data() + number.size() || least == 0 || least > kLongestReason) {
      report.add("E01", text.place, "the length of a reason goes from 1 to 1024, like \"reason:20\"");
      return;
    }
  }
  rule.reason_min = std::max(rule.reason_min.value_or(0), least);
}

void read_permit_only(const Fields& fields, Rule& rule) {
  Report& report = fields.report();
  rule.claim_s = fields.duration("claim");
  if (const auto list = fields.texts("unverified-ok")) {
    for (const Text& text : *list) {
      if (text.value == "as") {
        rule.unverified_as = true;
      } else if (text.value == "command") {
        report.add("E01", text.place, "unverified-ok \"command\" is not supported by this version; only \"as\" is");
      } else {
        report.add("E01", text.place, "`unverified-ok` takes \"as\", not `" + text.value + "`");
      }
    }
  }
  if (!fields.has("max")) {
    report.add("E04", fields.place(), "permit `" + rule.id + "` has no `max`; say how long it may last, like max = \"30m\"");
  }
}

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

void read_rule(Draft& draft, const Node& node, bool permit) {
  Report& report = draft.report;
  const Fields fields(node, permit ? Table::kPermit : Table::kGuard, report);
  Rule rule;
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
  if (const auto list = fields.texts("require")) {
    for (const Text& text : *list) read_requirement(text, rule, report);
  }
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
  } else if (auto deny = fields.text("deny")) {
    rule.deny = std::move(deny->value);
  }
  (permit ? draft.out->permits : draft.out->guards).push_back(std::move(rule));
}

}  // namespace

void read_rules(Draft& draft, const Fields& file) {
  for (const Node* node : file.tables("permit")) read_rule(draft, *node, true);
  for (const Node* node : file.tables("guard")) read_rule(draft, *node, false);
}

}  // namespace jit::policy
