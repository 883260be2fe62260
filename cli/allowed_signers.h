// SPDX-License-Identifier: Apache-2.0
// The file of allowed signers that ssh-keygen -Y verify reads (ssh-keygen(1), ALLOWED SIGNERS).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jit::cli {

struct AllowedSigner {
  std::uint32_t line = 0;
  std::vector<std::string> principals;
  std::string public_text;  // "TYPE BASE64 [COMMENT]"
  std::string comment;
  std::optional<std::int64_t> valid_after, valid_before;  // Unix time, seconds
  std::string wrong;        // why it cannot be carried over; empty: it can
};

// Each line that is not blank or a comment. `namespaces` must name `purpose` (or *), as it says for what the key is good.
std::vector<AllowedSigner> parse_allowed_signers(std::string_view text, std::string_view purpose);

}  // namespace jit::cli
