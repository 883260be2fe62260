// SPDX-License-Identifier: Apache-2.0
#include "evidence/vote_code.h"

#include <algorithm>

#include "evidence/text.h"
#include "evidence/wire.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kMark = "jc1";
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kApprove = 1, kHasDuration = 2, kHasBlock = 4, kHasScope = 8, kHasTyped = 16;
constexpr std::uint8_t kAllFlags = 31;
constexpr std::uint8_t kWidestScope = 3;
constexpr std::size_t kTypedDigits = 6;
constexpr std::array<std::string_view, 2> kHashes = {"sha256", "sha512"};

std::optional<Bytes> blob_of(const PublicKey& key) {
  if (key.kind != "ssh") return std::nullopt;
  const std::size_t at = key.text.find(' ');
  if (at == std::string::npos || key.text.substr(0, at) == "ssh-rsa") return std::nullopt;
  const std::size_t end = key.text.find(' ', at + 1);
  return from_base64(std::string_view(key.text).substr(at + 1, end == std::string::npos ? end : end - at - 1));
}

std::optional<std::array<std::uint8_t, 32>> bytes_of_hex(std::string_view text) {
  std::array<std::uint8_t, 32> out{};
  if (text.size() != 64) return std::nullopt;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::size_t value = std::string_view("0123456789abcdef").find(text[i]);
    if (value == std::string_view::npos) return std::nullopt;
    out[i / 2] = static_cast<std::uint8_t>((std::uint32_t{out[i / 2]} << 4U) | value);
  }
  return out;
}

void put(Bytes& out, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

bool is_typed(std::string_view code) {
  return code.size() == kTypedDigits && std::ranges::all_of(code, [](char c) { return c >= '0' && c <= '9'; });
}

std::string typed_text(std::uint32_t number) {
  std::string digits = std::to_string(number);
  return std::string(kTypedDigits - std::min(kTypedDigits, digits.size()), '0') + digits;
}

}  // namespace

std::optional<KeyPrefix> key_prefix(const PublicKey& key) {
  const auto blob = blob_of(key);
  if (!blob) return std::nullopt;
  const auto hash = bytes_of_hex(sha256_hex(text_of(*blob)));
  KeyPrefix out{};
  std::copy_n(hash->begin(), out.size(), out.begin());
  return out;
}

std::optional<Bytes> body_of(const VoteCode& vote) {
  const auto digest = bytes_of_hex(vote.digest);
  const bool fits = digest && vote.reason.size() <= kCodeReasonMax && (vote.typed.empty() || is_typed(vote.typed)) &&
                    vote.scope.value_or(0) <= kWidestScope;
  if (!fits) return std::nullopt;
  Bytes out{kVersion, static_cast<std::uint8_t>((vote.approve ? kApprove : 0U) | (vote.duration_s ? kHasDuration : 0U) |
                                                (vote.block_s ? kHasBlock : 0U) | (vote.scope ? kHasScope : 0U) |
                                                (vote.typed.empty() ? 0U : kHasTyped))};
  out.insert(out.end(), digest->begin(), digest->end());
  put(out, vote.duration_s.value_or(0));
  put(out, vote.block_s.value_or(0));
  out.push_back(vote.scope.value_or(0));
  out.insert(out.end(), vote.key.begin(), vote.key.end());
  put(out, vote.typed.empty() ? 0U : static_cast<std::uint32_t>(std::stoul(vote.typed)));
  out.push_back(static_cast<std::uint8_t>(vote.reason.size()));
  out.insert(out.end(), vote.reason.begin(), vote.reason.end());
  return out;
}

std::optional<std::string> to_text(const VoteCode& vote, std::span<const std::uint8_t> sshsig) {
  auto body = body_of(vote);
  WireReader reader(sshsig);
  const bool magic = text_of(reader.raw(6)) == "SSHSIG" && reader.number() == 1;
  reader.string();  // whose: the host knows the key
  const bool purpose = reader.text() == kVoteCodeNamespace && reader.string().empty();
  const auto hash = std::ranges::find(kHashes, reader.text());
  const auto signature = reader.string();
  if (!body || !magic || !purpose || !reader.done() || hash == kHashes.end()) return std::nullopt;
  body->push_back(static_cast<std::uint8_t>(hash - kHashes.begin()));
  body->insert(body->end(), signature.begin(), signature.end());
  std::string out = std::string(kMark) + base64url(*body);
  if (out.size() > kCodeMax) return std::nullopt;
  return out;
}

std::optional<ReadCode> ReadCode::parse(std::string_view text) {
  std::string packed;
  if (text.size() > kCodeMax * 2) return std::nullopt;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') packed += c;
  }
  if (packed.size() > kCodeMax || !packed.starts_with(kMark)) return std::nullopt;
  const auto bytes = from_base64url(std::string_view(packed).substr(kMark.size()));
  if (!bytes) return std::nullopt;
  ReadCode out;
  VoteCode& vote = out.vote_;
  WireReader reader(*bytes);
  const std::uint8_t version = reader.byte();
  const std::uint8_t flags = reader.byte();
  for (const std::uint8_t byte : reader.raw(32)) {
    vote.digest += "0123456789abcdef"[byte >> 4U];
    vote.digest += "0123456789abcdef"[byte & 15U];
  }
  const std::uint32_t duration = reader.number();
  const std::uint32_t block = reader.number();
  const std::uint8_t scope = reader.byte();
  const auto key = reader.raw(vote.key.size());
  const std::uint32_t typed = reader.number();
  vote.reason = text_of(reader.raw(reader.byte()));
  const std::uint8_t hash = reader.byte();
  if (!reader.ok() || version != kVersion || flags > kAllFlags || hash >= kHashes.size() || typed > 999'999) return std::nullopt;
  std::copy(key.begin(), key.end(), vote.key.begin());
  vote.approve = (flags & kApprove) != 0;
  if ((flags & kHasDuration) != 0) vote.duration_s = duration;
  if ((flags & kHasBlock) != 0) vote.block_s = block;
  if ((flags & kHasScope) != 0) vote.scope = scope;
  if ((flags & kHasTyped) != 0) vote.typed = typed_text(typed);
  // Its only form: what is not there is zero.
  auto body = body_of(vote);
  if (!body || !std::equal(body->begin(), body->end(), bytes->begin())) return std::nullopt;
  out.signature_.assign(bytes->begin() + static_cast<std::ptrdiff_t>(body->size()) + 1, bytes->end());
  out.body_ = std::move(*body);
  out.hash_ = kHashes[hash];
  return out;
}

std::string ReadCode::signed_digest() const { return sha256_hex(text_of(body_)); }

Flaw ReadCode::verify(const PublicKey& key, VoteCode& out) const {
  const auto blob = blob_of(key);
  if (!blob) return Flaw::kKey;
  if (key_prefix(key) != vote_.key) return Flaw::kOtherKey;
  const Bytes sshsig = WireWriter().raw("SSHSIG").number(1).string(*blob).string(kVoteCodeNamespace).string(std::string_view()).string(hash_).string(signature_).bytes();
  const Flaw flaw = evidence::verify(key, "sshsig", kVoteCodeNamespace, text_of(body_), sshsig);
  if (flaw == Flaw::kNone) out = vote_;
  return flaw;
}

}  // namespace jit::evidence
