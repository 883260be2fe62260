// SPDX-License-Identifier: Apache-2.0
// Requests and grants as the host signs them.
#pragma once

#include "broker/core/ports.h"
#include "evidence/grant.h"
#include "evidence/hidden.h"
#include "evidence/request.h"

namespace jit::core {

// head: "SIZE:ROOT" of the log as it stands; empty: it is new.
evidence::Request document_of(const Request& request, const Host& host, const std::string& head);
std::string head_text(const Head& head);  // "SIZE:ROOT"; empty: nothing is signed yet
void seal(Request& request, const Host& host, const std::string& head);  // sets payload and digest
std::vector<evidence::Opening> openings_of(const Request& request, const Host& host);  // of what its payload hides
evidence::Grant document_of(const Grant& grant, const Host& host, std::span<const Vote> votes, const std::string& head);
void seal(Grant& grant, const Host& host, std::span<const Vote> votes, const std::string& head);

}  // namespace jit::core
