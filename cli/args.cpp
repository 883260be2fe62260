// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>

#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

constexpr std::array kOptions = {
    OptionName{Option::kDoor, "--door", "", "DOOR"},       OptionName{Option::kAs, "--as", "", "USER"},
    OptionName{Option::kFor, "--for", "", "DURATION"},     OptionName{Option::kReason, "--reason", "-m", "REASON"},
    OptionName{Option::kTicket, "--ticket", "", "TICKET"}, OptionName{Option::kVia, "--via", "", "RULE"},
    OptionName{Option::kWait, "--wait", "", ""},           OptionName{Option::kJson, "--json", "", ""},
    OptionName{Option::kAll, "--all", "", ""},             OptionName{Option::kState, "--state", "", "STATE"},
    OptionName{Option::kSince, "--since", "", "TIME"},     OptionName{Option::kScope, "--scope", "", "SCOPE"},
    OptionName{Option::kUser, "--user", "", "USER"},       OptionName{Option::kPerson, "--person", "", "PERSON"},
    OptionName{Option::kRequest, "--request", "", "ID"},   OptionName{Option::kType, "--type", "", "TYPE"},
    OptionName{Option::kLimit, "--limit", "", "N"},        OptionName{Option::kCheck, "--check", "", ""},
    OptionName{Option::kGroups, "--groups", "", "GROUP,..."}, OptionName{Option::kFrom, "--from", "", "ADDRESS"},
    OptionName{Option::kAt, "--at", "", "TIME"},           OptionName{Option::kFact, "--fact", "", "NAME=VALUE,..."},
    OptionName{Option::kUrgency, "--urgency", "", "URGENCY"}, OptionName{Option::kClaimed, "--claimed", "", ""},
    OptionName{Option::kHostTag, "--host-tag", "", "TAG"}, OptionName{Option::kOwed, "--owed", "", ""},
    OptionName{Option::kBlock, "--block", "", "DURATION"}, OptionName{Option::kTyped, "--typed", "", "CODE"},
    OptionName{Option::kUntil, "--until", "", "TIME"},     OptionName{Option::kId, "--id", "", "ID"},
    OptionName{Option::kKind, "--kind", "", "KIND"},       OptionName{Option::kVerifyRequired, "--verify-required", "", ""},
    OptionName{Option::kFormat, "--format", "", "FORMAT"}, OptionName{Option::kHostKey, "--host-key", "", "KEY|FILE"},
    OptionName{Option::kAllowedSigners, "--allowed-signers", "", "FILE"}, OptionName{Option::kHead, "--head", "", "SIZE:ROOT|FILE"},
    OptionName{Option::kKey, "--key", "", "FILE"},         OptionName{Option::kCode, "--code", "", ""},
    OptionName{Option::kPaste, "--paste", "", ""},         OptionName{Option::kEnvelope, "--envelope", "", ""},
    OptionName{Option::kTrust, "--trust", "", "FINGERPRINT"}, OptionName{Option::kYes, "--approve", "", ""},
    OptionName{Option::kNo, "--deny", "", ""},             OptionName{Option::kObserve, "--observe", "", ""},
    OptionName{Option::kConfirm, "--confirm", "", ""},     OptionName{Option::kUndo, "--undo", "", ""},
    OptionName{Option::kUnconfirmed, "--unconfirmed", "", ""}, OptionName{Option::kKeep, "--no-take-back", "", ""},
    OptionName{Option::kPolicy, "--policy", "", "laptop|server|bastion"},
    OptionName{Option::kRelay, "--relay", "", ""},         OptionName{Option::kServer, "--server", "", "tls://HOST:PORT"},
    OptionName{Option::kSet, "--set", "", "SET"},          OptionName{Option::kCa, "--ca", "", "FILE"},
    OptionName{Option::kData, "--data", "", "DIR"},
};

using enum Option;

constexpr std::string_view kNoPager = "--no-pager";

const std::vector<Option> kWhatIf = {kUser, kGroups, kDoor, kAs, kFrom, kAt, kReason, kTicket, kUrgency, kVia, kFor, kFact, kClaimed, kHostTag, kJson};

