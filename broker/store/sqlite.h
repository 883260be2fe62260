// SPDX-License-Identifier: Apache-2.0
// SQLite in C++ clothes: handles, and parameters and columns taken one after the other.
#pragma once

#include <sqlite3.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/core/model.h"

namespace jit::store {

struct CloseDb {
  void operator()(sqlite3* db) const noexcept { sqlite3_close(db); }
};
using Db = std::unique_ptr<sqlite3, CloseDb>;
struct CloseStmt {
  void operator()(sqlite3_stmt* stmt) const noexcept { sqlite3_finalize(stmt); }
};
using Stmt = std::unique_ptr<sqlite3_stmt, CloseStmt>;

// A result code of our own, beside SQLite's: a value that cannot be stored as it is.
inline constexpr int kUnstorable = -1;

Stmt prepare(sqlite3* db, std::string_view sql);  // null: see sqlite3_errmsg

// Runs it and makes it ready for the next time; what it was bound to may go then.
int step(sqlite3_stmt* stmt);

// Lists of words are kept as in execve: each word ends with a NUL.
bool storable(std::span<const std::string> words);  // no word holds a NUL

// Binds the parameters of a statement in their order. What it is given must live until the statement was reset.
class Bind {
 public:
  explicit Bind(sqlite3_stmt* stmt) : stmt_(stmt) {}

  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  Bind& number(T value) {
    return keep(sqlite3_bind_int64(stmt_, ++index_, static_cast<sqlite3_int64>(value)));
  }
  template <class T>
  Bind& maybe(const std::optional<T>& value) {
    return value ? number(*value) : null();
  }
  Bind& real(double value) { return keep(sqlite3_bind_double(stmt_, ++index_, value)); }
  Bind& null() { return keep(sqlite3_bind_null(stmt_, ++index_)); }
  Bind& text(std::string_view value);
  Bind& bytes(std::string_view value);
  Bind& words(std::span<const std::string> value);
  Bind& id(const core::Id& value);  // an empty one is NULL

  int code() const { return code_; }

 private:
  Bind& keep(int code) {
    if (code_ == SQLITE_OK) code_ = code;
    return *this;
  }
  sqlite3_stmt* stmt_;
  int index_ = 0;
  int code_ = SQLITE_OK;
};

// Reads the columns of a row in their order. A value that does not fit its type makes sound() false.
class Row {
 public:
  explicit Row(sqlite3_stmt* stmt) : stmt_(stmt) {}

  template <std::integral T>
  T number() {
    const sqlite3_int64 value = sqlite3_column_int64(stmt_, index_++);
    if constexpr (sizeof(T) < sizeof(value)) {
      if (!std::in_range<T>(value)) sound_ = false;
    }
    return static_cast<T>(value);
  }
  double real() { return sqlite3_column_double(stmt_, index_++); }
  bool flag() { return number<std::int64_t>() != 0; }
  template <class E>
  E one_of(E last) {
    const auto value = number<std::uint8_t>();
    if (value > static_cast<std::uint8_t>(last)) {
      sound_ = false;
      return E{};
    }
    return static_cast<E>(value);
  }
  bool skip_null() {
    if (sqlite3_column_type(stmt_, index_) != SQLITE_NULL) return false;
    ++index_;
    return true;
  }
  std::optional<std::uint32_t> maybe_number() {
    if (skip_null()) return std::nullopt;
    return number<std::uint32_t>();
  }
  std::string bytes();  // of a TEXT or BLOB
  std::string_view view();  // the same, until the next row
  std::vector<std::string> words();
  core::Id id();
  std::array<std::uint8_t, 32> hash();

  bool sound() const { return sound_; }

 private:
  sqlite3_stmt* stmt_;
  int index_ = 0;
  bool sound_ = true;
};

}  // namespace jit::store
