// SPDX-License-Identifier: Apache-2.0
// The verbs. Each prints its result and returns the exit code.
#pragma once

#include <functional>
#include <optional>

#include "broker/config/config.h"
#include "cli/args.h"
#include "cli/client.h"
#include "cli/documents.h"
#include "cli/format.h"
#include "cli/signing.h"
#include "setup/edit.h"

namespace jit::cli {

struct Verbs {
  Output& out;
  const Args& args;

  // verbs_requests.cpp
  Exit request();
  Exit cancel();
  Exit requests();
  Exit show();
  Exit extend();
  Exit asked(Client& client, Json request);  // prints what was made, waits where --wait is given
  // verbs_vote.cpp
  Exit vote(bool approve);
  Result<Json> yes(Client& client, const Json& request, const Dict& options);
  Exit review();
  // verbs_by_hand.cpp
  Exit show_code(Client& client, const std::string& id);
  Exit vote_by_hand();
  Exit sign_by_hand();
  Exit hand_in();
  Exit away();
  // verbs_watch.cpp, verbs_inbox.cpp
  Exit watch();
  Exit lines();
  Exit inbox();
  // verbs_grants.cpp
  Exit grants();
  Exit end();
  Exit revoke();
  // verbs_admin.cpp, verbs_observed.cpp
  Exit status();
  Exit reload();
  Exit loaded_again(const Json& status);  // how a reload ended
  Exit observed();
  // verbs_audit.cpp
  Exit log();
  Exit show_audit();
  Exit checkpoint();
  Exit prove_entry();
  Exit export_log();
  Exit verify();
  Exit erase();
  Result<std::string> proof_of(std::string& id) const;  // args: the beginning of an id, and files
  Result<Dict> audit_filter() const;  // --request, --person, --type, --since
  static Result<Nothing> each_entry(Client& client, Dict filter, const std::function<void(const Json&)>& take);
  // verbs_facts.cpp
  Exit set_fact();
  Exit clear_fact();
  Exit facts();
  Exit run_fact();
  // verbs_people.cpp
  Exit list_people();
  Exit check_people();
  Exit accept_people();
  // verbs_people_keys.cpp
  Exit add_key();
  Exit import_people();
  // verbs_relay.cpp
  Exit relay_init();
  Exit relay_streams();
  Exit relay_issue(bool host);
  Exit relay_renew();
  Exit relay_revoke();
  Exit relay_status();
  Exit courier_status(std::string_view name, const std::string& none);
  Exit notify_test();
  // verbs_remote.cpp: over the relay
  bool over_relay() const;  // asked for, or there is no broker here and approver.toml names a relay
  Exit remote_requests();
  Exit remote_show();
  Exit remote_vote(bool approve);
  Exit sent_vote(const Json& request, const std::string& before, const Decision& decision);  // says what came of it
  Exit remote_watch();
  Result<Decision> decision_given(bool approve) const;  // of approve or deny, to be signed
  // verbs_ssh.cpp: -H HOST
  Exit pass_on(const std::string& host, std::span<const std::string> arguments);
  Exit show_over_ssh(const std::string& host);
  Exit vote_over_ssh(const std::string& host, bool approve);
  // verbs_doctor.cpp
  Exit doctor();
  // verbs_setup.cpp
  Exit setup();
  Exit set_up(const std::vector<policy::Door>& doors, setup::Mode mode);
  Exit undo_setup(const std::vector<policy::Door>& doors);
  Exit confirm_setup();
  Result<std::vector<policy::Door>> setup_doors() const;
  // verbs_policy.cpp
  Result<config::Loaded> loaded(const std::vector<std::string>& paths, bool told = false);
  Exit check();
  Exit show_policy();
  void show_witness(std::string_view witness);
  // verbs_policy_ask.cpp
  Exit why(bool why_not);
  Exit answer(Json answer, Facts facts, bool why_not);
  // verbs_policy_whole.cpp
  Exit test();
  Exit prove();
  Exit who_can();
  Exit diff();
  Exit minimise();
  // verbs_replay.cpp
  Exit replay();
  // verbs_policy_files.cpp
  Exit fmt();
  Exit import_sudoers();

  // Shared. A document as --json prints it, or `facts`.
  Exit print(const Json& document, const Facts& facts);
  Exit list(const Json& documents, std::vector<std::string> (*row)(const Json&, bool), const char* none);
  // Of what the broker lists: it may have left something out.
  Exit cut_list(const Json& document, const char* name, std::vector<std::string> (*row)(const Json&, bool));
  bool json() const { return args.has(Option::kJson); }
};

Exit run(std::span<const std::string> arguments, Output& out);  // without the program's name

// Options of several verbs, checked here so that a typo needs no broker.
Result<Dict> ask_of(const Args& args);                              // of Requests.Create
Result<Dict> filter_of(const Args& args);                           // --all, --state, --since
Result<std::optional<std::uint32_t>> duration_of(const Args& args, Option option = Option::kFor);  // or --block
Result<std::string> reason_of(const Args& args, bool required);      // --reason, -m
Result<std::string> id_of(const std::string& word);
std::string decision_line(const Json& request, std::uint64_t lifetime_s);  // "approved: alice may ..."
std::string ended_line(const char* word, const Json& document, const std::string& grant);  // "ended: alice may no longer ..."

// A descriptor that is readable once ^C or SIGTERM came, which are blocked from then on; -1: errno says why. ^C is how one leaves a
// watch: a quiet end, not a death. The caller closes it.
int stop_signals();

}  // namespace jit::cli
