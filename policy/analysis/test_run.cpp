// SPDX-License-Identifier: Apache-2.0
// Running tests.d.
#include <algorithm>
#include <iterator>
#include <map>

#include "policy/analysis/prove.h"
#include "policy/analysis/region.h"
#include "policy/analysis/test_file.h"

namespace jit::policy::analysis {
namespace {

std::string joined(const std::vector<std::string>& list, std::string_view between) {
  std::string out;
  for (const std::string& each : list) out += (out.empty() ? "" : std::string(between)) + each;
  return out;
}

std::vector<std::string> sorted(std::vector<std::string> list) {
  std::ranges::sort(list);
  return list;
}

std::vector<std::string> seats_text(const Offer& offer) {
  std::vector<std::string> out;
  for (const Seat& seat : offer.seats) out.push_back(seat.set + (seat.count > 1 ? "*" + std::to_string(seat.count) : ""));
  return sorted(std::move(out));
}

std::vector<std::string> requirements_text(const Offer& offer) {
  std::vector<std::string> out;
  if (offer.reason_required) out.push_back(offer.reason_min > 0 ? "reason:" + std::to_string(offer.reason_min) : "reason");
  for (const std::string& ticket : offer.tickets) out.push_back(ticket.empty() ? "ticket" : "ticket:" + ticket);
  if (offer.record) out.emplace_back("record");
  for (const std::string& channel : offer.notify) out.push_back("notify:" + channel);
  if (offer.review_s > 0) out.push_back("review:" + format_duration(offer.review_s));
  return sorted(std::move(out));
}

// "review:24h" and "review:1d" are one.
std::vector<std::string> normal(std::vector<std::string> list) {
  for (std::string& text : list) {
    if (!text.starts_with("review:")) continue;
    if (const auto time = parse_duration(std::string_view(text).substr(7))) text = "review:" + format_duration(*time);
  }
  return sorted(std::move(list));
}

std::string expected(std::string_view what, std::string_view wanted, std::string_view got) {
  return std::string(what) + ": expected " + (wanted.empty() ? "none" : std::string(wanted)) + ", got " + (got.empty() ? "none" : std::string(got));
}

Identity whole(const Policy& policy, const TestCase& test, const Identity& from, bool uid_given) {
  Identity out = identity_of(policy.rules(), from.user, uid_given ? std::optional(from.uid) : std::nullopt, from.groups_all);
  const auto person = test.people.find(from.user);
  if (person != test.people.end()) out.person = person->second;
  return out;
}

class Runner {
 public:
  Runner(const TestSuite& suite, const std::shared_ptr<const Policy>& policy, const ForTags& for_tags, const Host& host)
      : suite_(suite), policy_(policy), for_tags_(for_tags), host_(host_of(suite, host)) {}

  TestRun run() {
    for (const TestCase& test : suite_.tests) {
      if (knows(out_.tests, test.name, unknown_names(suite_, test, policy_->rules()))) add(out_.tests, result(test), test.place, "test");
    }
    for (const Invariant& invariant : suite_.invariants) {
      if (!knows(out_.invariants, invariant.name, faults_of(suite_, invariant, *policy_, host_))) continue;
      const Proof proof = prove(policy_, invariant, [this](std::span<const std::string> tags) { return compiled(tags); }, host_);
      add(out_.invariants, {invariant.name, proof.answer == Proof::Answer::kProven, proof.why, proof.witness}, invariant.place, "invariant");
    }
    return std::move(out_);
  }

 private:
  // False: it names what is not there, and is not run.
  bool knows(std::vector<TestResult>& list, const std::string& name, std::vector<Finding> findings) {
    if (findings.empty()) return true;
    list.push_back({name, false, findings.front().message, {}});
    out_.findings.insert(out_.findings.end(), std::make_move_iterator(findings.begin()), std::make_move_iterator(findings.end()));
    return false;
  }

  void add(std::vector<TestResult>& list, TestResult result, const Place& place, std::string_view kind) {
    if (!result.passed) {
      out_.findings.push_back(found(suite_, "E09", place, std::string(kind) + " \"" + result.name + "\" fails: " + result.why));
      out_.findings.back().witness = result.witness;
    }
    list.push_back(std::move(result));
  }