const std::array kVerbs = {
    Verb{"request", "", 0, 0, true, {kDoor, kAs, kFor, kScope, kAt, kReason, kTicket, kUrgency, kVia, kWait, kJson},
         "ask ahead of time; prints the id"},
    Verb{"cancel", "ID", 1, 1, false, {kJson}, "take back a request of yours"},
    Verb{"extend", "GRANT", 1, 1, false, {kFor, kReason, kTicket, kUrgency, kWait, kJson}, "ask for more time before a grant ends"},
    Verb{"requests", "", 0, 0, false, {kAll, kState, kSince, kOwed, kRelay, kJson}, "your requests and those you may vote on"},
    Verb{"show", "ID", 1, 1, false, {kCode, kEnvelope, kRelay, kTrust, kJson}, "everything about a request or a grant; --code: to be carried by hand"},
    Verb{"approve", "ID", 1, 1, false, {kFor, kScope, kReason, kTyped, kKey, kRelay, kTrust, kJson}, "vote yes, signed where a key of yours is at hand"},
    Verb{"deny", "ID", 1, 1, false, {kReason, kBlock, kKey, kRelay, kTrust, kJson}, "vote no, with a reason (-m)"},
    Verb{"vote", "[FILE|-]", 0, 1, false, {kCode, kPaste, kEnvelope, kYes, kNo, kFor, kScope, kReason, kBlock, kTyped, kKey, kTrust, kPerson, kJson},
         "--code: sign what jitctl show --code printed, anywhere; --paste: hand in what that printed, here"},
    Verb{"review", "ID", 1, 1, false, {kReason, kJson}, "settle a break-glass use: say what you found (-m)"},
    Verb{"away", "", 0, 0, false, {kUntil, kJson}, "fill no seat --until then; --until now: you are back"},
    Verb{"watch", "", 0, 0, false, {kRelay, kJson}, "one line for each change of a request, at once"},
    Verb{"grants", "", 0, 0, false, {kAll, kState, kSince, kJson}, "grants that live, or others by --state"},
    Verb{"end", "GRANT", 1, 1, false, {kJson}, "give a grant back early"},
    Verb{"revoke", "[GRANT]", 0, 1, false, {kUser, kPerson, kAll, kReason, kJson},
         "end grants at once, with a reason (-m)"},
    Verb{"status", "", 0, 0, false, {kJson}, "the broker's health"},
    Verb{"setup", "[DOOR...]", 0, 5, false, {kObserve, kPolicy, kConfirm, kUndo, kUnconfirmed, kKeep, kJson},
         "gate sudo, su, ssh, login or polkit: shows the change, tries it, and takes it back unless you --confirm; for root"},
    Verb{"doctor", "", 0, 0, false, {kDoor, kJson}, "try each door, and name what is not gated; exit code 1 where there is a hole; for root"},
    Verb{"audit log", "", 0, 0, false, {kRequest, kPerson, kType, kSince, kLimit, kJson}, "the audit log, oldest first"},
    Verb{"audit show", "ID [FILE...]", 1, 4096, false, {kHostKey, kJson}, "what the log says of a request or a grant, checked"},
    Verb{"audit export", "", 0, 0, false, {kSince, kFormat}, "the log for others: jsonl, which jit-verify checks, or ocsf"},
    Verb{"audit verify", "[FILE...]", 0, 4096, false, {kHostKey, kAllowedSigners, kHead}, "check the log, or an export or proof; see jit-verify(1)"},
    Verb{"audit prove", "ID [FILE...]", 1, 4096, false, {}, "a proof of a request or a grant that others check with public keys"},
    Verb{"audit erase", "", 0, 0, false, {kPerson, kJson}, "erase what the log tells of a person; its proofs hold"},
    Verb{"audit checkpoint", "", 0, 0, false, {}, "the signed head of the log, to be kept elsewhere"},
    Verb{"policy check", "[DIR|FILE...]", 0, 4096, false, {kHostTag, kJson}, "check policy files; needs no broker"},
    Verb{"policy show", "[DIR|FILE...]", 0, 4096, false, {kHostTag, kJson}, "each rule as one sentence; needs no broker"},
    Verb{"policy why", "[DIR|FILE...]", 0, 4096, true, kWhatIf, "what a request would get, and by which rules"},
    Verb{"policy why-not", "[DIR|FILE...]", 0, 4096, true, kWhatIf, "the same, and the nearest rules with what each lacks"},
    Verb{"policy test", "[DIR|FILE...]", 0, 4096, false, {kHostTag, kJson}, "run the tests beside the rules (tests.d); needs no broker"},
    Verb{"policy prove", "[DIR]", 0, 1, false, {kHostTag, kJson}, "prove each [[invariant]] of tests.d, or show what breaks it"},
    Verb{"policy who-can", "[DIR|FILE...]", 0, 4096, false, {kAs, kHostTag, kJson}, "who may become root, or --as another, and who is asked"},
    Verb{"policy diff", "OLD NEW", 2, 2, false, {kHostTag, kJson}, "what two policies answer differently, with a request that shows it"},
    Verb{"policy replay", "[DIR|FILE...]", 0, 4096, false, {kSince, kPerson, kJson},
         "which decisions of the audit log that policy would make otherwise"},
    Verb{"policy minimise", "[DIR|FILE...]", 0, 4096, false, {kHostTag, kJson}, "rules that could go, and nothing would change"},
    Verb{"policy fmt", "FILE...", 1, 4096, false, {kCheck, kJson}, "lay files out; --check only names those that would change"},
    Verb{"policy import-sudoers", "[FILE]", 0, 1, false, {kJson}, "a policy from what cvtsudoers -f json prints"},
    Verb{"policy reload", "", 0, 0, false, {kJson}, "load /etc/jit again"},
    Verb{"policy observed", "", 0, 0, false, {kSince, kJson}, "what doors and guards that only observe would have done"},
    Verb{"people list", "[DIR|FILE...]", 0, 4096, false, {kJson}, "who is a person, with users, roles and keys; needs no broker"},
    Verb{"people check", "[DIR|FILE...]", 0, 4096, false, {kJson}, "check people.d; needs no broker"},
    Verb{"people add-key", "NAME FILE|-", 2, 2, false, {kId, kKind, kVerifyRequired, kJson}, "let a person sign with a key (*.pub); for root"},
    Verb{"people import", "FILE|-", 1, 1, false, {kPerson, kJson}, "keys from ssh's allowed_signers, --person PRINCIPAL=NAME; for root"},
    Verb{"people accept", "", 0, 0, false, {kJson}, "load /etc/jit again, people files of an older version too"},
    Verb{"fact set", "NAME VALUE", 2, 2, false, {kFor, kJson}, "set a fact of the policy"},
    Verb{"fact clear", "NAME", 1, 1, false, {kJson}, "take it back: its initial value holds again"},
    Verb{"fact list", "", 0, 0, false, {kJson}, "the facts that you may set"},
    Verb{"fact run", "NAME", 1, 1, false, {kJson}, "run a provider of /etc/jit/facts.d and set its fact"},
    Verb{"relay init", "DIR", 1, 1, false, {kServer, kData}, "keys and configuration of one server, or of a cluster of three"},
    Verb{"relay streams", "DIR [SET...]", 1, 4096, false, {kCa}, "make what the servers keep; SET: whom policies ask, as group:sre"},
    Verb{"relay issue-host", "DIR HOST-ID", 2, 2, false, {kFor}, "credentials of a host's jit-relay, on standard output"},
    Verb{"relay issue-approver", "DIR PERSON", 2, 2, false, {kSet, kFor}, "credentials of an approver, on standard output"},
    Verb{"relay renew", "DIR", 1, 1, false, {kCa}, "new words for credentials that have lived half of their time"},
    Verb{"relay revoke", "DIR HOST-ID|PERSON", 2, 2, false, {kCa}, "take credentials back, at once"},
    Verb{"relay status", "[DIR]", 0, 1, false, {kCa, kJson}, "this host's connection; with DIR: which hosts are on line"},
    Verb{"notify status", "", 0, 0, false, {kJson}, "whether this host's channels take messages"},
    Verb{"notify test", "CHANNEL", 1, 1, false, {}, "send a test message to a channel, or say what is wrong; for root"},
    Verb{"completion", "SHELL", 1, 1, false, {}, "a completion script for bash, zsh or fish"},
};

