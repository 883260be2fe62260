// SPDX-License-Identifier: Apache-2.0
// The data types of SSH (RFC 4251, section 5).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "evidence/base64.h"

namespace jit::evidence {

class WireWriter {
 public:
  WireWriter& raw(std::string_view bytes) {
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  WireWriter& number(std::uint32_t value) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out_.push_back(static_cast<std::uint8_t>(value >> shift));
    return *this;
  }
  WireWriter& string(std::string_view bytes) { return number(static_cast<std::uint32_t>(bytes.size())).raw(bytes); }
  WireWriter& string(std::span<const std::uint8_t> bytes) { return string(text_of(bytes)); }
  const Bytes& bytes() const { return out_; }

 private:
  Bytes out_;
};

// Reads in order; after the first thing that is not there everything is empty and ok() is false. The views are of the input.
class WireReader {
 public:
  explicit WireReader(std::span<const std::uint8_t> bytes) : left_(bytes) {}
  std::uint8_t byte() {
    const auto got = take(1);
    return got.empty() ? std::uint8_t{0} : got[0];
  }
  std::uint32_t number() {
    const auto got = take(4);
    if (got.empty()) return 0;
    return (std::uint32_t{got[0]} << 24U) | (std::uint32_t{got[1]} << 16U) | (std::uint32_t{got[2]} << 8U) | got[3];
  }
  std::span<const std::uint8_t> raw(std::size_t length) { return take(length); }
  std::span<const std::uint8_t> string() { return take(number()); }
  std::string_view text() { return text_of(string()); }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && left_.empty(); }  // and nothing stands behind

 private:
  std::span<const std::uint8_t> take(std::size_t length) {
    if (!ok_ || length > left_.size()) {
      ok_ = false;
      return {};
    }
    const auto got = left_.first(length);
    left_ = left_.subspan(length);
    return got;
  }
  std::span<const std::uint8_t> left_;
  bool ok_ = true;
};

}  // namespace jit::evidence
