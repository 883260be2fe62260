// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/oracle/counts.h"

#include <algorithm>
#include <set>
#include <vector>

#include "tests/policy/oracle/oracle.h"

namespace jit::policy::oracle {
namespace {

using Parts = std::set<std::string>;

// Every part that must occur, so that one which never does is seen.
const Parts kParts{
    "outcome deny", "outcome allow", "outcome approval", "outcome needs", "then allow", "then approval", "missing choice",
    "missing reason", "missing ticket", "via", "tie", "shortened", "no command", "claim", "groups unknown", "origin unknown",
    "door sudo", "door su", "door ssh", "door login", "door polkit", "rule permit", "rule guard", "rule break-glass",
    "rule observe", "rule unless", "guard unless", "permit unless", "who", "as", "door", "hosts", "net", "local", "run", "options",
    "env", "during", "flag", "when", "when-any", "unless who", "unless as", "unless door", "unless hosts", "unless from",
    "unless run", "unless options", "unless env", "unless during", "unless flag", "unless when", "unless when-any", "op ==",
    "op !=", "op <", "op <=", "op >", "op >=", "set", "roster", "approval", "reason", "ticket", "record", "notify", "review", "give",
    "max of guard", "scope", "scope of guard", "claim time", "on-expiry", "run-max", "warn-before", "digest", "deny", "yields-to",
    "unverified command", "unverified as", "votes signed", "votes hardware", "machines", "match", "self", "ladder", "two approvals",
    "fact unknown", "no facts", "roster stale", "second user", "seats at"};

void set_parts(const Model& model, const std::vector<Name>& names, Parts& out) {
  for (const Name& name : names) {
    if (name.kind != Name::Kind::kSet) continue;
    out.insert("set");
    const auto set = std::ranges::find(model.sets, name.name, &Set::name);
    if (set->roster) out.insert("roster");
  }
}

void test_parts(const Model& model, const Tests& t, const std::string& before, Parts& out) {
  const auto add = [&](bool there, const char* name) {
    if (there) out.insert(before + name);
  };
  add(t.who.has_value(), "who");
  add(t.as.has_value(), "as");
  add(t.door.has_value(), "door");
  add(t.hosts.has_value(), "hosts");
  add(t.run.has_value(), "run");
  add(t.options.has_value(), "options");
  add(t.env.has_value(), "env");
  add(t.during.has_value(), "during");
  add(!t.flag.empty(), "flag");
  add(!t.when.empty(), "when");
  add(!t.when_any.empty(), "when-any");
  if (t.from && !before.empty()) out.insert("unless from");
  if (t.from && before.empty() && t.from->local) out.insert("local");
  if (t.from && before.empty() && !t.from->nets.empty()) out.insert("net");
  if (t.who) set_parts(model, *t.who, out);
  for (const auto* list : {&t.when, &t.when_any}) {
    for (const FactTest& test : *list) out.insert("op " + test.op);
  }
}

void rule_parts(const Model& model, const Rule& rule, Parts& out) {
  const auto add = [&](bool there, const char* name) {
    if (there) out.insert(name);
  };
  test_parts(model, rule.tests, "", out);
  if (rule.unless) test_parts(model, *rule.unless, "unless ", out);
  add(rule.permit, "rule permit");
  add(!rule.permit, "rule guard");
  add(rule.break_glass, "rule break-glass");
  add(rule.observe, "rule observe");
  add(rule.unless.has_value(), "rule unless");
  add(rule.unless && rule.permit, "permit unless");
  add(rule.unless && !rule.permit, "guard unless");
  add(!rule.approval.empty(), "approval");
  add(rule.give_s.has_value(), "give");
  add(rule.max_s && !rule.permit, "max of guard");
  add(rule.scope && rule.permit, "scope");
  add(rule.scope && !rule.permit, "scope of guard");
  add(rule.claim_s.has_value(), "claim time");
  add(rule.on_expiry.has_value(), "on-expiry");
  add(rule.run_max_s.has_value(), "run-max");
  add(rule.warn_before_s.has_value(), "warn-before");
  add(rule.digest, "digest");
  add(rule.deny.has_value(), "deny");
  add(!rule.yields_to.empty(), "yields-to");
  add(rule.unverified_command, "unverified command");
  add(rule.unverified_as, "unverified as");
}

void offer_parts(const Offer& offer, Parts& out) {
  const auto add = [&](bool there, const char* name) {
    if (there) out.insert(name);
  };
  add(offer.votes == Votes::kSigned, "votes signed");
  add(offer.votes == Votes::kHardware, "votes hardware");
  add(offer.machines, "machines");
  add(offer.match, "match");
  add(offer.self, "self");
  add(!offer.ladder.empty(), "ladder");
  add(offer.shortened, "shortened");
  add(offer.reason_required, "reason");
  add(!offer.tickets.empty(), "ticket");
  add(offer.record, "record");
  add(!offer.notify.empty(), "notify");
  add(offer.review_s != 0, "review");
}

void ask_parts(const Model& model, const Ask& ask, Parts& out) {
  const auto add = [&](bool there, const char* name) {
    if (there) out.insert(name);
  };
  out.insert("door " + std::string(name_of(ask.door)));
  add(!ask.via.empty(), "via");
  add(!ask.subject.groups_known, "groups unknown");
  add(ask.from.kind == Origin::Kind::kUnknown, "origin unknown");
  add(ask.door == Door::kSudo && !ask.command_known, "no command");
  add(ask.command_known && !ask.command_verified, "claim");
  add(ask.no_facts, "no facts");
  add(ask.subject.user == "alice-adm", "second user");
  add(ask.seats_at != 0, "seats at");
  add(std::ranges::any_of(model.sets, [&](const Set& set) { return set.roster && stale(*set.roster, ask.now); }), "roster stale");
  for (const auto& [name, reading] : ask.facts.readings) {
    add(reading.for_s && reading.age_s >= *reading.for_s, "fact unknown");
  }
}

}  // namespace

void Counts::add(const Model& model, const Ask& ask, const Decision& oracle) {
  ++cases_;
  Parts parts;
  ask_parts(model, ask, parts);
  parts.insert("outcome " + std::string(name_of(oracle.outcome)));
  if (oracle.outcome == Outcome::kNeeds) parts.insert("then " + std::string(name_of(oracle.then)));
  for (const std::string& what : oracle.missing) parts.insert("missing " + what);
  if (!oracle.why.empty()) parts.insert("tie");
  if (oracle.offer) offer_parts(*oracle.offer, parts);
  unsigned approvals = 0;
  for (const Rule& rule : model.rules) {
    if (std::ranges::count(oracle.near, rule.id) > 0) rule_parts(model, rule, parts);
    if (oracle.offer && std::ranges::count(oracle.rules, rule.id) > 0 && !rule.approval.empty()) ++approvals;
  }
  if (approvals > 1) parts.insert("two approvals");
  for (const std::string& part : parts) ++counts_[part];
}

std::string Counts::table() const {
  std::vector<std::pair<double, std::string>> lines;
  for (const auto& [part, count] : counts_) lines.emplace_back(100.0 * count / cases_, part);
  std::ranges::sort(lines);
  std::string out;
  for (const auto& [share, part] : lines) out += std::to_string(share).substr(0, 5) + " % " + part + "\n";
  return out;
}

std::string Counts::rare(double share) const {
  std::string out;
  for (const std::string& part : kParts) {
    const auto found = counts_.find(part);
    const unsigned count = found == counts_.end() ? 0 : found->second;
    if (count < share * cases_) out += part + ": " + std::to_string(count) + " of " + std::to_string(cases_) + "\n";
  }
  return out;
}

}  // namespace jit::policy::oracle
