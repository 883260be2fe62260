// SPDX-License-Identifier: Apache-2.0
// A QR code (ISO/IEC 18004) drawn with half blocks, for a camera in front of a terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jit::cli {

struct TerminalCode {
  std::size_t columns = 0, rows = 0;  // that it takes
  std::string lines;
};

// Dark on light with its quiet zone, in colours of its own so that the terminal's do not matter. Nothing: too long for any code.
std::optional<TerminalCode> draw_code(std::string_view text);

}  // namespace jit::cli
