// SPDX-License-Identifier: Apache-2.0
// A request that nobody made, from the command line: for jitctl policy why, why-not and replay.
#pragma once

#include <string>
#include <vector>

#include "cli/args.h"
#include "cli/exit.h"
#include "policy/cases.h"

namespace jit::cli {

// Owns what a request only views.
class WhatIf {
 public:
  // --user (default: the caller), --groups (default: those of the host's directory), --door, --as, --from, --at, --reason,
  // --ticket, --urgency, --via, --for, --fact NAME=VALUE,..., and the command after --.
  static Result<WhatIf> from(const Args& args, const policy::Policy& policy);

  policy::Request request() const;  // views into this
  std::string line() const;         // "alice, sudo as root: systemctl restart nginx"

 private:
  policy::Door door_ = policy::Door::kSudo;
  policy::Identity subject_, target_, root_;
  policy::Origin origin_;
  std::string reason_, ticket_, urgency_ = "normal", via_;
  std::optional<std::uint32_t> asked_;
  std::string path_;
  std::vector<std::string> words_;
  bool command_ = false;
  std::int64_t now_ = 0;
  policy::SupposedFacts facts_;
};

// "true", "12", "0.5", or any other text.
policy::Value value_of(std::string_view text);

}  // namespace jit::cli
