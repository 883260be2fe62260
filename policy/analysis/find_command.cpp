// SPDX-License-Identifier: Apache-2.0
// Word patterns: what several of them have in common, and a command that lies in them and outside others.
#include <algorithm>
#include <set>

#include "policy/analysis/sampling.h"
#include "policy/analysis/words.h"

namespace jit::policy::analysis {
namespace {

constexpr std::size_t kMostSteps = 20'000;
using Patterns = std::vector<const CommandPattern*>;

// A text that begins so, and that none of the patterns singles out at this word.
std::string unnamed(const std::string& begin, const Patterns& patterns, std::size_t at) {
  for (char c = 'a'; c <= 'z'; ++c) {
    std::string out = begin + c;
    const bool used = std::ranges::any_of(patterns, [&](const CommandPattern* pattern) {
      return at < pattern->words.size() &&
             std::ranges::any_of(pattern->words[at].options, [&](const WordPattern::Option& option) { return option.text.starts_with(out); });
    });
    if (!used) return out;
  }
  return begin + '9';
}

class Avoider {
 public:
  Avoider(const CommandPattern& in, const Patterns& out) : in_(in), out_(out) {}

  Try find(SampleCommand& got) {
    for (const std::string& path : in_.paths) {
      Patterns near;
      std::size_t longest = in_.words.size();
      for (const CommandPattern* pattern : out_) {
        if (!std::ranges::binary_search(pattern->paths, path)) continue;
        near.push_back(pattern);
        longest = std::max(longest, pattern->words.size());
      }
      for (std::size_t length = in_.words.size(); length <= (in_.rest ? longest + 1 : in_.words.size()); ++length) {
        Patterns left;
        for (const CommandPattern* pattern : near) {
          if (pattern->rest ? length >= pattern->words.size() : length == pattern->words.size()) left.push_back(pattern);
        }
        words_.clear();
        if (extend(length, left)) {
          got = {path, words_};
          return Try::kFound;
        }
        if (steps_ > kMostSteps) return Try::kTooMuch;
      }
    }
    return Try::kNone;
  }

 private:
  // `left`: those that still match; words_ up to here are chosen.
  bool extend(std::size_t length, const Patterns& left) {
    if (++steps_ > kMostSteps) return false;
    const std::size_t at = words_.size();
    if (at == length) return left.empty();
    for (const std::string& word : candidates(at, left)) {
      Patterns still;
      for (const CommandPattern* pattern : left) {
        if (at >= pattern->words.size() || pattern->words[at].matches(word)) still.push_back(pattern);
      }
      words_.push_back(word);
      if (extend(length, still)) return true;
      words_.pop_back();
      if (left.empty()) return false;  // nothing is to be avoided: another word is no better
    }
    return false;
  }

  std::vector<std::string> candidates(std::size_t at, const Patterns& left) const {
    std::vector<std::string> out;
    std::set<std::string> seen;
    const auto add = [&](const std::string& word) {
      if ((at >= in_.words.size() || in_.words[at].matches(word)) && seen.insert(word).second) out.push_back(word);
    };
    const auto open = [&](const std::string& begin) {
      add(unnamed(begin, left, at));
      for (const CommandPattern* pattern : left) {
        if (at >= pattern->words.size()) continue;
        for (const WordPattern::Option& option : pattern->words[at].options) {
          if (!option.text.starts_with(begin)) continue;
          add(option.text);
          if (option.prefix) add(unnamed(option.text, left, at));
        }
      }
      add(begin);
    };
    if (at >= in_.words.size()) {
      open("");
      add("-" + unnamed("", left, at));
      add("");
      return out;
    }
    for (const WordPattern::Option& option : in_.words[at].options) {
      if (option.prefix) {
        open(option.text);
      } else {
        add(option.text);
      }
    }
    return out;
  }

  const CommandPattern& in_;
  const Patterns& out_;
  std::vector<std::string> words_;
  std::size_t steps_ = 0;
};

// One pattern of each test, in all combinations.
class Combiner {
 public:
  Combiner(const std::vector<const RunTest*>& in, const Patterns& out) : in_(in), out_(out) {}

  Try find(SampleCommand& got) {
    Try best = Try::kNone;
    step(0, nullptr, got, best);
    return best;
  }

 private:
  void step(std::size_t at, const CommandPattern* so_far, SampleCommand& got, Try& best) {
    if (best == Try::kFound || ++steps_ > kMostSteps) {
      if (best != Try::kFound) best = Try::kTooMuch;
      return;
    }
    if (at == in_.size()) {
      const Try found = Avoider(*so_far, out_).find(got);
      if (found != Try::kNone) best = found;
      return;
    }
    for (const CommandPattern* pattern : in_[at]->patterns) {
      if (so_far == nullptr) {
        step(at + 1, pattern, got, best);
      } else if (const auto both = intersection(*so_far, *pattern)) {
        step(at + 1, &*both, got, best);
      }
      if (best == Try::kFound) return;
    }
  }

