// SPDX-License-Identifier: Apache-2.0
// Entries of the audit log as events of OCSF (Open Cybersecurity Schema Framework, schema.ocsf.io), category 3, Identity & Access
// Management: Authentication (3002), Authorize Session (3003), Entity Management (3004), User Access Management (3005).
#pragma once

#include "cli/documents.h"

namespace jit::cli {

inline constexpr const char* kOcsfVersion = "1.3.0";

// host: {"id","name"}, as the broker's status has it. What has no place in the schema stands in "unmapped".
Json ocsf_event(const Json& entry, const Json& host);

}  // namespace jit::cli
