// SPDX-License-Identifier: Apache-2.0
// An envelope of a host as text that people carry: "jr2" and base64url of its parts, compressed (zlib). Base64, as JSON has them, they
// would hardly be compressed: half as much again on paper, and a code that few screens have the room for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jit::evidence {

// Empty: it is no envelope with one signature, or it cannot be compressed.
std::string to_carried(std::string_view envelope);
// White space is left out. The JSON of an envelope is taken as it is. Nothing: neither, or more than kEnvelopeMax.
std::optional<std::string> from_carried(std::string_view text);

}  // namespace jit::evidence
