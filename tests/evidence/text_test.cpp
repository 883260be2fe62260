// SPDX-License-Identifier: Apache-2.0
#include "evidence/text.h"

#include "tests/catch.h"
#include <random>
#include <set>
#include <vector>

using namespace jit::evidence;
using namespace std::string_literals;

namespace {

void append_utf8(std::string& out, unsigned long value) {
  if (value < 0x80) {
    out += static_cast<char>(value);
    return;
  }
  const int tail = value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
  const unsigned long lead[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(lead[tail] | (value >> (6 * tail)));
  for (int i = tail - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((value >> (6 * i)) & 0x3f));
}

// Written from the comment in text.h, not from the code.
std::string read_back(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    switch (text.at(++i)) {
      case '\\': out += '\\'; break;
      case '"': out += '"'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'x':
        out += static_cast<char>(std::stoul(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
        break;
      case 'u': {
        const std::size_t close = text.find('}', i);
        append_utf8(out, std::stoul(std::string(text.substr(i + 2, close - i - 2)), nullptr, 16));
        i = close;
        break;
      }
      default: FAIL("an escape that is not in the list: " << text);
    }
  }
  return out;
}

std::vector<std::string> split(std::string_view line) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < line.size(); ++i) {
    std::string word;
    if (line[i] != '"') {
      while (i < line.size() && line[i] != ' ') word += line[i++];
      words.push_back(word);
      continue;
    }
    for (++i; line.at(i) != '"'; ++i) {
      if (line[i] == '\\') word += line[i++];
      word += line[i];
    }
    ++i;
    words.push_back(read_back(word));
  }
  return words;
}

bool harmless(std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("hostile text becomes one harmless line") {
  struct Case {
    std::string in, out;
  };
  const Case cases[] = {
      {"", ""},
      {"plain text, 100%", "plain text, 100%"},
      {"a\\b", "a\\\\b"},
      {"a\\nb", "a\\\\nb"},
      {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
      {"\x1b[2J", "\\x1b[2J"},                                         // CSI
      {"\x1b]8;;http://x\x1b\\y", "\\x1b]8;;http://x\\x1b\\\\y"},      // OSC 8, a link
      {"\x1b]52;c;aGk=\a", "\\x1b]52;c;aGk=\\x07"},                    // OSC 52, the clipboard
      {"root\rbob ", "root\\rbob "},
      {"rm\b\b", "rm\\x08\\x08"},
      {"\x7f", "\\x7f"},
      {"a\0b"s, "a\\x00b"},
      {"\x9b" "31m", "\\x9b31m"},                                      // C1 CSI as one byte
      {"\xc2\x9b" "31m", "\\u{9b}31m"},                                // C1 CSI as UTF-8
      {"a\xe2\x80\xa8" "b", "a\\u{2028}b"},                            // line separator
      {"\xe2\x80\xae" "gpj.exe", "\\u{202e}gpj.exe"},                  // RLO
      {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u{2066}x\\u{2069}"},            // LRI, PDI
      {"\xd0\xb0" "dmin", "\\u{430}dmin"},                             // Cyrillic a
      {"\xf0\x9f\x98\x80", "\\u{1f600}"},
      {"\xf4\x8f\xbf\xbf", "\\u{10ffff}"},
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},                    // above U+10FFFF
      {"\xc0\xaf", "\\xc0\\xaf"},                                      // overlong slash
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},                             // a surrogate
      {"\xed\xbf\xbf", "\\xed\\xbf\\xbf"},
      {"\xef\xbf\xbd", "\\u{fffd}"},
      {"\xef\xbb\xbf", "\\u{feff}"},                                   // BOM
      {"\xe2\x80", "\\xe2\\x80"},                                      // cut
      {"\xe2\x80" "a", "\\xe2\\x80a"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},           // five bytes
      {"\x80", "\\x80"},
  };
  for (const Case& c : cases) {
    CHECK(escape(c.in) == c.out);
    CHECK(harmless(escape(c.in)));
    CHECK(read_back(c.out) == c.in);
    CHECK(unescape(c.out) == c.in);
  }
}

TEST_CASE("escape is injective: what was escaped can be read back") {
  std::mt19937 random(20240611);
  std::uniform_int_distribution<int> byte(0, 255), size(0, 40), pick(0, 3);
  const std::string pieces[] = {"\\", "\xe2\x80\xa8", "\xc2", "\x1b[", "\\x1b", "\\u{", "\"", "}"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int n = size(random); n > 0; --n) {
      if (pick(random) == 0) {
        text += pieces[static_cast<std::size_t>(byte(random)) % std::size(pieces)];
      } else {
        text += static_cast<char>(byte(random));
      }
    }
    const std::string out = escape(text);
    REQUIRE(harmless(out));
    REQUIRE(read_back(out) == text);
    REQUIRE(unescape(out) == text);
  }
}

TEST_CASE("what escape cannot have made is not read back") {
  const char* const texts[] = {"\\", "a\\", "\\q", "\\\"", "\\x", "\\x4", "\\xg0", "\\x41", "\\x0a", "\\xFF", "\\u", "\\u{", "\\u{}", "\\u{e9",
                               "\\u{E9}", "\\u{0e9}", "\\u{41}", "\\u{d800}", "\\u{110000}", "\\u{ffffffff}", "\\u{123456789}", "\n", "\xc3\xa9",
                               "\\xc3\\xa9"};
  for (const char* const text : texts) {
    INFO(text);
    CHECK_FALSE(unescape(text));
  }
  CHECK(unescape("") == "");
}

TEST_CASE("each byte and each pair of bytes has its own text") {
  std::set<std::string> seen;
  for (int a = 0; a < 256; ++a) {
    REQUIRE(seen.insert(escape(std::string(1, static_cast<char>(a)))).second);
    for (int b = 0; b < 256; ++b) {
      REQUIRE(seen.insert(escape(std::string{static_cast<char>(a), static_cast<char>(b)})).second);
    }
  }
}

TEST_CASE("argv is shown so that words cannot be confused") {
  struct Case {
    std::vector<std::string> in;
    std::string out;
  };
  const Case cases[] = {
      {{}, ""},
      {{""}, "\"\""},
      {{"", ""}, "\"\" \"\""},
      {{"ls", "-l", "/etc"}, "ls -l /etc"},
      {{"ls -l"}, "\"ls -l\""},
      {{"a\"b"}, "\"a\\\"b\""},
      {{"a\\b"}, "\"a\\\\b\""},
      {{"a\\", "b"}, "\"a\\\\\" b"},
      {{"sh", "-c", "id; reboot"}, "sh -c \"id; reboot\""},
      {{"x\ny"}, "\"x\\ny\""},
      {{"\x1b[2J"}, "\"\\x1b[2J\""},
      {{"user@host:/p,q=1%+_"}, "user@host:/p,q=1%+_"},
      {{"*"}, "\"*\""},
      {{"$(id)", "`id`", "~"}, "\"$(id)\" \"`id`\" \"~\""},
  };
  for (const Case& c : cases) {
    CHECK(render_argv(c.in) == c.out);
    CHECK(split(c.out) == c.in);
  }
}

TEST_CASE("render_argv is injective") {
  std::mt19937 random(7);
  const std::string alphabet = "ab \"\\\n\x1b\xc2\xa0/$";
  std::uniform_int_distribution<std::size_t> letter(0, alphabet.size() - 1), size(0, 5);
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> argv(size(random));
    for (std::string& word : argv) {
      for (std::size_t n = size(random); n > 0; --n) word += alphabet[letter(random)];
    }
    const std::string line = render_argv(argv);
    REQUIRE(harmless(line));
    REQUIRE(split(line) == argv);
  }
}

