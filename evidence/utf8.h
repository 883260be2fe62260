// SPDX-License-Identifier: Apache-2.0
// UTF-8 by RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace jit::evidence {

struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  // bytes; 0: the text does not begin with a valid sequence
};

// The code point at the begin of a text; of an empty text: length 0.
CodePoint first_code_point(std::string_view text);

}  // namespace jit::evidence
