// SPDX-License-Identifier: Apache-2.0
// An envelope as text that people carry: "jr1" and base64url of its JSON, compressed (zlib). Short enough for a code on a screen.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jit::evidence {

std::string to_carried(std::string_view envelope);  // empty: it cannot be compressed
// White space is left out. The JSON of an envelope is taken as it is. Nothing: neither, or more than kEnvelopeMax.
std::optional<std::string> from_carried(std::string_view text);

}  // namespace jit::evidence
