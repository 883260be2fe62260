// SPDX-License-Identifier: Apache-2.0
#include "broker/store/sqlite.h"

#include <algorithm>
#include <cstring>

namespace jit::store {

Stmt prepare(sqlite3* db, std::string_view sql) {
  sqlite3_stmt* stmt = nullptr;
  sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
  return Stmt(stmt);
}

int step(sqlite3_stmt* stmt) {
  const int code = sqlite3_step(stmt);
  const int reset = sqlite3_reset(stmt);
  if (code == SQLITE_DONE || code == SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_OK : SQLITE_ROW;
  return reset != SQLITE_OK ? reset : code;
}

bool storable(std::span<const std::string> words) {
  return std::ranges::none_of(words, [](const std::string& word) { return word.find('\0') != std::string::npos; });
}

// An empty value must not have a null pointer: SQLite would bind NULL.
Bind& Bind::text(std::string_view value) {
  return keep(sqlite3_bind_text64(stmt_, ++index_, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC,
                                  SQLITE_UTF8));
}

Bind& Bind::bytes(std::string_view value) {
  return keep(
      sqlite3_bind_blob64(stmt_, ++index_, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC));
}

Bind& Bind::words(std::span<const std::string> value) {
  // A NUL inside a word would read back as two words: another command than the one that was approved.
  if (!storable(value)) return keep(kUnstorable);
  std::string joined;
  std::size_t size = 0;
  for (const std::string& word : value) size += word.size() + 1;
  joined.reserve(size);
  for (const std::string& word : value) joined.append(word).push_back('\0');
  return keep(sqlite3_bind_blob64(stmt_, ++index_, joined.data(), joined.size(), SQLITE_TRANSIENT));
}

Bind& Bind::id(const core::Id& value) {
  if (value.empty()) return null();
  return keep(sqlite3_bind_blob64(stmt_, ++index_, value.bytes.data(), value.bytes.size(), SQLITE_STATIC));
}

std::string_view Row::view() {
  const void* data = sqlite3_column_blob(stmt_, index_);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(stmt_, index_));
  ++index_;
  if (size == 0) return {};
  if (data == nullptr) {  // out of memory
    sound_ = false;
    return {};
  }
  return {static_cast<const char*>(data), size};
}

std::string Row::bytes() { return std::string(view()); }

std::vector<std::string> Row::words() {
  const std::string joined = bytes();
  std::vector<std::string> words;
  if (joined.empty()) return words;
  if (joined.back() != '\0') {
    sound_ = false;
    return words;
  }
  for (std::size_t at = 0; at < joined.size();) {
    const std::size_t end = joined.find('\0', at);
    words.emplace_back(joined, at, end - at);
    at = end + 1;
  }
  return words;
}

core::Id Row::id() {
  core::Id id;
  if (skip_null()) return id;
  const std::string value = bytes();
  if (value.size() != id.bytes.size()) {
    sound_ = false;
    return id;
  }
  std::memcpy(id.bytes.data(), value.data(), value.size());
  return id;
}

std::array<std::uint8_t, 32> Row::hash() {
  std::array<std::uint8_t, 32> out{};
  const std::string value = bytes();
  if (value.size() != out.size()) {
    sound_ = false;
    return out;
  }
  std::memcpy(out.data(), value.data(), out.size());
  return out;
}

}  // namespace jit::store
