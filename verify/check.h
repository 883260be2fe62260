// SPDX-License-Identifier: Apache-2.0
// Checks a file of the log: what jit-verify does, and jitctl with a file. It needs no broker and no file of the host.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace jit::verify {

struct Wish {
  std::string host_key;                      // a file, or the key or its fingerprint itself; empty: the one in the export
  std::vector<std::string> allowed_signers;  // files
  std::vector<std::string> heads;            // files, or "SIZE:ROOT"
  std::vector<std::string> files;            // "-": standard input; the parts of a log, the oldest first
};

enum class Result : int { kVerified = 0, kNotVerified = 1, kUsage = 2 };

struct Checked {
  Result result = Result::kUsage;
  std::string text;  // for people, in lines: what was found, or which file cannot be used and why
};

// Puts more bytes of an export behind `to`, none at the end of a file. The answer is why it cannot; empty: it can.
using Source = std::function<std::string(std::string& to)>;

Checked check(const Wish& wish);                        // of wish.files
Checked check(const Wish& wish, const Source& source);  // of what somebody else brings, instead

}  // namespace jit::verify
