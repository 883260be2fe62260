// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <algorithm>
#include <set>
#include <vector>

#include "cli/args.h"

namespace jit::cli {

namespace {

const OptionName& name_of(Option option) {
  return *std::ranges::find_if(option_names(), [option](const OptionName& name) { return name.option == option; });
}

std::string first_word(std::string_view name) { return std::string(name.substr(0, name.find(' '))); }

std::string second_word(std::string_view name) {
  const std::size_t space = name.find(' ');
  return space == std::string_view::npos ? "" : std::string(name.substr(space + 1));
}

// What may stand for a word of a verb: the ids of requests, of grants, or files.
enum class Words : std::uint8_t { kNothing, kRequests, kGrants, kFiles };

Words words_of(const Verb& verb) {
  if (verb.words.find("GRANT") != std::string_view::npos) return Words::kGrants;
  if (verb.words.find("ID") != std::string_view::npos) return Words::kRequests;
  const bool files = verb.words.find("FILE") != std::string_view::npos || verb.words.find("DIR") != std::string_view::npos || verb.name == "policy diff";
  return files ? Words::kFiles : Words::kNothing;
}

std::vector<std::string> first_words() {
  std::vector<std::string> out;
  for (const Verb& verb : verbs()) {
    if (const std::string word = first_word(verb.name); std::ranges::find(out, word) == out.end()) out.push_back(word);
  }
  out.emplace_back("help");
  return out;
}

std::vector<std::string> groups() {
  std::vector<std::string> out;
  for (const Verb& verb : verbs()) {
    const std::string first = first_word(verb.name);
    if (!second_word(verb.name).empty() && std::ranges::find(out, first) == out.end()) out.push_back(first);
  }
  return out;
}

std::string seconds_of(const std::string& group) {
  std::string out;
  for (const Verb& verb : verbs()) {
    if (first_word(verb.name) == group) out += (out.empty() ? "" : " ") + second_word(verb.name);
  }
  return out;
}

std::string options_of(const Verb& verb) {
  std::string out;
  for (const Option option : verb.options) out += (out.empty() ? "" : " ") + std::string(name_of(option).name);
  return out;
}

// In single quotes, for each of the three shells: none of our own texts has a backslash.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

const char* list_of(Words words) { return words == Words::kGrants ? "grants" : "requests"; }

std::string bash() {
  std::string out =
      "# bash completion for jitctl\n"
      "_jitctl_ids() { jitctl \"$1\" 2>/dev/null | cut -f1; }\n"
      "_jitctl() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} verb='' words='' i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in\n"
      "    --) [[ $verb ]] && return ;;\n"
      "    -*) ;;\n"
      "    *)\n"
      "      if [[ -z $verb ]]; then verb=${COMP_WORDS[i]}\n"
      "      else\n"
      "        case $verb in\n"
      "        " + joined(groups(), "|") + ") verb+=\" ${COMP_WORDS[i]}\" ;;\n"
      "        esac\n"
      "      fi ;;\n"
      "    esac\n"
      "  done\n"
      "  case $verb in\n"
      "  '') words=" + shell_quoted(joined(first_words(), " ")) + " ;;\n";
  for (const std::string& group : groups()) out += "  " + shell_quoted(group) + ") words=" + shell_quoted(seconds_of(group)) + " ;;\n";
  for (const Verb& verb : verbs()) {
    out += "  " + shell_quoted(verb.name) + ")\n    if [[ $cur == -* ]]; then words=" + shell_quoted(options_of(verb)) + "\n";
    const Words words = words_of(verb);
    if (words == Words::kFiles) {
      out += "    else compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return\n";
    } else if (words != Words::kNothing) {
      out += "    else words=$(_jitctl_ids " + std::string(list_of(words)) + ")\n";
    }
    out += "    fi ;;\n";
  }
  return out +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "}\n"
         "complete -F _jitctl jitctl\n";
}

std::string zsh() {
  std::string out =
      "#compdef jitctl\n"
      "_jitctl_ids() { local -a ids; ids=(${(f)\"$(jitctl $1 2>/dev/null | cut -f1)\"}); compadd -a ids }\n"
      "_jitctl() {\n"
      "  local verb=$words[2]\n"
      "  local -i seen=2\n"
      "  case $verb in\n"
      "  " + joined(groups(), "|") + ") (( CURRENT > 3 )) && { verb+=\" $words[3]\"; seen=3 } ;;\n"
      "  esac\n"
      "  if (( CURRENT == 2 )); then\n    local -a all=(\n";
  std::set<std::string> told;
  for (const Verb& verb : verbs()) {
    const std::string word = first_word(verb.name);
    if (!told.insert(word).second) continue;
    // A colon ends the word for _describe, so none may stand in the text after it unescaped.
    std::string help(second_word(verb.name).empty() ? verb.help : std::string_view("more: jitctl help"));
    for (std::size_t at = 0; (at = help.find(':', at)) != std::string::npos; at += 2) help.insert(at, "\\");
    out += "      " + shell_quoted(word + ":" + help) + "\n";
  }
  out += "    )\n    _describe verb all\n    return\n  fi\n  case $verb in\n";
  for (const std::string& group : groups()) out += "  " + shell_quoted(group) + ") compadd " + seconds_of(group) + " ;;\n";
  for (const Verb& verb : verbs()) {
    out += "  " + shell_quoted(verb.name) + ")\n    if [[ $words[CURRENT] == -* ]]; then compadd -- " + options_of(verb) + "\n";
    const Words words = words_of(verb);
    if (words == Words::kFiles) out += "    else _files\n";
    if (words == Words::kRequests || words == Words::kGrants) out += "    else _jitctl_ids " + std::string(list_of(words)) + "\n";
    out += "    fi ;;\n";
  }
  return out + "  esac\n}\n_jitctl \"$@\"\n";
}

std::string fish() {
  std::string out =
      "# fish completion for jitctl\n"
      "function __jitctl_ids; jitctl $argv[1] 2>/dev/null | cut -f1; end\n"
      "complete -c jitctl -f\n";
  const std::string every = joined(first_words(), " ");
  std::set<std::string> told;
  for (const Verb& verb : verbs()) {
    const std::string first = first_word(verb.name);
    const std::string second = second_word(verb.name);
    if (told.insert(first).second) {
      out += "complete -c jitctl -n 'not __fish_seen_subcommand_from " + every + "' -a " + first;
      if (second.empty()) out += " -d " + shell_quoted(verb.help);
      out += "\n";
    }
    std::string when = "__fish_seen_subcommand_from " + first;
    if (!second.empty()) {
      out += "complete -c jitctl -n '" + when + "; and not __fish_seen_subcommand_from " + seconds_of(first) + "' -a " + second + " -d " + shell_quoted(verb.help) + "\n";
      when += "; and __fish_seen_subcommand_from " + second;
    }
    for (const Option option : verb.options) {
      const OptionName& name = name_of(option);
      out += "complete -c jitctl -n '" + when + "' -l " + std::string(name.name.substr(2));
      if (!name.short_name.empty()) out += " -s " + std::string(name.short_name.substr(1));
      if (!name.value.empty()) out += " -r";
      out += "\n";
    }
    const Words words = words_of(verb);
    if (words == Words::kFiles) out += "complete -c jitctl -n '" + when + "' -F\n";
    if (words == Words::kRequests || words == Words::kGrants) out += "complete -c jitctl -n '" + when + "' -a '(__jitctl_ids " + list_of(words) + ")'\n";
  }
  return out;
}

}  // namespace

std::optional<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return std::nullopt;
}

}  // namespace jit::cli
