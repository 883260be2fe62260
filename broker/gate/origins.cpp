// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/origins.h"

#include <algorithm>

#include "broker/gate/proc_text.h"

namespace jit::gate {

using policy::Origin;

Origin ssh_origin(std::string_view address) {
  Origin from;
  if (const auto peer = policy::Address::parse(address)) {
    from.kind = Origin::Kind::kPeer;
    from.peer = *peer;
  }
  return from;
}

Origin login_origin(std::string_view tty, std::string_view rhost, std::uint32_t tty_nr) {
  Origin from;
  const auto console = virtual_console(tty_nr);
  if (tty.starts_with("/dev/")) tty.remove_prefix(5);
  if (rhost.empty() && console && tty == "tty" + std::to_string(*console)) from.kind = Origin::Kind::kLocal;
  return from;
}

void Origins::asked(const core::Process& process, const core::Process& parent, std::uint32_t audit_session, const Origin& from) {
  std::erase_if(asked_, [&](const Asked& old) { return old.process == process; });
  if (asked_.size() >= kAsked) asked_.pop_front();
  asked_.push_back({process, parent, audit_session, from});
}

void Origins::bound(const core::Process& process, std::uint32_t audit_session) {
  const auto it = std::find_if(asked_.rbegin(), asked_.rend(),
                               [&](const Asked& one) { return one.process == process || one.parent == process; });
  if (it == asked_.rend()) return;
  const Origin from = it->audit_session == audit_session ? Origin{} : it->from;
  asked_.erase(std::next(it).base());
  if (audit_session == policy::kNoUid) return;
  if (sessions_.insert_or_assign(audit_session, from).second) order_.push_back(audit_session);
  if (order_.size() > kSessions) {
    sessions_.erase(order_.front());
    order_.pop_front();
  }
}

Origin Origins::of(std::uint32_t audit_session, std::uint32_t tty_nr) const {
  if (audit_session != policy::kNoUid) {
    if (const auto it = sessions_.find(audit_session); it != sessions_.end()) return it->second;
  }
  Origin from;
  if (virtual_console(tty_nr)) from.kind = Origin::Kind::kLocal;
  return from;
}

}  // namespace jit::gate
