// SPDX-License-Identifier: Apache-2.0
// What another host prints becomes text, however it comes in pieces.
#include "tests/catch.h"

#include "cli/harmless.h"

using jit::cli::Harmless;

namespace {

std::string passed(std::string_view text, bool screen, std::size_t piece) {
  Harmless filter(screen);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += piece) out += filter.pass(text.substr(at, piece));
  return out + filter.end();
}

// The same in one piece, byte by byte, and in threes.
void becomes(std::string_view text, std::string_view wanted, bool screen) {
  CAPTURE(text, screen);
  for (const std::size_t piece : {text.size(), std::size_t{1}, std::size_t{3}}) CHECK(passed(text, screen, piece) == wanted);
}

}  // namespace

TEST_CASE("nothing that a terminal obeys comes over ssh", "[E1]") {
  for (const bool screen : {false, true}) {
    becomes("a line\n\tand \\x1b, \u00fc \u2588\n", "a line\n\tand \\x1b, \u00fc \u2588\n", screen);
    becomes("\x01\x7f\xc2\x9b" "31m", "\\x01\\x7f\\u{9b}31m", screen);
    becomes("\xff\xc3(\xed\xa0\x80\xe2\x80", "\\xff\\xc3(\\xed\\xa0\\x80\\xe2\\x80", screen);
    becomes("\u202e\u200b\ufeff", "\\u{202e}\\u{200b}\\u{feff}", screen);
  }
  becomes("\x1b[31mred\x1b[0m\r\n", "\\x1b[31mred\\x1b[0m\\r\n", false);
  becomes("\x1b]0;owned\a", "\\x1b]0;owned\\x07", false);
}

TEST_CASE("on a screen what draws a picture does, and no more", "[E1]") {
  const std::string drawn = "\x1b[?1049h\x1b[1;40r\x1b(B\x1b[m\x1b[4l\x1b[?7h\x1b[H\x1b[2J\x1b[38;5;1mred\x1b[12;34H\x1b[K\x1b[?25l\x1b[?12;25h\x1b=\x1b" "7\x1b" "8\x0e\x0f\b\r\n";
  becomes(drawn, drawn, true);
  // Names and clipboards, questions that a terminal answers by typing, modes that stay, resets.
  for (const std::string_view bad : {"\x1b]0;owned\a", "\x1b]52;c;cm0gLXJm\x1b\\", "\x1b[21t", "\x1b[6n", "\x1b[c", "\x1b[>c", "\x1b[?1000h", "\x1b[?2004l", "\x1b[4i",
                                     "\x1b[>4;2m", "\x1b[!p", "\x1b[?1049;1000h", "\x1b[ q"}) {
    becomes("a" + std::string(bad) + "b", "ab", true);
  }
  becomes("\x1bP$q\"p\x1b\\", "\\x1bP$q\"p\\x1b\\", true);
  becomes("\x1b_x\x1b" "c\x1b#8", "\\x1b_x\\x1bc\\x1b#8", true);
  becomes("\x1b]0;" + std::string(300, 'x'), "\\x1b]0;" + std::string(300, 'x'), true);  // does not end
  becomes("\x1b[" + std::string(300, '1') + "m", "\\x1b[" + std::string(300, '1') + "m", true);
  becomes("\x1b[12", "\\x1b[12", true);
  becomes("\x1b[1\x1b[31m", "\\x1b[1\x1b[31m", true);
}

TEST_CASE("each text of a document from elsewhere becomes harmless", "[E1]") {
  const jit::cli::Json read = {{"a\x1b", {"x\ny", 7, {{"b", "\u202e"}}}}, {"c", "plain"}};
  CHECK(jit::cli::harmless_document(read).dump() == R"({"a\\x1b":["x\\ny",7,{"b":"\\u{202e}"}],"c":"plain"})");
}
