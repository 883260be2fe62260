// SPDX-License-Identifier: Apache-2.0
#include "evidence/merkle.h"

#include <algorithm>
#include <bit>

#include "evidence/base64.h"
#include "evidence/sha256.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kLeafPrefix("\0", 1);
constexpr std::string_view kNodePrefix("\1", 1);

// The largest power of two below n (n > 1): where RFC 6962 splits.
std::uint64_t split_of(std::uint64_t n) { return std::bit_floor(n - 1); }

// MTH of the leaves [begin, end); the stack is the frontier's, so no depth depends on the input.
std::optional<Hash> subtree(std::uint64_t begin, std::uint64_t end, const LeafAt& leaf) {
  Frontier all;
  for (std::uint64_t i = begin; i < end; ++i) {
    const auto hash = leaf(i);
    if (!hash) return std::nullopt;
    all.add(*hash);
  }
  return all.root();
}

}  // namespace

std::string to_hex(const Hash& hash) { return hex(hash); }

std::optional<Hash> hash_from_hex(std::string_view text) {
  Hash out{};
  if (text.size() != out.size() * 2) return std::nullopt;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]);
    const int low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return out;
}

Hash leaf_hash(std::string_view leaf) { return sha256({kLeafPrefix, leaf}); }

Hash node_hash(const Hash& left, const Hash& right) { return sha256({kNodePrefix, text_of(left), text_of(right)}); }

std::optional<Frontier> Frontier::from(std::uint64_t size, std::vector<Hash> subtrees) {
  if (subtrees.size() != static_cast<std::size_t>(std::popcount(size))) return std::nullopt;
  Frontier out;
  out.size_ = size;
  out.subtrees_ = std::move(subtrees);
  return out;
}

void Frontier::add(const Hash& leaf) {
  Hash hash = leaf;
  // As many subtrees of equal size wait at the right as size_ has ones at its low end.
  for (std::uint64_t left = size_; (left & 1U) != 0; left >>= 1U) {
    hash = node_hash(subtrees_.back(), hash);
    subtrees_.pop_back();
  }
  subtrees_.push_back(hash);
  ++size_;
}

Hash Frontier::root() const {
  if (subtrees_.empty()) return sha256({});
  Hash out = subtrees_.back();
  for (auto left = subtrees_.rbegin() + 1; left != subtrees_.rend(); ++left) out = node_hash(*left, out);
  return out;
}

std::optional<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const LeafAt& leaf) {
  if (index >= size) return std::nullopt;
  std::vector<Hash> path;
  std::uint64_t begin = 0;
  std::uint64_t end = size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const auto other = index < middle ? subtree(middle, end, leaf) : subtree(begin, middle, leaf);
    if (!other) return std::nullopt;
    path.push_back(*other);
    (index < middle ? end : begin) = middle;
  }
  std::ranges::reverse(path);  // from the leaf up
  return path;
}

// RFC 9162, 2.1.3.2: the same paths, checked without a tree.
bool included(const Hash& leaf, std::uint64_t index, std::uint64_t size, std::span<const Hash> path, const Hash& root) {
  if (index >= size) return false;
  std::uint64_t node = index;
  std::uint64_t last = size - 1;
  Hash hash = leaf;
  for (const Hash& other : path) {
    if (last == 0) return false;
    if ((node & 1U) != 0 || node == last) {
      hash = node_hash(other, hash);
      while ((node & 1U) == 0 && node != 0) {
        node >>= 1U;
        last >>= 1U;
      }
    } else {
      hash = node_hash(hash, other);
    }
    node >>= 1U;
    last >>= 1U;
  }
  return last == 0 && hash == root;
}

std::optional<std::vector<Hash>> consistency_proof(std::uint64_t older, std::uint64_t newer, const LeafAt& leaf) {
  if (older > newer) return std::nullopt;
  std::vector<Hash> path;
  if (older == 0 || older == newer) return path;
  std::uint64_t begin = 0;
  std::uint64_t end = newer;
  bool whole = true;  // [begin, older) began at the log's begin: its root is known to who asks
  while (older != end) {
    const std::uint64_t middle = begin + split_of(end - begin);
    const bool left = older <= middle;
    const auto other = left ? subtree(middle, end, leaf) : subtree(begin, middle, leaf);
    if (!other) return std::nullopt;
    path.push_back(*other);
    if (left) {
      end = middle;
    } else {
      begin = middle;
      whole = false;
    }
  }
  if (!whole) {
    const auto rest = subtree(begin, end, leaf);
    if (!rest) return std::nullopt;
    path.push_back(*rest);
  }
  std::ranges::reverse(path);
  return path;
}

// RFC 9162, 2.1.4.2.
bool consistent(std::uint64_t older, const Hash& older_root, std::uint64_t newer, const Hash& newer_root, std::span<const Hash> path) {
  if (older > newer) return false;
  if (older == newer) return path.empty() && older_root == newer_root;
  if (older == 0) return path.empty() && older_root == Frontier().root();
  std::uint64_t node = older - 1;
  std::uint64_t last = newer - 1;
  while ((node & 1U) != 0) {
    node >>= 1U;
    last >>= 1U;
  }
  // An older log of 2^n leaves is itself the first node, which the path then leaves out.
  std::size_t next = 0;
  Hash first = older_root;
  if (!std::has_single_bit(older)) {
    if (path.empty()) return false;
    first = path[next++];
  }
  Hash second = first;
  for (; next < path.size(); ++next) {
    if (last == 0) return false;
    if ((node & 1U) != 0 || node == last) {
      first = node_hash(path[next], first);
      second = node_hash(path[next], second);
      while ((node & 1U) == 0 && node != 0) {
        node >>= 1U;
        last >>= 1U;
      }
    } else {
      second = node_hash(second, path[next]);
    }
    node >>= 1U;
    last >>= 1U;
  }
  return last == 0 && first == older_root && second == newer_root;
}

}  // namespace jit::evidence
