// SPDX-License-Identifier: Apache-2.0
#include "policy/analysis/mixtures.h"

#include <algorithm>
#include <set>

namespace jit::policy::analysis {
namespace {

using Mask = std::vector<bool>;  // by test: does it hold

class Tags {
 public:
  explicit Tags(const std::vector<const TagTest*>& tests) : tests_(tests) {}

  // A tag that begins so and that no test singles out: what holds for it, holds for each that begins so.
  std::string like(const std::string& begin) const {
    std::string out = begin;
    for (char c = 'a'; c <= 'z'; ++c) {
      out = begin + c;
      if (!begun(out)) return out;
    }
    while (begun(out += 'z')) {
    }
    return out;
  }

  Mask mask(const std::string& tag) const {
    Mask out(tests_.size());
    for (std::size_t i = 0; i < tests_.size(); ++i) {
      out[i] = std::ranges::any_of(tests_[i]->tags, [&](const Principal& each) { return each.matches(tag); });
    }
    return out;
  }

  // One tag of each kind: those with a name, and one for each beginning.
  std::set<std::string> kinds() const {
    std::set<std::string> out;
    for (const TagTest* test : tests_) {
      for (const Principal& tag : test->tags) out.insert(tag.prefix ? like(tag.name) : tag.name);
    }
    return out;
  }

 private:
  bool begun(const std::string& text) const {
    return std::ranges::any_of(tests_, [&](const TagTest* test) {
      return std::ranges::any_of(test->tags, [&](const Principal& tag) { return tag.name.starts_with(text); });
    });
  }

  const std::vector<const TagTest*>& tests_;
};

}  // namespace

Mixtures mixtures(const std::vector<const TagTest*>& tests, const std::string& base, std::size_t most) {
  const Tags tags(tests);
  const std::string first = base.ends_with('*') ? tags.like(base.substr(0, base.size() - 1)) : base;
  std::vector<std::pair<std::string, Mask>> kinds;
  for (const std::string& tag : tags.kinds()) kinds.emplace_back(tag, tags.mask(tag));
  Mixtures out;
  std::vector<Mask> masks{tags.mask(first)};
  std::set<Mask> seen(masks.begin(), masks.end());
  out.tags.push_back({first});
  // A tag only ever makes more tests hold, so each outcome is reached by adding one tag after the other.
  for (std::size_t at = 0; at < masks.size(); ++at) {
    for (const auto& [tag, adds] : kinds) {
      Mask next = masks[at];
      for (std::size_t i = 0; i < next.size(); ++i) next[i] = next[i] || adds[i];
      if (seen.contains(next)) continue;
      if (masks.size() >= most) {
        out.all = false;
        return out;
      }
      seen.insert(next);
      masks.push_back(std::move(next));
      out.tags.push_back(out.tags[at]);
      out.tags.back().push_back(tag);
      std::ranges::sort(out.tags.back());
    }
  }
  return out;
}

void add_tag_tests(const Rule& rule, std::vector<const TagTest*>& out) {
  if (rule.tests.hosts) out.push_back(&*rule.tests.hosts);
  if (rule.unless && rule.unless->hosts) out.push_back(&*rule.unless->hosts);
}

}  // namespace jit::policy::analysis
