// SPDX-License-Identifier: Apache-2.0
// A QR code (ISO/IEC 18004) drawn with half blocks, for a camera in front of a terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jit::cli {

// Lines, dark on light with its quiet zone, in colours of its own so that the terminal's do not matter. Nothing: it does not fit
// into so many columns and rows, or is too long for any code.
std::optional<std::string> draw_code(std::string_view text, std::size_t columns, std::size_t rows);

}  // namespace jit::cli
