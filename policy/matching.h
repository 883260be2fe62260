// SPDX-License-Identifier: Apache-2.0
// One person to each seat: bipartite matching over numbers. It is reused from one question to the next: in the steady state
// nothing is allocated. One a thread.
#pragma once

#include <cstdint>
#include <vector>

namespace jit::policy {

class Matching {
 public:
  static constexpr std::uint32_t kNobody = 0xffffffffU;
  struct Row {  // seats that the same people may fill
    std::uint32_t count = 0;
    std::size_t first = 0, last = 0;  // in `people`
    bool open = false;                // others may come who are not among them; the matching does not count on it
    std::uint32_t filled = 0;
  };
  std::vector<Row> rows;
  std::vector<std::uint32_t> people;  // of the rows; nobody twice in one

  void clear();
  // Fills as many seats as can be, those of the first rows first; true: all. `numbers` is more than any person's.
  bool fill(std::size_t numbers);
  // Afterwards: visit(row, person) for each seat that is filled.
  template <class Visit>
  void each_filled(Visit visit) const {
    for (const Seat& seat : seats_) {
      if (seat.person != kNobody) visit(seat.row, seat.person);
    }
  }

 private:
  struct Seat {
    std::uint32_t row = 0, person = kNobody;
  };
  struct Place {  // of a person
    std::uint32_t seat = kNobody;
    std::uint32_t search = kNobody, asked_by = kNobody;  // the search that reached him last, and from which seat
  };
  bool fill_from(std::uint32_t start);

  std::vector<Seat> seats_;
  std::vector<Place> places_;  // by number; only those of `people` say anything
  std::vector<std::uint32_t> queue_;
};

}  // namespace jit::policy