std::string in_quotes(std::string_view text) { return "\"" + evidence::escape_to(text, 64) + "\""; }

Failure usage(std::string message) { return {Exit::kUsage, std::move(message)}; }

const OptionName* option_named(std::string_view text) {
  const auto* const it = std::find_if(kOptions.begin(), kOptions.end(), [&](const OptionName& option) {
    return option.name == text || (!option.short_name.empty() && option.short_name == text);
  });
  return it == kOptions.end() ? nullptr : it;
}

bool repeats(const Verb& verb, Option option) { return option == kHostTag || option == kAllowedSigners || option == kHead || option == kServer || option == kSet || (option == kPerson && verb.name == "people import"); }

bool digits(std::string_view text, int& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos && error == std::errc() &&
         end == text.data() + text.size();
}

std::optional<std::int64_t> parse_iso(std::string_view text);

}  // namespace

std::string Args::value(Option option) const {
  const auto it = values.find(option);
  return it == values.end() ? "" : it->second;
}

std::span<const OptionName> option_names() { return kOptions; }
std::span<const Verb> verbs() { return kVerbs; }

const Verb* verb_named(std::string_view name) {
  const auto* const it = std::find_if(kVerbs.begin(), kVerbs.end(), [&](const Verb& verb) { return verb.name == name; });
  return it == kVerbs.end() ? nullptr : it;
}

