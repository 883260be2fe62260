// SPDX-License-Identifier: Apache-2.0
#include "policy/sentence.h"

#include <algorithm>

namespace jit::policy {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += i + 1 == parts.size() ? " " + std::string(last) + " " : std::string(", ");
    out += parts[i];
  }
  return out;
}

std::string any_of(const std::vector<std::string>& parts) { return joined(parts, "or"); }
std::string all_of(const std::vector<std::string>& parts) { return joined(parts, "and"); }

// "user:alice" is alice; the others say what they are.
std::string principal_text(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string name(text.substr(colon + 1));
  const std::string_view kind = text.substr(0, colon);
  if (kind == "user") return name == "*" ? "any user" : name;
  if (kind == "group") return "members of group " + name;
  if (kind == "person") return name == "*" ? "any person" : "person " + name;
  return "members of set " + name;
}

std::vector<std::string> principals(const PrincipalTest& test) {
  std::vector<std::string> out;
  for (const Named& named : test.named) out.push_back(principal_text(named.principal.text()));
  return out;
}

std::vector<std::string> values(const std::vector<Text>& texts, std::string_view before = {}) {
  std::vector<std::string> out;
  for (const Text& text : texts) out.push_back(std::string(before) + text.value);
  return out;
}

std::string origin_text(const OriginTest& test) {
  std::vector<std::string> out;
  if (test.local) out.emplace_back("this machine's own terminals");
  for (const Text& name : test.names) out.push_back("net " + name.value);
  return any_of(out);
}

std::string doors_text(const std::vector<Door>& doors) {
  std::vector<std::string> out;
  for (const Door door : doors) out.emplace_back(name_of(door));
  return any_of(out);
}

std::vector<std::string> facts_text(const std::vector<FactTest>& tests) {
  std::vector<std::string> out;
  for (const FactTest& test : tests) out.push_back(test.text.value.empty() ? test.name + " == true" : test.text.value);
  return out;
}

std::vector<std::string> flags_text(const std::vector<FactTest>& tests) {
  std::vector<std::string> out;
  for (const FactTest& test : tests) out.push_back(test.name);
  return out;
}

// A permit holds when all that is used is listed; a guard or an exception when one of the list is used.
std::string additions(const Tests& tests, bool permit) {
  std::string out;
  if (permit) {
    if (tests.options) out += ", sudo's options " + any_of(values(tests.options->words)) + " allowed";
    if (tests.env) out += ", environment additions " + any_of(values(tests.env->words)) + " allowed";
    return out;
  }
  std::vector<std::string> used;
  if (tests.options) used.push_back("with sudo's option " + any_of(values(tests.options->words)));
  if (tests.env) used.push_back("with environment addition " + any_of(values(tests.env->words)));
  return used.empty() ? out : ' ' + all_of(used);
}

// What narrows a rule beyond who, door and target; each part begins with its own word.
std::string conditions(const Tests& tests, bool permit) {
  std::string out;
  if (tests.run) out += " to run " + any_of(values(tests.run->names, "command "));
  out += additions(tests, permit);
  if (tests.hosts) {
    std::vector<std::string> tags;
    for (const Principal& tag : tests.hosts->tags) tags.push_back(tag.name + (tag.prefix ? "*" : ""));
    out += " on hosts tagged " + any_of(tags);
  }
  if (tests.from) out += " from " + origin_text(*tests.from);
  if (tests.during) out += " during " + any_of(values(tests.during->names, "window "));
  if (!tests.flag.empty()) out += " while " + any_of(flags_text(tests.flag)) + " is set";
  std::vector<std::string> when = facts_text(tests.when);
  if (!tests.when_any.empty()) {
    const std::string any = any_of(facts_text(tests.when_any));
    when.push_back(when.empty() || tests.when_any.size() == 1 ? any : "(" + any + ")");
  }
  if (!when.empty()) out += " when " + all_of(when);
  return out;
}

// An exception holds when all of its properties hold.
std::string exception_text(const Tests& tests) {
  std::vector<std::string> parts;
  if (tests.who) parts.push_back("for " + any_of(principals(*tests.who)));
  if (tests.door) parts.push_back("at " + doors_text(*tests.door));
  if (tests.as) parts.push_back("as " + any_of(principals(*tests.as)));
  std::string rest = conditions(tests, false);
  if (!rest.empty()) parts.push_back(rest.substr(rest.front() == ' ' ? 1 : 2));
  return all_of(parts);
}

std::string seats_text(const Approval& approval) {
  std::vector<std::string> out;
  for (const Approval::Need& need : approval.need) {
    const std::string from = principal_text(need.seat.set);
    const std::size_t of = from.find(" of ");
    const bool one_user = from.find(' ') == std::string::npos;
    out.push_back(one_user && need.seat.count == 1 ? from
                                                   : std::to_string(need.seat.count) + " of " +
                                                         (of == std::string::npos ? from : from.substr(of + 4)));
  }
  return all_of(out);
}

