// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "tests/policy/oracle/random.h"

namespace jit::policy::oracle {
namespace {

using Texts = std::vector<std::string>;

constexpr std::int64_t kHour = 3600;

// dan and gil are in no file; alice has two users.
const Texts kUsers{"alice", "alice-adm", "bob", "carl", "eva", "finn", "deploy", "dan", "gil"};
const Texts kPersons{"alice", "bob", "carl", "eva", "finn", "robot"};
const Texts kGroups{"dba", "sre", "staff", "ext-acme", "ext-beta"};

Name from_text(Name::Kind kind, std::string text) {
  const bool glob = text.ends_with('*');
  if (glob) text.pop_back();
  return {kind, std::move(text), glob};
}

Roster random_roster(const Model& model, Dice& dice, const std::string& file) {
  Roster out;
  out.file = file;
  out.fresh_s = (1 + dice.below(12)) * 3600;
  out.issued = model.loaded - kHour * dice.below(24);
  std::int64_t at = out.issued - kHour * dice.below(4);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::int64_t end = at + kHour * (1 + dice.below(8));
    Shift shift{at, end, {}};
    for (std::uint32_t n = 1 + dice.below(3); n > 0; --n) {
      const Name who = random_principal(model, dice, false);
      if (std::ranges::none_of(shift.who, [&](const Name& other) { return other.text() == who.text(); })) shift.who.push_back(who);
    }
    out.shifts.push_back(shift);
    at = end - (dice.percent(30) ? kHour / 2 : 0);
  }
  return out;
}

Span random_span(Dice& dice) {
  Span out;
  out.from = dice.below(24) * 60 + (dice.percent(30) ? 30 : 0);
  out.to = dice.percent(20) ? 1440 : dice.below(24) * 60 + dice.below(4) * 15;
  if (dice.percent(8)) out.to = out.from;  // a whole day
  out.daily = dice.percent(50);
  if (out.daily) return out;
  // One or two ranges that share no day.
  const unsigned first = dice.below(7), length = dice.percent(40) ? 1 : 1 + dice.below(6), gap = 1 + dice.below(7);
  out.days.push_back({first, (first + length - 1) % 7});
  if (length + gap < 7) out.days.push_back({(first + length + gap) % 7, (first + length + gap + dice.below(7 - length - gap)) % 7});
  return out;
}

Calendar random_calendar(const Model& model, Dice& dice, const std::string& name) {
  Calendar out{name, name + ".ics", {}};
  for (std::uint32_t n = 2 + dice.below(6); n > 0; --n) {
    Event event;
    event.all_day = dice.percent(60);
    const std::int64_t day = model.loaded / kDay - 60 + dice.below(120);
    event.first = event.all_day ? day : day * kDay + kHour * dice.below(24);
    event.end = event.first + (event.all_day ? 1 + dice.below(4) : kHour * (1 + dice.below(30)));
    if (dice.percent(40)) {
      event.every_days = dice.percent(60) ? 7 : 1;
      event.times = 2 + dice.below(8);
    }
    out.events.push_back(event);
  }
  return out;
}

Word random_word(Dice& dice) {
  switch (dice.below(5)) {
    case 0: return {"", {}, "", true};
    case 1: return {"ng", {}, "", true};
    case 2: return {"", {"start", "stop"}, "", false};
    case 3: return {"", {"nginx", "smbd"}, ".service", dice.percent(30)};
    default: return {dice.percent(50) ? "nginx.service" : "-u", {}, "", false};
  }
}

NamedCommand random_command(Dice& dice, const std::string& name) {
  NamedCommand out{name, {}};
  for (std::uint32_t n = 1 + dice.below(3); n > 0; --n) {
    Pattern pattern;
    pattern.path = dice.percent(60) ? Word{"/usr/bin/tool", {}, "", false} : Word{"/usr/", {"bin", "sbin"}, "/svc", false};
    for (std::uint32_t i = dice.below(3); i > 0; --i) pattern.words.push_back(random_word(dice));
    pattern.rest = dice.percent(40);
    out.patterns.push_back(pattern);
  }
  return out;
}

Fact random_fact(Dice& dice, const std::string& name, FactRule::Type type) {
  Fact out{name, type, std::nullopt, std::nullopt};
  if (dice.percent(60)) out.fresh_s = 300 * (1 + dice.below(3));
  if (dice.percent(60)) out.initial = random_value(name, dice);
  return out;
}

Approval random_approval(const Model& model, Dice& dice, const std::string& name) {
  Approval out;
  out.name = name;
  for (std::uint32_t n = dice.percent(10) ? 0 : 1 + dice.below(2); n > 0; --n) {
    const Name from = random_principal(model, dice, true);
    const bool twice = std::ranges::any_of(out.need, [&](const Need& other) { return other.from.text() == from.text(); });
    if (!twice) out.need.push_back({from, dice.percent(25) ? 2U : 1U});
  }
  if (dice.percent(60)) out.wait_s = 60 * (1 + dice.below(20));
  for (std::uint32_t n = out.need.empty() ? 0 : dice.below(3); n > 0; --n) {
    Step step;
    step.after_s = 60 * (1 + dice.below(15));
    if (dice.percent(30)) {
      step.notify = "pager";
    } else {
      step.add = random_principal(model, dice, true).text();
      step.to = dice.one_of(out.need).from.text();
    }
    if (std::ranges::count(out.escalate, step) == 0) out.escalate.push_back(step);
  }
  if (dice.percent(45)) out.votes = static_cast<Votes>(dice.below(3));
  out.machines = dice.percent(50);
  out.match = dice.percent(30);
  out.self = dice.percent(50);
  return out;
}

}  // namespace

