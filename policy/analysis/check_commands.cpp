// SPDX-License-Identifier: Apache-2.0
// Commands that give more than they say: W05, W06, W09.
#include <algorithm>
#include <set>

#include "policy/analysis/escapes.h"
#include "policy/analysis/study.h"
#include "policy/analysis/words.h"
#include "policy/quoted.h"

namespace jit::policy::analysis {
namespace {

struct Escape {
  std::string_view name, what;
  bool any = false;                 // whatever its words
  std::vector<std::string> words;
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
    Escape escape{trimmed(line.substr(0, first)), trimmed(line.substr(first + 1, second - first - 1)), false, {}};
    std::string_view words = trimmed(line.substr(second + 1));
    escape.any = words == "*";
    while (!words.empty() && !escape.any) {
      const std::size_t blank = std::min(words.find(' '), words.size());
      escape.words.emplace_back(words.substr(0, blank));
      words = trimmed(words.substr(blank));
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
    if (from == to) {  // python3.11
      const std::size_t dot = name.find_first_of(".0123456789");
      if (dot != std::string_view::npos) std::tie(from, to) = escapes().equal_range(name.substr(0, name[dot] == '.' ? dot : name.find('.')));
    }
    for (auto at = from; at != to; ++at) {
      const Escape& escape = at->second;
      if (escape.any) {
        CommandPattern one = pattern;
        one.paths = {path};
        if (auto line = sample_command(one)) return std::pair(&escape, std::move(*line));
      } else if (pattern.matches(path, escape.words)) {
        return std::pair(&escape, SampleCommand{path, escape.words});
      }
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
              "command " + quoted(name) + " is as good as full root in permit " + quoted(rule.id) + ": " + quoted(escape->second.path) + " is " +
                  with_article(escape->first->what) + "; name its words exactly, or treat the permit as one for a root shell",
              &rule.place, &*found.request);
  }
}

void check_paths(Study& study, std::map<std::string, std::optional<std::string>, std::less<>>& known, const Entry& permit) {
  if (!study.host().writer || !permit.rule->tests.run) return;
  for (const CommandPattern* pattern : permit.rule->tests.run->patterns) {
    for (const std::string& path : pattern->paths) {
      if (known.contains(path)) continue;
      const auto& writer = known[path] = study.host().writer(path);
      std::string name;
      const NamedCommand* command = writer ? owner_of(study.rules(), *permit.rule, pattern, name) : nullptr;
      if (command == nullptr) continue;
      study.add("W06", command->place,
                *writer + " may replace " + quoted(path) + " or a folder above it, and so runs what he likes by permit " + quoted(permit.rule->id) +
                    "; make root the owner of it and of all folders above",
                &permit.rule->place);
    }
  }
}

// What only a regular expression would hold.
bool like_regex(std::string_view text) {
  for (const std::string_view part : {".*", ".+", "\\d", "\\w", "\\s", "(?:", "[0-9", "[a-z", "[A-Z", "[^", "\\."}) {
    if (text.find(part) != std::string_view::npos) return true;
  }
  return (text.starts_with('^') && text.size() > 1) || (text.ends_with('$') && text.size() > 1);
}

void regex_finding(Study& study, const Place& place, std::string_view text, const Rule* rule) {
  study.add("W09", place,
            quoted(text) + " looks like a regular expression, and is taken letter by letter; write literals, {a|b}, a final *, or # for a digit of a ticket",
            rule == nullptr ? nullptr : &rule->place);
}

void check_literals(Study& study) {
  const RuleSet& rules = study.rules();
  for (const auto& [name, command] : rules.commands) {
    for (const CommandPattern& pattern : command.patterns) {
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
    check_paths(study, known, permit);
  }
  check_literals(study);
}

}  // namespace jit::policy::analysis
