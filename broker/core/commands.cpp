// SPDX-License-Identifier: Apache-2.0
// What sudo will run, as sudo_jit reports it. PAM comes first and knows the command line only; where sudo_jit is loaded in that
// very sudo, nobody is asked for a claim: the account phase lets sudo go on as far as sudo_jit's question, and no further.
#include "broker/core/impl.h"

namespace jit::core {

void Core::Impl::drop_hand_over(const Process& process) {
  std::erase_if(hand_overs, [&](const HandOver& old) { return old.ask->process == process; });
}

// Nothing is given: a session that opens without sudo_jit's question in between is refused.
void Core::Impl::leave_to_sudo_jit(Conn conn, std::shared_ptr<const Ask> ask) {
  hand_over(std::move(ask), Id{}, true);
  Answer answer;
  answer.verdict = Verdict::kAllow;
  answer.cause = "asked-later";
  gate.answer(conn, answer);
}

// sudo holds the program until this is answered, so nobody is waited for, and nothing is left behind: a grant that lives covers
// it, or the policy allows it without asking anybody.
void Core::Impl::submit_child(Conn conn, const std::shared_ptr<const Ask>& ask) {
  Answer yes;
  yes.verdict = Verdict::kAllow;
  const LiveGrant* covering = covering_grant(*ask);
  if (LiveGrant* live = covering == nullptr ? nullptr : find_grant(covering->grant.id)) {
    if (live->busy) return live->later.push_back([this, conn, ask] { submit_child(conn, ask); });
    if (!may_use()) return deny(conn, *ask, "unavailable", {texts::line("the audit log cannot be written, so no grant can be used now")});
    ++live->grant.uses;
    Batch batch;
    batch.grants.push_back(live->grant);
    batch.entries.push_back(events::child(*ask, &live->grant, {}));
    batch.may_wait = true;  // as every later use of a grant
    Batch later;
    later.entries = batch.entries;
    commit(std::move(batch), [this, later = std::move(later)](bool ok) mutable {
      if (!ok) keep_for_later(std::move(later));
    });
    yes.cause = "granted";
    return gate.answer(conn, yes);
  }
  const Sight sight = look(*ask);
  const policy::Decision decision = policy()->decide(sight.view);
  const std::string kept = record(sight, decision, ask->command.words_at);
  note_guards(*ask, decision, kept);
  if (decision.outcome != policy::Outcome::kAllow || decision.offer->break_glass) {
    return deny(conn, *ask, "child", texts::child_refused(*ask), {}, kept);
  }
  Batch batch;
  batch.entries.push_back(events::child(*ask, nullptr, kept));
  asks[conn] = ask;
  commit(std::move(batch), [this, conn, ask, yes](bool ok) mutable {
    if (asks.erase(conn) == 0) return;
    if (!ok) return deny(conn, *ask, "unavailable", {texts::line("the audit log cannot be written, so nothing can be allowed now")});
    yes.cause = "policy";
    gate.answer(conn, yes);
  });
}

}  // namespace jit::core
