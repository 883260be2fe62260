// SPDX-License-Identifier: Apache-2.0
// The tree of the log as its writer has it: what evidence::Frontier is, and every 256 entries (and 256 times these, ...) it
// gives the root of what is whole, so that a proof of one entry among millions reads hundreds of hashes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/base64.h"
#include "evidence/merkle.h"

namespace jit::store {

class Tree {
 public:
  static constexpr unsigned kLevels = 8;  // a root is kept of each subtree of 2^8, 2^16, ... leaves

  // The bytes that packed() made; nothing: not as many hashes as `size` has bits that are set.
  static std::optional<Tree> from(std::uint64_t size, std::string_view packed);

  // whole(level, position, hash): this leaf completes the position-th subtree of 2^level leaves.
  template <class Whole>
  void add(const evidence::Hash& leaf, const Whole& whole) {
    evidence::Hash hash = leaf;
    unsigned level = 0;
    for (std::uint64_t left = size_; (left & 1U) != 0; left >>= 1U) {
      hash = evidence::node_hash(subtrees_.back(), hash);
      subtrees_.pop_back();
      if (++level % kLevels == 0) whole(level, size_ >> level, hash);
    }
    subtrees_.push_back(hash);
    ++size_;
  }
  void add(const evidence::Hash& leaf) {
    add(leaf, [](unsigned, std::uint64_t, const evidence::Hash&) {});
  }

  std::uint64_t size() const { return size_; }
  const std::vector<evidence::Hash>& subtrees() const { return subtrees_; }
  evidence::Hash root() const;
  std::string packed() const;  // all subtrees, 32 bytes each
  bool operator==(const Tree&) const = default;

 private:
  std::uint64_t size_ = 0;
  std::vector<evidence::Hash> subtrees_;
};

}  // namespace jit::store
