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

// What lives comes first and is never displaced by what has ended; each the newest first. Nothing is cut silently.
template <class T>
struct List {
  std::vector<const T*> living;  // the core's own: good until its thread does something else
  std::vector<T> ended;
  std::size_t living_left_out = 0;
  bool ended_left_out = false;   // some were, or not all were looked at
};

class Documents {
 public:
  // database gives null while there is none: then only what lives is found.
  Documents(const core::Core& core, std::function<store::Database*()> database, Host host)
      : core_(core), database_(std::move(database)), host_(std::move(host)) {}

  // By id or prefix, among what the caller may see: "not there" and "not yours" answer alike.
  core::Outcome<core::Request> find_request(const core::Caller& caller, const std::string& prefix) const;
  core::Outcome<core::Grant> find_grant(const core::Caller& caller, const std::string& prefix) const;

  // At most kListMax that live; what has ended fills up to the query's limit.
  List<core::Request> requests(const core::Caller& caller, const RequestQuery& query) const;
  List<core::Grant> grants(const core::Caller& caller, const GrantQuery& query) const;

  Json document(const core::Request& request, Form form) const;
  // Whole, and with what only the requester may see.
  Json document(const core::Request& request, const core::Caller& caller) const;
  Json document(const core::Grant& grant, Form form) const;

  void use_host(Host host) { host_ = std::move(host); }

  // Who has voted, as he was then: tells which seat he fills.
  void remember(const core::IdentityPtr& voter);

 private:
  std::vector<core::Vote> votes_on(const core::Request& request) const;
  std::vector<std::vector<std::string>> filled_by(const core::Request& request,
                                                  const std::vector<core::Vote>& votes) const;
  bool may_fill(const std::string& set, const core::Vote& vote, bool machines) const;
  bool may_fill(const core::Request& request, const std::string& set, const core::Vote& vote) const;
  std::string failure() const;  // why ended ones cannot be read; empty: they can

  const core::Core& core_;
  std::function<store::Database*()> database_;
  Host host_;
  std::map<std::uint32_t, core::IdentityPtr> voters_;
};

// {NAME: [...], "left_out": {"living": how many, "ended": whether}}
template <class T>
std::string list_document(const Documents& documents, const char* name, List<T> list);
// Those alone.
std::string array_document(const Documents& documents, const std::vector<core::Grant>& grants);

}  // namespace jit::bus
