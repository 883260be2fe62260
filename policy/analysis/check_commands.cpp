// SPDX-License-Identifier: Apache-2.0
// Commands that give more than they say: W05, W06, W09.
#include <algorithm>
#include <set>

#include "policy/analysis/escapes.h"
#include "policy/analysis/study.h"
#include "policy/analysis/words.h"
#include "policy/ticked.h"

namespace jit::policy::analysis {
namespace {

struct Escape {
  std::string_view name, what;
  std::vector<WordPattern> words;
  bool rest = false;
};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::vector<Escape> parse_escapes() {
  std::vector<Escape> out;
  std::string_view rest = kEscapes;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::size_t first = line.find('|'), second = first == std::string_view::npos ? first : line.find('|', first + 1);
    if (line.starts_with('#') || second == std::string_view::npos) continue;
    Escape escape{trimmed(line.substr(0, first)), trimmed(line.substr(first + 1, second - first - 1)), {}, false};
    std::string_view words = trimmed(line.substr(second + 1));
    while (!words.empty()) {
      const std::size_t blank = std::min(words.find(' '), words.size());
      const std::string_view word = words.substr(0, blank);
      words = trimmed(words.substr(blank));
      escape.rest = escape.rest || word == "**";
      if (word == "**") break;
      escape.words.push_back({{word == "*" ? WordPattern::Option{"", true} : WordPattern::Option{std::string(word), false}}});
    }
    out.push_back(std::move(escape));
  }
  return out;
}

const std::multimap<std::string_view, Escape>& escapes() {
  static const auto kTable = [] {
    std::multimap<std::string_view, Escape> out;
    for (Escape& escape : parse_escapes()) out.emplace(escape.name, std::move(escape));
    return out;
  }();
  return kTable;
}

std::string with_article(std::string_view what) {
  return (std::string_view("aeiou").find(what.front()) == std::string_view::npos ? "a " : "an ") + std::string(what);
}

std::string_view base_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// What a command line of this pattern hands out, and such a line.
std::optional<std::pair<const Escape*, SampleCommand>> escape_of(const CommandPattern& pattern) {
  for (const std::string& path : pattern.paths) {
    std::string_view name = base_of(path);
    auto [from, to] = escapes().equal_range(name);
    if (from == to) std::tie(from, to) = escapes().equal_range(name.substr(0, name.find_first_of(".0123456789")));
    for (auto at = from; at != to; ++at) {
      const Escape& escape = at->second;
      const auto both = intersection(pattern, {{path}, {}, escape.words, escape.rest});
      if (!both) continue;
      if (auto line = sample_command(*both)) return std::pair(&escape, std::move(*line));
    }
  }
  return std::nullopt;
}

const NamedCommand* owner_of(const RuleSet& rules, const Rule& rule, const CommandPattern* pattern, std::string& name) {
  for (const Text& text : rule.tests.run->names) {
    const auto found = rules.commands.find(text.value);
    if (found == rules.commands.end()) continue;
    const auto& all = found->second.patterns;
    if (all.empty() || pattern < all.data() || pattern >= all.data() + all.size()) continue;
    name = text.value;
    return &found->second;
  }
  return nullptr;
}

void check_escapes(Study& study, const Entry& permit) {
  const Rule& rule = *permit.rule;
  if (!rule.tests.run) return;
  std::set<std::string> told;
  for (const CommandPattern* pattern : rule.tests.run->patterns) {
    const auto escape = escape_of(*pattern);
    std::string name;
    const NamedCommand* command = escape ? owner_of(study.rules(), rule, pattern, name) : nullptr;
    if (command == nullptr || told.contains(name)) continue;
    Sample found = study.find(study.allowed_part(permit, study.root_of(permit)));
    if (!found.request) return;  // it does not give root
    found.request->path = escape->second.path;
    found.request->words = escape->second.words;
    found.request->via = rule.id;
    const Decision decision = decide(study.policy(), *found.request);
    if (!decision.offer || decision.offer->rule != rule.id) continue;
    told.insert(name);
    study.add("W05", command->place,
              "command " + ticked(name) + " is as good as full root in permit " + ticked(rule.id) + ": " + ticked(escape->second.path) + " is " +
                  with_article(escape->first->what) + "; name its words exactly, or treat the permit as one for a root shell",
              &rule.place, &*found.request);
  }
}

// Names that a program, its loader, its interpreter or its shell takes code from.
constexpr std::string_view kCodeFromEnv[] = {
    "BASH_ENV", "EDITOR",    "ENV",       "GCONV_PATH", "GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH",    "GIT_SSH_COMMAND", "LD_AUDIT",   "LD_LIBRARY_PATH",
    "LD_PRELOAD", "LESSOPEN", "MANPAGER", "NODE_OPTIONS", "PAGER",           "PATH",      "PERL5LIB",   "PERL5OPT",        "PROMPT_COMMAND", "PYTHONHOME",
    "PYTHONPATH", "RUBYLIB", "RUBYOPT",   "SHELLOPTS",  "SUDO_EDITOR",       "SYSTEMD_EDITOR", "SYSTEMD_PAGER", "VISUAL"};

void check_environment(Study& study, const Entry& permit) {
  const Rule& rule = *permit.rule;
  if (!rule.tests.run || !rule.tests.env) return;
  const auto odd = std::ranges::find_if(rule.tests.env->words, [](const Text& name) { return std::ranges::find(kCodeFromEnv, name.value) != std::end(kCodeFromEnv); });
  if (odd == rule.tests.env->words.end()) return;
  Sample found = study.find(study.allowed_part(permit, study.root_of(permit)));
  if (!found.request) return;
  found.request->via = rule.id;
  found.request->env.assign(1, odd->value);
  const Decision decision = decide(study.policy(), *found.request);
  if (!decision.offer || decision.offer->rule != rule.id) return;
  study.add("W05", odd->place,
            "permit " + ticked(rule.id) + " lets " + ticked(odd->value) + " be set, from which programs take code: it is as good as full root, whatever `run` says",
            nullptr, &*found.request);
}

void check_paths(Study& study, std::map<std::string, std::optional<std::string>, std::less<>>& known, const Entry& permit) {
  if (!study.host().writer || !permit.rule->tests.run) return;
  for (const CommandPattern* pattern : permit.rule->tests.run->patterns) {
    // A link that others may replace leads elsewhere tomorrow, when the policy is loaded again.
    std::vector<std::string> paths = pattern->paths;
    paths.insert(paths.end(), pattern->written.begin(), pattern->written.end());
    for (const std::string& path : paths) {
      if (known.contains(path)) continue;
      const auto& writer = known[path] = study.host().writer(path);
      std::string name;
      const NamedCommand* command = writer ? owner_of(study.rules(), *permit.rule, pattern, name) : nullptr;
      if (command == nullptr) continue;
      std::optional<AnalysisRequest> shown = study.decided_by(*permit.rule);
      auto line = shown ? sample_command(*pattern) : std::nullopt;
      if (line) {
        shown->path = line->path;
        shown->words = line->words;
        const Decision decision = decide(study.policy(), *shown);
        if (!decision.offer || decision.offer->rule != permit.rule->id) shown.reset();
      }
      study.add("W06", command->place,
                *writer + " may replace " + ticked(path) + " or a folder above it, and so runs what he likes by permit " + ticked(permit.rule->id) +
                    "; make root the owner of it and of all folders above",
                &permit.rule->place, line && shown ? &*shown : nullptr);
    }
  }
}

// What only a regular expression would hold.
bool like_regex(std::string_view text) {
  for (const std::string_view part : {".*", ".+", ".?", "(.)", "(?:", "[^", "]+", "]*"}) {
    if (text.find(part) != std::string_view::npos) return true;
  }
  for (std::size_t at = text.find('\\'); at != std::string_view::npos && at + 1 < text.size(); at = text.find('\\', at + 1)) {
    if (std::string_view("dDwWsSbB.").find(text[at + 1]) != std::string_view::npos) return true;
  }
  const std::size_t open = text.find('('), bar = text.find('|', std::min(open, text.size())), close = text.find(')', std::min(bar, text.size()));
  if (close != std::string_view::npos) return true;  // (a|b)
  // [abc], but not the address in http://[::1]/
  const std::size_t from = text.find('['), to = text.find(']', std::min(from, text.size()));
  if (to != std::string_view::npos && to > from + 1 && text.substr(from, to - from).find(':') == std::string_view::npos) return true;
  return (text.starts_with('^') && text.size() > 1) || (text.ends_with('$') && text.size() > 1);
}

void regex_finding(Study& study, const Place& place, std::string_view text, const Rule* rule) {
  study.add("W09", place,
            ticked(text) + " looks like a regular expression, and is taken letter by letter; write literals, {a|b}, a final *, or # for a digit of a ticket",
            rule == nullptr ? nullptr : &rule->place);
}

void check_literals(Study& study) {
  const RuleSet& rules = study.rules();
  for (const auto& [name, command] : rules.commands) {
    for (const CommandPattern& pattern : command.patterns) {
      const auto path = std::ranges::find_if(pattern.paths, like_regex);
      if (path != pattern.paths.end()) regex_finding(study, command.place, *path, nullptr);
      for (const WordPattern& word : pattern.words) {
        const auto odd = std::ranges::find_if(word.options, [](const WordPattern::Option& option) { return like_regex(option.text) || (option.prefix && option.text.ends_with('.')); });
        if (odd != word.options.end()) regex_finding(study, command.place, odd->text + (odd->prefix ? "*" : ""), nullptr);
      }
    }
  }
  const auto look = [&](const Rule& rule) {
    for (const Text& text : rule.require.texts) {
      if (text.value.starts_with("ticket:") && like_regex(std::string_view(text.value).substr(7))) regex_finding(study, text.place, text.value, &rule);
    }
    const auto facts = [&](const std::vector<FactTest>& list) {
      for (const FactTest& test : list) {
        const auto* text = std::get_if<std::string>(&test.literal);
        if (text != nullptr && like_regex(*text)) regex_finding(study, test.text.place, *text, &rule);
      }
    };
    for (const Tests* tests : {&rule.tests, rule.unless ? &*rule.unless : nullptr}) {
      if (tests == nullptr) continue;
      facts(tests->when);
      facts(tests->when_any);
    }
  };
  for (const Rule& rule : rules.permits) look(rule);
  for (const Rule& rule : rules.guards) look(rule);
}

}  // namespace

void check_commands(Study& study) {
  study.renew(20'000);
  std::map<std::string, std::optional<std::string>, std::less<>> known;
  for (const Entry& permit : study.permits()) {
    check_escapes(study, permit);
    check_environment(study, permit);
    check_paths(study, known, permit);
  }
  check_literals(study);
}

}  // namespace jit::policy::analysis
