// SPDX-License-Identifier: Apache-2.0
// Audit entries as leaves of the log, and back.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "broker/core/model.h"
#include "evidence/draft.h"
#include "evidence/merkle.h"

namespace jit::store {

// Salts of getrandom(2), many at a time. Ends the process where the kernel gives none: a commitment that can be guessed is none.
class Salts {
 public:
  std::array<std::uint8_t, 16> next();

 private:
  std::array<std::uint8_t, 4096> pool_{};
  std::size_t used_ = pool_.size();
};

// What is personal of an entry, by whom it tells of, so that one person can be erased alone: [0] whom the entry is about,
// [1] somebody else who voted, ended or reviewed. JSON of evidence::Personal; empty: nothing is told of such a one.
struct Told {
  std::string person;
  std::string fields;
};
struct Drafted {
  evidence::Draft draft;
  std::array<Told, 2> told;
  // Made for the place that it is expected to get, which it gets unless something before it cannot be written.
  struct Leaf {
    std::uint64_t sequence = 0;  // 0: not made
    std::string text;
    evidence::Hash hash{};
  };
  Leaf leaf;
};

Drafted::Leaf leaf_at(const Drafted& drafted, std::uint64_t sequence);  // throws std::exception where it cannot be a leaf

// Nothing: it cannot be a leaf. Its leaf is made where a sequence is expected.
std::optional<Drafted> draft_of(const core::AuditEntry& entry, Salts& salts, std::uint64_t expected = 0);

// Whom the personal fields of an entry tell of, and which of them tell of whom.
struct Tellings {
  std::string about, other;
  bool apart = false, votes = false;
  bool is_of_other(std::string_view field) const;
};
Tellings tellings_of(const evidence::Personal& personal);

bool add_told(std::string_view fields, evidence::Personal& to);  // false: not what draft_of() made, or part of it

// The entry as it was; what was erased is named in its fields, as "erased". Nothing: the leaf and what is told do not match.
std::optional<core::AuditEntry> entry_of(std::string_view leaf, const evidence::Personal& personal);

}  // namespace jit::store