std::string usage_of(const Verb& verb) {
  std::string out = "jitctl " + std::string(verb.name);
  for (const Option option : verb.options) {
    const auto* const name = std::find_if(kOptions.begin(), kOptions.end(),
                                          [&](const OptionName& candidate) { return candidate.option == option; });
    out += " [" + std::string(name->short_name.empty() ? name->name : name->short_name);
    if (!name->value.empty()) out += " " + std::string(name->value);
    out += "]";
  }
  if (!verb.words.empty()) out += " " + std::string(verb.words);
  if (verb.command) out += " [-- COMMAND ARG...]";
  return out;
}

Result<Args> parse_args(std::span<const std::string> arguments) {
  std::size_t total = 0;
  for (const std::string& argument : arguments) total += argument.size() + 1;
  if (total > kArgsMax) return usage("the arguments are longer than " + std::to_string(kArgsMax) + " bytes: shorten them");
  Args out;
  if (arguments.empty()) return usage("no verb: see jitctl help");
  std::size_t at = 0;
  // As systemctl has it: these two may stand before the verb. Nothing is paged, so --no-pager is taken and does nothing.
  bool json = false;
  for (; at < arguments.size() && (arguments[at] == "--json" || arguments[at] == kNoPager); ++at) json = json || arguments[at] == "--json";
  if (at == arguments.size()) return usage("no verb: see jitctl help");
  const std::string& first = arguments[at++];
  if (first == "--version") return out.verb = "version", out;
  if (first == "help" || first == "--help" || first == "-h") {
    out.verb = "help";
    for (; at < arguments.size(); ++at) out.words.push_back(arguments[at]);
    return out;
  }
  out.verb = first;
  if (first == "policy" || first == "audit" || first == "fact" || first == "people" || first == "relay" || first == "notify") {
    if (at == arguments.size()) return usage(first + ": say what to do: see jitctl help");
    out.verb += " " + arguments[at++];
  }
  const Verb* const verb = verb_named(out.verb);
  if (verb == nullptr) return usage("unknown verb " + in_quotes(out.verb) + ": see jitctl help");
  if (json) {
    if (std::ranges::find(verb->options, kJson) == verb->options.end()) return usage("jitctl " + out.verb + " has no option \"--json\"");
    out.values.emplace(kJson, "");
  }
  for (; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (argument == kNoPager) continue;
    if (argument == "--") {
      if (!verb->command) {
        out.words.insert(out.words.end(), arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1, arguments.end());
      } else {
        out.command.assign(arguments.begin() + static_cast<std::ptrdiff_t>(at) + 1, arguments.end());
        if (out.command.empty()) return usage("nothing after --: write the command, or leave -- out");
      }
      break;
    }
    if (argument == "--help" || argument == "-h") {
      Args help;
      help.verb = "help";
      help.words.push_back(out.verb);
      return help;
    }
    if (argument.size() < 2 || argument.front() != '-') {
      out.words.push_back(argument);
      continue;
    }
    const std::size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    const OptionName* const option = option_named(argument.substr(0, equals));
    const bool takes = option != nullptr &&
                       std::find(verb->options.begin(), verb->options.end(), option->option) != verb->options.end();
    if (!takes) return usage("jitctl " + out.verb + " has no option " + in_quotes(argument) + ": see jitctl help " + out.verb);
    const bool again = out.has(option->option);
    if (again && !repeats(*verb, option->option)) return usage(std::string(option->name) + " is given twice");
    std::string value;
    if (option->value.empty()) {
      if (equals != std::string::npos) return usage(std::string(option->name) + " takes no value");
    } else if (equals != std::string::npos) {
      value = argument.substr(equals + 1);
    } else if (at + 1 < arguments.size()) {
      value = arguments[++at];
    } else {
      return usage(std::string(option->name) + " needs a value: " + std::string(option->value));
    }
    if (again) {
      out.values[option->option] += "," + value;
    } else {
      out.values.emplace(option->option, std::move(value));
    }
  }
  if (out.words.size() < verb->least) return usage("missing: " + usage_of(*verb));
  if (out.words.size() > verb->most) {
    return usage("too many words from " + in_quotes(out.words[verb->most]) +
                 (verb->command ? " on: a command stands after --" : " on") + ": " + usage_of(*verb));
  }
  return out;
}

