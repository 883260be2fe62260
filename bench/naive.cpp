// SPDX-License-Identifier: Apache-2.0
#include "bench/naive.h"

#include "bench/policy_text.h"

namespace jit::bench {
namespace {

using namespace policy::oracle;
using policy::Door;

Name group(const std::string& name) { return {Name::Kind::kGroup, name, false}; }
Name user(const std::string& name) { return {Name::Kind::kUser, name, false}; }

Rule permit_of(std::size_t rule) {
  const std::string team = std::to_string(rule / kTeam);
  Rule out;
  out.id = "p" + std::to_string(rule);
  out.tests.who = {rule % 3 == 0 ? Name{Name::Kind::kSet, "team" + team, false} : group("team" + team)};
  out.tests.door = {Door::kSudo};
  out.tests.as = {user(rule % 4 == 0 ? "app" + team : "root")};
  if (rule % 3 == 1) {
    out.tests.run = {"service"};
    out.unverified_command = true;
  }
  if (rule % 2 == 0) {
    out.approval = "lead";
    out.require.reason_min = 1;
  }
  if (rule % 5 == 4) out.tests.during = {"work"};
  if (rule % 7 == 3) out.tests.when = {{"risk", "<", std::int64_t{60}}};
  out.max_s = static_cast<std::uint32_t>(10 + rule % 50) * 60;
  return out;
}

Rule guard_of(std::size_t rule) {
  Rule out;
  out.permit = false;
  out.id = "g" + std::to_string(rule);
  out.tests.who = {group("team" + std::to_string(rule / kTeam))};
  out.tests.as = {user("root")};
  out.tests.flag = {"freeze"};
  out.deny = "freeze";
  return out;
}

}  // namespace

Model usual_model(std::size_t rules) {
  Model out;
  out.timezone = "Europe/Prague";
  out.covers = {Door::kSudo, Door::kSu};
  Approval lead;
  lead.name = "lead";
  lead.need = {{group("leads"), 1}};
  lead.wait_s = 600;
  out.approvals = {lead};
  const Word app{"app.service", {}, "", false};
  out.commands = {{"service", {{{"/usr/bin/systemctl", {}, "", false}, {{"", {"restart", "reload"}, "", false}, app}, false},
                               {{"/usr/bin/journalctl", {}, "", false}, {}, true}}}};
  out.windows = {{"work", {{false, {{0, 6}}, 6 * 60, 22 * 60}}, {}}};
  out.facts = {{"freeze", policy::FactRule::Type::kBool, std::nullopt, policy::Value(false)}};
  for (std::size_t team = 0; team * kTeam < rules; ++team) {
    const std::string name = std::to_string(team);
    out.sets.push_back({"team" + name, {group("team" + name), user("deputy" + name)}, std::nullopt});
  }
  for (std::size_t rule = 0; rule < rules; ++rule) out.rules.push_back(rule % kTeam == 9 ? guard_of(rule) : permit_of(rule));
  return out;
}

}  // namespace jit::bench
