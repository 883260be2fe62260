// SPDX-License-Identifier: Apache-2.0
// Does a rule match? Quotations are from the policy language's document.
#include <algorithm>
#include <stdexcept>

#include "tests/policy/oracle/oracle.h"

namespace jit::policy::oracle {
namespace {

// "Kleene logic: `when` is AND, `when-any` is OR, a list is OR, a rule is AND over its properties"
Truth both(Truth a, Truth b) { return a < b ? a : b; }
Truth either(Truth a, Truth b) { return a < b ? b : a; }
Truth truth(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

template <class T>
const T& named(const std::vector<T>& list, std::string_view name) {
  for (const T& item : list) {
    if (item.name == name) return item;
  }
  throw std::logic_error("the model names what it does not hold: " + std::string(name));
}

// "Groups: what can only open (a permit, the `unless` of a guard) uses the intersection of NSS and the caller's kernel
// groups where those exist, what can only close (a guard, the `unless` of a permit) the union; a failed look-up is unknown"
Truth in_group(const Name& name, const Identity& who, Of of) {
  if (!who.groups_known) return Truth::kUnknown;
  const bool opens = of == Of::kPermit || of == Of::kUnlessOfGuard;
  for (const std::string& group : opens ? who.groups_all : who.groups_any) {
    if (name_is(name, group)) return Truth::kTrue;
  }
  return Truth::kFalse;
}

// A name of digits alone is a uid. "root" is the name and the id together: neither a user who is only called so, nor another
// name for uid 0, may have from it what the other would not.
Truth is_user(const Name& name, const Identity& who, Of of) {
  const auto id_is = [&](std::uint32_t uid) { return who.uid == kNoUid ? Truth::kUnknown : truth(who.uid == uid); };
  if (const auto uid = uid_of(name)) return id_is(*uid);
  const Truth named = who.user.empty() ? Truth::kUnknown : truth(name_is(name, who.user));
  if (name.glob || name.name != "root") return named;
  const bool opens = of == Of::kPermit || of == Of::kUnlessOfGuard;
  return opens ? both(named, id_is(0)) : either(named, id_is(0));
}

Truth is(const Model& model, const Name& name, const Identity& who, Of of, std::int64_t now);

Truth any_of(const Model& model, const std::vector<Name>& names, const Identity& who, Of of, std::int64_t now) {
  Truth out = Truth::kFalse;
  for (const Name& name : names) out = either(out, is(model, name, who, of, now));
  return out;
}

Truth in_set(const Model& model, const Set& set, const Identity& who, Of of, std::int64_t now) {
  if (!set.roster) return any_of(model, set.members, who, of, now);
  // "older than 6 h counts as unknown", "fresh with nobody on duty is empty"
  if (stale(*set.roster, now)) return Truth::kUnknown;
  Truth out = Truth::kFalse;
  for (const Shift& shift : set.roster->shifts) {
    if (now >= shift.from && now < shift.to) out = either(out, any_of(model, shift.who, who, of, now));
  }
  return out;
}

Truth is(const Model& model, const Name& name, const Identity& who, Of of, std::int64_t now) {
  switch (name.kind) {
    case Name::Kind::kUser: return is_user(name, who, of);
    case Name::Kind::kGroup: return in_group(name, who, of);
    case Name::Kind::kSet: return in_set(model, set_named(model, name.name), who, of, now);
    case Name::Kind::kPerson: break;
  }
  if (who.user.empty()) return Truth::kUnknown;
  // "a user without a person may vote locally, and `person:` is false for him"
  for (const Person& person : model.people) {
    for (const std::string& user : person.users) {
      if (user == who.user) return truth(name_is(name, person.name));
    }
  }
  return Truth::kFalse;
}

// "`from` of a rule takes `net:` and `local`", "at a console it is `local`, a definite value", "else unknown"
Truth comes_from(const Model& model, const Origins& origins, const Origin& from) {
  if (from.kind == Origin::Kind::kUnknown) return Truth::kUnknown;
  if (from.kind == Origin::Kind::kLocal) return truth(origins.local);
  for (const std::string& name : origins.nets) {
    for (const Range& range : named(model.nets, name).ranges) {
      // "addresses are normalised (IPv4-mapped is IPv4, zone dropped)"
      const Address base = Address::parse(range.address).value();
      if (base.v4 != from.peer.v4) continue;
      const unsigned bits = range.bits + (base.v4 ? 96 : 0);
      bool same = true;
      for (unsigned bit = 0; bit < bits; ++bit) {
        const unsigned mask = 0x80U >> (bit % 8);
        same = same && (base.bytes.at(bit / 8) & mask) == (from.peer.bytes.at(bit / 8) & mask);
      }
      if (same) return Truth::kTrue;
    }
  }
  return Truth::kFalse;
}

// "literal, `{a|b}`, `prefix*` within one word, `*` one word"; "`*` stands at the end of a word and matches any characters,
// `/` too"; "`*` and `prefix*` never match an empty word or one that starts with `-`"
bool word_matches(const Word& word, std::string_view text) {
  const std::vector<std::string> none{""};
  for (const std::string& choice : word.choices.empty() ? none : word.choices) {
    const std::string whole = word.head + choice + word.tail;
    if (!word.star && text == whole) return true;
    if (word.star && text.starts_with(whole) && !text.empty() && text.front() != '-') return true;
  }
  return false;
}

// "Commands match the resolved absolute path and argv word by word", "a bare path means "no arguments"", "final `**` the
// rest (none too, and options)"
bool pattern_matches(const Pattern& pattern, const Command& command) {
  if (!word_matches(pattern.path, command.path)) return false;
  if (command.words.size() < pattern.words.size()) return false;
  if (command.words.size() > pattern.words.size() && !pattern.rest) return false;
  for (std::size_t i = 0; i < pattern.words.size(); ++i) {
    if (!word_matches(pattern.words[i], command.words[i])) return false;
  }
  return true;
}

// "`run` is unknown at every door but sudo." "`run` matches only with `unverified-ok = ["command"]`"; "A claimed command is
// unknown everywhere else, every `unless.run` included; it never lifts a guard."
bool command_is_known(const Rule& rule, const Request& request, Of of) {
  if (request.door != Door::kSudo || !request.command.known) return false;
  return request.command.verified || (of == Of::kPermit && rule.unverified_command);
}

Truth runs(const Model& model, const std::vector<std::string>& commands, const Rule& rule, const Request& request, Of of) {
  if (!command_is_known(rule, request, of) || request.command.path.empty()) return Truth::kUnknown;
  for (const std::string& name : commands) {
    for (const Pattern& pattern : named(model.commands, name).patterns) {
      if (pattern_matches(pattern, request.command)) return Truth::kTrue;
    }
  }
  return Truth::kFalse;
}

// "`options` and `env`: a permit holds when all that the request uses are listed, a guard or `unless` when one is."
Truth uses(const std::vector<std::string>& listed, std::span<const std::string> used, const Rule& rule, const Request& request, Of of) {
  // They are sudo's, so at another door a request uses none.
  if (request.door != Door::kSudo) return truth(of == Of::kPermit);
  if (!command_is_known(rule, request, of)) return Truth::kUnknown;
  bool all = true, one = false;
  for (const std::string& word : used) {
    bool in = false;
    for (const std::string& item : listed) {
      // "Globs in names: trailing `*` only."
      in = in || (item.ends_with('*') ? word.starts_with(item.substr(0, item.size() - 1)) : word == item);
    }
    all = all && in;
    one = one || in;
  }
  return truth(of == Of::kPermit ? all : one);
}

std::optional<Value> value_of(const Model& model, const std::string& name, const Request& request) {
  if (name == "urgency") return std::string(request.urgency);
  const Reading* reading = request.facts == nullptr ? nullptr : request.facts->find(name);
  for (const Fact& fact : model.facts) {
    if (fact.name != name) continue;
    // "A declared fact that was never set, or was cleared, has `initial`; setting the initial value is clearing"
    if (reading == nullptr) return fact.initial;
    if (fact.initial && reading->value == *fact.initial) return fact.initial;
    // "a value is known while its age is below the shorter of `--for` and `fresh`, then *unknown*"
    if (fact.fresh_s && reading->age_s >= *fact.fresh_s) return std::nullopt;
  }
  if (reading == nullptr || (reading->for_s && reading->age_s >= *reading->for_s)) return std::nullopt;
  return reading->value;
}

std::optional<double> number(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  if (const auto* decimal = std::get_if<double>(&value)) return *decimal;
  return std::nullopt;
}

// "A test is `attribute op literal`"; "A test over an absent, stale or unparsable attribute is unknown."
Truth holds(const Model& model, const FactTest& test, const Request& request) {
  const auto value = value_of(model, test.attribute, request);
  if (!value) return Truth::kUnknown;
  const auto left = number(*value), right = number(test.literal);
  if (left.has_value() != right.has_value()) return Truth::kUnknown;
  if (!left && value->index() != test.literal.index()) return Truth::kUnknown;
  if (test.op == "==") return truth(left ? *left == *right : *value == test.literal);
  if (test.op == "!=") return truth(left ? *left != *right : *value != test.literal);
  if (!left) return Truth::kUnknown;
  if (test.op == "<") return truth(*left < *right);
  if (test.op == "<=") return truth(*left <= *right);
  if (test.op == ">") return truth(*left > *right);
  return truth(*left >= *right);
}

Truth facts_hold(const Model& model, const Tests& tests, const Request& request) {
  Truth out = Truth::kTrue;
  if (!tests.flag.empty()) {
    Truth flag = Truth::kFalse;
    for (const std::string& name : tests.flag) flag = either(flag, holds(model, {name, "==", true}, request));
    out = both(out, flag);
  }
  for (const FactTest& test : tests.when) out = both(out, holds(model, test, request));
  if (tests.when_any.empty()) return out;
  Truth any = Truth::kFalse;
  for (const FactTest& test : tests.when_any) any = either(any, holds(model, test, request));
  return both(out, any);
}

// "an omitted property is true"
Truth all_hold(const Model& model, const Rule& rule, const Tests& tests, const Request& request, const Identity& target, Of of) {
  Truth out = facts_hold(model, tests, request);
  if (tests.who) out = both(out, any_of(model, *tests.who, *request.subject, of, request.now));
  if (tests.as) out = both(out, any_of(model, *tests.as, target, of, request.now));
  if (tests.door) out = both(out, truth(std::ranges::count(*tests.door, request.door) > 0));
  if (tests.hosts) {
    bool here = false;
    for (const std::string& tag : model.tags) {
      for (const std::string& item : *tests.hosts) {
        here = here || (item.ends_with('*') ? tag.starts_with(item.substr(0, item.size() - 1)) : tag == item);
      }
    }
    out = both(out, truth(here));
  }
  if (tests.from) out = both(out, comes_from(model, *tests.from, request.from));
  if (tests.run) out = both(out, runs(model, *tests.run, rule, request, of));
  if (tests.options) out = both(out, uses(*tests.options, request.command.options, rule, request, of));
  if (tests.env) out = both(out, uses(*tests.env, request.command.env, rule, request, of));
  if (tests.during) {
    bool in = false;
    for (const std::string& name : *tests.during) in = in || inside(model, named(model.windows, name), request.now);
    out = both(out, truth(in));
  }
  if (of == Of::kPermit && tests.run) {
    // "A permit with `run` must also name what else changes the meaning of a command (sudo's `-g -D -R -s -i -e` in
    // `options`, environment additions in `env`), or it does not match"
    if (!tests.options) out = both(out, uses({}, request.command.options, rule, request, of));
    if (!tests.env) out = both(out, uses({}, request.command.env, rule, request, of));
  }
  return out;
}

bool permit_matches_as(const Model& model, const Rule& permit, const Request& request, const Identity& target) {
  // "A permit needs true." "`unless` takes a permit away when true or unknown"
  if (all_hold(model, permit, permit.tests, request, target, Of::kPermit) != Truth::kTrue) return false;
  // "`digest = true` matches only where the digest is bound; otherwise it is unknown."
  if (permit.digest && !(request.door == Door::kSudo && request.command.known && request.command.digest_bound)) return false;
  // "All `unless.*` of a rule are one condition: it holds when all of them hold."
  return !permit.unless || all_hold(model, permit, *permit.unless, request, target, Of::kUnlessOfPermit) == Truth::kFalse;
}

bool target_is_claim(const Request& request) { return request.door == Door::kSudo && !request.target_verified; }

}  // namespace

bool name_is(const Name& pattern, std::string_view name) {
  return pattern.glob ? name.starts_with(pattern.name) : name == pattern.name;
}

std::optional<std::uint32_t> uid_of(const Name& name) {
  const bool digits = !name.name.empty() && name.name.find_first_not_of("0123456789") == std::string::npos;
  if (name.kind != Name::Kind::kUser || name.glob || !digits) return std::nullopt;
  return static_cast<std::uint32_t>(std::stoul(name.name));
}

Name seat_name(const std::string& seat) {
  const std::size_t colon = seat.find(':');
  const std::string kind = seat.substr(0, colon);
  Name out{kind == "user"    ? Name::Kind::kUser
           : kind == "group" ? Name::Kind::kGroup
           : kind == "set"   ? Name::Kind::kSet
                             : Name::Kind::kPerson,
           seat.substr(colon + 1), seat.ends_with('*')};
  if (out.glob) out.name.pop_back();
  return out;
}

// A voter who may be in it, or not, opens nothing: groups as for what can only open.
bool in_seat(const Model& model, const std::string& seat, const Identity& voter, std::int64_t now) {
  return is(model, seat_name(seat), voter, Of::kPermit, now) == Truth::kTrue;
}

const Set& set_named(const Model& model, const std::string& name) { return named(model.sets, name); }
const Approval& approval_named(const Model& model, const std::string& name) { return named(model.approvals, name); }

// "age counts from `issued`"; one of the future, beyond what clocks differ by, is no better.
bool stale(const Roster& roster, std::int64_t now) {
  return now - roster.issued > std::int64_t{roster.fresh_s} || roster.issued - now > 300;
}

// "unless a permit lists `as`, it must match, and a guard applies if it matches, for the claimed target and for root:
// permits AND, guards OR. A rule is evaluated whole, `unless` included, for each target; guards on a permit that lists
// `as` see the claimed target only."
bool permit_matches(const Model& model, const Rule& permit, const Request& request) {
  if (!permit_matches_as(model, permit, request, *request.target)) return false;
  return permit.unverified_as || !target_is_claim(request) || permit_matches_as(model, permit, request, *request.root);
}

bool guard_applies(const Model& model, const Rule& guard, const Request& request, const Identity& target) {
  // "A guard applies unless false." "`unless` lifts a guard only when true"
  if (all_hold(model, guard, guard.tests, request, target, Of::kGuard) == Truth::kFalse) return false;
  return !guard.unless || all_hold(model, guard, *guard.unless, request, target, Of::kUnlessOfGuard) != Truth::kTrue;
}

bool guard_applies_to(const Model& model, const Rule& permit, const Rule& guard, const Request& request) {
  if (guard_applies(model, guard, request, *request.target)) return true;
  return !permit.unverified_as && target_is_claim(request) && guard_applies(model, guard, request, *request.root);
}

}  // namespace jit::policy::oracle