  const std::vector<const RunTest*>& in_;
  const Patterns& out_;
  std::size_t steps_ = 0;
};

// Sets of words: all within each of `within`, one of each of `hits`, none of any of `misses`, one outside each of `beyond`.
struct WordSets {
  std::vector<const WordTest*> within, hits, misses, beyond;
};

bool listed(const WordTest* test, std::string_view word) {
  return test != nullptr && std::ranges::any_of(test->words, [&](const Text& text) {
    const std::string_view own = text.value;
    return own.ends_with('*') ? word.starts_with(own.substr(0, own.size() - 1)) : word == own;
  });
}

bool choose_words(const Literals& literals, bool options, std::vector<std::string>& out) {
  WordSets sets;
  for (const Literal* literal : literals) {
    const WordTest* test = std::get<const WordTest*>(literal->test);
    const bool t = (literal->wanted & kTrueBit) != 0, f = (literal->wanted & kFalseBit) != 0;
    if (t && f) continue;
    if (!t && !f) return false;
    (literal->part.permit ? (t ? sets.within : sets.beyond) : (t ? sets.hits : sets.misses)).push_back(test);
  }
  std::vector<std::string> words;
  if (options) words = {"-D", "-R", "-g", "-s", "-i", "-e"};
  for (const Literal* literal : literals) {
    const WordTest* test = std::get<const WordTest*>(literal->test);
    if (test == nullptr) continue;
    for (const Text& text : test->words) {
      const bool prefix = text.value.ends_with('*');
      if (options && prefix) continue;  // the six are there already
      words.push_back(prefix ? text.value.substr(0, text.value.size() - 1) + "Z" : text.value);
    }
  }
  if (!options) words.emplace_back("ZZ_OTHER");
  const auto allowed = [&](const std::string& word) {
    return std::ranges::all_of(sets.within, [&](const WordTest* test) { return listed(test, word); }) &&
           std::ranges::none_of(sets.misses, [&](const WordTest* test) { return listed(test, word); });
  };
  std::erase_if(words, [&](const std::string& word) { return !allowed(word); });
  std::set<std::string> chosen;
  const auto need = [&](const std::vector<const WordTest*>& tests, bool in) {
    return std::ranges::all_of(tests, [&](const WordTest* test) {
      const auto found = std::ranges::find_if(words, [&](const std::string& word) { return listed(test, word) == in; });
      if (found == words.end()) return false;
      chosen.insert(*found);
      return true;
    });
  };
  if (!need(sets.hits, true) || !need(sets.beyond, false)) return false;
  out.assign(chosen.begin(), chosen.end());
  return true;
}

}  // namespace

std::optional<WordPattern> intersection(const WordPattern& a, const WordPattern& b) {
  WordPattern out;
  for (const WordPattern::Option& x : a.options) {
    for (const WordPattern::Option& y : b.options) {
      if (!x.prefix && !y.prefix) {
        if (x.text == y.text) out.options.push_back(x);
      } else if (x.prefix && y.prefix) {
        if (x.text.starts_with(y.text)) {
          out.options.push_back(x);
        } else if (y.text.starts_with(x.text)) {
          out.options.push_back(y);
        }
      } else {
        const WordPattern::Option& literal = x.prefix ? y : x;
        if ((x.prefix ? a : b).matches(literal.text)) out.options.push_back(literal);
      }
    }
  }
  return out.options.empty() ? std::nullopt : std::optional(std::move(out));
}

std::optional<CommandPattern> intersection(const CommandPattern& a, const CommandPattern& b) {
  CommandPattern out;
  std::ranges::set_intersection(a.paths, b.paths, std::back_inserter(out.paths));
  if (out.paths.empty()) return std::nullopt;
  const CommandPattern& longer = a.words.size() >= b.words.size() ? a : b;
  const CommandPattern& shorter = &longer == &a ? b : a;
  if (!shorter.rest && longer.words.size() > shorter.words.size()) return std::nullopt;
  for (std::size_t i = 0; i < longer.words.size(); ++i) {
    auto word = i < shorter.words.size() ? intersection(longer.words[i], shorter.words[i]) : std::optional(longer.words[i]);
    if (!word) return std::nullopt;
    out.words.push_back(std::move(*word));
  }
  out.rest = a.rest && b.rest;
  return out;
}

std::optional<SampleCommand> sample_command(const CommandPattern& in, const std::vector<const CommandPattern*>& outside) {
  SampleCommand got;
  return Avoider(in, outside).find(got) == Try::kFound ? std::optional(std::move(got)) : std::nullopt;
}

Try find_command(const Literals& literals, AnalysisRequest& out) {
  std::vector<const RunTest*> in;
  Patterns outside;
  Literals options, env;
  bool bound = false, unbound = false;
  for (const Literal* literal : literals) {
    const bool t = (literal->wanted & kTrueBit) != 0, f = (literal->wanted & kFalseBit) != 0;
    switch (literal->dim) {
      case Literal::Dim::kOptions: options.push_back(literal); break;
      case Literal::Dim::kEnv: env.push_back(literal); break;
      case Literal::Dim::kDigest:
        bound = bound || (literal->wanted & kUnknownBit) == 0;
        unbound = unbound || !t;
        break;
      case Literal::Dim::kRun: {
        if (t && f) break;
        if (!t && !f) return Try::kNone;
        const RunTest* test = std::get<const RunTest*>(literal->test);
        if (t) {
          in.push_back(test);
        } else {
          outside.insert(outside.end(), test->patterns.begin(), test->patterns.end());
        }
        break;
      }
      default: break;
    }
  }
  if (bound && unbound) return Try::kNone;
  out.digest_bound = bound;
  if (!choose_words(options, true, out.options) || !choose_words(env, false, out.env)) return Try::kNone;
  SampleCommand got;
  Try found = Try::kFound;
  if (in.empty()) {
    CommandPattern any;
    any.paths = {"/usr/bin/id"};
    if (!outside.empty()) any.paths = {"/opt/other/program", "/usr/bin/id"};
    found = Avoider(any, outside).find(got);
  } else {
    found = Combiner(in, outside).find(got);
  }
  if (found != Try::kFound) return found;
  out.path = std::move(got.path);
  out.words = std::move(got.words);
  return Try::kFound;
}

}  // namespace jit::policy::analysis
