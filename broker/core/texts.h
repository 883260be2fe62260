// SPDX-License-Identifier: Apache-2.0
// What people at a door read. Short, calm, one fact a line, escaped, at most kLineMax bytes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "broker/core/core.h"

namespace jit::core::texts {

std::string line(std::string_view text);  // "jit: " + text, cut to kLineMax
std::string short_id(const Id& id);       // the first 8 digits: enough for jitctl
std::string seats(std::span<const policy::Seat> seats);
// "482 913": the code that the requester tells by voice.
std::string typed_code(const Request& request);  // "1 of group:sre and 2 of set:dba"
// The jitctl request line that asks the same ahead of time; `offer`: what it must bring, null: not known.
std::string ask_line(const Ask& ask, const policy::Offer* offer);

std::vector<std::string> waiting(const Request& request, const policy::Offer& terms, BootMs now);
std::string reach(const Request& request, bool reached);  // people who are not at this host
std::string telling(const Request& request);  // of an emergency access
std::string told(const Told& told);           // of one that goes on; not a line yet
std::vector<std::string> kept(const Request& request, const policy::Offer& terms, BootMs now);
std::vector<std::string> approved(const Request& request, const Grant& grant);
std::vector<std::string> ended(const Request& request);
std::vector<std::string> refused(const policy::Decision& decision);
std::vector<std::string> only_choices(const policy::Decision& decision);  // why nothing but break-glass is left
std::string choice(const policy::Offer& offer);  // "1 of group:sre, for 15m", at most kChoiceMax
// ahead: jitctl request could ask for it
std::vector<std::string> needs_approval(const Ask& ask, const policy::Offer& offer, bool ahead);
std::vector<std::string> child_refused(const Ask& ask);  // of what a program under sudo starts
// `missing`: as in a decision. "a reason of at least 20 characters and a ticket like CHG-###### are required"
std::string text_required(const policy::Offer& offer, const std::vector<std::string>& missing);
std::string text_options(const std::vector<std::string>& missing);  // " --reason --ticket"
std::vector<std::string> needs_text(const Ask& ask, const policy::Offer& offer, const std::vector<std::string>& missing, bool ahead);

}  // namespace jit::core::texts
