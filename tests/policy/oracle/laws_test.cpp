// SPDX-License-Identifier: Apache-2.0
// The laws of the policy language, on random policies and requests. None of them asks the oracle.
#include <algorithm>
#include <array>
#include "tests/catch.h"
#include <functional>
#include <optional>

#include "tests/policy/oracle/cases.h"
#include "tests/policy/oracle/compare.h"

namespace jit::policy::oracle {
namespace {

void each_policy(unsigned usual, const std::function<void(Case&)>& visit) {
  const std::uint64_t first = first_seed();
  const unsigned count = policies(usual);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    Case at = make_case(seed);
    visit(at);
  }
}

bool same(const Decision& a, const Decision& b) {
  return a.outcome == b.outcome && a.offer == b.offer && a.then == b.then && a.missing == b.missing && a.choices == b.choices &&
         a.why == b.why && a.rules == b.rules && a.near == b.near && a.observed == b.observed && a.read == b.read;
}

std::vector<std::string> permits_of(const Model& model) {
  std::vector<std::string> out;
  for (const Rule& rule : model.rules) {
    if (rule.permit) out.push_back(rule.id);
  }
  return out;
}

Decision ask_via(const Policy& policy, Request request, std::string_view id) {
  request.via = id;
  return policy.decide(request);
}

// Named by id, what each permit offers: nothing may become an offer, and no offer easier.
std::string opened(const Policy& before, const Policy& after, const Request& asked, const Request& asked_after, std::string_view id) {
  const Decision first = ask_via(before, asked, id), second = ask_via(after, asked_after, id);
  if (!second.offer) return "";
  if (!first.offer) return "an offer out of nothing";
  return eased(*first.offer, *second.offer);
}

}  // namespace

TEST_CASE("law: what no permit matches is denied") {
  each_policy(40, [](Case& at) {
    Model guards = at.model;
    std::erase_if(guards.rules, [](const Rule& rule) { return rule.permit; });
    for (Rule& rule : guards.rules) rule.yields_to.clear();
    const auto policy = must_load(at, guards, print(guards));
    for (unsigned n = 0; n < 100; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Decision decision = policy->decide(ask.request());
      if (decision.outcome != Outcome::kDeny || decision.offer || decision.why.empty()) at.fail("no permit, and no deny: " + show(decision), &ask);
    }
  });
}

TEST_CASE("law: the order of files and rules means nothing") {
  each_policy(60, [](Case& at) {
    const auto other = must_load(at, at.model, print_shuffled(at.model, at.dice));
    for (unsigned n = 0; n < 100; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Request request = ask.request();
      const Decision here = at.policy->decide(request), there = other->decide(request);
      if (!same(here, there)) at.fail(difference(here, there) + show(here) + "\n" + show(there), &ask);
    }
  });
}

TEST_CASE("law: the same facts, policy and clock give the same answer") {
  each_policy(40, [](Case& at) {
    const auto again = must_load(at, at.model, print(at.model));
    if (again->hash() != at.policy->hash()) at.fail("another hash of the same texts");
    for (unsigned n = 0; n < 50; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Ask copy = ask;
      if (!same(at.policy->decide(ask.request()), again->decide(copy.request()))) at.fail("another answer", &ask);
    }
  });
}

TEST_CASE("law: one permit more changes no other permit's offer") {
  each_policy(60, [](Case& at) {
    const auto [more, other] = with_new_rule(at, true);
    for (unsigned n = 0; n < 30; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      for (const std::string& id : permits_of(at.model)) {
        const Decision here = ask_via(*at.policy, ask.request(), id), there = ask_via(*other, ask.request(), id);
        if (here.outcome != there.outcome || here.offer != there.offer) at.fail("permit " + id + "\n" + difference(here, there), &ask);
      }
    }
  });
}

TEST_CASE("law: one guard more adds no offer and eases none") {
  each_policy(60, [](Case& at) {
    const auto [more, other] = with_new_rule(at, false);
    for (unsigned n = 0; n < 30; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Request request = ask.request();
      for (const std::string& id : permits_of(at.model)) {
        const std::string what = opened(*at.policy, *other, request, request, id);
        if (!what.empty()) at.fail("permit " + id + ": " + what + "\nguard " + print(more).all(), &ask);
      }
      if (distance(other->decide(request)) < distance(at.policy->decide(request))) at.fail("a guard opened", &ask);
    }
  });
}

