// SPDX-License-Identifier: Apache-2.0
// What this machine tells the checks of a policy: NSS, owners of programs, PAM files, and the broker's log where it answers.
#pragma once

#include "host/pam_files.h"
#include "policy/analysis/analyse.h"

namespace jit::cli {

// What cannot be read is not known, and its check says nothing. NSS and the broker may take seconds.
policy::analysis::Host host_facts(const policy::Policy& policy, const host::PamFolders& pam = {});

}  // namespace jit::cli