TEST_CASE("a cut text says so and keeps its escapes whole") {
  const std::string mark = "... (100 bytes)";
  CHECK(escape_to("short", 5) == "short");
  CHECK(escape_to("", 0).empty());
  CHECK(escape_to(std::string(100, 'a'), 100) == std::string(100, 'a'));
  CHECK(escape_to(std::string(100, 'a'), 99) == std::string(99 - mark.size(), 'a') + mark);
  CHECK(escape_to(std::string(100, '\x1b'), 30) == "\\x1b\\x1b\\x1b" + mark);
  CHECK(escape_to(std::string(100, 'a'), mark.size()) == mark);
  CHECK(escape_to(std::string(100, 'a'), 2) == "..");
  CHECK(escape_to(std::string(100, 'a'), 0).empty());
  // The hidden tail: 4 KiB of blanks, then a command.
  const std::string tail = "ls" + std::string(4096, ' ') + "; rm -rf /";
  CHECK(escape_to(tail, 60).ends_with("... (4108 bytes)"));

  std::mt19937 random(11);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int n = byte(random); n > 0; --n) text += static_cast<char>(byte(random));
    const std::size_t limit = static_cast<std::size_t>(byte(random)) + 20;
    const std::string out = escape_to(text, limit);
    REQUIRE(out.size() <= limit);
    if (escape(text).size() <= limit) {
      REQUIRE(out == escape(text));
    } else {
      const std::size_t at = out.rfind("... (");
      REQUIRE(at != std::string::npos);
      REQUIRE(text.starts_with(read_back(out.substr(0, at))));
    }
  }
}

TEST_CASE("UTF-8, trimming, hex and SHA-256") {
  CHECK(valid_utf8(""));
  CHECK(valid_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xff"}) CHECK_FALSE(valid_utf8(bad));
  CHECK(code_points("") == 0);
  CHECK(code_points("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80") == 4);
  CHECK(trim("") == "");
  CHECK(trim(" \t\r\n\v\f") == "");
  CHECK(trim("  a b \n") == "a b");
  CHECK(trim("\xc2\xa0") == "\xc2\xa0");
  const std::uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
  CHECK(hex(bytes) == "000fa0ff");
  CHECK(hex({}) == "");
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("a\0b"s) != sha256_hex("a"));
}
