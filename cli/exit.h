// SPDX-License-Identifier: Apache-2.0
// The exit codes of jitctl(1), and an error as a value.
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace jit::cli {

enum class Exit : int {
  kDone = 0,
  kNo = 1,           // the answer is no: denied, check failed
  kUsage = 2,        // usage or bad input
  kNotAllowed = 3,   // not found or not allowed
  kUnreachable = 4,  // no broker
  kTimedOut = 5,     // while waiting
};

struct Failure {
  Exit code = Exit::kNo;
  std::string message;  // one line: what, why, what to do next
};

template <class T>
class Result {
 public:
  Result(T value) : held_(std::move(value)) {}          // NOLINT(google-explicit-constructor)
  Result(Failure failure) : held_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)
  explicit operator bool() const { return std::holds_alternative<T>(held_); }
  T& operator*() { return std::get<T>(held_); }
  const T& operator*() const { return std::get<T>(held_); }
  T* operator->() { return &std::get<T>(held_); }
  const T* operator->() const { return &std::get<T>(held_); }
  const Failure& failure() const { return std::get<Failure>(held_); }

 private:
  std::variant<T, Failure> held_;
};

struct Nothing {};

}  // namespace jit::cli
