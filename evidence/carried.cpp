// SPDX-License-Identifier: Apache-2.0
#include "evidence/carried.h"

#include <zlib.h>

#include "evidence/envelope.h"
#include "evidence/text.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kCarriedMark = "jr2";

// What stands before the first NUL, which is taken away with it.
std::optional<std::string> take_text(std::string_view& rest) {
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  std::string out(rest.substr(0, end));
  rest.remove_prefix(end + 1);
  return out;
}

// TYPE NUL KEYID NUL KIND NUL, the signature's size in two bytes, the signature, the payload.
std::string packed_parts(const Envelope& envelope) {
  const Signature& signature = envelope.signatures.front();
  std::string out;
  for (const std::string* const text : {&envelope.type, &signature.key_id, &signature.kind}) {
    if (text->find('\0') != std::string::npos) return {};
    out += *text + '\0';
  }
  static_assert(kSignatureMax <= 0xffff);
  out += static_cast<char>(signature.bytes.size() >> 8U);
  out += static_cast<char>(signature.bytes.size() & 0xffU);
  return out.append(signature.bytes.begin(), signature.bytes.end()) + envelope.payload;
}

std::optional<Envelope> parts_of(std::string_view packed) {
  Envelope out;
  Signature signature;
  const auto type = take_text(packed);
  const auto key_id = take_text(packed);
  const auto kind = take_text(packed);
  if (!type || !key_id || !kind || packed.size() < 2) return std::nullopt;
  if (!valid_utf8(*type) || !valid_utf8(*key_id) || !valid_utf8(*kind)) return std::nullopt;  // JSON has no other text
  const std::size_t size = static_cast<std::size_t>(static_cast<unsigned char>(packed[0])) << 8U | static_cast<unsigned char>(packed[1]);
  packed.remove_prefix(2);
  if (size > packed.size()) return std::nullopt;
  signature.key_id = *key_id;
  signature.kind = *kind;
  signature.bytes.assign(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
  out.type = *type;
  out.payload = packed.substr(size);
  out.signatures.push_back(std::move(signature));
  return out;
}

}  // namespace

std::string to_carried(std::string_view envelope) {
  const auto parsed = parse_envelope(envelope);
  if (!parsed || parsed->signatures.size() != 1) return {};
  const std::string parts = packed_parts(*parsed);
  if (parts.empty()) return {};
  uLongf size = compressBound(static_cast<uLong>(parts.size()));
  Bytes packed(size);
  const auto* const from = reinterpret_cast<const Bytef*>(parts.data());
  if (compress2(packed.data(), &size, from, static_cast<uLong>(parts.size()), Z_BEST_COMPRESSION) != Z_OK) return {};
  packed.resize(size);
  return std::string(kCarriedMark) + base64url(packed);
}

std::optional<std::string> from_carried(std::string_view text) {
  if (text.size() > 2 * kEnvelopeMax) return std::nullopt;
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = text.find_last_not_of(" \t\r\n");
  text = text.substr(begin, end - begin + 1);
  if (text.starts_with('{')) return text.size() <= kEnvelopeMax ? std::optional(std::string(text)) : std::nullopt;
  std::string joined;
  for (const char c : text) {
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') joined += c;
  }
  if (!joined.starts_with(kCarriedMark)) return std::nullopt;
  const auto packed = from_base64url(std::string_view(joined).substr(kCarriedMark.size()));
  if (!packed) return std::nullopt;
  std::string out(kEnvelopeMax, '\0');
  uLongf size = kEnvelopeMax;
  uLong used = static_cast<uLong>(packed->size());
  // All of it is one stream, and nothing stands behind: one text, one envelope.
  if (uncompress2(reinterpret_cast<Bytef*>(out.data()), &size, packed->data(), &used) != Z_OK || used != packed->size()) return std::nullopt;
  out.resize(size);
  const auto envelope = parts_of(out);
  std::string json = envelope ? to_json(*envelope) : std::string();
  return json.empty() ? std::nullopt : std::optional(std::move(json));
}

}  // namespace jit::evidence
