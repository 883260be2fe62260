// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <ctime>

#include "cli/completion.h"
#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

constexpr std::size_t kReasonMax = 1024;  // the broker's own limit

Exit help(const Args& args, Output& out) {
  if (!args.words.empty()) {
    std::string name = args.words[0];
    if (args.words.size() > 1) name += " " + args.words[1];
    const Verb* const verb = verb_named(name);
    if (verb == nullptr) return out.fail({Exit::kUsage, "unknown verb: see jitctl help"});
    out.line(usage_of(*verb));
    out.line("  " + std::string(verb->help));
    return Exit::kDone;
  }
  out.line("jitctl: ask for access, approve it, see it");
  out.line("");
  std::size_t width = 0;
  for (const Verb& verb : verbs()) width = std::max(width, verb.name.size() + verb.words.size() + 1);
  for (const Verb& verb : verbs()) {
    std::string left = std::string(verb.name) + " " + std::string(verb.words);
    left.resize(width, ' ');
    out.line("  " + left + "  " + std::string(verb.help));
  }
  out.line("");
  out.line("jitctl -H [USER@]HOST VERB: the same there, over ssh; show, approve and deny check its signature here.");
  out.line("jitctl help VERB names its options; --json prints one document. Durations: 90s 30m 2h. Ids: 4 digits or more.");
  out.line("Exit codes: 0 done, 1 the answer is no, 2 usage, 3 not found or not allowed, 4 no broker, 5 timed out.");
  return Exit::kDone;
}

}  // namespace

Exit run(std::span<const std::string> arguments, Output& out) {
  if (!arguments.empty() && arguments[0] == "-H") {
    // No word that ssh could take for an option of its own.
    if (arguments.size() < 3 || arguments[1].empty() || arguments[1][0] == '-' || arguments[2] == "-H") {
      return out.fail({Exit::kUsage, "-H: give [USER@]HOST, and then what is to be done there"});
    }
    const auto there = parse_args(arguments.subspan(2));
    if (!there) return out.fail(there.failure());
    Verbs verbs{out, *there};
    const bool vote = there->verb == "approve" || there->verb == "deny";
    const bool carried = there->has(Option::kCode) || there->has(Option::kEnvelope) || there->has(Option::kRelay);  // who answers it checks it
    if (there->verb == "show" && !carried) return verbs.show_over_ssh(arguments[1]);
    return vote ? verbs.vote_over_ssh(arguments[1], there->verb == "approve") : verbs.pass_on(arguments[1], arguments.subspan(2));
  }
  const auto args = parse_args(arguments);
  if (!args) return out.fail(args.failure());
  if (args->verb == "help") return help(*args, out);
  if (args->verb == "version") {
    out.line("jitctl " JIT_VERSION);
    return Exit::kDone;
  }
  if (args->verb == "completion") {
    const auto script = completion_script(args->words[0]);
    if (!script) return out.fail({Exit::kUsage, "completion: for bash, zsh or fish"});
    out.text(*script);
    return Exit::kDone;
  }
  Verbs verbs{out, *args};
  const std::string& verb = args->verb;
  if (verb == "request") return verbs.request();
  if (verb == "cancel") return verbs.cancel();
  if (verb == "requests") return verbs.over_relay() ? verbs.remote_requests() : verbs.requests();
  if (verb == "show") return verbs.over_relay() ? verbs.remote_show() : verbs.show();
  if (verb == "approve") return verbs.over_relay() ? verbs.remote_vote(true) : verbs.vote(true);
  if (verb == "deny") return verbs.over_relay() ? verbs.remote_vote(false) : verbs.vote(false);
  if (verb == "extend") return verbs.extend();
  if (verb == "vote") return verbs.vote_by_hand();
  if (verb == "review") return verbs.review();
  if (verb == "away") return verbs.away();
  if (verb == "watch") return verbs.over_relay() ? verbs.remote_watch() : verbs.watch();
  if (verb == "grants") return verbs.grants();
  if (verb == "end") return verbs.end();
  if (verb == "revoke") return verbs.revoke();
  if (verb == "status") return verbs.status();
  if (verb == "doctor") return verbs.doctor();
  if (verb == "setup") return verbs.setup();
  if (verb == "audit log") return verbs.log();
  if (verb == "audit show") return verbs.show_audit();
  if (verb == "audit export") return verbs.export_log();
  if (verb == "audit verify") return verbs.verify();
  if (verb == "audit prove") return verbs.prove_entry();
  if (verb == "audit checkpoint") return verbs.checkpoint();
  if (verb == "audit erase") return verbs.erase();
  if (verb == "policy check") return verbs.check();
  if (verb == "policy show") return verbs.show_policy();
  if (verb == "policy why") return verbs.why(false);
  if (verb == "policy why-not") return verbs.why(true);
  if (verb == "policy test") return verbs.test();
  if (verb == "policy prove") return verbs.prove();
  if (verb == "policy who-can") return verbs.who_can();
  if (verb == "policy diff") return verbs.diff();
  if (verb == "policy replay") return verbs.replay();
  if (verb == "policy minimise") return verbs.minimise();
  if (verb == "policy fmt") return verbs.fmt();
  if (verb == "policy import-sudoers") return verbs.import_sudoers();
  if (verb == "policy reload") return verbs.reload();
  if (verb == "policy observed") return verbs.observed();
  if (verb == "people list") return verbs.list_people();
  if (verb == "people check") return verbs.check_people();
  if (verb == "people add-key") return verbs.add_key();
  if (verb == "people import") return verbs.import_people();
  if (verb == "people accept") return verbs.accept_people();
  if (verb == "relay init") return verbs.relay_init();
  if (verb == "relay streams") return verbs.relay_streams();
  if (verb == "relay issue-host") return verbs.relay_issue(true);
  if (verb == "relay issue-approver") return verbs.relay_issue(false);
  if (verb == "relay renew") return verbs.relay_renew();
  if (verb == "relay revoke") return verbs.relay_revoke();
  if (verb == "relay status") return verbs.relay_status();
  if (verb == "notify status") return verbs.courier_status("notify", "no notifier runs on this host: see jit-notify(8)");
  if (verb == "notify test") return verbs.notify_test();
  if (verb == "fact set") return verbs.set_fact();
  if (verb == "fact clear") return verbs.clear_fact();
  if (verb == "fact list") return verbs.facts();
  if (verb == "fact run") return verbs.run_fact();
  return out.fail({Exit::kUsage, "unknown verb: see jitctl help"});
}

