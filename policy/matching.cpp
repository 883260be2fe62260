// SPDX-License-Identifier: Apache-2.0
// Augmenting paths, breadth first, without recursion: the number of votes is not ours to choose.
#include "policy/matching.h"

#include <algorithm>

namespace jit::policy {

void Matching::clear() {
  rows.clear();
  people.clear();
}

bool Matching::fill(std::size_t numbers) {
  if (places_.size() < numbers) places_.resize(numbers);
  seats_.clear();
  bool complete = true;
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    Row& row = rows[i];
    row.filled = 0;
    for (std::size_t at = row.first; at < row.last; ++at) places_[people[at]] = {};
    // A count that its own people cannot reach needs no seats beyond them; the matching stays small.
    const std::size_t able = row.last - row.first;
    if (row.count > able) complete = false;
    seats_.insert(seats_.end(), std::min<std::size_t>(row.count, able), {i, kNobody});
  }
  for (std::uint32_t seat = 0; seat < seats_.size(); ++seat) {
    if (!fill_from(seat)) complete = false;
  }
  each_filled([&](std::uint32_t row, std::uint32_t) { ++rows[row].filled; });
  return complete;
}

bool Matching::fill_from(std::uint32_t start) {
  queue_.assign(1, start);
  for (std::size_t next = 0; next < queue_.size(); ++next) {
    const std::uint32_t seat = queue_[next];
    const Row& row = rows[seats_[seat].row];
    for (std::size_t at = row.first; at < row.last; ++at) {
      Place& place = places_[people[at]];
      if (place.search == start) continue;
      place.search = start;
      place.asked_by = seat;
      if (place.seat != kNobody) {
        queue_.push_back(place.seat);
        continue;
      }
      // Free: everybody on the path moves one seat on.
      for (std::uint32_t mover = people[at]; mover != kNobody;) {
        const std::uint32_t to = places_[mover].asked_by;
        const std::uint32_t previous = seats_[to].person;
        seats_[to].person = mover;
        places_[mover].seat = to;
        mover = to == start ? kNobody : previous;
      }
      return true;
    }
  }
  return false;
}

}  // namespace jit::policy
