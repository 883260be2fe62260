// SPDX-License-Identifier: Apache-2.0
#include "policy/match.h"

#include "policy/facts.h"

namespace jit::policy {
namespace {

// `user:root` is the name and the id together: another name for uid 0 must not slip past a guard, and a user who is
// only called root must not get through a permit.
Truth is_user(const Principal& leaf, const Identity& identity, Side side) {
  if (leaf.uid != kNoUid) return identity.uid == kNoUid ? Truth::kUnknown : truth(identity.uid == leaf.uid);
  if (leaf.name == "root" && !leaf.prefix) {
    const Truth name = identity.user.empty() ? Truth::kUnknown : truth(identity.user == "root");
    const Truth id = identity.uid == kNoUid ? Truth::kUnknown : truth(identity.uid == 0);
    return side == Side::kOpens ? both(name, id) : either(name, id);
  }
  if (identity.user.empty()) return Truth::kUnknown;  // the directory was down, or does not know him
  return truth(leaf.matches(identity.user));
}

Truth is_in_group(const Principal& leaf, const Identity& identity, Side side) {
  if (!identity.groups_known) return Truth::kUnknown;
  const std::vector<std::string>& groups = side == Side::kOpens ? identity.groups_all : identity.groups_any;
  return truth(std::ranges::any_of(groups, [&](const std::string& group) { return leaf.matches(group); }));
}

Truth is_person(const Principal& leaf, const Identity& identity) {
  if (identity.user.empty() && identity.person.starts_with("uid:")) return Truth::kUnknown;
  // A user without an entry in people.d is no person that could be named, not by person:* either.
  if (identity.person.empty() || identity.person.find(':') != std::string::npos) return Truth::kFalse;
  return truth(leaf.matches(identity.person));
}

Truth is_leaf(const Principal& leaf, const Identity& identity, Side side) {
  switch (leaf.kind) {
    case Principal::Kind::kUser: return is_user(leaf, identity, side);
    case Principal::Kind::kGroup: return is_in_group(leaf, identity, side);
    case Principal::Kind::kPerson: return is_person(leaf, identity);
    case Principal::Kind::kSet: break;
  }
  return Truth::kUnknown;
}

// A set that comes from a roster; other sets are expanded at load.
Truth is_on_duty(const RuleSet& policy, const Principal& leaf, const Identity& identity, Side side, std::int64_t now) {
  const auto roster = policy.rosters.find(leaf.name);
  if (roster == policy.rosters.end() || roster->second.stale(now)) return Truth::kUnknown;
  Truth out = Truth::kFalse;
  roster->second.on_duty(now, [&](const Principal& who) { out = either(out, is_leaf(who, identity, side)); });
  return out;
}

bool listed(const WordTest* test, std::string_view word) {
  if (test == nullptr) return false;
  return std::ranges::any_of(test->words, [&](const Text& text) {
    const std::string_view own = text.value;
    return own.ends_with('*') ? word.starts_with(own.substr(0, own.size() - 1)) : word == own;
  });
}

}  // namespace

Part part_of(const Rule& rule) {
  if (!rule.permit) return {Side::kCloses, false, false, false};
  return {Side::kOpens, true, rule.unverified_command, rule.digest};
}

Part unless_of(const Rule& rule) { return {rule.permit ? Side::kCloses : Side::kOpens, false, false, false}; }

Truth is_one_of(const RuleSet& policy, std::span<const Principal> leaves, const Identity& identity, Side side, std::int64_t now) {
  Truth out = Truth::kFalse;
  for (const Principal& leaf : leaves) {
    out = either(out, leaf.kind == Principal::Kind::kSet ? is_on_duty(policy, leaf, identity, side, now) : is_leaf(leaf, identity, side));
    if (out == Truth::kTrue) break;
  }
  return out;
}

Truth is_from(const OriginTest& test, const Origin& origin) {
  switch (origin.kind) {
    case Origin::Kind::kLocal: return truth(test.local);
    case Origin::Kind::kPeer:
      return truth(std::ranges::any_of(test.nets, [&](const Net& net) { return net.contains(origin.peer); }));
    case Origin::Kind::kUnknown: break;
  }
  return Truth::kUnknown;
}

Truth runs(const RunTest& test, const Request& request, const Part& part) {
  const Command& command = request.command;
  if (request.door != Door::kSudo || !command.known || command.path.empty()) return Truth::kUnknown;
  if (!command.verified && !part.claims_ok) return Truth::kUnknown;
  return truth(std::ranges::any_of(
      test.patterns, [&](const CommandPattern* pattern) { return pattern->matches(command.path, command.words); }));
}

Truth has_words(const WordTest* test, std::span<const std::string> used, const Request& request, const Part& part) {
  // They are sudo's own, so at another door none is used.
  if (request.door != Door::kSudo) return truth(part.permit);
  const Command& command = request.command;
  if (!command.known) return Truth::kUnknown;
  const auto is_listed = [&](const std::string& word) { return listed(test, word); };
  const bool holds = part.permit ? std::ranges::all_of(used, is_listed) : std::ranges::any_of(used, is_listed);
  return command.verified || part.claims_ok ? truth(holds) : Truth::kUnknown;
}

Truth has_digest(const Request& request) {
  return request.door == Door::kSudo && request.command.known && request.command.verified && request.command.digest_bound
             ? Truth::kTrue
             : Truth::kUnknown;
}

Truth is_during(const WindowTest& test, std::int64_t now) {
  return truth(std::ranges::any_of(test.windows, [&](const Window* window) { return window->contains(now); }));
}

Truth test_fact(const FactTest& test, const Scene& scene) {
  if (scene.read != nullptr) scene.read->push_back(&test);
  const int value = holds(test, look_up(test, scene.request));
  return value < 0 ? Truth::kUnknown : truth(value > 0);
}

Truth test_all(const Tests& tests, const Scene& scene, const Identity& target, const Part& part) {
  const Request& request = scene.request;
  const auto word = [](const std::optional<WordTest>& test) { return test ? &*test : nullptr; };
  Truth out = Truth::kTrue;
  if (tests.door) out = both(out, truth(std::ranges::find(*tests.door, request.door) != tests.door->end()));
  if (tests.hosts) out = both(out, truth(tests.hosts->holds));
  if (tests.who) out = both(out, is_one_of(scene.policy, tests.who->leaves, *request.subject, part.side, request.now));
  if (tests.as) out = both(out, is_one_of(scene.policy, tests.as->leaves, target, part.side, request.now));
  if (tests.from) out = both(out, is_from(*tests.from, request.from));
  if (tests.run) out = both(out, runs(*tests.run, request, part));
  // A permit for commands also names what else changes their meaning.
  const bool every = part.permit && tests.run;
  if (tests.options || every) out = both(out, has_words(word(tests.options), request.command.options, request, part));
  if (tests.env || every) out = both(out, has_words(word(tests.env), request.command.env, request, part));
  if (part.digest) out = both(out, has_digest(request));
  if (tests.during) out = both(out, is_during(*tests.during, request.now));
  // Facts come last and are then all read, so that what was read does not depend on their values.
  if (out == Truth::kFalse) return out;
  const auto any = [&](const std::vector<FactTest>& list) {
    Truth some = Truth::kFalse;
    for (const FactTest& test : list) some = either(some, test_fact(test, scene));
    return some;
  };
  if (!tests.flag.empty()) out = both(out, any(tests.flag));
  for (const FactTest& test : tests.when) out = both(out, test_fact(test, scene));
  if (!tests.when_any.empty()) out = both(out, any(tests.when_any));
  return out;
}

Truth whole(const Rule& rule, const Scene& scene, const Identity& target) {
  const Truth is = test_all(rule.tests, scene, target, part_of(rule));
  if (is == Truth::kFalse || !rule.unless) return is;
  const Truth unless = test_all(*rule.unless, scene, target, unless_of(rule));
  return both(is, unless == Truth::kTrue ? Truth::kFalse : unless == Truth::kFalse ? Truth::kTrue : Truth::kUnknown);
}

bool target_is_claim(const Request& request) { return request.door == Door::kSudo && !request.target_verified; }

bool permit_matches(const Rule& permit, const Scene& scene) {
  const Truth out = whole(permit, scene, *scene.request.target);
  if (permit.unverified_as || !target_is_claim(scene.request)) return out == Truth::kTrue;
  return both(out, whole(permit, scene, *scene.request.root)) == Truth::kTrue;
}

Truth guard_applies(const Rule* permit, const Rule& guard, const Scene& scene) {
  const Truth out = whole(guard, scene, *scene.request.target);
  if ((permit != nullptr && permit->unverified_as) || !target_is_claim(scene.request)) return out;
  return either(out, whole(guard, scene, *scene.request.root));
}

}  // namespace jit::policy
