// SPDX-License-Identifier: Apache-2.0
// What the files say by themselves: no broker is asked.
#include <algorithm>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "cli/what_if.h"
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

// A policy that must load to be asked; else its findings are shown. Tests that fail keep it from being taken into use, and not
// from being asked. `told`: what was assumed of the host has been said.
Result<config::Loaded> Verbs::loaded(const std::vector<std::string>& paths, bool told) {
  const auto tags = host_tags(args);
  if (!tags) return tags.failure();
  auto files = load_policy(paths, Check::kNone, *tags);
  if (!files) return files;
  if (!files->policy && files->untested) {
    files->policy = files->untested;
    const auto count = static_cast<std::size_t>(std::ranges::count_if(files->findings, [](const policy::Finding& finding) { return finding.code.starts_with('E'); }));
    out.note((paths.empty() ? "" : evidence::escape_to(paths.front(), 256) + ": ") + std::to_string(count) + (count == 1 ? " fault" : " faults") +
             " in its tests, so no broker would take it: jitctl policy test");
  }
  if (const std::string note = tags_note(*files, *tags); !told && !note.empty()) out.note(note);
  if (files->policy) return files;
  for (const policy::Finding& finding : files->findings) out.line(shown(finding));
  return Failure{Exit::kNo, "the policy does not load: mend the findings above"};
}

Exit Verbs::check() {
  const auto tags = host_tags(args);
  if (!tags) return out.fail(tags.failure());
  const auto loaded = load_policy(args.words, Check::kAll, *tags);
  if (!loaded) return out.fail(loaded.failure());
  if (const std::string note = tags_note(*loaded, *tags); !note.empty()) out.note(note);
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
  const auto files = loaded(args.words);
  if (!files) return out.fail(files.failure());
  Json all = Json::array();
  for (const policy::Sentence& sentence : policy::sentences(files->policy->rules())) {
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
