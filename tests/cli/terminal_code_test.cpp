// SPDX-License-Identifier: Apache-2.0
// What stands on the screen is the QR code, module by module.
#include "tests/catch.h"

#include <qrencode.h>

#include <vector>

#include "cli/terminal_code.h"

namespace {

using Rows = std::vector<std::vector<bool>>;  // dark or not

bool take_off(std::string_view& text, std::string_view begin) {
  if (!text.starts_with(begin)) return false;
  text.remove_prefix(begin.size());
  return true;
}

// As a camera sees it: black ink on bright paper, two modules in each cell.
Rows seen(std::string_view lines) {
  Rows out;
  while (!lines.empty()) {
    REQUIRE(take_off(lines, "\x1b[30;107m"));
    std::vector<bool> upper, lower;
    while (!take_off(lines, "\x1b[0m\n")) {
      const bool both = take_off(lines, "\u2588"), above = !both && take_off(lines, "\u2580"), below = !both && !above && take_off(lines, "\u2584");
      if (!both && !above && !below) REQUIRE(take_off(lines, " "));
      upper.push_back(both || above);
      lower.push_back(both || below);
    }
    out.push_back(upper);
    out.push_back(lower);
  }
  return out;
}

}  // namespace

TEST_CASE("a code on a terminal is the QR code of the text, with light around it") {
  for (const std::size_t length : {std::size_t{1}, std::size_t{300}, std::size_t{1600}, std::size_t{2953}}) {
    CAPTURE(length);
    const std::string text = ("jr2" + std::string(length, 'x')).substr(0, length);
    const auto code = jit::cli::draw_code(text);
    REQUIRE(code);
    QRcode* const wanted = QRcode_encodeData(static_cast<int>(length), reinterpret_cast<const unsigned char*>(text.data()), 0, QR_ECLEVEL_L);
    REQUIRE(wanted != nullptr);
    const Rows rows = seen(code->lines);
    CHECK(rows.size() == code->rows * 2);
    const auto width = static_cast<std::size_t>(wanted->width);
    std::size_t wrong = 0;
    for (std::size_t y = 0; y < rows.size(); ++y) {
      if (rows[y].size() != code->columns) ++wrong;
      for (std::size_t x = 0; x < rows[y].size(); ++x) {
        const bool inside = x >= 4 && y >= 4 && x < width + 4 && y < width + 4;
        if (rows[y][x] != (inside && (wanted->data[(y - 4) * width + x - 4] & 1U) != 0)) ++wrong;
      }
    }
    CHECK(code->columns == width + 8);
    CHECK(wrong == 0);
    QRcode_free(wanted);
  }
  CHECK_FALSE(jit::cli::draw_code(std::string(2954, 'x')));  // the most that the largest one holds is a byte less
}
