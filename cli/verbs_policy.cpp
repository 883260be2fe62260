// SPDX-License-Identifier: Apache-2.0
// What the files say by themselves: no broker is asked.
#include "cli/commands.h"
#include "cli/policy_files.h"
#include "evidence/text.h"
#include "policy/sentence.h"

namespace jit::cli {

// Lines of a [[test]], to be pasted into tests.d.
void Verbs::show_witness(std::string_view witness) {
  while (!witness.empty()) {
    const std::size_t end = witness.find('\n');
    out.line("    " + evidence::escape(witness.substr(0, end)));
    witness.remove_prefix(end == std::string_view::npos ? witness.size() : end + 1);
  }
}

Exit Verbs::check() {
  const auto loaded = load_policy(args.words, Check::kAll);
  if (!loaded) return out.fail(loaded.failure());
  const bool good = loaded->policy != nullptr;
  const std::size_t rules = good ? loaded->policy->rule_count() : 0;
  if (json()) {
    Json findings = Json::array();
    for (const policy::Finding& finding : loaded->findings) {
      findings.push_back({{"code", finding.code},
                          {"file", evidence::escape(finding.file)},
                          {"line", finding.line},
                          {"column", finding.column},
                          {"message", evidence::escape(finding.message)},
                          {"other", evidence::escape(finding.other)},
                          {"witness", evidence::escape(finding.witness)}});
    }
    out.line(Json{{"ok", good}, {"rules", rules}, {"findings", std::move(findings)}}.dump());
  } else {
    for (const policy::Finding& finding : loaded->findings) {
      out.line(shown(finding));
      if (!finding.witness.empty()) show_witness(finding.witness);
    }
    if (good) out.line("ok: " + std::to_string(rules) + (rules == 1 ? " rule" : " rules"));
  }
  return good ? Exit::kDone : Exit::kNo;
}

Exit Verbs::show_policy() {
  const auto loaded = load_policy(args.words);
  if (!loaded) return out.fail(loaded.failure());
  if (!loaded->policy) {
    for (const policy::Finding& finding : loaded->findings) out.line(shown(finding));
    return out.fail({Exit::kNo, "the policy does not load: mend the findings above"});
  }
  Json all = Json::array();
  for (const policy::Sentence& sentence : policy::sentences(loaded->policy->rules())) {
    const std::string text = evidence::escape(sentence.text);
    if (json()) {
      all.push_back({{"id", sentence.id}, {"kind", sentence.permit ? "permit" : "guard"}, {"text", text}});
    } else {
      out.line(std::string(sentence.permit ? "permit " : "guard ") + sentence.id + ": " + text);
    }
  }
  if (json()) out.line(all.dump());
  return Exit::kDone;
}

}  // namespace jit::cli