  std::shared_ptr<const Policy> compiled(std::span<const std::string> tags) {
    const std::vector<std::string> key = sorted({tags.begin(), tags.end()});
    const auto [at, added] = by_tags_.try_emplace(key);
    if (added && for_tags_) at->second = for_tags_(key);
    return at->second;
  }

  TestResult result(const TestCase& test) {
    const auto policy = test.request.tags_given ? compiled(test.request.tags) : policy_;
    if (policy == nullptr) return {test.name, false, "the policy does not load for a host with these tags", {}};
    AnalysisRequest request = test.request;
    request.subject = whole(*policy, test, test.request.subject, test.uid_given);
    request.target = whole(*policy, test, test.request.target, test.as_uid_given);
    request.root = request.target.user == "root" && request.target.uid == 0 ? request.target : identity_of(policy->rules(), "root", 0, {});
    if (!test.at_given) request.now = host_.now;
    std::string why = difference(test.expect, decide(*policy, request));
    const bool passed = why.empty();
    return {test.name, passed, std::move(why), {}};
  }

  const TestSuite& suite_;
  const std::shared_ptr<const Policy>& policy_;
  const ForTags& for_tags_;
  const Host host_;
  std::map<std::vector<std::string>, std::shared_ptr<const Policy>> by_tags_;
  TestRun out_;
};

}  // namespace

std::string difference(const Expect& expect, const Decision& decision) {
  const std::string because = decision.why.empty() ? "" : " (" + joined(decision.why, "; ") + ')';
  const Offer offer = decision.offer.value_or(Offer{});
  if (expect.outcome && *expect.outcome != decision.outcome) return expected("outcome", name_of(*expect.outcome), name_of(decision.outcome)) + because;
  if (expect.then && *expect.then != decision.then) return expected("then", name_of(*expect.then), name_of(decision.then)) + because;
  if (expect.permit && *expect.permit != offer.rule) return expected("permit", *expect.permit, offer.rule) + because;
  if (expect.seats && sorted(*expect.seats) != seats_text(offer)) return expected("seats", joined(sorted(*expect.seats), ", "), joined(seats_text(offer), ", "));
  if (expect.require && normal(*expect.require) != requirements_text(offer)) {
    return expected("require", joined(normal(*expect.require), ", "), joined(requirements_text(offer), ", "));
  }
  const auto time = [](std::uint32_t seconds) { return seconds == 0 ? std::string() : format_duration(seconds); };
  if (expect.lasts_s && *expect.lasts_s != offer.give_s) return expected("lasts", time(*expect.lasts_s), time(offer.give_s));
  if (expect.max_s && *expect.max_s != offer.max_s) return expected("max", time(*expect.max_s), time(offer.max_s));
  if (expect.scope && (!decision.offer || *expect.scope != offer.scope)) return expected("scope", name_of(*expect.scope), decision.offer ? name_of(offer.scope) : "");
  for (const std::string& text : expect.texts) {
    if (joined(decision.why, "\n").find(text) == std::string::npos) return expected("text", '"' + text + '"', joined(decision.why, "; "));
  }
  return {};
}

TestRun run_tests(const TestSuite& suite, const std::shared_ptr<const Policy>& policy, const ForTags& for_tags, const Host& host) {
  return Runner(suite, policy, for_tags, host).run();
}

std::vector<Finding> faults_of(const TestSuite& suite, const Invariant& invariant, const Policy& policy, const Host& host) {
  std::vector<Finding> out = unknown_names(suite, invariant, policy.rules());
  if (out.empty() && matches_nothing(policy, invariant, host)) {
    out.push_back(found(suite, "E05", invariant.place, "invariant \"" + invariant.name + "\" matches nothing: there is no request of which it speaks, so it would hold whatever the rules say"));
  }
  return out;
}

Host host_of(const TestSuite& suite, Host host) {
  for (const TestCase& test : suite.tests) {
    if (test.uid_given && test.request.subject.uid == 0) host.roots.push_back(test.request.subject.user);
    if (test.as_uid_given && test.request.target.uid == 0) host.roots.push_back(test.request.target.user);
  }
  std::erase(host.roots, "root");
  host.roots = sorted(std::move(host.roots));
  host.roots.erase(std::unique(host.roots.begin(), host.roots.end()), host.roots.end());
  return host;
}

}  // namespace jit::policy::analysis
