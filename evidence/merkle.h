// SPDX-License-Identifier: Apache-2.0
// The tree of RFC 6962, section 2.1: SHA-256, a leaf is hashed behind the byte 0, a node behind the byte 1.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jit::evidence {

using Hash = std::array<std::uint8_t, 32>;

std::string to_hex(const Hash& hash);
std::optional<Hash> hash_from_hex(std::string_view text);  // exactly 64 lower-case digits

Hash leaf_hash(std::string_view leaf);
Hash node_hash(const Hash& left, const Hash& right);

// A log that grows: the roots of its whole subtrees, the largest first, are all that it keeps (at most 64).
class Frontier {
 public:
  Frontier() = default;
  // Nothing: not as many hashes as `size` has bits that are set.
  static std::optional<Frontier> from(std::uint64_t size, std::vector<Hash> subtrees);
  void add(const Hash& leaf);
  std::uint64_t size() const { return size_; }
  const std::vector<Hash>& subtrees() const { return subtrees_; }
  Hash root() const;  // of no leaf: SHA-256 of nothing

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> subtrees_;
};

// Hash of leaf `index`, counted from 0; nothing: it is not to be had.
using LeafAt = std::function<std::optional<Hash>(std::uint64_t index)>;

// RFC 6962, 2.1.1: the audit path of a leaf. Nothing: a leaf that is needed is not to be had, or index >= size.
std::optional<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const LeafAt& leaf);
bool included(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> path, const Hash& root);

// RFC 6962, 2.1.2: the first `older` leaves of a log of `newer` are those of the older one.
std::optional<std::vector<Hash>> consistency_proof(std::uint64_t older, std::uint64_t newer, const LeafAt& leaf);
bool consistent(std::uint64_t older, const Hash& older_root, std::uint64_t newer, const Hash& newer_root, std::span<const Hash> path);

}  // namespace jit::evidence
