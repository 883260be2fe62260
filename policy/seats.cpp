// SPDX-License-Identifier: Apache-2.0
// Bipartite matching with augmenting paths (breadth first, no recursion: the number of votes is not ours to choose).
#include <algorithm>
#include <map>

#include "policy/policy.h"

namespace jit::policy {
namespace {

constexpr std::size_t kNobody = static_cast<std::size_t>(-1);

struct Graph {
  std::vector<std::vector<std::size_t>> may;  // slot -> people
  std::vector<std::size_t> holder;            // slot -> person, or kNobody
  std::vector<std::size_t> held;              // person -> slot, or kNobody

  bool fill(std::size_t start) {
    std::vector<std::size_t> reached_from(held.size(), kNobody);  // person -> slot that asked for him
    std::vector<std::size_t> queue{start};
    for (std::size_t next = 0; next < queue.size(); ++next) {
      for (const std::size_t person : may[queue[next]]) {
        if (reached_from[person] != kNobody) continue;
        reached_from[person] = queue[next];
        if (held[person] != kNobody) {
          queue.push_back(held[person]);
          continue;
        }
        // A free person: move everybody on the path one slot on.
        for (std::size_t mover = person; mover != kNobody;) {
          const std::size_t slot = reached_from[mover];
          const std::size_t previous = holder[slot];
          holder[slot] = mover;
          held[mover] = slot;
          mover = slot == start ? kNobody : previous;
        }
        return true;
      }
    }
    return false;
  }
};

}  // namespace

Filled fill_seats(std::span<const Seat> seats, std::span<const std::vector<std::string>> eligible) {
  std::map<std::string_view, std::size_t> number;
  std::vector<std::string_view> names;
  Graph graph;
  std::vector<std::size_t> seat_of;  // slot -> seat
  Filled out{true, std::vector<std::vector<std::string>>(seats.size())};

  for (std::size_t seat = 0; seat < seats.size(); ++seat) {
    std::vector<std::size_t> people;
    for (std::size_t i = 0; seat < eligible.size() && i < eligible[seat].size(); ++i) {
      const std::string_view name = eligible[seat][i];
      const auto [at, added] = number.emplace(name, names.size());
      if (added) names.push_back(name);
      if (std::ranges::find(people, at->second) == people.end()) people.push_back(at->second);
    }
    // A count that its own people cannot reach needs no slots beyond them; the matching stays small.
    if (seats[seat].count > people.size()) out.complete = false;
    for (std::size_t n = 0; n < std::min<std::size_t>(seats[seat].count, people.size()); ++n) {
      graph.may.push_back(people);
      seat_of.push_back(seat);
    }
  }

  graph.holder.assign(graph.may.size(), kNobody);
  graph.held.assign(names.size(), kNobody);
  for (std::size_t slot = 0; slot < graph.may.size(); ++slot) {
    if (!graph.fill(slot)) out.complete = false;
  }
  for (std::size_t slot = 0; slot < graph.may.size(); ++slot) {
    if (graph.holder[slot] != kNobody) out.by_seat[seat_of[slot]].emplace_back(names[graph.holder[slot]]);
  }
  return out;
}

}  // namespace jit::policy
