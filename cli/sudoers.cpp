// SPDX-License-Identifier: Apache-2.0
#include "cli/sudoers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cli/documents.h"
#include "policy/command.h"
#include "policy/layout.h"
#include "policy/principal.h"

namespace jit::cli {

namespace {

constexpr unsigned kDeepestAlias = 32;
constexpr std::size_t kMostNames = 4096;  // of one list, what its aliases stand for too
constexpr const char* kTooMany = "its aliases stand for more than 4096 names";

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string toml_list(const std::vector<std::string>& words) {
  std::string out = "[";
  for (const std::string& word : words) out += (out.size() > 1 ? ", " : "") + toml_text(word);
  return out + ']';
}

bool shows(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

struct People {
  std::vector<std::string> in, out;  // principals; `out`: negated ones
  bool any_left_out = false;
};

// One command of sudoers as the words of a [command] entry.
struct Pattern {
  std::vector<std::string> words;
  std::string narrower;  // why it matches less than in sudoers; or empty
  std::string problem;   // why there is none
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      word += text[i];
      word += text[++i];
    } else if (text[i] == ' ') {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    } else {
      word += text[i];
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

// Nothing where the word needs more than a * at its end.
std::optional<std::string> plain_word(const std::string& word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '\\' && i + 1 < word.size()) {
      ++i;
    } else if (word[i] == '?' || word[i] == '[' || (word[i] == '*' && i + 1 < word.size())) {
      return std::nullopt;
    }
    out += word[i];
  }
  // What the policy language reads as a pattern must not come from a literal.
  const bool escaped_star = word.ends_with("\\*");
  if (escaped_star || out.find_first_of("{}") != std::string::npos) return std::nullopt;
  if (out.size() > 1 && out.ends_with('*') && out.starts_with('-')) return std::nullopt;
  return out;
}

Pattern words_of(const std::string& command) {
  if (command.starts_with("^")) return {{}, {}, "regular expressions are not part of the language; list the commands"};
  std::vector<std::string> words = split(command);
  if (words.empty() || !words[0].starts_with("/")) {
    return {{}, {}, words.empty() || words[0] != "sudoedit" ? "it is no absolute path" : "sudoedit is no command; write a permit with options = [\"-e\"]"};
  }
  if (words[0].ends_with("/")) return {{}, {}, "a whole directory cannot be named; list its programs"};
  if (!shows(command)) return {{}, {}, "it holds control characters"};
  Pattern out;
  const auto path = plain_word(words[0]);
  if (!path || path->ends_with('*')) return {{}, {}, "a pattern in a path matches programs that do not exist yet; list them"};
  out.words.push_back(*path);
  if (words.size() == 1) {
    out.words.emplace_back("**");
    return out;
  }
  if (words.size() == 2 && words[1] == "\"\"") return out;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto word = plain_word(words[i]);
    if (!word) return {{}, {}, "only a * at the end of a word can be carried over; list the arguments"};
    out.words.push_back(*word);
    if (word->ends_with('*')) out.narrower = "here * stays within one word and matches no option";
  }
  if (out.words.back() == "*") out.words.emplace_back("**");
  return out;
}

// Only what the loader takes.
Pattern pattern_of(const std::string& command) {
  Pattern out = words_of(command);
  if (!out.problem.empty()) return out;
  policy::ParsedCommand parsed = policy::parse_command(out.words, {});
  if (!parsed.pattern) out.problem = "it cannot be said in a policy: " + parsed.why;
  return out;
}

class Importer {
 public:
  explicit Importer(const Json& sudoers) : sudoers_(sudoers) {}

  Imported run() {
    defaults();
    std::size_t number = 0;
    for (const Json& spec : array(sudoers_, "User_Specs")) read_spec(spec, ++number);
    Imported out;
    out.notes = std::move(notes_);
    out.rules = rules_;
    out.policy = "schema = 1\n\n[settings]\ncovers = [\"sudo\"]\n";
    if (!commands_.empty()) out.policy += "\n[command]\n";
    for (const auto& [text, name] : commands_) out.policy += name + " = [\n" + text + "]\n";
    out.policy += permits_;
    policy::Report report;
    out.policy = policy::lay_out(report.add_file("sudoers"), out.policy, report).value_or(out.policy);
    return out;
  }

 private:
  static const Json& array(const Json& object, const char* key) {
    static const Json kNone = Json::array();
    const Json& found = member(object, key);
    return found.is_array() ? found : kNone;
  }

  void note(std::string what, std::string why, bool left_out) {
    if (!noted_.emplace(what, why).second) return;
    notes_.push_back({std::move(what), std::move(why), left_out});
  }

