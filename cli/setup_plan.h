// SPDX-License-Identifier: Apache-2.0
// What jitctl setup is going to do to which files, and how it is done so that the host is either gated or as it was.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/format.h"
#include "cli/setup_files.h"
#include "policy/policy.h"
#include "setup/edit.h"

namespace jit::cli {

struct Change {
  const setup::Service* service = nullptr;
  PamFile file;
  std::string text;      // what the file becomes
  std::string original;  // without any line of ours
  std::string diff;
};

// Only the files that change. Notes for people go to `out`.
Result<std::vector<Change>> plan_setup(const std::vector<policy::Door>& doors, setup::Mode mode, Output& out);

// Keeps, arms the take-back, writes, and tries each door; where one fails all is as it was.
Result<Nothing> make_changes(SetupFiles& files, const std::vector<Change>& changes, setup::Mode mode, bool take_back);

// The lines of a PAM file, with what a terminal would act on escaped.
std::string evidence_text(std::string_view lines);

// A starter policy into /etc/jit/policy.d, where there is none, and in force; what to tell.
Result<std::string> place_policy(const std::string& name);

}  // namespace jit::cli
