// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "cli/commands.h"

namespace jit::cli {

namespace {

struct Key {
  std::string person, by, rule, would;
  auto operator<=>(const Key&) const = default;
};

struct Sum {
  std::uint64_t count = 0;
  std::string last;
};

}  // namespace

// What the log says of doors and guards that only observe, summed up by person and rule.
Exit Verbs::observed() {
  auto filter = filter_of(args);
  if (!filter) return out.fail(filter.failure());
  filter->emplace("type", sdbus::Variant(std::string("access.observed")));
  filter->emplace("limit", sdbus::Variant(std::uint32_t{200}));
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  std::map<Key, Sum> sums;
  for (;;) {
    const auto page = (*client)->query(*filter);
    if (!page) return out.fail(page.failure());
    for (const Json& entry : page->entries) {
      // The rest of a flood stands in an entry of its own, which does not say by which of the two.
      const std::string by = text_of(entry, "fields.by");
      const std::uint64_t repeated = number_of(entry, "fields.repeated");
      Sum& sum = sums[{text_of(entry, "person"), by.empty() ? "more" : by, text_of(entry, "fields.rule"), text_of(entry, "fields.would")}];
      sum.count += std::max<std::uint64_t>(1, repeated);
      sum.last = text_of(entry, "time");
    }
    if (!go_on(*filter, *page)) break;
  }
  Json all = Json::array();
  for (const auto& [key, sum] : sums) {
    all.push_back({{"person", key.person}, {"by", key.by}, {"rule", key.rule}, {"would", key.would}, {"count", sum.count}, {"last", sum.last}});
  }
  return list(all, [](const Json& one, bool) -> std::vector<std::string> {
    if (one.is_null()) return {"PERSON", "BY", "RULE", "WOULD", "COUNT", "LAST"};
    return {text_of(one, "person"), text_of(one, "by"), text_of(one, "rule"), text_of(one, "would"),
            std::to_string(number_of(one, "count")), short_time(text_of(one, "last"))};
  }, "nothing was observed");
}

}  // namespace jit::cli
