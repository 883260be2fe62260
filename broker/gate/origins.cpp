// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/origins.h"

#include <algorithm>
#include <sstream>

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

namespace {

constexpr const char* kNoAddress = "-";

std::string address_of(const Origin& from) { return from.kind == Origin::Kind::kPeer ? from.peer.text() : kNoAddress; }

std::string asked_line(const core::Process& process, const core::Process& parent, std::uint32_t audit_session, const Origin& from) {
  std::ostringstream line;
  line << "asked " << process.pid << ' ' << process.start << ' ' << parent.pid << ' ' << parent.start << ' ' << audit_session << ' '
       << address_of(from) << '\n';
  return line.str();
}

std::string bound_line(const core::Process& process, std::uint32_t audit_session) {
  std::ostringstream line;
  line << "bound " << process.pid << ' ' << process.start << ' ' << audit_session << '\n';
  return line.str();
}

std::string session_line(std::uint32_t audit_session, const Origin& from) {
  return "session " + std::to_string(audit_session) + ' ' + address_of(from) + '\n';
}

}  // namespace

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
  note(asked_line(process, parent, audit_session, from));
}

void Origins::bound(const core::Process& process, std::uint32_t audit_session) {
  const auto it = std::find_if(asked_.rbegin(), asked_.rend(),
                               [&](const Asked& one) { return one.process == process || one.parent == process; });
  if (it == asked_.rend()) return;
  const Origin from = it->audit_session == audit_session ? Origin{} : it->from;
  asked_.erase(std::next(it).base());
  if (audit_session != policy::kNoUid) begin_session(audit_session, from);
  note(bound_line(process, audit_session));
}

void Origins::begin_session(std::uint32_t audit_session, const Origin& from) {
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

void Origins::keep_in(OriginFile file) {
  if (const auto lines = file.load(); lines && !replay(*lines)) {
    asked_.clear();
    sessions_.clear();
    order_.clear();
  }
  file_ = std::move(file);
  lines_ = kLines;
  note({});
}

// What happened, in its order, leads to what was known.
bool Origins::replay(const std::string& lines) {
  std::istringstream text(lines);
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string what, address = kNoAddress;
    core::Process process, parent;
    std::uint32_t audit_session = policy::kNoUid;
    words >> what;
    if (what == "asked") {
      words >> process.pid >> process.start >> parent.pid >> parent.start >> audit_session >> address;
    } else if (what == "bound") {
      words >> process.pid >> process.start >> audit_session;
    } else if (what == "session") {
      words >> audit_session >> address;
    } else {
      return false;
    }
    const Origin from = ssh_origin(address);
    if (!words || words.peek() != std::istringstream::traits_type::eof() || (address != kNoAddress && from.kind != Origin::Kind::kPeer)) return false;
    if (what == "asked") asked(process, parent, audit_session, from);
    if (what == "bound") bound(process, audit_session);
    if (what == "session") begin_session(audit_session, from);
  }
  return true;
}

std::string Origins::all() const {
  std::string lines;
  for (const std::uint32_t session : order_) lines += session_line(session, sessions_.at(session));
  for (const Asked& one : asked_) lines += asked_line(one.process, one.parent, one.audit_session, one.from);
  return lines;
}

void Origins::note(const std::string& line) {
  if (!file_) return;
  if (++lines_ <= kLines && file_->add(line)) return;
  lines_ = file_->replace(all()) ? sessions_.size() + asked_.size() : kLines;
}

}  // namespace jit::gate
