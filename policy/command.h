// SPDX-License-Identifier: Apache-2.0
// Command patterns: a resolved path, and word by word what may follow. No regular expressions.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace jit::policy {

// One word: alternatives of literals (`a`, `{a|b}.c` expanded), each perhaps open at its end (`prefix*`, `*`).
struct WordPattern {
  struct Option {
    std::string text;
    bool prefix = false;  // matches what begins so and is longer or equal, but never an empty word or one with a leading -
  };
  std::vector<Option> options;
  bool matches(std::string_view word) const;
};

struct CommandPattern {
  std::vector<std::string> paths;   // absolute, their folders resolved; sorted
  std::vector<std::string> written; // those of which a folder is a link, as the policy has them; nothing is matched by them
  std::vector<WordPattern> words;
  bool rest = false;                // a final `**`: any more words, none and options too
  bool matches(std::string_view path, std::span<const std::string> argv_words) const;
};

struct ParsedCommand {
  std::optional<CommandPattern> pattern;
  std::string code;  // where there is none: "E01" or "E05"
  std::size_t word = 0;  // the index of the word that is wrong
  std::string why;
};

// `words[0]` is the path. `real_folder` may be empty. At most 256 words, and 4,096 alternatives of one word.
ParsedCommand parse_command(std::span<const std::string> words,
                            const std::function<std::string(std::string_view)>& real_folder);

}  // namespace jit::policy
