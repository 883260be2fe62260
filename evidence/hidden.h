// SPDX-License-Identifier: Apache-2.0
// What a host does not let out of itself: a signed request holds a salted digest in its place, and whoever may see it on the host
// gets the salt and the value. So a vote still names all of it, and what is shown can be held against what was signed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/canonical.h"
#include "evidence/request.h"

namespace jit::evidence {

struct Opening {
  std::string field;  // "command", "cwd", "reason"
  std::string salt;   // 64 hex digits, of this field of this request alone
  std::string value;  // canonical JSON
  bool operator==(const Opening&) const = default;
};

// The request without these fields, their digests in `hidden`. secret: of the host alone; one field's salt tells nothing of another's.
void hide(Request& request, const PrivateFields& what, std::string_view secret);
// Of what `sealed` hides, as `plain` has it; a field that is not what was hidden is left out.
std::vector<Opening> openings_of(const Request& plain, const Request& sealed, std::string_view secret);

Json to_json(const std::vector<Opening>& openings);
std::optional<std::vector<Opening>> read_openings(const Json& json);

// Puts in what the openings prove. false: one of them is not what was signed, and nothing is put in.
bool open(Request& request, const std::vector<Opening>& openings);
std::vector<std::string> closed_fields(const Request& request);  // that are still hidden

Json command_json(const Request::Command& command);
bool read_command(const Json& json, Request::Command& out);

}  // namespace jit::evidence