const std::vector<std::string>& all_users() { return kUsers; }

Name random_principal(const Model& model, Dice& dice, bool with_sets) {
  const std::uint32_t kind = dice.below(with_sets && !model.sets.empty() ? 10 : 6);
  switch (kind) {
    case 0:
      if (dice.percent(15)) return from_text(Name::Kind::kUser, std::to_string(account(model, dice.one_of(kUsers)).uid));
      return from_text(Name::Kind::kUser, dice.percent(20) ? "alice*" : dice.one_of(kUsers));
    case 1: return from_text(Name::Kind::kPerson, dice.percent(10) ? "*" : dice.percent(10) ? "e*" : dice.one_of(kPersons));
    case 2:
    case 3:
    case 4:
    case 5: return from_text(Name::Kind::kGroup, dice.percent(20) ? "ext-*" : dice.one_of(kGroups));
    default: return {Name::Kind::kSet, dice.one_of(model.sets).name, false};
  }
}

void add_people(Model& model, Dice& dice) {
  for (const std::string& name : kPersons) {
    Person person;
    person.name = name;
    person.users = {name == "robot" ? "deploy" : name};
    if (name == "alice") person.users.emplace_back("alice-adm");
    person.machine = name == "robot";
    for (std::uint32_t n = dice.percent(85) ? 1 + dice.below(2) : 0; n > 0; --n) {
      Key key;
      key.id = "k" + std::to_string(n);
      key.hardware = dice.percent(60);
      key.kind = key.hardware && dice.percent(30) ? "webauthn" : "ssh";
      key.public_text = key.kind == "webauthn" ? "AAAAkey" : key.hardware ? "sk-ssh-ed25519@openssh.com AAAAkey" : "ssh-ed25519 AAAAkey";
      key.verify_required = dice.percent(20);
      if (dice.percent(15)) key.not_before = model.loaded + kDay * (dice.below(60)) - 30 * kDay;
      if (dice.percent(15)) key.not_after = model.loaded + kDay * (dice.below(60)) - 10 * kDay;
      if (dice.percent(10)) key.revoked = model.loaded + kDay * (dice.below(60)) - 10 * kDay;
      if (key.not_before && key.not_after && *key.not_before >= *key.not_after) key.not_before.reset();
      person.keys.push_back(key);
    }
    model.people.push_back(person);
  }
}

