// SPDX-License-Identifier: Apache-2.0
// Who votes, looked up anew: who was taken out of a group, or is known no more, stops counting before a vote can complete
// what he began. On the core's thread; nothing is called any more once `alive` has gone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/core/core.h"
#include "broker/directory/directory.h"

namespace jit::directory {

// By the policy; with the groups of NSS.
policy::Identity identity_of(const User& user, const policy::Policy* policy);

using Seen = std::function<void(const core::IdentityPtr&)>;

// Who has voted on this request so far. done(false): the directory does not answer, and nothing has changed.
void refresh_voters(const std::weak_ptr<void>& alive, Directory& directory, core::Core& core, const core::Id& request, const Seen& seen,
                    std::function<void(bool known)> done);

// A vote that its person signed, carried by anybody: his accounts are looked up, then it is cast.
void carry_vote(const std::weak_ptr<void>& alive, Directory& directory, core::Core& core, const std::string& vote, const Seen& seen,
                core::Done<core::Request> done);

}  // namespace jit::directory
