// SPDX-License-Identifier: Apache-2.0
// The properties of a rule one by one, each with what to say where it does not hold.
#pragma once

#include <string>

#include "policy/facts.h"
#include "policy/match.h"

namespace jit::policy {

// How far a permit is from a request where a property does not hold: one that is not for this user is farther than one
// for another host, and one that only has to wait for another time or state is nearest.
enum Weight : unsigned { kFarWho = 64, kFarDoor = 32, kFarTarget = 32, kFarRun = 16, kFarHost = 8, kFarOrigin = 4, kFarWords = 2, kNear = 1 };

// Calls visit(truth, weight, text): text(unknown) is made only where it is wanted, a denial looks at every permit.
template <class Visit>
void each_property(const Tests& tests, const Scene& scene, const Identity& target, const Part& part, Visit visit);

std::string user_gap(const PrincipalTest& test, const Scene& scene, const Identity& identity);
std::string shown(const Identity& identity);
std::string run_gap(const Request& request);
std::string words_text(std::string_view what, const WordTest* test, std::span<const std::string> used, const Part& part, bool unknown);
std::string facts_text(const std::vector<FactTest>& list, const Scene& scene, bool unknown, bool every);

template <class Visit>
void each_property(const Tests& tests, const Scene& scene, const Identity& target, const Part& part, Visit visit) {
  const Request& request = scene.request;
  if (tests.who) {
    visit(is_one_of(scene.policy, tests.who->leaves, *request.subject, part.side, request.now), kFarWho, [&](bool unknown) {
      const std::string user = shown(*request.subject);
      return unknown ? "whether it is for " + user + " cannot be told: " + user_gap(*tests.who, scene, *request.subject)
                     : "it is not for " + user;
    });
  }
  if (tests.door) {
    visit(truth(std::ranges::find(*tests.door, request.door) != tests.door->end()), kFarDoor,
          [&](bool) { return "it is not for the door " + std::string(name_of(request.door)); });
  }
  if (tests.as) {
    visit(is_one_of(scene.policy, tests.as->leaves, target, part.side, request.now), kFarTarget, [&](bool unknown) {
      const std::string user = shown(target);
      return unknown ? "whether it allows the target " + user + " cannot be told: " + user_gap(*tests.as, scene, target)
                     : "it does not allow the target " + user;
    });
  }
  if (tests.run) {
    visit(runs(*tests.run, request, part), kFarRun,
          [&](bool unknown) { return unknown ? run_gap(request) : std::string("it does not allow this command"); });
  }
  const bool every = part.permit && tests.run;
  const auto words = [&](std::string_view what, const std::optional<WordTest>& test, std::span<const std::string> used) {
    if (!test && !every) return;
    const WordTest* const list = test ? &*test : nullptr;
    visit(has_words(list, used, request, part), kFarWords, [&, list](bool unknown) { return words_text(what, list, used, part, unknown); });
  };
  words("option", tests.options, request.command.options);
  words("variable", tests.env, request.command.env);
  if (part.digest) {
    visit(has_digest(request), kFarRun, [](bool) { return std::string("the SHA-256 of the program is not bound here"); });
  }
  if (tests.hosts) visit(truth(tests.hosts->holds), kFarHost, [](bool) { return std::string("it is not for this host"); });
  if (tests.from) {
    visit(is_from(*tests.from, request.from), kFarOrigin, [](bool unknown) {
      return std::string(unknown ? "where the login came from is not known" : "it does not allow this origin");
    });
  }
  if (tests.during) {
    visit(is_during(*tests.during, request.now), kNear, [&](bool) {
      std::string out = "it is not the time of";
      for (const Text& name : tests.during->names) out += " window:" + name.value;
      return out;
    });
  }
  const auto any = [&](const std::vector<FactTest>& list) {
    Truth out = Truth::kFalse;
    for (const FactTest& test : list) out = either(out, test_fact(test, scene));
    return out;
  };
  if (!tests.flag.empty()) visit(any(tests.flag), kNear, [&](bool unknown) { return facts_text(tests.flag, scene, unknown, false); });
  if (!tests.when.empty()) {
    Truth out = Truth::kTrue;
    for (const FactTest& test : tests.when) out = both(out, test_fact(test, scene));
    visit(out, kNear, [&](bool unknown) { return facts_text(tests.when, scene, unknown, true); });
  }
  if (!tests.when_any.empty()) {
    visit(any(tests.when_any), kNear, [&](bool unknown) { return facts_text(tests.when_any, scene, unknown, false); });
  }
}

}  // namespace jit::policy
