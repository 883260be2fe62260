// SPDX-License-Identifier: Apache-2.0
// The one form in which signed documents are written, and the only one that is read: an object of JSON (RFC 8259) with its
// members sorted by name, no white space, printable ASCII only, integers only. So two texts never mean the same, and a text with
// a member twice, a byte behind its end, a number like 1e3 or a byte order mark is none.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "evidence/base64.h"

namespace jit::evidence {

using Json = nlohmann::json;

// Nothing: `text` is longer than `max` bytes, nested deeper than 8, or not what dump() makes of what it means.
std::optional<Json> parse_canonical(std::string_view text, std::size_t max);

// Any JSON that somebody else wrote; discarded: it is none, or is nested deeper than 64, which would cost the stack of who copies
// or prints it.
Json parse_foreign(std::string_view text);

// Reads an object's members, each exactly once; done() is false where one was missing, of another type, or is left over.
class Members {
 public:
  explicit Members(const Json& object) : object_(object), good_(object.is_object()) {}
  std::string text(const char* name, std::size_t max);                      // printable ASCII, at most `max` bytes
  std::optional<std::string> text_or_null(const char* name, std::size_t max);
  std::string hex(const char* name, std::size_t bytes);                     // lower-case digits of exactly so many bytes
  Bytes base64(const char* name, std::size_t max);                          // at most `max` bytes when decoded
  std::int64_t number(const char* name, std::int64_t least, std::int64_t most);
  std::optional<std::int64_t> number_or_null(const char* name, std::int64_t least, std::int64_t most);
  bool boolean(const char* name);
  const Json& array(const char* name, std::size_t most);                    // of at most so many values
  const Json& object(const char* name);
  bool has(const char* name) const;  // without reading it
  void fail() { good_ = false; }
  bool done() const { return good_ && taken_ == object_.size(); }

 private:
  const Json& take(const char* name);
  const Json& object_;
  bool good_;
  std::size_t taken_ = 0;
};

}  // namespace jit::evidence
