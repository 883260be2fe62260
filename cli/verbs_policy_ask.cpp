// SPDX-License-Identifier: Apache-2.0
// What a policy says of one request: why, why-not.
#include <algorithm>
#include <ctime>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "cli/what_if.h"
#include "evidence/text.h"
#include "policy/explanation/explanation.h"

namespace jit::cli {

namespace {

std::string joined(const Json& words) {
  std::string out;
  for (const Json& word : words) {
    if (word.is_string()) out += (out.empty() ? "" : ", ") + word.get<std::string>();
  }
  return out;
}

std::string duration(const Json& offer, std::string_view name) {
  return policy::format_duration(static_cast<std::uint32_t>(std::min<std::uint64_t>(number_of(offer, name), 4294967294U)));
}

std::string seats_line(const Json& seats) {
  std::string out;
  for (const Json& seat : seats) out += (out.empty() ? "" : " and ") + std::to_string(number_of(seat, "count")) + " of " + text_of(seat, "set");
  return out;
}

void add_offer(Facts& out, const Json& offer) {
  out.emplace_back("by", text_of(offer, "rule"));
  if (const std::string asked = seats_line(member(offer, "seats")); !asked.empty()) {
    const std::string votes = text_of(offer, "votes");
    out.emplace_back("asked", asked + ", within " + duration(offer, "wait_s") + (votes == "any" ? "" : ", votes " + votes));
  }
  if (const std::string wanted = joined(member(offer, "require")); !wanted.empty()) out.emplace_back("requires", wanted);
  out.emplace_back("lasts", duration(offer, "give_s") + " of at most " + duration(offer, "max_s"));
  out.emplace_back("scope", text_of(offer, "scope"));
}

// What Policy.Explain takes.
Result<Dict> explain_ask(const Args& args) {
  auto ask = ask_of(args);
  if (!ask) return ask;
  if (args.has(Option::kUser)) ask->emplace("user", sdbus::Variant(args.value(Option::kUser)));
  if (args.has(Option::kGroups)) ask->emplace("groups", sdbus::Variant(split(args.value(Option::kGroups))));
  if (args.has(Option::kFrom)) ask->emplace("from", sdbus::Variant(args.value(Option::kFrom)));
  if (args.has(Option::kClaimed)) ask->emplace("claimed", sdbus::Variant(true));
  if (args.has(Option::kAt)) {
    const auto at = parse_since(args.value(Option::kAt), std::int64_t{std::time(nullptr)} * 1000);
    if (!at) return Failure{Exit::kUsage, "--at: a time with its zone (2026-11-24T21:10:00Z), or how long ago (2h)"};
    ask->emplace("at-ms", sdbus::Variant(*at));
  }
  const auto facts = supposed_facts(args);
  if (!facts) return facts.failure();
  Dict supposed;
  for (const auto& [name, value] : *facts) {
    supposed.emplace(name, std::visit([](const auto& each) { return sdbus::Variant(each); }, value));
  }
  if (!supposed.empty()) ask->emplace("facts", sdbus::Variant(supposed));
  return ask;
}

// An explanation, the broker's or our own, as lines for people.
void add_answer(Facts& out, const Json& answer) {
  std::string outcome = text_of(answer, "outcome");
  if (const std::string missing = joined(member(answer, "missing")); !missing.empty()) outcome += " " + missing + ", then " + text_of(answer, "then");
  out.emplace_back("outcome", outcome);
  if (const Json& offer = member(answer, "offer"); offer.is_object()) add_offer(out, offer);
  for (const Json& choice : member(answer, "choices")) {
    const Json& glass = member(choice, "break_glass");
    out.emplace_back("choice", text_of(choice, "rule") + (glass.is_boolean() && glass.get<bool>() ? " (break-glass)" : ""));
  }
  for (const Json& why : member(answer, "why")) out.emplace_back("why", why.is_string() ? why.get<std::string>() : "");
  if (const std::string rules = joined(member(answer, "rules")); !rules.empty()) out.emplace_back("rules", rules);
  for (const Json& one : member(answer, "observed")) out.emplace_back("observed", text_of(one, "rule") + " would " + text_of(one, "would"));
  for (const Json& fact : member(answer, "facts")) {
    const Json& known = member(fact, "known");
    out.emplace_back("fact", text_of(fact, "name") + (known.is_boolean() && known.get<bool>() ? " = " + text_of(fact, "value") : " is unknown"));
  }
  for (const Json& miss : member(answer, "not_by")) out.emplace_back("not by " + text_of(miss, "rule"), text_of(miss, "why"));
}

std::string asked_line(const Json& answer) {
  std::string out = text_of(answer, "subject.name") + ", " + text_of(answer, "door");
  if (text_of(answer, "target.name") != text_of(answer, "subject.name")) out += " as " + text_of(answer, "target.name");
  const Json& argv = member(answer, "argv");
  if (member(answer, "path").is_string() && !argv.empty()) {
    const std::string path = text_of(answer, "path");
    for (std::size_t i = 0; i < argv.size(); ++i) {
      const std::string word = argv[i].is_string() ? argv[i].get<std::string>() : "";
      out += (i == 0 ? ": " : " ") + (i == 0 && !path.empty() ? path : word);
    }
  }
  return out;
}

}  // namespace

Exit Verbs::answer(Json answer, Facts facts, bool why_not) {
  if (!why_not) answer.erase("not_by");
  add_answer(facts, answer);
  (void)print(answer, facts);
  return text_of(answer, "outcome") == "deny" ? Exit::kNo : Exit::kDone;
}

// Without files the broker is asked, which knows what is in force, what was set and what was counted. It answers for its own
// host: of others the files are asked.
Exit Verbs::why(bool why_not) {
  if (args.words.empty() && !args.has(Option::kHostTag)) {
    const auto ask = explain_ask(args);
    if (!ask) return out.fail(ask.failure());
    const auto client = Client::connect();
    if (client) {
      const auto said = (*client)->explain(*ask);
      if (!said) return out.fail(said.failure());
      const std::string hash = text_of(*said, "policy");
      return answer(*said, {{"request", asked_line(*said)}, {"policy", hash.empty() ? "none" : hash.substr(0, 12) + ", in force"}}, why_not);
    }
    if (client.failure().code != Exit::kUnreachable) return out.fail(client.failure());
    out.note("the broker cannot be asked, so this is what /etc/jit says, of facts as they are at first");
  }
  const auto files = loaded(args.words);
  if (!files) return out.fail(files.failure());
  const auto what_if = WhatIf::from(args, *files->policy);
  if (!what_if) return out.fail(what_if.failure());
  const policy::Request request = what_if->request();
  const auto near = policy::near_misses({files->policy->rules(), request}, policy::kNearest);
  return answer(policy::explanation(files->policy->decide(request), near), {{"request", what_if->line()}}, why_not);
}

}  // namespace jit::cli
