// SPDX-License-Identifier: Apache-2.0
#include "enforcer/accounts.h"

#include <pwd.h>
#include <shadow.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>

#include "enforcer/proc.h"

namespace jit::enforcer {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
constexpr long kDay = 24L * 3600;

std::set<std::string> names_of(const std::set<uid_t>& uids) {
  std::set<std::string> out;
  const File file(std::fopen("/etc/passwd", "re"), std::fclose);
  while (file) {
    const passwd* entry = ::fgetpwent(file.get());
    if (entry == nullptr) break;
    if (uids.contains(entry->pw_uid)) out.insert(entry->pw_name);
  }
  return out;
}

}  // namespace

bool account_expired(pid_t pid) {
  const auto process = process_of(pid);
  if (!process) return false;
  std::set<uid_t> uids{process->loginuid, process->real_uid};
  uids.erase(0);
  uids.erase(kNoNumber);
  if (uids.empty()) return false;
  const std::set<std::string> names = names_of(uids);
  const File file(std::fopen("/etc/shadow", "re"), std::fclose);
  const long today = static_cast<long>(::time(nullptr)) / kDay;
  while (file) {
    const spwd* entry = ::fgetspent(file.get());
    if (entry == nullptr) break;
    if (names.contains(entry->sp_namp) && entry->sp_expire > 0 && entry->sp_expire <= today) return true;
  }
  return false;
}

}  // namespace jit::enforcer
