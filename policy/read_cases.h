// SPDX-License-Identifier: Apache-2.0
// Reading tests.d, and the hosts that its requests suppose.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/cases.h"

namespace jit::policy {

// The [[test]]s of one file; a wrong one is a finding, and left out. [[invariant]] is left alone.
void read_cases(const Node& root, std::int64_t now, const Policy::Input& input, Report& report, std::vector<Case>& out);

// The policy on a host with these tags and these further people; null where it does not load there.
std::shared_ptr<const Policy> load_for(const Policy::Input& input, const std::vector<std::string>& tags, const std::vector<std::string>& people);

// Who the users of a request are to that policy.
void name_persons(SupposedRequest& request, const Policy& policy);

}  // namespace jit::policy
