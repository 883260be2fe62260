// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <utility>

#include "policy/matching.h"
#include "policy/policy.h"

namespace jit::policy {

Filled fill_seats(std::span<const Seat> seats, std::span<const std::vector<std::string>> eligible) {
  std::map<std::string_view, std::uint32_t> number;
  std::vector<std::string_view> names;
  std::vector<std::size_t> listed_by;  // by number: the last seat that listed him, from 1 on
  Matching matching;
  for (std::size_t seat = 0; seat < seats.size(); ++seat) {
    const std::size_t first = matching.people.size();
    for (std::size_t i = 0; seat < eligible.size() && i < eligible[seat].size(); ++i) {
      const auto [at, added] = number.emplace(eligible[seat][i], static_cast<std::uint32_t>(names.size()));
      if (added) {
        names.push_back(at->first);
        listed_by.push_back(0);
      }
      if (std::exchange(listed_by[at->second], seat + 1) != seat + 1) matching.people.push_back(at->second);
    }
    matching.rows.push_back({seats[seat].count, first, matching.people.size()});
  }
  Filled out{matching.fill(names.size()), std::vector<std::vector<std::string>>(seats.size())};
  matching.each_filled([&](std::uint32_t seat, std::uint32_t person) { out.by_seat[seat].emplace_back(names[person]); });
  return out;
}

}  // namespace jit::policy
