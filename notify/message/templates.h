// SPDX-License-Identifier: Apache-2.0
// A notice as each kind of channel takes it. What it says stands where nothing is read as markup, besides being inert.
#pragma once

#include <string>

#include "notify/message/channel_file.h"
#include "notify/message/message.h"

namespace jit::notify {

// Lines of text, "jit: " and the title first; each at most 900 characters (RFC 5322 permits 998).
std::string text_of(const Notice& notice);

std::string content_type(Template form);
// JSON, or a whole message of RFC 5322 with LF line ends, as sendmail takes it.
std::string render(const Channel& channel, const Notice& notice);

// Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature) over id, time and body; secret: what read_secret() gives.
std::vector<std::string> signature_headers(const std::string& secret, const std::string& id, std::int64_t unix_s, const std::string& body);
// "whsec_" and base64 of 24 to 64 bytes, as the standard writes it; a line end behind it is no part of it.
std::optional<std::string> read_secret(std::string_view text);

}  // namespace jit::notify
