// SPDX-License-Identifier: Apache-2.0
#include "broker/store/tree.h"

#include <bit>
#include <cstring>

namespace jit::store {

std::optional<Tree> Tree::from(std::uint64_t size, std::string_view packed) {
  constexpr std::size_t kHash = std::tuple_size_v<evidence::Hash>;
  if (packed.size() != static_cast<std::size_t>(std::popcount(size)) * kHash) return std::nullopt;
  Tree out;
  out.size_ = size;
  out.subtrees_.resize(packed.size() / kHash);
  for (evidence::Hash& hash : out.subtrees_) {
    std::memcpy(hash.data(), packed.data(), kHash);
    packed.remove_prefix(kHash);
  }
  return out;
}

evidence::Hash Tree::root() const {
  if (subtrees_.empty()) return evidence::Frontier().root();
  evidence::Hash out = subtrees_.back();
  for (auto left = subtrees_.rbegin() + 1; left != subtrees_.rend(); ++left) out = evidence::node_hash(*left, out);
  return out;
}

std::string Tree::packed() const {
  std::string out;
  for (const evidence::Hash& hash : subtrees_) out += evidence::text_of(hash);
  return out;
}

}  // namespace jit::store
