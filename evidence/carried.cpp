// SPDX-License-Identifier: Apache-2.0
#include "evidence/carried.h"

#include <zlib.h>

#include "evidence/envelope.h"

namespace jit::evidence {
namespace {

constexpr std::string_view kCarriedMark = "jr1";

}  // namespace

std::string to_carried(std::string_view envelope) {
  uLongf size = compressBound(static_cast<uLong>(envelope.size()));
  Bytes packed(size);
  const auto* const from = reinterpret_cast<const Bytef*>(envelope.data());
  if (compress2(packed.data(), &size, from, static_cast<uLong>(envelope.size()), Z_BEST_COMPRESSION) != Z_OK) return {};
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
  return out;
}

}  // namespace jit::evidence
