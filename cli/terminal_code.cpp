// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal_code.h"

#include <qrencode.h>

#include <memory>

namespace jit::cli {

namespace {

constexpr int kQuiet = 4;  // modules of light around it, as the standard asks

struct FreeCode {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

}  // namespace

std::optional<TerminalCode> draw_code(std::string_view text) {
  const std::unique_ptr<QRcode, FreeCode> code(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_L));
  if (!code) return std::nullopt;
  const int width = code->width;
  const auto side = static_cast<std::size_t>(width + 2 * kQuiet);
  const auto dark = [&](int x, int y) {
    if (x < 0 || y < 0 || x >= width || y >= width) return false;
    return (code->data[y * width + x] & 1U) != 0;
  };
  TerminalCode out{side, (side + 1) / 2, {}};
  for (int y = -kQuiet; y < width + kQuiet; y += 2) {
    // Black on white; the upper half block is the foreground.
    out.lines += "\x1b[30;107m";
    for (int x = -kQuiet; x < width + kQuiet; ++x) {
      const bool upper = dark(x, y);
      const bool lower = dark(x, y + 1);
      out.lines += upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ";
    }
    out.lines += "\x1b[0m\n";
  }
  return out;
}

}  // namespace jit::cli
