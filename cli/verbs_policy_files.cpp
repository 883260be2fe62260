// SPDX-License-Identifier: Apache-2.0
// Verbs that write policy text: fmt, import-sudoers.
#include <unistd.h>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "cli/replace_file.h"
#include "cli/sudoers.h"
#include "evidence/text.h"
#include "policy/layout.h"

namespace jit::cli {

Exit Verbs::fmt() {
  Exit code = Exit::kDone;
  Json changed = Json::array();
  for (const std::string& path : args.words) {
    const auto text = read_policy_file(path);
    if (!text) return out.fail(text.failure());
    policy::Report report;
    const auto laid = policy::lay_out(report.add_file(path), *text, report);
    if (!laid) {
      for (const policy::Finding& finding : report.take()) out.line(shown(finding));
      return out.fail({Exit::kNo, "this file does not parse: mend it first; nothing was written"});
    }
    if (path == "-") {
      if (!write_all(STDOUT_FILENO, *laid)) return out.fail({Exit::kNo, "standard output cannot be written"});
      continue;
    }
    if (*laid == *text) continue;
    changed.push_back(evidence::escape(path));
    if (!json()) out.line(evidence::escape(path));
    if (args.has(Option::kCheck)) {
      code = Exit::kNo;
    } else if (const std::string wrong = replace_file(path, *laid); !wrong.empty()) {
      return out.fail({Exit::kNo, evidence::escape_to(path, 256) + ": cannot be replaced: " + wrong});
    }
  }
  if (json()) out.line(Json{{"changed", std::move(changed)}}.dump());
  return code;
}

Exit Verbs::import_sudoers() {
  const auto text = read_policy_file(args.words.empty() ? "-" : args.words[0]);
  if (!text) return out.fail(text.failure());
  const Json sudoers = Json::parse(*text, nullptr, false);
  if (sudoers.is_discarded() || !sudoers.is_object()) {
    return out.fail({Exit::kUsage, "this is not what `cvtsudoers -f json` prints (with CWD= or CHROOT= sudo 1.9.13 prints broken JSON: take "
                                   "those rules out first)"});
  }
  const Imported imported = cli::import_sudoers(sudoers);
  if (json()) {
    Json notes = Json::array();
    for (const Imported::Note& note : imported.notes) {
      notes.push_back({{"what", evidence::escape(note.what)}, {"why", note.why}, {"left_out", note.left_out}});
    }
    out.line(Json{{"rules", imported.rules}, {"policy", evidence::escape(imported.policy)}, {"notes", std::move(notes)}}.dump());
    return Exit::kDone;
  }
  if (!write_all(STDOUT_FILENO, imported.policy)) return out.fail({Exit::kNo, "standard output cannot be written"});
  std::size_t left_out = 0;
  for (const Imported::Note& note : imported.notes) {
    left_out += note.left_out ? 1 : 0;
    out.note((note.left_out ? "left out: " : "narrower: ") + evidence::escape(note.what) + ": " + note.why);
  }
  out.note(std::to_string(imported.rules) + (imported.rules == 1 ? " rule" : " rules") + " carried over, " + std::to_string(left_out) +
           " left out. sudoers stays in force beside this policy; check it: jitctl policy check FILE");
  return Exit::kDone;
}

}  // namespace jit::cli