  // sudo keeps them; only what switches the gate off is worth a word.
  void defaults() {
    for (const Json& entry : array(sudoers_, "Defaults")) {
      for (const Json& option : array(entry, "Options")) {
        if (!option.is_object()) continue;
        for (const auto& item : option.items()) {
          const bool off = item.value().is_boolean() && !item.value().get<bool>();
          if (item.key() == "pam_acct_mgmt" && off) note("Defaults !pam_acct_mgmt", "with it sudo never asks the gate; take it out", true);
          if (item.key() == "pam_session" && off) note("Defaults !pam_session", "with it a grant is not bound to its session; take it out", true);
          if (item.key() == "runas_default") note("Defaults runas_default", "rules without a target are carried over as root", true);
        }
      }
    }
  }

  // "user:alice" for {"username": "alice"}; aliases are followed.
  void add_people(const Json& list, const char* aliases, const char* alias_key, const std::string& where, bool negated, unsigned depth,
                  People& out) {
    if (depth == 0) names_ = 0;
    for (const Json& one : list) {
      if (++names_ > kMostNames) {
        note(where, kTooMany, true);
        out.any_left_out = true;
        return;
      }
      if (!one.is_object()) continue;
      const Json& flag = member(one, "negated");
      const bool no = (flag.is_boolean() && flag.get<bool>()) != negated;
      std::string principal;
      std::string problem;
      if (const std::string name = text_of(one, "username"); !name.empty()) {
        principal = name == "ALL" ? "user:*" : "user:" + name;
      } else if (const std::string group = text_of(one, "usergroup"); !group.empty()) {
        principal = "group:" + group;
      } else if (member(one, "userid").is_number_unsigned()) {
        principal = "user:" + member(one, "userid").dump();
      } else if (const std::string alias = text_of(one, alias_key); !alias.empty()) {
        const Json& meant = array(member(sudoers_, aliases), alias.c_str());
        if (meant.empty()) {
          problem = "there is no such alias";
        } else if (depth < kDeepestAlias) {
          add_people(meant, aliases, alias_key, where, no, depth + 1, out);
        } else {
          problem = "aliases nest too deep";
        }
      } else {
        problem = "only users and groups by name, and users by id, can be named";
      }
      if (!principal.empty() && !policy::parse_principal(principal).principal) problem = "this name cannot stand in a policy";
      if (!problem.empty()) {
        note(where + ": " + one.dump(), problem, true);
        out.any_left_out = out.any_left_out || no;  // an exception that is lost would widen
      } else if (!principal.empty()) {
        (no ? out.out : out.in).push_back(principal);
      }
    }
  }

  bool on_this_host(const Json& spec, const std::string& where) {
    bool all = false;
    bool excepted = false;
    for (const Json& host : array(spec, "Host_List")) {
      const bool no = member(host, "negated").is_boolean();
      all = all || (!no && text_of(host, "hostname") == "ALL");
      excepted = excepted || no;
    }
    if (all && !excepted) return true;
    note(where, "it is for certain hosts only; let cvtsudoers choose (-m host=NAME), or write `hosts` with tags", true);
    return false;
  }

  void read_spec(const Json& spec, std::size_t number) {
    const std::string where = "rule " + std::to_string(number);
    if (!on_this_host(spec, where)) return;
    People who;
    add_people(array(spec, "User_List"), "User_Aliases", "useralias", where, false, 0, who);
    if (who.in.empty() || who.any_left_out) {
      note(where, who.in.empty() ? "nobody is left in it" : "an exception of it cannot be named", true);
      return;
    }
    std::size_t part = 0;
    for (const Json& cmnd : array(spec, "Cmnd_Specs")) read_part(cmnd, who, number, ++part);
  }

  void add_commands(const Json& list, const std::string& where, unsigned depth, std::vector<Pattern>& out, bool& all, bool& negated,
                    bool& lost) {
    if (depth == 0) names_ = 0;
    for (const Json& one : list) {
      if (++names_ > kMostNames) {
        note(where, kTooMany, true);
        lost = true;
        return;
      }
      const Json& flag = member(one, "negated");
      const bool no = flag.is_boolean() && flag.get<bool>();
      negated = negated || no;
      const std::string text = text_of(one, "command");
      if (const std::string alias = text_of(one, "cmndalias"); !alias.empty() && !no) {
        const Json& meant = array(member(sudoers_, "Command_Aliases"), alias.c_str());
        if (meant.empty() || depth >= kDeepestAlias) {
          note(where + ": " + alias, meant.empty() ? "there is no such alias" : "aliases nest too deep", true);
          lost = true;
        } else {
          add_commands(meant, where, depth + 1, out, all, negated, lost);
        }
      } else if (no) {
        note(where + ": !" + (text.empty() ? one.dump() : text), "a command that is forbidden by its name is reached by a copy or a link of it", true);
      } else if (text == "ALL") {
        all = true;
      } else if (one.is_object() && one.size() > 1) {
        note(where + ": " + text, "its digest is sudo's own business; write a permit with digest = true where sudo_jit is installed", true);
      } else {
        Pattern pattern = pattern_of(text);
        if (!pattern.problem.empty()) {
          note(where + ": " + text, pattern.problem, true);
        } else {
          if (!pattern.narrower.empty()) note(where + ": " + text, pattern.narrower, false);
          out.push_back(std::move(pattern));
        }
      }
    }
  }

