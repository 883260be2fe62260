// SPDX-License-Identifier: Apache-2.0
// Where somebody comes from, as far as the broker knows it itself.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/core/model.h"
#include "broker/gate/origin_file.h"

namespace jit::gate {

// The numeric address of sshd's own socket, as the module read it. PAM_RHOST is never asked: with UseDNS it is a name,
// and whoever owns the reverse zone chooses that (CVE-2024-10963).
policy::Origin ssh_origin(std::string_view address);

// A login at a console: the name of the terminal and the kernel's number of it must be the same virtual console.
policy::Origin login_origin(std::string_view tty, std::string_view rhost, std::uint32_t tty_nr);

// The addresses from which audit sessions began, learned from our own ssh gate: Submit knows the address, Bind the
// session. Bounded; what was dropped is unknown, and unknown never opens.
class Origins {
 public:
  static constexpr std::size_t kAsked = 4096;
  static constexpr std::size_t kSessions = 16384;
  static constexpr std::size_t kLines = 3 * kSessions;  // of the file, until it is written anew

  // From now on in this file, too, before anybody is told; what an earlier broker of this boot left there is known again.
  void keep_in(OriginFile file);

  // audit_session: the one that it had before its login.
  void asked(const core::Process& process, const core::Process& parent, std::uint32_t audit_session, const policy::Origin& from);
  // The process that asked, or its parent (sshd asks in a child), has its session now. If that is still the one of before, it is of
  // whoever started sshd by hand, and of all who come through it: then nobody's address is that of the session.
  void bound(const core::Process& process, std::uint32_t audit_session);
  // For sudo and su.
  policy::Origin of(std::uint32_t audit_session, std::uint32_t tty_nr) const;

 private:
  void begin_session(std::uint32_t audit_session, const policy::Origin& from);
  bool replay(const std::string& lines);
  std::string all() const;
  void note(const std::string& line);  // after the change

  struct Asked {
    core::Process process, parent;
    std::uint32_t audit_session;
    policy::Origin from;
  };
  std::deque<Asked> asked_;
  std::unordered_map<std::uint32_t, policy::Origin> sessions_;
  std::deque<std::uint32_t> order_;  // of sessions_, oldest first
  std::optional<OriginFile> file_;   // nothing: in memory only
  std::size_t lines_ = 0;
};

}  // namespace jit::gate