std::optional<std::int64_t> parse_ahead(std::string_view text, std::int64_t now_ms) {
  if (const auto ahead = policy::parse_duration(text)) return now_ms + std::int64_t{*ahead} * 1000;
  return parse_iso(text);
}

std::optional<std::int64_t> parse_since(std::string_view text, std::int64_t now_ms) {
  if (const auto ago = policy::parse_duration(text)) return std::max<std::int64_t>(0, now_ms - std::int64_t{*ago} * 1000);
  return parse_iso(text);
}

namespace {

std::optional<std::int64_t> parse_iso(std::string_view text) {
  // YYYY-MM-DDTHH:MM[:SS](Z|+HH:MM|-HH:MM)
  if (text.size() < 17 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':') return std::nullopt;
  std::tm parts{};
  bool good = digits(text.substr(0, 4), parts.tm_year) && digits(text.substr(5, 2), parts.tm_mon) &&
              digits(text.substr(8, 2), parts.tm_mday) && digits(text.substr(11, 2), parts.tm_hour) &&
              digits(text.substr(14, 2), parts.tm_min);
  text.remove_prefix(16);
  if (text.starts_with(':')) {
    good = good && text.size() > 3 && digits(text.substr(1, 2), parts.tm_sec);
    text.remove_prefix(std::min<std::size_t>(3, text.size()));
  }
  int hours = 0;
  int minutes = 0;
  int sign = 0;
  if (text != "Z") {
    good = good && text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':' &&
           digits(text.substr(1, 2), hours) && digits(text.substr(4, 2), minutes) && hours < 24 && minutes < 60;
    sign = good && text[0] == '-' ? -1 : 1;
  }
  // 31 February would become some day in March.
  const std::chrono::year_month_day date{std::chrono::year(parts.tm_year), std::chrono::month(static_cast<unsigned>(parts.tm_mon)),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  if (!good || parts.tm_year < 1970 || !date.ok() || parts.tm_hour > 23 || parts.tm_min > 59 || parts.tm_sec > 60) return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const std::int64_t utc = timegm(&parts) - sign * (hours * 3600 + minutes * 60);
  return std::max<std::int64_t>(0, utc * 1000);
}

}  // namespace

}  // namespace jit::cli
