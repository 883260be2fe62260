// SPDX-License-Identifier: Apache-2.0
#include "policy/command.h"

#include <algorithm>
#include <map>

#include "policy/ticked.h"

namespace jit::policy {
namespace {

constexpr std::size_t kMostWords = 256;
constexpr std::size_t kMostAlternatives = 4096;
constexpr std::size_t kMostBytes = 1 << 20;  // of all alternatives of one word together

// The literals that a word with {a|b} stands for; nothing, and `why`, where it is none.
std::optional<std::vector<std::string>> expand(std::string_view word, std::string& why) {
  std::vector<std::string> out{""};
  const auto append = [&](std::span<const std::string_view> parts) {
    std::size_t bytes = 0;
    for (const std::string_view part : parts) bytes += part.size() * out.size();
    for (const std::string& text : out) bytes += text.size() * parts.size();
    if (out.size() * parts.size() > kMostAlternatives || bytes > kMostBytes) return false;
    std::vector<std::string> longer;
    longer.reserve(out.size() * parts.size());
    for (const std::string& text : out) {
      for (const std::string_view part : parts) longer.push_back(text + std::string(part));
    }
    out = std::move(longer);
    return true;
  };
  while (!word.empty()) {
    std::vector<std::string_view> parts;
    if (word.front() == '{') {
      const std::size_t end = word.find('}');
      std::string_view inside = word.substr(1, end == std::string_view::npos ? end : end - 1);
      if (end == std::string_view::npos || inside.find('{') != std::string_view::npos) {
        why = "a { without its }; alternatives are written {a|b}, one level deep";
        return std::nullopt;
      }
      for (std::size_t bar = inside.find('|'); bar != std::string_view::npos; bar = inside.find('|')) {
        parts.push_back(inside.substr(0, bar));
        inside.remove_prefix(bar + 1);
      }
      parts.push_back(inside);
      if (parts.size() < 2 || std::ranges::any_of(parts, &std::string_view::empty)) {
        why = "alternatives are written {a|b}: two or more, none of them empty";
        return std::nullopt;
      }
      word.remove_prefix(end + 1);
    } else {
      const std::size_t end = std::min(word.find_first_of("{}"), word.size());
      if (end == 0) {
        why = "a } without its {";
        return std::nullopt;
      }
      parts.push_back(word.substr(0, end));
      word.remove_prefix(end);
    }
    if (!append(parts)) {
      why = "more than " + std::to_string(kMostAlternatives) + " alternatives; write several commands";
      return std::nullopt;
    }
  }
  return out;
}

class Parser {
 public:
  explicit Parser(const std::function<std::string(std::string_view)>& real_folder) : real_folder_(real_folder) {}

  ParsedCommand parse(std::span<const std::string> words) {
    if (words.empty()) return no("E05", 0, "an empty command never matches; its first word is a path, like \"/usr/bin/id\"");
    if (words.size() > kMostWords) return no("E01", kMostWords, "more than " + std::to_string(kMostWords) + " words");
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i].find('\0') != std::string::npos) return no("E01", i, "a NUL in a word");
    }
    CommandPattern out;
    if (!path(words[0], out)) return no("E01", 0, why_);
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "**") {
        if (i + 1 == words.size()) {
          out.rest = true;
          break;
        }
        return no("E01", i, "** is all the rest, so it may only be the last word");
      }
      WordPattern pattern;
      if (!word(words[i], pattern)) return no(code_, i, why_);
      out.words.push_back(std::move(pattern));
    }
    return {std::move(out), {}, 0, {}};
  }

 private:
  static ParsedCommand no(std::string_view code, std::size_t word, std::string why) {
    return {std::nullopt, std::string(code), word, std::move(why)};
  }

  bool fail(std::string_view code, std::string why) {
    code_ = code;
    why_ = std::move(why);
    return false;
  }

  bool path(const std::string& text, CommandPattern& out) {
    if (text.find('*') != std::string::npos) {
      return fail("E01", "a path has no *; name each program, or write {a|b}");
    }
    const auto paths = expand(text, why_);
    if (!paths) return false;
    for (const std::string& each : *paths) {
      const std::size_t slash = each.rfind('/');
      const std::string_view name = std::string_view(each).substr(slash == std::string::npos ? 0 : slash + 1);
      if (!each.starts_with('/')) return fail("E01", ticked(each) + " is no absolute path; a command begins with /");
      if (name.empty() || name == "." || name == "..") return fail("E01", ticked(each) + " names no program");
      out.paths.push_back(resolved(slash == 0 ? "/" : each.substr(0, slash), name));
      if (out.paths.back() != each) out.written.push_back(each);
    }
    std::ranges::sort(out.paths);
    out.paths.erase(std::unique(out.paths.begin(), out.paths.end()), out.paths.end());
    return true;
  }

  // A folder that is not there stays as it is written: no request can come from it.
  std::string resolved(const std::string& folder, std::string_view name) {
    const auto [at, added] = folders_.try_emplace(folder);
    if (added && real_folder_) at->second = real_folder_(folder);
    const std::string& real = at->second.empty() ? folder : at->second;
    return (real.ends_with('/') ? real : real + '/') + std::string(name);
  }

  bool word(std::string_view text, WordPattern& out) {
    const bool prefix = text.ends_with('*');
    const std::string_view literal = prefix ? text.substr(0, text.size() - 1) : text;
    if (literal.find('*') != std::string_view::npos) {
      return fail("E01", "* stands only at the end of a word, and ** only alone, as the last word");
    }
    const auto texts = expand(literal, why_);
    if (!texts) {
      code_ = "E01";
      return false;
    }
    for (const std::string& each : *texts) {
      if (prefix && each.starts_with('-')) {
        return fail("E05", ticked(each + '*') + " never matches: * stands for no option; write each option out, or end with **");
      }
      out.options.push_back({each, prefix});
    }
    return true;
  }

  const std::function<std::string(std::string_view)>& real_folder_;
  std::map<std::string, std::string> folders_;
  std::string code_, why_;
};

}  // namespace

bool WordPattern::matches(std::string_view word) const {
  return std::ranges::any_of(options, [&](const Option& option) {
    if (!option.prefix) return word == option.text;
    return !word.empty() && word.front() != '-' && word.starts_with(option.text);
  });
}

bool CommandPattern::matches(std::string_view path, std::span<const std::string> argv_words) const {
  if (rest ? argv_words.size() < words.size() : argv_words.size() != words.size()) return false;
  if (!std::ranges::binary_search(paths, path, std::ranges::less())) return false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].matches(argv_words[i])) return false;
  }
  return true;
}

ParsedCommand parse_command(std::span<const std::string> words,
                            const std::function<std::string(std::string_view)>& real_folder) {
  return Parser(real_folder).parse(words);
}

}  // namespace jit::policy
