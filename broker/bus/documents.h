// SPDX-License-Identifier: Apache-2.0
// Finds what a caller may see, living or ended, and makes its document. Core's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "broker/bus/args.h"
#include "broker/bus/json.h"

namespace jit::bus {

class Documents {
 public:
  // database gives null while there is none: then only what lives is found.
  Documents(const core::Core& core, std::function<store::Database*()> database, Host host)
      : core_(core), database_(std::move(database)), host_(std::move(host)) {}

  // By id or prefix, among what the caller may see: "not there" and "not yours" answer alike.
  core::Outcome<core::Request> find_request(const core::Caller& caller, const std::string& prefix) const;
  core::Outcome<core::Grant> find_grant(const core::Caller& caller, const std::string& prefix) const;

  std::vector<core::Request> requests(const core::Caller& caller, const RequestQuery& query) const;  // newest first
  std::vector<core::Grant> grants(const core::Caller& caller, const GrantQuery& query) const;

  Json document(const core::Request& request, Form form) const;
  Json document(const core::Grant& grant, Form form) const;

  // Who has voted, as he was then: tells which seat he fills.
  void remember(const core::IdentityPtr& voter);

 private:
  std::vector<core::Vote> votes_on(const core::Request& request) const;
  std::vector<std::vector<std::string>> filled_by(const core::Request& request,
                                                  const std::vector<core::Vote>& votes) const;
  bool may_fill(const std::string& set, const core::Vote& vote, bool machines) const;
  std::string failure() const;  // why ended ones cannot be read; empty: they can
  bool mine(const core::Caller& caller, const core::Subject& subject) const;

  const core::Core& core_;
  std::function<store::Database*()> database_;
  Host host_;
  std::map<std::uint32_t, core::IdentityPtr> voters_;
};

}  // namespace jit::bus
