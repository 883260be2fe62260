// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/sudo_options.h"

#include <algorithm>
#include <array>

#include "pam_jit/guest.h"

namespace jit::pam {
namespace {

enum class Takes : unsigned char { kNothing, kValue, kAttached };  // kAttached: only as --name=value

struct Long {
  std::string_view name;
  char letter;
  Takes takes;
};

// sudo 1.9: plugins and front end, parse_args.c.
constexpr std::array<Long, 31> kLong = {
    Long{"askpass", 'A', Takes::kNothing},        Long{"auth-type", 'a', Takes::kValue},
    Long{"background", 'b', Takes::kNothing},     Long{"bell", 'B', Takes::kNothing},
    Long{"chdir", 'D', Takes::kValue},            Long{"chroot", 'R', Takes::kValue},
    Long{"close-from", 'C', Takes::kValue},       Long{"command-timeout", 'T', Takes::kValue},
    Long{"edit", 'e', Takes::kNothing},           Long{"group", 'g', Takes::kValue},
    Long{"help", 'h', Takes::kNothing},           Long{"host", 'h', Takes::kValue},
    Long{"list", 'l', Takes::kNothing},           Long{"login", 'i', Takes::kNothing},
    Long{"login-class", 'c', Takes::kValue},      Long{"no-update", 'N', Takes::kNothing},
    Long{"non-interactive", 'n', Takes::kNothing}, Long{"other-user", 'U', Takes::kValue},
    Long{"preserve-env", 'E', Takes::kAttached},  Long{"preserve-groups", 'P', Takes::kNothing},
    Long{"prompt", 'p', Takes::kValue},           Long{"remove-timestamp", 'K', Takes::kNothing},
    Long{"reset-timestamp", 'k', Takes::kNothing}, Long{"role", 'r', Takes::kValue},
    Long{"set-home", 'H', Takes::kNothing},       Long{"shell", 's', Takes::kNothing},
    Long{"stdin", 'S', Takes::kNothing},          Long{"type", 't', Takes::kValue},
    Long{"user", 'u', Takes::kValue},             Long{"validate", 'v', Takes::kNothing},
    Long{"version", 'V', Takes::kNothing},
};
constexpr std::string_view kFlags = "ABbEeHiKklNnPSsVv";
constexpr std::string_view kWithValue = "aCcDgpRrTtUu";

class Words {
 public:
  explicit Words(std::string_view all) : at_(all.data()), end_(all.data() + all.size()) {}
  bool done() const { return at_ >= end_; }
  std::string_view peek() const { return {at_, static_cast<std::size_t>(std::find(at_, end_, '\0') - at_)}; }
  std::string_view last() const { return last_; }
  void take() {
    last_ = peek();
    at_ = std::min(end_, at_ + last_.size() + 1);
  }

 private:
  const char* at_;
  const char* end_;
  std::string_view last_;  // as taken
};

bool is_variable(std::string_view word) {
  return !starts_with(word, "/") && !starts_with(word, "=") && word.find('=') != std::string_view::npos;
}

void note(char letter, SudoOptions& out) {
  if (letter == 'n') out.non_interactive = true;
  if (letter == 'S') out.from_stdin = true;
  if (letter == 'A') out.by_helper = true;
  if (letter == 'p') out.own_prompt = true;
  if (letter == 'l') out.lists = true;
  if (letter == 'v') out.validates = true;
}

// An exact name, or a prefix of exactly one.
const Long* find_long(std::string_view name) {
  const Long* found = nullptr;
  for (const Long& option : kLong) {
    if (option.name == name) return &option;
    if (!name.empty() && starts_with(option.name, name)) {
      if (found != nullptr) return nullptr;
      found = &option;
    }
  }
  return found;
}

bool read_long(std::string_view word, Words& words, SudoOptions& out) {
  const std::size_t equals = word.find('=');
  const bool attached = equals != std::string_view::npos;
  const Long* option = find_long({word.data(), attached ? equals : word.size()});
  if (option == nullptr || (attached && option->takes == Takes::kNothing)) return false;
  if (option->takes == Takes::kValue && !attached) {
    if (words.done()) return false;
    words.take();
  }
  note(option->letter, out);
  return true;
}

bool read_letters(std::string_view word, Words& words, SudoOptions& out) {
  for (; !word.empty(); word.remove_prefix(1)) {
    const char letter = word.front();
    if (letter == 'h') {  // -hHOST, -h HOST or, alone, help
      if (word.size() == 1 && !words.done() && !starts_with(words.peek(), "-")) words.take();
      return true;
    }
    if (kWithValue.find(letter) != std::string_view::npos) {
      note(letter, out);
      if (word.size() > 1) return true;  // the rest is the value
      if (words.done()) return false;
      words.take();
      return true;
    }
    if (kFlags.find(letter) == std::string_view::npos) return false;
    note(letter, out);
  }
  return true;
}

}  // namespace

SudoOptions read_sudo_options(std::string_view all) {
  SudoOptions out;
  Words words(all);
  if (!words.done()) words.take();  // the program's name
  while (!words.done()) {
    std::string_view word = words.peek();
    if (word == "--") break;
    if (starts_with(word, "--")) {
      words.take();
      word.remove_prefix(2);
      out.understood = read_long(word, words, out);
    } else if (word.size() > 1 && starts_with(word, "-")) {
      words.take();
      word.remove_prefix(1);
      out.understood = read_letters(word, words, out);
    } else if (is_variable(word) && words.last() != "--") {
      words.take();  // NAME=value may stand between options, but not after "--", though that was the value of one
    } else {
      break;
    }
    if (!out.understood) break;
  }
  return out;
}

}  // namespace jit::pam
