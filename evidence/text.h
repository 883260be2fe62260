// SPDX-License-Identifier: Apache-2.0
// Text that people or argv supplied, made harmless: one function for every surface.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jit::evidence {

// Printable ASCII but the backslash stays; "\\" \n \t \r as written here; other control bytes \xNN; a valid UTF-8
// code point \u{HEX}; a byte that is not valid UTF-8 \xNN. Injective, one line, ASCII only.
std::string escape(std::string_view bytes);
// The bytes of which escape() made this; nothing for a text that it cannot have made.
std::optional<std::string> unescape(std::string_view escaped);

// Words joined by blanks; a word with anything but [A-Za-z0-9_@%+=:,./-] stands in double quotes (and is escaped,
// with \" for a quote); an empty word is "". Injective.
std::string render_argv(std::span<const std::string> argv);

// The escaped text cut to at most `bytes` bytes, never inside an escape, with "... (N bytes)" (N: the length of the
// input; counted in `bytes`) where something was cut. Where not even that fits: as much of it as fits.
std::string escape_to(std::string_view text, std::size_t bytes);

bool valid_utf8(std::string_view bytes);
std::size_t code_points(std::string_view utf8);  // of valid UTF-8
std::string_view trim(std::string_view text);    // ASCII white space

std::string hex(std::span<const std::uint8_t> bytes);  // lower case
std::string sha256_hex(std::string_view bytes);        // 64 hex digits; throws std::runtime_error where OpenSSL fails

}  // namespace jit::evidence
