// SPDX-License-Identifier: Apache-2.0
#include "tests/policy/oracle/random.h"

#include <algorithm>
#include <array>

namespace jit::policy::oracle {
namespace {

constexpr std::array kDoors{Door::kSudo, Door::kSu, Door::kSsh, Door::kLogin, Door::kPolkit};
constexpr std::array kOptions{"-g", "-D", "-R", "-s", "-i", "-e"};
constexpr std::array kEnv{"LANG", "LC_ALL", "PATH"};
// The wall clock of each does something else; the instants are the changes of 2026.
struct Zone {
  const char* name;
  std::array<std::int64_t, 2> changes;
};
constexpr std::array<Zone, 6> kZones{{{"UTC", {1774746000, 1792890000}},
                                      {"Europe/Prague", {1774746000, 1792890000}},
                                      {"America/New_York", {1772953200, 1793512800}},
                                      {"Australia/Lord_Howe", {1775314800, 1791041400}},
                                      {"Asia/Kathmandu", {1774746000, 1792890000}},
                                      {"America/St_Johns", {1772947800, 1793507400}}}};

std::vector<Name> principals(const Model& model, Dice& dice, std::uint32_t most) {
  std::vector<Name> out;
  for (std::uint32_t n = 1 + dice.below(most); n > 0; --n) {
    const Name name = random_principal(model, dice, true);
    if (std::ranges::none_of(out, [&](const Name& other) { return other.text() == name.text(); })) out.push_back(name);
  }
  return out;
}

template <class List>
std::vector<std::string> some_of(const List& all, Dice& dice, unsigned percent) {
  std::vector<std::string> out;
  for (const auto& item : all) {
    if (dice.percent(percent)) out.emplace_back(item);
  }
  if (out.empty()) out.emplace_back(dice.one_of(all));
  return out;
}

template <class T>
std::vector<std::string> one_named(const std::vector<T>& all, Dice& dice) {
  std::vector<std::string> out{dice.one_of(all).name};
  if (const std::string& other = dice.one_of(all).name; dice.percent(30) && other != out.front()) out.push_back(other);
  return out;
}

// `often` in per cent; what rarely holds stands more seldom, or no rule would ever match.
Tests random_tests(const Model& model, Dice& dice, unsigned often, bool run_allowed) {
  Tests out;
  const unsigned seldom = often / 3;
  if (dice.percent(often * 2)) out.who = principals(model, dice, 3);
  if (dice.percent(often)) {
    std::vector<Door> doors;
    for (const Door door : kDoors) {
      if (dice.percent(60)) doors.push_back(door);
    }
    if (!doors.empty()) out.door = doors;
  }
  if (dice.percent(seldom)) out.hosts = some_of(std::array{"db", "production", "we*"}, dice, 40);
  if (dice.percent(seldom)) {
    out.from = Origins{dice.percent(60), {}};
    if (dice.percent(70) || !out.from->local) out.from->nets = one_named(model.nets, dice);
  }
  if (dice.percent(often)) {
    out.as = std::vector<Name>{{Name::Kind::kUser, dice.percent(75) ? "root" : "postgres", false}};
    if (dice.percent(30)) out.as->push_back({Name::Kind::kGroup, "postgres", false});
    if (dice.percent(20)) out.as->push_back({Name::Kind::kUser, "alice", true});
    if (dice.percent(10)) out.as->push_back({Name::Kind::kUser, "0", false});
  }
  if (run_allowed && dice.percent(often)) out.run = one_named(model.commands, dice);
  if (dice.percent(seldom + 3)) out.options = some_of(kOptions, dice, 50);
  if (dice.percent(seldom + 3)) out.env = dice.percent(30) ? std::vector<std::string>{"L*"} : some_of(kEnv, dice, 50);
  if (dice.percent(seldom + 3)) out.during = one_named(model.windows, dice);
  if (dice.percent(seldom)) out.flag = some_of(std::array{"freeze", "drill"}, dice, 50);
  if (dice.percent(seldom + 2)) {
    for (std::uint32_t n = 1 + (dice.percent(20) ? 1 : 0); n > 0; --n) out.when.push_back(random_fact_test(model, dice));
  }
  if (dice.percent(seldom + 2)) {
    for (std::uint32_t n = 1 + dice.below(3); n > 0; --n) out.when_any.push_back(random_fact_test(model, dice));
  }
  return out;
}

bool empty(const Tests& t) {
  return !t.who && !t.as && !t.door && !t.hosts && !t.from && !t.run && !t.options && !t.env && !t.during && t.flag.empty() &&
         t.when.empty() && t.when_any.empty();
}

Require random_require(Dice& dice, unsigned chance) {
  Require out;
  if (dice.percent(chance * 2)) out.reason_min = dice.percent(50) ? 0 : 3 + dice.below(8);
  if (dice.percent(chance)) out.tickets = some_of(std::array{"", "CHG-##", "INC#"}, dice, 15);
  out.record = dice.percent(chance / 2 + 2);
  if (dice.percent(chance)) out.notify = some_of(std::array{"pager", "audit"}, dice, 40);
  if (dice.percent(chance)) out.review_s = 3600 * (1 + dice.below(3));
  return out;
}

void add_permit_keys(const Model& model, Dice& dice, Rule& out) {
  (void)model;
  out.max_s = 300 * (1 + dice.below(6));
  if (dice.percent(25)) out.give_s = 60 * (1 + dice.below(*out.max_s / 60));
  if (dice.percent(15)) out.scope = dice.percent(80) ? Scope::kSession : static_cast<Scope>(dice.below(4));
  out.unverified_command = dice.percent(35);
  out.unverified_as = dice.percent(25);
  if (dice.percent(30)) out.claim_s = 60 * (1 + dice.below(9));
  if (dice.percent(30)) out.on_expiry = static_cast<Expiry>(dice.below(3));
  const bool goes_on = out.on_expiry.value_or(out.tests.run ? Expiry::kFinish : Expiry::kEnd) != Expiry::kEnd;
  if (goes_on && dice.percent(40)) out.run_max_s = 3600 * (1 + dice.below(5));
  if (dice.percent(20)) out.warn_before_s = std::vector<std::uint32_t>{30, 120 + 60 * dice.below(3)};
  out.break_glass = dice.percent(25);
  out.digest = dice.percent(6);
}

void add_guard_keys(const Model& model, Dice& dice, Rule& out) {
  if (dice.percent(10)) out.deny = "not while " + out.id;
  if (dice.percent(20)) out.max_s = 300 * (1 + dice.below(4));
  if (dice.percent(20)) out.give_s = 60 * (1 + dice.below(10));
  if (dice.percent(15)) out.scope = dice.percent(80) ? Scope::kSession : static_cast<Scope>(dice.below(4));
  out.observe = dice.percent(15);
  for (const Rule& permit : model.rules) {
    if (permit.permit && permit.break_glass && dice.percent(50)) out.yields_to.push_back(permit.id);
  }
  const bool tightens = out.deny || out.max_s || out.give_s || out.scope || !out.approval.empty() || out.require.reason_min;
  if (!tightens) out.max_s = 600;
}

std::int64_t random_now(const Model& model, Dice& dice) {
  const auto zone = std::ranges::find(kZones, model.timezone, [](const Zone& each) { return std::string(each.name); });
  switch (dice.below(4)) {
    case 0: return model.loaded + static_cast<std::int64_t>(dice.below(60 * kDay)) - 30 * kDay;
    // Around a change of the zone's clocks, by the quarter of an hour.
    case 1: return dice.one_of(zone->changes) + 900 * (static_cast<std::int64_t>(dice.below(32)) - 16);
    default: break;
  }
  const std::vector<const Roster*> rosters = [&] {
    std::vector<const Roster*> out;
    for (const Set& set : model.sets) {
      if (set.roster) out.push_back(&*set.roster);
    }
    return out;
  }();
  const Roster& roster = *dice.one_of(rosters);
  // While it is fresh, or at one of its edges.
  if (dice.percent(80)) return roster.issued + dice.below(roster.fresh_s + roster.fresh_s / 4);
  const Shift& shift = dice.one_of(roster.shifts);
  return std::array{roster.issued + roster.fresh_s, shift.from, shift.to}.at(dice.below(3)) + dice.below(3) - 1;
}

void add_command(const Model& model, Dice& dice, Ask& out) {
  (void)model;
  out.command_known = dice.percent(92);
  if (!out.command_known) return;
  out.command_verified = dice.percent(75);
  out.digest_bound = out.command_verified && dice.percent(60);
  out.path = dice.percent(8) ? "" : dice.one_of(std::array{"/usr/bin/tool", "/usr/bin/tool", "/usr/bin/svc", "/usr/sbin/svc", "/bin/sh"});
  constexpr std::array kWords{"start", "nginx", "nginx.service", "smbd.service", "-u", "", "a/b"};
  for (std::uint32_t n = dice.below(4); n > 0; --n) out.words.emplace_back(dice.one_of(kWords));
  if (dice.percent(25)) out.options = some_of(kOptions, dice, 20);
  if (dice.percent(25)) out.env = some_of(kEnv, dice, 30);
}

void add_facts(const Model& model, Dice& dice, Ask& out) {
  out.no_facts = dice.percent(4);
  for (const Fact& fact : model.facts) {
    if (dice.percent(35)) continue;
    Reading reading{random_value(fact.name, dice), 60 * dice.below(20), std::nullopt};
    if (dice.percent(50)) reading.for_s = 60 * (1 + dice.below(20));
    if (dice.percent(4)) reading.value = std::string("no such");
    out.facts.readings.emplace(fact.name, reading);
  }
  for (const char* name : {"risk", "load", "from.first-seen", "count.denied.10m", "count.break-glass.24h"}) {
    if (dice.percent(90)) out.facts.readings.emplace(name, Reading{random_value(name, dice), 0, std::nullopt});
  }
}

}  // namespace

Rule random_rule(const Model& model, Dice& dice, bool permit, const std::string& id) {
  Rule out;
  out.permit = permit;
  out.id = id;
  out.tests = random_tests(model, dice, permit ? 19 : 33, permit);
  if (dice.percent(35)) {
    out.unless = random_tests(model, dice, permit ? 20 : 28, true);
    if (empty(*out.unless)) out.unless.reset();
  }
  if (dice.percent(permit ? 50 : 35)) out.approval = dice.one_of(model.approvals).name;
  out.require = random_require(dice, permit ? 12 : 10);
  // E08: where no sudo is meant, nothing can record.
  if (out.tests.door && std::ranges::count(*out.tests.door, Door::kSudo) == 0) out.require.record = false;
  permit ? add_permit_keys(model, dice, out) : add_guard_keys(model, dice, out);
  return out;
}

Model random_model(Dice& dice) {
  Model out;
  out.loaded = 1780000000 + static_cast<std::int64_t>(dice.below(60 * kDay));
  out.timezone = dice.one_of(kZones).name;
  for (const Door door : kDoors) {
    if (door == Door::kSudo || dice.percent(85)) out.covers.push_back(door);
  }
  if (dice.percent(25)) out.votes = static_cast<Votes>(dice.below(3));
  out.tags = some_of(std::array{"db", "production", "web"}, dice, 50);
  add_people(out, dice);
  add_objects(out, dice);
  const std::uint32_t permits = 3 + dice.below(8), guards = 2 + dice.below(6);
  for (std::uint32_t i = 0; i < permits; ++i) out.rules.push_back(random_rule(out, dice, true, "p" + std::to_string(i)));
  for (std::uint32_t i = 0; i < guards; ++i) out.rules.push_back(random_rule(out, dice, false, "g" + std::to_string(i)));
  return out;
}

Ask random_ask(const Model& model, Dice& dice) {
  Ask out;
  const std::uint32_t door = dice.below(100);
  out.door = door < 62 ? Door::kSudo : door < 74 ? Door::kSu : door < 85 ? Door::kSsh : door < 93 ? Door::kLogin : Door::kPolkit;
  out.subject = random_identity(model, dice);
  out.root = account(model, "root");
  const bool own = out.door == Door::kSsh || out.door == Door::kLogin;
  if (own && dice.percent(15)) out.subject = dice.percent(50) ? out.root : odd_account(model, dice);
  out.target = dice.percent(65) || out.door == Door::kPolkit ? out.root
               : dice.percent(60)                            ? account(model, "postgres")
               : dice.percent(50)                            ? random_identity(model, dice)
                                                             : odd_account(model, dice);
  if (out.door == Door::kSudo) {
    add_command(model, dice, out);
    out.target_verified = out.command_known && out.command_verified;
  }
  if (dice.percent(88)) {
    out.from.kind = dice.percent(50) ? Origin::Kind::kLocal : Origin::Kind::kPeer;
    if (out.from.kind == Origin::Kind::kPeer) {
      constexpr std::array kPeers{"10.20.1.1", "10.99.17.4", "2001:db8:20::5", "2001:db8:1::1", "192.0.2.9", "10.99.1.1", "::ffff:10.20.3.3"};
      out.from.peer = Address::parse(dice.one_of(kPeers)).value();
    }
  }
  if (dice.percent(75)) out.reason = dice.one_of(std::array{"disk full on db", "fix", "  a  ", "\xc3\xa9\xc3\xa9\xc3\xa9", "rotate the keys"});
  if (dice.percent(70)) out.ticket = dice.one_of(std::array{"CHG-12", "CHG-1x", "INC7", "INC77"});
  out.reason_from_environment = !out.reason.empty() && dice.percent(15);
  out.urgency = dice.one_of(std::array{"low", "normal", "high", "critical"});
  out.can_ask = dice.percent(50);
  if (dice.percent(30)) out.asked_s = 60 * (dice.percent(4) ? 0 : 1 + dice.below(40));
  std::vector<std::string> permits;
  for (const Rule& rule : model.rules) {
    if (rule.permit) permits.push_back(rule.id);
  }
  if (dice.percent(10)) out.via = dice.percent(10) ? "g0" : dice.one_of(permits);
  out.now = random_now(model, dice);
  if (dice.percent(15)) out.seats_at = random_now(model, dice);
  add_facts(model, dice, out);
  out.recorder = dice.percent(85);
  out.can_notify = dice.percent(90);
  out.can_review = dice.percent(90);
  // Known as people.d knows them; the accounts that it does not hold, by their names.
  for (const Person& person : model.people) {
    if (dice.percent(8)) out.absent.push_back(person.name);
  }
  if (dice.percent(8)) out.absent.push_back("user:postgres");
  return out;
}

}  // namespace jit::policy::oracle
