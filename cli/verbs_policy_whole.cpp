// SPDX-License-Identifier: Apache-2.0
// Questions about a whole policy: test, prove, who-can, diff, minimise.
#include <algorithm>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "cli/what_if.h"
#include "evidence/text.h"
#include "host/names.h"
#include "policy/analysis/prove.h"
#include "policy/analysis/question.h"
#include "policy/analysis/test_file.h"

namespace jit::cli {

namespace {

namespace analysis = policy::analysis;

std::string asks_text(const analysis::Way& way) {
  std::string out;
  for (const analysis::Way::Ask& ask : way.asks) {
    std::vector<std::string> who = ask.persons;
    if (ask.open_ended) who.emplace_back("others of that group");
    out += (out.empty() ? "" : " and ") + std::to_string(ask.count) + " of " + evidence::escape(ask.set) + (who.empty() ? "" : " (" + joined(who) + ")");
  }
  return out.empty() ? "nobody" : out;
}

std::string_view name_of(analysis::Difference::Kind kind) {
  switch (kind) {
    case analysis::Difference::Kind::kAllowed: return "allowed";
    case analysis::Difference::Kind::kDenied: return "denied";
    case analysis::Difference::Kind::kEasier: return "easier";
    case analysis::Difference::Kind::kHarder: return "harder";
    case analysis::Difference::Kind::kOther: break;
  }
  return "other terms";
}

std::string_view name_of(analysis::Proof::Answer answer) {
  switch (answer) {
    case analysis::Proof::Answer::kProven: return "proven";
    case analysis::Proof::Answer::kRefuted: return "refuted";
    case analysis::Proof::Answer::kUndecided: break;
  }
  return "undecided";
}

analysis::Host host_of(const config::Loaded& loaded) {
  analysis::Host out;
  out.now = config::input_of(loaded, loaded.broker).now;
  out.roots = host::names_of_root();
  return out;
}

}  // namespace

// A failing test keeps a folder from loading, and is what this verb is asked to show.
Exit Verbs::test() {
  const auto tags = host_tags(args);
  if (!tags) return out.fail(tags.failure());
  const auto files = load_policy(args.words, Check::kNone, *tags);
  if (!files) return out.fail(files.failure());
  const policy::Policy::Loaded compiled = policy::Policy::load(config::input_of(*files, files->broker));
  const analysis::TestSuite suite = analysis::read_tests(files->tests);
  if (!compiled.policy || !suite.findings.empty()) {
    for (const auto* findings : {&compiled.findings, &suite.findings}) {
      for (const policy::Finding& finding : *findings) out.line(shown(finding));
    }
    return out.fail({Exit::kNo, "the policy or its tests do not load: mend the findings above"});
  }
  const analysis::TestRun run = analysis::run_tests(suite, compiled.policy, config::for_tags(*files), host_of(*files));
  std::size_t failed = 0;
  Json results = Json::array();
  for (const auto* list : {&run.tests, &run.invariants}) {
    for (const analysis::TestResult& result : *list) {
      failed += result.passed ? 0 : 1;
      results.push_back({{"name", evidence::escape(result.name)}, {"passed", result.passed}, {"why", evidence::escape(result.why)}});
      if (json() || result.passed) continue;
      out.line("FAILED " + evidence::escape(result.name) + ": " + evidence::escape(result.why));
      show_witness(result.witness);
    }
  }
  const std::size_t passed = results.size() - failed;
  out.line(json() ? Json{{"passed", passed}, {"failed", failed}, {"tests", std::move(results)}}.dump()
                  : std::to_string(passed) + " passed, " + std::to_string(failed) + " failed");
  return failed == 0 ? Exit::kDone : Exit::kNo;
}

Exit Verbs::prove() {
  const auto files = loaded(args.words);
  if (!files) return out.fail(files.failure());
  const analysis::TestSuite suite = analysis::read_tests(files->tests);
  if (!suite.findings.empty()) {
    for (const policy::Finding& finding : suite.findings) out.line(shown(finding));
    return out.fail({Exit::kNo, "the tests do not load: mend the findings above"});
  }
  const analysis::Host host = analysis::host_of(suite, host_of(*files));
  if (suite.invariants.empty()) return out.fail({Exit::kUsage, "there is no [[invariant]] in tests.d: write one, then prove it"});
  bool all = true;
  Json results = Json::array();
  for (const analysis::Invariant& invariant : suite.invariants) {
    // One that speaks of nothing would be proven of any rules.
    const std::vector<policy::Finding> faults = analysis::faults_of(suite, invariant, *files->policy, host);
    if (!faults.empty()) {
      all = false;
      results.push_back({{"name", evidence::escape(invariant.name)}, {"answer", "wrong"}, {"why", evidence::escape(faults.front().message)}, {"witness", ""}});
      for (const policy::Finding& finding : faults) {
        if (!json()) out.line(shown(finding));
      }
      continue;
    }
    const analysis::Proof proof = analysis::prove(files->policy, invariant, config::for_tags(*files), host);
    all = all && proof.answer == analysis::Proof::Answer::kProven;
    results.push_back({{"name", evidence::escape(invariant.name)}, {"answer", name_of(proof.answer)}, {"why", evidence::escape(proof.why)}, {"idle", proof.idle}, {"witness", evidence::escape(proof.witness)}});
    if (json()) continue;
    out.line(std::string(name_of(proof.answer)) + ": " + evidence::escape(invariant.name) + (proof.why.empty() ? "" : ": " + evidence::escape(proof.why)) +
             (proof.answer == analysis::Proof::Answer::kProven && proof.idle && invariant.needs != "deny" ? ": no permit opens any of it" : ""));
    show_witness(proof.witness);
  }
  if (json()) out.line(results.dump());
  return all ? Exit::kDone : Exit::kNo;
}

Exit Verbs::who_can() {
  const auto files = loaded(args.words);
  if (!files) return out.fail(files.failure());
  const std::string as = args.has(Option::kAs) ? args.value(Option::kAs) : "root";
  const std::vector<analysis::Way> ways = analysis::who_can(*files->policy, as, host_of(*files));
  Json all = Json::array();
  std::vector<std::vector<std::string>> rows = {{"WHO", "DOOR", "PERMIT", "ASKED", "WHEN"}};
  for (const analysis::Way& way : ways) {
    std::vector<std::string> when = way.windows;
    when.insert(when.end(), way.conditions.begin(), way.conditions.end());
    const std::string asked = asks_text(way);
    rows.push_back({evidence::escape(way.who), std::string(policy::name_of(way.door)), way.permit, asked, when.empty() ? "always" : joined(when)});
    all.push_back({{"who", evidence::escape(way.who)}, {"door", policy::name_of(way.door)}, {"permit", way.permit}, {"outcome", policy::name_of(way.outcome)},
                   {"asked", asked}, {"when", joined(when)}, {"witness", evidence::escape(way.witness)}});
  }
  if (json()) {
    out.line(all.dump());
  } else if (ways.empty()) {
    out.note("nobody can become " + evidence::escape(as) + " here");
  } else {
    out.table(rows);
  }
  return ways.empty() ? Exit::kNo : Exit::kDone;
}

Exit Verbs::diff() {
  const auto before = loaded({args.words[0]});
  if (!before) return out.fail(before.failure());
  const auto after = loaded({args.words[1]}, true);
  if (!after) return out.fail(after.failure());
  const analysis::Differences found = analysis::diff(*before->policy, *after->policy, host_of(*after));
  Json all = Json::array();
  for (const analysis::Difference& one : found.regions) {
    all.push_back({{"kind", name_of(one.kind)}, {"door", policy::name_of(one.door)}, {"rule", one.rule}, {"before", evidence::escape(one.before)},
                   {"after", evidence::escape(one.after)}, {"witness", evidence::escape(one.witness)}});
    if (json()) continue;
    out.line(std::string(name_of(one.kind)) + " at " + std::string(policy::name_of(one.door)) + " (" + one.rule + "): " + evidence::escape(one.before) + " -> " +
             evidence::escape(one.after));
    show_witness(one.witness);
  }
  Json named = Json::array();
  for (const analysis::NamedChange& one : found.named) {
    named.push_back({{"what", evidence::escape(one.what)}, {"before", evidence::escape(one.before)}, {"after", evidence::escape(one.after)}});
    const auto text = [](const std::string& side) { return side.empty() ? std::string("none") : evidence::escape(side); };
    if (!json()) out.line("changed: " + evidence::escape(one.what) + ": " + text(one.before) + " -> " + text(one.after));
  }
  // Rules for other hosts are no difference here, unless nobody said for which host this is.
  const bool assumed = !tags_note(*before, {}).empty() || !tags_note(*after, {}).empty();
  const bool elsewhere = !found.elsewhere.empty() && assumed && !args.has(Option::kHostTag);
  const bool same = found.regions.empty() && found.named.empty() && !elsewhere;
  if (json()) {
    out.line(Json{{"complete", found.complete}, {"regions", std::move(all)}, {"named", std::move(named)}, {"elsewhere", found.elsewhere}}.dump());
  } else {
    if (!found.elsewhere.empty()) out.note("for hosts with other tags these differ too (--host-tag TAG): " + joined(found.elsewhere));
    if (found.regions.empty()) out.note("no request was found that they answer differently");
    if (!found.complete) out.note("not all of it could be compared: too much changed, or rules cut it into too many parts");
  }
  return same && found.complete ? Exit::kDone : Exit::kNo;
}

Exit Verbs::minimise() {
  const auto files = loaded(args.words);
  if (!files) return out.fail(files.failure());
  Json all = Json::array();
  for (const analysis::Redundant& one : analysis::minimise(*files->policy, host_of(*files))) {
    all.push_back({{"rule", one.rule}, {"place", evidence::escape(one.place)}, {"why", evidence::escape(one.why)}});
    if (!json()) out.line(evidence::escape(one.place) + ": " + one.rule + ": " + evidence::escape(one.why));
  }
  if (json()) out.line(all.dump());
  if (!json() && all.empty()) out.note("no rule was found that could go");
  return Exit::kDone;
}

}  // namespace jit::cli