Exit Verbs::print(const Json& document, const Facts& facts) {
  if (json()) {
    out.line(document.dump());
  } else {
    out.facts(facts);
  }
  return Exit::kDone;
}

Exit Verbs::list(const Json& documents, std::vector<std::string> (*row)(const Json&, bool), const char* none) {
  if (json()) {
    out.line(documents.dump());
    return Exit::kDone;
  }
  if (documents.empty()) {
    if (out.style().terminal) out.line(none);
    return Exit::kDone;
  }
  std::vector<std::vector<std::string>> rows = {row(Json(), out.style().terminal)};
  for (const Json& one : documents) rows.push_back(row(one, out.style().terminal));
  out.table(rows);
  return Exit::kDone;
}

Exit Verbs::cut_list(const Json& document, const char* name, std::vector<std::string> (*row)(const Json&, bool)) {
  const Exit code = list(member(document, name), row, ("no " + std::string(name)).c_str());
  if (const std::string left_out = left_out_line(document, name); !left_out.empty()) json() ? out.aside(left_out) : out.note(left_out);
  return code;
}

Result<Dict> filter_of(const Args& args) {
  Dict out;
  if (args.has(Option::kOwed)) out.emplace("owed", sdbus::Variant(true));
  if (args.has(Option::kAll)) out.emplace("all", sdbus::Variant(true));
  if (args.has(Option::kState)) out.emplace("state", sdbus::Variant(args.value(Option::kState)));
  if (args.has(Option::kSince)) {
    const auto since = parse_since(args.value(Option::kSince), std::int64_t{std::time(nullptr)} * 1000);
    if (!since) {
      return Failure{Exit::kUsage, "--since: give how long ago (2h) or a time with its zone (2026-11-22T10:00:00Z)"};
    }
    out.emplace("since-ms", sdbus::Variant(*since));
  }
  return out;
}

Result<std::optional<std::uint32_t>> duration_of(const Args& args, Option option) {
  if (!args.has(option)) return std::optional<std::uint32_t>();
  const auto seconds = policy::parse_duration(args.value(option));
  if (!seconds) return Failure{Exit::kUsage, std::string(option == Option::kBlock ? "--block" : "--for") + ": give a duration as 90s, 30m or 2h"};
  return seconds;
}

Result<std::string> reason_of(const Args& args, bool required) {
  std::string reason = args.value(Option::kReason);
  if (required && evidence::trim(reason).empty()) return Failure{Exit::kUsage, "say why: -m REASON"};
  if (reason.size() > kReasonMax) {
    return Failure{Exit::kUsage, "the reason is longer than " + std::to_string(kReasonMax) + " bytes: shorten it"};
  }
  if (!evidence::valid_utf8(reason)) return Failure{Exit::kUsage, "the reason is not UTF-8 text"};
  return reason;
}

Result<std::string> id_of(const std::string& word) {
  if (word.size() < 4 || word.size() > 32 || word.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Failure{Exit::kUsage, "\"" + evidence::escape_to(word, 64) + "\" is no id: give 4 to 32 digits of 0-9 and a-f"};
  }
  return word;
}

std::string ended_line(const char* word, const Json& document, const std::string& grant) {
  return std::string(word) + ": " + text_of(document, "subject.name") + " may no longer " + what(document) + " (grant " + grant + ")";
}

std::string decision_line(const Json& request, std::uint64_t lifetime_s) {
  const std::string state = text_of(request, "state");
  const std::string name = text_of(request, "subject.name");
  const std::string rule = " (rule " + text_of(request, "offer.rule") + ")";
  if (state == "approved") {
    const auto seconds = static_cast<std::uint32_t>(std::min<std::uint64_t>(lifetime_s, 4294967294U));
    if (!text_of(request, "extends").empty()) {
      return "approved: " + name + " has up to " + policy::format_duration(seconds) + " more to " + what(request) + rule;
    }
    return "approved: " + name + " may " + what(request) + " for " + policy::format_duration(seconds) + rule;
  }
  if (is_open(request)) {
    const std::string seats = open_seats(request);
    return "waiting: " + name + " asks to " + what(request) + rule + (seats.empty() ? "" : "; still asked: " + seats);
  }
  std::string out = state + ": " + name + " may not " + what(request) + rule;
  const std::string by = text_of(request, "ended.by");
  const std::string why = text_of(request, "ended.why");
  if (!by.empty()) out += ", by " + by;
  if (!why.empty()) out += ": " + why;
  return out;
}

}  // namespace jit::cli