std::string approval_text(const RuleSet& policy, const Approval& approval) {
  std::string out = approval.need.empty() ? "approval by nobody" : "approval by " + seats_text(approval);
  if (!approval.need.empty() && approval.wait_s) out += " within " + format_duration(*approval.wait_s);
  const Votes votes = approval.votes.value_or(policy.votes.value_or(Votes::kAny));
  if (votes == Votes::kSigned) out += ", with signed votes";
  if (votes == Votes::kHardware) out += ", with votes signed by a hardware key";
  if (approval.machines) out += ", machines count too";
  if (approval.match) out += ", and the vote must carry the typed code";
  if (approval.self) out += "; the requester's own touched hardware key may fill one seat";
  for (const Approval::Rung& rung : approval.escalate) {
    out += "; after " + format_duration(rung.step.after_s) +
           (rung.step.notify.empty() ? " " + principal_text(rung.step.add) + " may fill the seats of " + principal_text(rung.step.to)
                                     : " channel " + rung.step.notify + " is told");
  }
  return out;
}

std::vector<std::string> demands(const Requirements& require) {
  std::vector<std::string> out;
  if (require.reason_min) {
    out.push_back(*require.reason_min > 1 ? "a reason of at least " + std::to_string(*require.reason_min) + " characters" : "a reason");
  }
  for (const std::string& pattern : require.tickets) out.push_back(pattern.empty() ? "a ticket" : "a ticket like " + pattern);
  if (require.record) out.emplace_back("a recording of the session");
  for (const std::string& channel : require.notify) out.push_back("a message to channel " + channel);
  if (require.review_s) out.push_back("a review within " + format_duration(*require.review_s));
  return out;
}

std::string scope_text(Scope scope) {
  switch (scope) {
    case Scope::kCommand: return "for that exact command";
    case Scope::kTty: return "on that terminal";
    case Scope::kSession: return "in that login session";
    case Scope::kLogin: break;
  }
  return "for that one connection";
}

std::string verb_of(const Tests& tests) {
  if (!tests.door) return "pass";
  const auto is_login = [](Door door) { return door == Door::kSsh || door == Door::kLogin; };
  const std::string doors = doors_text(*tests.door);
  return std::ranges::all_of(*tests.door, is_login) ? "log in by " + doors : "use " + doors;
}

std::string subject_and_act(const Rule& rule) {
  std::string out = rule.tests.who ? any_of(principals(*rule.tests.who)) : "anyone";
  out += rule.permit ? " may " : " who would ";
  out += verb_of(rule.tests);
  if (rule.tests.as) out += " as " + any_of(principals(*rule.tests.as));
  out += conditions(rule.tests, rule.permit);
  if (rule.unless) out += ", except " + exception_text(*rule.unless);
  return out;
}

std::string permit_text(const RuleSet& policy, const Rule& rule) {
  std::string out = subject_and_act(rule);
  const bool asks = rule.approval != nullptr && !rule.approval->need.empty();
  if (rule.break_glass) out += " in an emergency";
  if (!asks) out += rule.break_glass ? ", without approval" : " without approval";
  if (const auto wants = demands(rule.require); !wants.empty()) out += ", with " + all_of(wants);
  const std::uint32_t most = rule.max_s.value_or(0);
  const std::uint32_t give = std::min(rule.give_s.value_or(most), most);
  out += give == most ? ", for " + format_duration(most) : ", for " + format_duration(give) + " (up to " + format_duration(most) + " if asked)";
  if (rule.scope) out += " " + scope_text(*rule.scope);
  if (rule.digest) out += ", only for a program whose digest can be bound";
  if (rule.unverified_command || rule.unverified_as) {
    out += std::string("; where only PAM sees the call, the claimed ") +
           (rule.unverified_command && rule.unverified_as ? "command and target are" : rule.unverified_command ? "command is" : "target is") +
           " believed";
  }
  if (rule.on_expiry == Expiry::kFinish) out += "; what runs at the end may finish";
  if (rule.on_expiry == Expiry::kWarn) out += "; what runs at the end is only warned";
  if (asks) out += "; only after " + approval_text(policy, *rule.approval);
  return out;
}

std::string guard_text(const RuleSet& policy, const Rule& rule) {
  std::string out = subject_and_act(rule);
  std::vector<std::string> does;
  if (rule.deny) does.push_back("is refused: \"" + *rule.deny + '"');
  if (rule.approval != nullptr) does.push_back("needs " + approval_text(policy, *rule.approval));
  if (const auto wants = demands(rule.require); !wants.empty()) does.push_back("must give " + all_of(wants));
  if (rule.max_s) does.push_back("gets at most " + format_duration(*rule.max_s));
  if (rule.give_s) does.push_back("gets " + format_duration(*rule.give_s) + " unless more is asked");
  if (rule.scope) does.push_back("gets it only " + scope_text(*rule.scope));
  out += does.empty() ? " meets a guard that changes nothing" : " " + all_of(does);
  if (!rule.yields_to.empty()) out += "; this yields to break-glass by " + any_of(values(rule.yields_to));
  if (rule.observe) out += " (observed only: logged, not applied)";
  return out;
}

}  // namespace

std::string sentence_of(const RuleSet& policy, const Rule& rule) {
  std::string out = rule.permit ? permit_text(policy, rule) : guard_text(policy, rule);
  if (out.front() >= 'a' && out.front() <= 'z' && (out.starts_with("any") || out.starts_with("members") || out.starts_with("person "))) {
    out.front() = static_cast<char>(out.front() - 'a' + 'A');
  }
  return out + '.';
}

std::vector<Sentence> sentences(const RuleSet& policy) {
  std::vector<Sentence> out;
  for (const auto* rules : {&policy.permits, &policy.guards}) {
    for (const Rule& rule : *rules) out.push_back({rule.id, rule.permit, rule.place, sentence_of(policy, rule)});
  }
  return out;
}

}  // namespace jit::policy