  void read_part(const Json& cmnd, const People& who, std::size_t number, std::size_t part) {
    const std::string id = "sudoers-" + std::to_string(number) + (part > 1 ? "-" + std::to_string(part) : "");
    const std::string where = "rule " + std::to_string(number) + (part > 1 ? "." + std::to_string(part) : "");
    People as;
    add_people(array(cmnd, "runasusers"), "Runas_Aliases", "runasalias", where, false, 0, as);
    if (array(cmnd, "runasusers").empty()) {
      if (!array(cmnd, "runasgroups").empty()) return note(where, "a group alone is no target (sudo -g)", true);
      as.in.emplace_back("user:root");
    }
    if (as.in.empty() || as.any_left_out) return note(where, "its targets cannot be named", true);

    std::vector<Pattern> patterns;
    bool all = false;
    bool negated = false;
    bool lost = false;  // an exception may stand in what was not read
    add_commands(array(cmnd, "Commands"), where, 0, patterns, all, negated, lost);
    if (lost) return note(where, "an alias of it could not be read", true);
    if (all && negated) return note(where, "\"all but\" would let everything pass; list what is needed instead", true);
    if (!all && patterns.empty()) return note(where, "no command of it could be carried over", true);
    if (!all && sets_environment(cmnd)) note(where + ": SETENV", "no environment addition is carried over; name those that are needed in `env`", false);
    note_rest(cmnd, where);
    write_permit(id, who, as, all ? std::string() : command_named(patterns));
  }

  // What a permit does not say, and sudo goes on to enforce while sudoers stays.
  void note_rest(const Json& cmnd, const std::string& where) {
    if (!array(cmnd, "runasgroups").empty()) note(where + ": groups to run as", "a permit names no group; sudo -g is for sudo to allow", true);
    for (const Json& option : array(cmnd, "Options")) {
      if (!option.is_object()) continue;
      for (const auto& item : option.items()) {
        if (item.key() == "authenticate" || item.key() == "setenv") continue;
        note(where + ": " + item.key(), "sudo alone knows it, and enforces it as long as this line stays in sudoers", true);
      }
    }
  }

  static bool sets_environment(const Json& cmnd) {
    for (const Json& option : array(cmnd, "Options")) {
      if (member(option, "setenv").is_boolean() && member(option, "setenv").get<bool>()) return true;
    }
    return false;
  }

  std::string command_named(const std::vector<Pattern>& patterns) {
    std::string text;
    for (const Pattern& pattern : patterns) text += "  " + toml_list(pattern.words) + ",\n";
    const auto [at, added] = commands_.emplace(text, "sudoers-" + std::to_string(commands_.size() + 1));
    return at->second;
  }

  void write_permit(const std::string& id, const People& who, const People& as, const std::string& command) {
    std::string& out = permits_;
    out += "\n[[permit]]\nid = " + toml_text(id) + "\nwho = " + toml_list(who.in) + "\ndoor = [\"sudo\"]\nas = " + toml_list(as.in) + '\n';
    // sudo compares command and target itself, so what PAM only hears of them is no wider than sudoers.
    if (!command.empty()) {
      out += "run = " + toml_list({"command:" + command}) + "\nunverified-ok = [\"command\", \"as\"]\n";
    } else {
      out += "unverified-ok = [\"as\"]\n";
    }
    if (!who.out.empty()) out += "unless.who = " + toml_list(who.out) + '\n';
    if (!as.out.empty() && who.out.empty()) out += "unless.as = " + toml_list(as.out) + '\n';
    out += "max = \"15m\"  # asks nobody, as sudoers did; add `approval` to have people asked\n";
    ++rules_;
    if (as.out.empty() || who.out.empty()) return;
    // All `unless.*` of a rule are one condition, so exceptions of both kinds need a guard for the second.
    out += "\n[[guard]]\nid = " + toml_text(id + "-targets") + "\nwho = " + toml_list(who.in) + "\ndoor = [\"sudo\"]\nas = " + toml_list(as.out) +
           "\ndeny = \"sudoers excepts this target\"\n";
    ++rules_;
  }

  const Json& sudoers_;
  std::vector<Imported::Note> notes_;
  std::set<std::pair<std::string, std::string>> noted_;
  std::size_t names_ = 0;  // of the list that is read
  std::map<std::string, std::string> commands_;  // entries -> name
  std::string permits_;
  std::size_t rules_ = 0;
};

}  // namespace

Imported import_sudoers(const Json& sudoers) { return Importer(sudoers).run(); }

}  // namespace jit::cli
