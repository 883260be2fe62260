// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/sudo_argv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "policy/policy.h"

namespace jit::gate {
namespace {

enum class Takes : std::uint8_t { kNothing, kWord, kMaybe };  // kMaybe: only glued on

struct Option {
  char letter;  // 0: long only
  std::string_view name;
  Takes takes;
};

// -h glued to a word, or before one, is the host; alone it is help.
constexpr std::array<Option, 31> kOptions{{
    {'A', "askpass", Takes::kNothing},       {'a', "auth-type", Takes::kWord},
    {'b', "background", Takes::kNothing},    {'B', "bell", Takes::kNothing},
    {'C', "close-from", Takes::kWord},       {'c', "login-class", Takes::kWord},
    {'D', "chdir", Takes::kWord},            {'E', "preserve-env", Takes::kMaybe},
    {'e', "edit", Takes::kNothing},          {'g', "group", Takes::kWord},
    {'H', "set-home", Takes::kNothing},      {'?', "help", Takes::kNothing},
    {0, "host", Takes::kWord},               {'i', "login", Takes::kNothing},
    {'K', "remove-timestamp", Takes::kNothing}, {'k', "reset-timestamp", Takes::kNothing},
    {'l', "list", Takes::kNothing},          {'N', "no-update", Takes::kNothing},
    {'n', "non-interactive", Takes::kNothing}, {'P', "preserve-groups", Takes::kNothing},
    {'p', "prompt", Takes::kWord},           {'R', "chroot", Takes::kWord},
    {'r', "role", Takes::kWord},             {'S', "stdin", Takes::kNothing},
    {'s', "shell", Takes::kNothing},         {'t', "type", Takes::kWord},
    {'T', "command-timeout", Takes::kWord},  {'U', "other-user", Takes::kWord},
    {'u', "user", Takes::kWord},             {'V', "version", Takes::kNothing},
    {'v', "validate", Takes::kNothing},
}};

const Option* by_letter(char letter) {
  for (const auto& option : kOptions) {
    if (option.letter == letter && letter != '?' && letter != 0) return &option;
  }
  return nullptr;
}

// The whole name, or a beginning that only one has.
const Option* by_name(std::string_view name) {
  const Option* found = nullptr;
  for (const auto& option : kOptions) {
    if (option.name == name) return &option;
  }
  for (const auto& option : kOptions) {
    if (!option.name.starts_with(name)) continue;
    if (found != nullptr) return nullptr;
    found = &option;
  }
  return found;
}

bool is_assignment(std::string_view word) {
  return !word.empty() && word.front() != '/' && word.front() != '=' && word.find('=') != std::string_view::npos;
}

struct Line {
  std::optional<std::string_view> user;
  bool group = false;
  bool help = false;
  bool plain = true;        // no option or assignment that changes what the command means
  std::size_t command = 0;  // its first word; argv.size(): none
  std::vector<std::string> options, env;

