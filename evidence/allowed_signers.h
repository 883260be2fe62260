// SPDX-License-Identifier: Apache-2.0
// The allowed_signers file of ssh-keygen(1): who signs with which key. Here a principal is a person, and a pattern is none.
// A key of WebAuthn, which OpenSSH does not know, stands as `PERSON webauthn RPID ORIGIN ALG CREDENTIAL KEY` (webauthn.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/signature.h"

namespace jit::evidence {

inline constexpr std::size_t kAllowedSignersMax = 1024 * 1024;  // bytes

struct AllowedSigner {
  std::vector<std::string> persons;
  PublicKey key;
  std::optional<std::int64_t> valid_after_s, valid_before_s;  // Unix time; a time without Z is read as UTC
  std::vector<std::string> purposes;                          // empty: all
  bool may(std::string_view person, std::string_view purpose, std::int64_t at_s) const;
};

struct AllowedSigners {
  std::vector<AllowedSigner> all;
  std::size_t bad_line = 0;  // counted from 1; 0: none, else what is wrong in it
  std::string error;
};

AllowedSigners parse_allowed_signers(std::string_view text);

}  // namespace jit::evidence
