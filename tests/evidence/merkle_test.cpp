// SPDX-License-Identifier: Apache-2.0
#include "evidence/merkle.h"

#include "tests/catch.h"

#include "evidence/base64.h"

using namespace jit::evidence;

namespace {

std::string text(const Hash& hash) { return to_hex(hash); }

std::string number_text(std::uint64_t i) { return "leaf " + std::to_string(i); }

// RFC 6962, 2.1, word by word: slow, and hard to get wrong.
std::uint64_t k_of(std::uint64_t n) {
  std::uint64_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
using Hashes = std::vector<Hash>;
Hash mth(std::span<const Hash> d) {
  if (d.empty()) return Frontier().root();
  if (d.size() == 1) return d[0];
  const auto k = static_cast<std::size_t>(k_of(d.size()));
  return node_hash(mth(d.first(k)), mth(d.subspan(k)));
}
Hashes path(std::size_t m, std::span<const Hash> d) {
  if (d.size() <= 1) return {};
  const auto k = static_cast<std::size_t>(k_of(d.size()));
  Hashes out = m < k ? path(m, d.first(k)) : path(m - k, d.subspan(k));
  out.push_back(m < k ? mth(d.subspan(k)) : mth(d.first(k)));
  return out;
}
Hashes subproof(std::size_t m, std::span<const Hash> d, bool b) {
  if (m == d.size()) return b ? Hashes{} : Hashes{mth(d)};
  const auto k = static_cast<std::size_t>(k_of(d.size()));
  Hashes out = m <= k ? subproof(m, d.first(k), b) : subproof(m - k, d.subspan(k), false);
  out.push_back(m <= k ? mth(d.subspan(k)) : mth(d.first(k)));
  return out;
}

Hashes leaves(std::size_t n) {
  Hashes out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(leaf_hash(number_text(i)));
  return out;
}

LeafAt of(const Hashes& all) {
  return [&all](std::uint64_t i) -> std::optional<Hash> {
    if (i >= all.size()) return std::nullopt;
    return all[static_cast<std::size_t>(i)];
  };
}

Hashes with_flipped(Hashes path, std::size_t at) {
  path[at][at % 32] ^= 1U;
  return path;
}

}  // namespace

TEST_CASE("The vectors of Certificate Transparency hold", "[merkle]") {
  // certificate-transparency, cpp/merkletree/merkle_tree_test.cc: its leaves, and the roots of 0 to 8 of them.
  const std::vector<std::string> inputs{"", std::string("\0", 1), "\x10", "\x20\x21", "\x30\x31", "\x40\x41\x42\x43", "\x50\x51\x52\x53\x54\x55\x56\x57",
                                        "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  const std::vector<std::string> roots{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                       "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                       "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                       "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                       "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                       "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                       "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                       "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                       "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  Frontier log;
  CHECK(text(log.root()) == roots[0]);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    log.add(leaf_hash(inputs[i]));
    CHECK(text(log.root()) == roots[i + 1]);
  }
}

TEST_CASE("Roots and frontiers of all sizes are those of RFC 6962", "[merkle]") {
  const Hashes all = leaves(130);
  Frontier log;
  for (std::size_t n = 0; n <= all.size(); ++n) {
    CHECK(log.root() == mth(std::span(all).first(n)));
    CHECK(log.size() == n);
    const auto again = Frontier::from(n, log.subtrees());
    REQUIRE(again);
    CHECK(again->root() == log.root());
    Hashes more = log.subtrees();
    more.push_back(all[0]);
    CHECK_FALSE(Frontier::from(n, more));
    if (n < all.size()) log.add(all[n]);
  }
}

TEST_CASE("Each inclusion proof is that of RFC 6962, and proves nothing else", "[merkle]") {
  for (std::size_t n = 1; n <= 64; ++n) {
    const Hashes all = leaves(n);
    const Hash root = mth(all);
    CHECK_FALSE(inclusion_proof(n, n, of(all)));
    for (std::size_t m = 0; m < n; ++m) {
      const auto proof = inclusion_proof(m, n, of(all));
      REQUIRE(proof);
      REQUIRE(*proof == path(m, all));
      REQUIRE(included(all[m], m, n, *proof, root));
      for (std::size_t other = 0; other < n; ++other) {
        if (other == m) continue;
        REQUIRE_FALSE(included(all[other], m, n, *proof, root));
        REQUIRE_FALSE(included(all[m], other, n, *proof, root));
      }
      for (std::size_t at = 0; at < proof->size(); ++at) {
        REQUIRE_FALSE(included(all[m], m, n, with_flipped(*proof, at), root));
        Hashes without = *proof;
        without.erase(without.begin() + static_cast<std::ptrdiff_t>(at));
        REQUIRE_FALSE(included(all[m], m, n, without, root));
      }
      Hashes longer = *proof;
      longer.push_back(root);
      REQUIRE_FALSE(included(all[m], m, n, longer, root));
      Hash flipped = root;
      flipped[31] ^= 0x80U;
      REQUIRE_FALSE(included(all[m], m, n, *proof, flipped));
      REQUIRE_FALSE(included(all[m], m, m, *proof, root));
    }
  }
  CHECK_FALSE(included(leaf_hash("x"), 0, 0, {}, Frontier().root()));
  CHECK_FALSE(included(leaf_hash("x"), UINT64_MAX, UINT64_MAX, {}, leaf_hash("x")));
}

TEST_CASE("Each consistency proof is that of RFC 6962, and proves nothing else", "[merkle]") {
  const Hashes all = leaves(64);
  for (std::size_t n = 0; n <= 64; ++n) {
    const std::span<const Hash> now = std::span(all).first(n);
    for (std::size_t m = 0; m <= n; ++m) {
      const Hash older = mth(std::span(all).first(m));
      const auto proof = consistency_proof(m, n, of(all));
      REQUIRE(proof);
      if (m > 0 && m < n) REQUIRE(*proof == subproof(m, now, true));
      REQUIRE(consistent(m, older, n, mth(now), *proof));
      Hashes longer = *proof;
      longer.push_back(older);
      REQUIRE_FALSE(consistent(m, older, n, mth(now), longer));
      for (std::size_t at = 0; at < proof->size(); ++at) REQUIRE_FALSE(consistent(m, older, n, mth(now), with_flipped(*proof, at)));
      if (m == n) continue;
      REQUIRE_FALSE(consistent(n, mth(now), m, older, *proof));
      REQUIRE_FALSE(consistent(m, leaf_hash("another log"), n, mth(now), *proof));
      if (m > 0) {
        REQUIRE_FALSE(consistent(m, older, n, leaf_hash("another log"), *proof));
        REQUIRE_FALSE(consistent(m, older, n, mth(now), {}));
      }
    }
    CHECK_FALSE(consistency_proof(n + 1, n, of(all)));
  }
}

TEST_CASE("A proof that needs a leaf which is not there is none", "[merkle]") {
  const Hashes all = leaves(10);
  CHECK_FALSE(inclusion_proof(3, 11, of(all)));
  CHECK_FALSE(consistency_proof(4, 11, of(all)));
}

TEST_CASE("A hash is 64 lower-case digits", "[merkle]") {
  const Hash hash = leaf_hash("a");
  CHECK(hash_from_hex(to_hex(hash)) == hash);
  std::string upper = to_hex(hash);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  for (const std::string& bad : {std::string(), std::string(63, '0'), std::string(65, '0'), upper, std::string(64, 'g')}) CHECK_FALSE(hash_from_hex(bad));
}