void add_objects(Model& model, Dice& dice) {
  for (std::uint32_t i = 0; i < 4; ++i) {
    Set set{"s" + std::to_string(i), {}, std::nullopt};
    if (i == 1 || (i == 3 && dice.percent(30))) {
      set.roster = random_roster(model, dice, set.name + ".toml");
    } else {
      for (std::uint32_t n = 2 + dice.below(3); n > 0; --n) {
        const Name member = random_principal(model, dice, true);
        const bool twice = std::ranges::any_of(set.members, [&](const Name& other) { return other.text() == member.text(); });
        if (!twice) set.members.push_back(member);
      }
    }
    model.sets.push_back(set);
  }
  model.nets = {{"office", {{"10.20.0.0", 16}, {"2001:db8:20::", 48}}},
                {"vpn", {{"10.99.0.0", dice.percent(50) ? 16U : 20U}}},
                {"wide", {{"2001:db8::", 32}, {"10.0.0.0", 8}}}};
  model.calendars = {random_calendar(model, dice, "c0"), random_calendar(model, dice, "c1")};
  for (std::uint32_t i = 0; i < 3; ++i) {
    Window window{"w" + std::to_string(i), {}, {}};
    for (std::uint32_t n = 1 + dice.below(3); n > 0; --n) window.spans.push_back(random_span(dice));
    if (i > 0) window.except.emplace_back("c0");
    if (i > 1) window.except.emplace_back("c1");
    model.windows.push_back(window);
  }
  model.commands = {random_command(dice, "c0"), random_command(dice, "c1"),
                    {"c2", {{Word{"/usr/bin/tool", {}, "", false}, {}, true}}}};
  model.facts = {random_fact(dice, "freeze", FactRule::Type::kBool), random_fact(dice, "drill", FactRule::Type::kBool),
                 random_fact(dice, "grade", FactRule::Type::kInt), random_fact(dice, "ratio", FactRule::Type::kFloat),
                 random_fact(dice, "tier", FactRule::Type::kString)};
  for (std::uint32_t i = 0; i < 5; ++i) model.approvals.push_back(random_approval(model, dice, "a" + std::to_string(i)));
}

Value random_value(const std::string& attribute, Dice& dice) {
  if (attribute == "freeze" || attribute == "drill" || attribute == "from.first-seen") return dice.percent(50);
  if (attribute == "ratio" || attribute == "load") return 0.25 * dice.below(5);
  if (attribute == "tier") return std::string(dice.percent(50) ? "gold" : "tin");
  if (attribute == "urgency") return std::string(dice.percent(50) ? "normal" : "high");
  if (attribute == "risk") return std::int64_t{20} * dice.below(6);
  return std::int64_t{dice.below(4)};  // grade, count.*
}

FactTest random_fact_test(const Model& model, Dice& dice) {
  (void)model;
  constexpr std::array kAttributes{"freeze", "grade", "ratio", "tier", "risk", "load", "urgency", "from.first-seen",
                                   "count.denied.10m", "count.break-glass.24h"};
  constexpr std::array kOps{"==", "!=", "<", "<=", ">", ">="};
  const std::string attribute = dice.one_of(kAttributes);
  Value literal = random_value(attribute, dice);
  const bool number = std::holds_alternative<std::int64_t>(literal) || std::holds_alternative<double>(literal);
  return {attribute, kOps.at(dice.below(number ? 6 : 2)), std::move(literal)};
}

Identity account(const Model& model, const std::string& user) {
  Identity out;
  out.user = user;
  const auto at = std::ranges::find(kUsers, user);
  out.uid = user == "root" || user == "toor" ? 0 : user == "postgres" ? 120 : 1001 + static_cast<std::uint32_t>(at - kUsers.begin());
  out.person = "uid:" + std::to_string(out.uid);
  for (const Person& person : model.people) {
    if (std::ranges::count(person.users, user) > 0) out.person = person.name;
  }
  out.groups_known = true;
  out.groups_all = out.groups_any = {user};
  return out;
}

// Who is only called root, who is it by another name, and whom the directory does not tell.
Identity odd_account(const Model& model, Dice& dice) {
  Identity out = account(model, dice.one_of(std::array{"root", "root", "toor", "toor", "postgres"}));
  if (out.user == "toor") return out;
  out.uid = dice.percent(50) ? 1099 : kNoUid;
  out.person = out.uid == kNoUid ? "" : "uid:1099";
  return out;
}

Identity random_identity(const Model& model, Dice& dice) {
  Identity out = account(model, dice.one_of(kUsers));
  for (const std::string& group : kGroups) {
    if (!dice.percent(40)) continue;
    out.groups_any.push_back(group);
    // What only one of NSS and the kernel says.
    if (dice.percent(85)) out.groups_all.push_back(group);
  }
  if (dice.percent(7)) {
    out.groups_known = false;  // the directory is down
    out.groups_all.clear();
    out.groups_any.clear();
    if (dice.percent(30)) {
      out.user.clear();
      out.person = "uid:" + std::to_string(out.uid);
    }
  }
  return out;
}

}  // namespace jit::policy::oracle