  bool take(const Option& option, std::string_view word) {
    constexpr std::string_view kHarmless = "AbBHkNnpSu";
    if (option.letter == 0 || kHarmless.find(option.letter) == std::string_view::npos) {
      plain = false;
      options.push_back({'-', option.letter == 0 ? 'h' : option.letter});
    }
    switch (option.letter) {
      case 'u':
        user = word;
        return !word.empty();
      case 'g':
        group = true;
        return !word.empty();
      case '?':
        help = true;
        return true;
      case 'a': case 'c':  // BSD only
        return false;
      case 'C': case 'D': case 'R': case 'r': case 't': case 'U': case 0:
        return !word.empty();
      default:
        return true;
    }
  }
};

std::optional<Line> parse(std::span<const std::string> argv) {
  Line line;
  line.command = argv.size();
  // By another name it does another thing: sudoedit edits the file that sudo would run.
  line.plain = argv.front() == "sudo" || argv.front().ends_with("/sudo");
  for (std::size_t at = 1; at < argv.size(); ++at) {
    const std::string_view word = argv[at];
    if (word == "--") {
      line.command = at + 1;
      break;
    }
    if (word.size() < 2 || word.front() != '-') {
      // sudo looks at the word before, even where that "--" was the value of an option.
      if (!is_assignment(word) || (at > 1 && argv[at - 1] == "--")) {
        line.command = at;
        break;
      }
      line.plain = false;
      line.env.emplace_back(word.substr(0, word.find('=')));
      continue;
    }
    const auto next_word = [&]() -> std::optional<std::string_view> {
      if (at + 1 >= argv.size()) return std::nullopt;
      return argv[++at];
    };
    if (word.starts_with("--")) {
      const auto equals = word.find('=');
      const Option* option = by_name(word.substr(2, equals == std::string_view::npos ? equals : equals - 2));
      if (option == nullptr) return std::nullopt;
      std::optional<std::string_view> value;
      if (equals != std::string_view::npos) value = word.substr(equals + 1);
      if (value && option->takes == Takes::kNothing) return std::nullopt;
      if (!value && option->takes == Takes::kWord && !(value = next_word())) return std::nullopt;
      if (!line.take(*option, value.value_or(""))) return std::nullopt;
      continue;
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
      const auto rest = word.substr(i + 1);
      if (word[i] == 'h') {
        line.plain = false;
        line.options.emplace_back("-h");
        if (!rest.empty()) break;  // -hHOST
        const bool host = word == "-h" && at + 1 < argv.size() && !argv[at + 1].starts_with('-') &&
                          !is_assignment(argv[at + 1]);
        if (host) {
          ++at;
        } else {
          line.help = true;
        }
        break;
      }
      const Option* option = by_letter(word[i]);
      if (option == nullptr) return std::nullopt;
      if (option->takes != Takes::kWord) {
        if (!line.take(*option, {})) return std::nullopt;
        continue;
      }
      std::optional<std::string_view> value = rest;
      if (rest.empty() && !(value = next_word())) return std::nullopt;
      if (!line.take(*option, *value)) return std::nullopt;
      break;
    }
  }
  return line;
}

}  // namespace

std::optional<SudoTarget> sudo_target(std::span<const std::string> argv) {
  if (argv.empty()) return std::nullopt;
  const auto line = parse(argv);
  if (!line || line->help) return std::nullopt;
  if (!line->user) return SudoTarget{line->group ? SudoTarget::Kind::kCaller : SudoTarget::Kind::kDefault, {}, 0};
  const std::string_view user = *line->user;
  if (user.front() != '#') return SudoTarget{SudoTarget::Kind::kName, std::string(user), 0};
  const auto digits = user.substr(1);
  std::uint32_t uid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), uid);
  if (error != std::errc{} || end != digits.data() + digits.size() || uid == policy::kNoUid) return std::nullopt;
  return SudoTarget{SudoTarget::Kind::kUid, {}, uid};
}

std::span<const std::string> sudo_command(std::span<const std::string> argv) {
  const auto line = argv.empty() ? std::nullopt : parse(argv);
  if (!line || !line->plain || line->command >= argv.size()) return argv;
  const auto words = argv.subspan(line->command);
  // After "--" sudo still takes assignments from the words.
  return is_assignment(words.front()) ? argv : words;
}

std::optional<SudoCommand> sudo_parts(std::span<const std::string> argv) {
  if (argv.empty()) return std::nullopt;
  auto line = parse(argv);
  if (!line) return std::nullopt;
  SudoCommand out;
  out.at = line->command;
  out.options = std::move(line->options);
  out.env = std::move(line->env);
  if (argv.front().ends_with("sudoedit")) out.options.emplace_back("-e");
  // After "--" sudo still takes assignments from the words.
  for (; out.at < argv.size() && is_assignment(argv[out.at]); ++out.at) {
    out.env.push_back(argv[out.at].substr(0, argv[out.at].find('=')));
  }
  for (auto* list : {&out.options, &out.env}) {
    std::ranges::sort(*list);
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  return out;
}

}  // namespace jit::gate
