// SPDX-License-Identifier: Apache-2.0
// What each method does, on the core's thread. Every call comes through call(): identity, role, then the work.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "broker/bus/documents.h"
#include "broker/bus/link.h"
#include "broker/bus/watchers.h"
#include "broker/directory/voters.h"

namespace jit::bus {

class Handlers final : public Intake, public std::enable_shared_from_this<Handlers> {
 public:
  static constexpr std::size_t kPerUid = 64;      // calls of one uid that wait for an answer
  static constexpr std::size_t kListsPerUid = 8;  // of them those that make a long answer here, where the doors wait too

  Handlers(core::Core& core, directory::Directory& directory, std::function<store::Database*()> database, Host host,
           Admin admin);
  void tell(std::weak_ptr<Link> link) { link_ = std::move(link); }  // where signals go

  void use_host(Host host) {
    host_ = host;
    documents_.use_host(std::move(host));
  }

  void call(const Call& call) override;
  void left(const std::string& name) override;
  void lost() override;

  void request_changed(const core::Request& request);
  void grant_changed(const core::Grant& grant);  // said as a change of its request

  void list_requests(const core::Caller& caller, const RequestQuery& query, const Reply& reply);
  void get_request(const core::Caller& caller, const std::string& id, const Reply& reply);
  void create(const core::Caller& caller, const CreateArgs& args, const Reply& reply);
  void cancel(const core::Caller& caller, const std::string& id, const Reply& reply);
  void vote(const core::Caller& caller, const Sender& sender, const std::string& id, const core::Ballot& ballot, const Reply& reply);
  void watch(const core::Caller& caller, const Sender& sender, const Reply& reply);
  void envelope(const core::Caller& caller, const std::string& id, const Reply& reply);
  void submit_vote(const core::Caller& caller, const std::string& vote, const Reply& reply);
  void review(const core::Caller& caller, const std::string& id, const std::string& text, const Reply& reply);
  void away(const core::Caller& caller, core::WallMs until, const Reply& reply);

  void list_grants(const core::Caller& caller, const GrantQuery& query, const Reply& reply);
  void get_grant(const core::Caller& caller, const std::string& id, const Reply& reply);
  void revoke(const core::Caller& caller, const core::Core::Which& which, const std::string& reason,
              const Reply& reply);
  void end_grant(const core::Caller& caller, const std::string& id, const Reply& reply);
  void extend(const core::Caller& caller, const std::string& id, const CreateArgs& wish, const Reply& reply);

  void set_fact(const core::Caller& caller, const FactArgs& args, const Reply& reply);
  void clear_fact(const core::Caller& caller, const std::string& name, const Reply& reply);
  void list_facts(const core::Caller& caller, const Reply& reply);
  void fact_changed(const std::string& name);

  void reload(const Reply& reply);
  void accept_people(const core::Caller& caller, const Reply& reply);
  void status(const core::Caller& caller, const Reply& reply);
  void explain(const core::Caller& caller, const ExplainArgs& args, const Reply& reply);
  void query_audit(const core::Caller& caller, const AuditQuery& query, const Reply& reply);
  void erase(const core::Caller& caller, const std::string& person, const Reply& reply);
  void checkpoint(const Reply& reply);
  void export_log(std::uint64_t from, std::uint64_t to, const Reply& reply);
  void proof(const core::Caller& caller, const std::string& id, const Reply& reply);

  void open(const core::Caller& caller, const std::string& after, const Reply& reply);
  void next(const core::Caller& caller, const Sender& sender, std::uint64_t after, const Reply& reply);
  void done(const core::Caller& caller, std::uint64_t sequence, const Reply& reply);
  void reachable(const core::Caller& caller, const Sender& sender, bool reached, const std::string& why, const Reply& reply);
  void acknowledged(const core::Caller& caller, std::uint64_t sequence, const std::string& channel, const Reply& reply);
  void logged(const core::AuditEntry& entry);

 private:
  directory::Seen remembers();
  void cast(const core::Caller& caller, const std::string& id, const core::Ballot& ballot, const Reply& reply);
  void read_audit(store::AuditFilter filter, std::size_t left, const Reply& reply);
  void prove(const core::Id& id, const Reply& reply);
  void export_archived(store::Database& database, std::uint64_t from, std::uint64_t to, const Reply& reply);
  void create_as(const core::Caller& caller, const CreateArgs& args, const Reply& reply);
  void create_for(const core::Caller& caller, const CreateArgs& args, core::IdentityPtr target,
                  core::IdentityPtr root, const Reply& reply);
  void create_with(const core::Caller& caller, core::Ask ask, const Reply& reply);
  struct Explaining;
  void explain_subject(const std::shared_ptr<Explaining>& explaining);
  void explain_target(const std::shared_ptr<Explaining>& explaining);
  void explain_command(const std::shared_ptr<Explaining>& explaining);
  void answer_explain(const std::shared_ptr<Explaining>& explaining);
  core::Done<core::FactState> answer_fact(const Reply& reply);
  core::Done<core::Request> answer_request(const core::Caller& caller, const std::string& id, const Reply& reply);

  core::Core& core_;
  directory::Directory& directory_;
  std::function<store::Database*()> database_;
  Host host_;
  Admin admin_;
  Documents documents_;
  Watchers watchers_;
  std::weak_ptr<Link> link_;
  struct InFlight {
    std::size_t calls = 0;
    std::size_t lists = 0;
  };
  std::map<std::uint32_t, InFlight> in_flight_;
};

}  // namespace jit::bus