namespace {

// One thing that is known becomes unknown.
struct Forget {
  const char* name;
  void (*forget)(const Model& model, Ask& ask, Dice& dice);
};

void forget_groups(Identity& who) {
  who.groups_known = false;
  who.groups_all.clear();
  who.groups_any.clear();
}

constexpr std::array<Forget, 11> kForget{{
    {"the requester's groups", [](const Model&, Ask& ask, Dice&) { forget_groups(ask.subject); }},
    {"the target's groups", [](const Model&, Ask& ask, Dice&) { forget_groups(ask.target); }},
    {"the target's uid", [](const Model&, Ask& ask, Dice&) { ask.target.uid = kNoUid; }},
    {"the target's name",
     [](const Model&, Ask& ask, Dice&) {
       ask.target.user.clear();
       ask.target.person = "uid:1";
     }},
    {"the origin", [](const Model&, Ask& ask, Dice&) { ask.from = {}; }},
    {"the command", [](const Model&, Ask& ask, Dice&) { ask.command_known = false; }},
    {"the path", [](const Model&, Ask& ask, Dice&) { ask.path.clear(); }},
    {"what makes the command sure", [](const Model&, Ask& ask, Dice&) { ask.command_verified = ask.digest_bound = false; }},
    {"what makes the target sure", [](const Model&, Ask& ask, Dice&) { ask.target_verified = false; }},
    {"a fact",
     [](const Model& model, Ask& ask, Dice& dice) {
       if (ask.facts.readings.empty()) return;
       auto at = ask.facts.readings.begin();
       std::advance(at, dice.below(ask.facts.readings.size()));
       // The initial value is never unknown: setting it is clearing.
       const auto fact = std::ranges::find(model.facts, at->first, &Fact::name);
       if (fact == model.facts.end()) {
         ask.facts.readings.erase(at);
       } else if (!fact->initial || at->second.value != *fact->initial) {
         at->second.age_s = 1000000;
         at->second.for_s = 60;
       }
     }},
    {"the digest", [](const Model&, Ask& ask, Dice&) { ask.digest_bound = false; }},
}};

}  // namespace

TEST_CASE("law: unknown never opens") {
  each_policy(60, [](Case& at) {
    for (unsigned n = 0; n < 40; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Decision before = at.policy->decide(ask.request());
      for (const Forget& change : kForget) {
        Ask less = ask;
        change.forget(at.model, less, at.dice);
        const Decision after = at.policy->decide(less.request());
        const std::string what = std::string("without ") + change.name + ": ";
        if (distance(after) < distance(before)) at.fail(what + "opened\n" + show(before) + "\n" + show(after), &ask);
        if (!after.offer) continue;
        const std::string looser = opened(*at.policy, *at.policy, ask.request(), less.request(), after.offer->rule);
        if (!looser.empty()) at.fail(what + looser + "\n" + show(before) + "\n" + show(after), &ask);
      }
    }
  });
}

TEST_CASE("law: a roster that went stale opens nothing") {
  each_policy(40, [](Case& at) {
    Model old = at.model;
    for (Set& set : old.sets) {
      if (set.roster) set.roster->issued -= 400 * 86400;
    }
    const auto other = must_load(at, old, print(old));
    for (unsigned n = 0; n < 60; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Request request = ask.request();
      const Decision before = at.policy->decide(request), after = other->decide(request);
      if (distance(after) < distance(before)) at.fail("opened\n" + show(before) + "\n" + show(after), &ask);
      if (!after.offer) continue;
      const std::string looser = opened(*at.policy, *other, request, request, after.offer->rule);
      if (!looser.empty()) at.fail(looser + "\n" + show(before) + "\n" + show(after), &ask);
    }
  });
}

namespace {

// Who fills a seat of `set` by his name alone, the requester left out. Nothing where strangers may be in it.
std::optional<std::vector<std::string>> others_in(const Case& at, const std::string& set, const Ask& ask, bool machines) {
  if (at.policy->members(set, ask.votes_at()).open_ended) return std::nullopt;
  std::vector<std::string> out;
  for (const std::string& user : all_users()) {
    const Identity voter = account(at.model, user);
    if (voter.person == ask.subject.person || user == ask.subject.user) continue;
    if (at.policy->may_fill(set, voter, ask.votes_at(), machines)) out.push_back(voter.person);
  }
  return out;
}

}  // namespace

TEST_CASE("law: nobody approves for himself without `self`") {
  unsigned people = 0, machines = 0;
  each_policy(400, [&](Case& at) {
    for (unsigned n = 0; n < 100; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Decision decision = at.policy->decide(ask.request());
      if (!decision.offer || decision.offer->seats.empty() || decision.offer->self) continue;
      const Offer& offer = *decision.offer;
      std::vector<std::vector<std::string>> others;
      for (const Seat& seat : offer.seats) {
        if (auto names = others_in(at, seat.set, ask, offer.machines)) others.push_back(std::move(*names));
      }
      if (others.size() < offer.seats.size()) continue;
      ++(offer.machines ? machines : people);
      if (!fill_seats(offer.seats, others).complete) at.fail("offered, and without the requester nobody can fill it", &ask);
    }
  });
  if (policies(400) >= 400) CHECK((people > 20 && machines > 20));
}

TEST_CASE("law: the explanation is sound") {
  each_policy(60, [](Case& at) {
    for (unsigned n = 0; n < 4; ++n) {
      const Ask ask = random_ask(at.model, at.dice);
      const Decision decision = at.policy->decide(ask.request());
      Model named = at.model;
      const auto unnamed = [&](const std::string& id) {
        return std::ranges::count(decision.rules, id) == 0 && std::ranges::count(decision.near, id) == 0;
      };
      std::erase_if(named.rules, [&](const Rule& rule) { return unnamed(rule.id); });
      for (Rule& rule : named.rules) std::erase_if(rule.yields_to, unnamed);
      const auto policy = must_load(at, named, print(named));
      const Decision again = policy->decide(ask.request());
      if (again.outcome != decision.outcome || again.offer != decision.offer || again.then != decision.then ||
          again.missing != decision.missing || again.choices != decision.choices) {
        at.fail("without the rules that it does not name:\n" + difference(decision, again) + show(decision), &ask);
      }
    }
  });
}

}  // namespace jit::policy::oracle
