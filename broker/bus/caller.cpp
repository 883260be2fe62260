// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/caller.h"

#include <systemd/sd-login.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>

namespace jit::bus {

namespace {

constexpr std::size_t kGidsMax = 1024;

std::string person_of(const policy::Policy* policy, const std::string& user, std::uint32_t uid) {
  return policy == nullptr ? "uid:" + std::to_string(uid) : policy->person_name(user, uid);
}

// Opens only with what both say, closes with what either says.
void merge_groups(policy::Identity& identity, std::vector<std::string> nss, std::vector<std::string> kernel) {
  std::vector<std::string> claimed = std::move(identity.groups_any);
  std::sort(claimed.begin(), claimed.end());
  std::sort(nss.begin(), nss.end());
  std::sort(kernel.begin(), kernel.end());
  identity.groups_all.clear();
  identity.groups_any.clear();
  std::set_intersection(nss.begin(), nss.end(), kernel.begin(), kernel.end(), std::back_inserter(identity.groups_all));
  std::set_union(claimed.begin(), claimed.end(), kernel.begin(), kernel.end(), std::back_inserter(identity.groups_any));
}

struct Making {
  core::Caller caller;
  policy::Identity identity;
  std::vector<std::string> nss;
  std::vector<std::string> kernel;
  std::size_t missing = 0;
  bool answered = true;
  std::function<void(core::Caller)> made;

  void finish(const core::Core& core) {
    if (!kernel.empty()) merge_groups(identity, nss, kernel);
    if (!answered) identity.groups_known = false;
    caller.identity = std::make_shared<const policy::Identity>(std::move(identity));
    apply_policy(caller, core.policy());
    made(std::move(caller));
  }
};

}  // namespace

namespace {
void find_caller(directory::Directory& directory, const core::Core& core, const Sender& sender, const std::shared_ptr<Making>& making);
}

std::optional<std::uint32_t> loginuid_of(std::uint32_t pid, std::uint32_t uid, const std::string& proc) {
  if (pid == 0) return std::nullopt;
  const std::string folder = proc + "/" + std::to_string(pid);
  std::ifstream status(folder + "/status");
  bool same = false;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("Uid:")) continue;
    std::istringstream ids(line.substr(4));
    for (std::uint32_t id = 0; ids >> id;) same = same || id == uid;
  }
  if (!same) return std::nullopt;
  std::ifstream file(folder + "/loginuid");
  std::string text;
  if (!std::getline(file, text)) return policy::kNoUid;
  std::uint32_t value = policy::kNoUid;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return policy::kNoUid;
  return value;
}

bool in_session_of(std::uint32_t pid, std::uint32_t uid) {
  // As logind_running() of systemd itself (sd_seat_get_active(3)).
  if (access("/run/systemd/seats/", F_OK) != 0) return true;
  const auto process = static_cast<pid_t>(pid);
  char* session = nullptr;
  if (sd_pid_get_session(process, &session) >= 0) {
    uid_t owner = policy::kNoUid;
    const bool his = sd_session_get_uid(session, &owner) >= 0 && owner == uid;
    std::free(session);
    return his;
  }
  uid_t owner = policy::kNoUid;
  return sd_pid_get_owner_uid(process, &owner) >= 0 && owner == uid && sd_uid_get_sessions(uid, 0, nullptr) > 0;
}

void apply_policy(core::Caller& caller, const policy::Policy* policy) {
  policy::Identity identity = *caller.identity;
  identity.person = person_of(policy, identity.user, identity.uid);
  const auto has = [&](const char* role) {
    return policy != nullptr && !identity.user.empty() && policy->has_role(identity.user, role);
  };
  caller.admin = identity.uid == 0 || has("admin");
  caller.auditor = has("auditor");
  caller.identity = std::make_shared<const policy::Identity>(std::move(identity));
}

void make_caller(directory::Directory& directory, const core::Core& core, const Sender& sender,
                 std::function<void(core::Caller)> made) {
  auto making = std::make_shared<Making>();
  making->caller.loginuid = sender.loginuid;
  making->caller.in_session = sender.in_session;
  making->identity.uid = sender.uid;
  making->made = std::move(made);
  if (sender.loginuid != policy::kNoUid && sender.loginuid != sender.uid) {
    directory.by_uid(sender.loginuid, [making, sender, &directory, &core](const directory::User& user) {
      if (user.status == directory::Status::kFound) making->caller.login_user = user.name;
      find_caller(directory, core, sender, making);
    });
    return;
  }
  find_caller(directory, core, sender, making);
}

namespace {

void find_caller(directory::Directory& directory, const core::Core& core, const Sender& sender, const std::shared_ptr<Making>& making) {
  directory.by_uid(sender.uid, [making, sender, &directory, &core](const directory::User& user) {
    if (user.status != directory::Status::kFound || user.uid != sender.uid) return making->finish(core);
    making->identity = directory::identity_of(user, core.policy());
    if (!sender.gids || !user.groups_known) return making->finish(core);
    if (sender.gids->size() > kGidsMax) {
      making->identity.groups_known = false;
      return making->finish(core);
    }
    making->nss = user.groups;
    making->missing = sender.gids->size();
    if (making->missing == 0) {
      making->identity.groups_all.clear();
      return making->finish(core);
    }
    for (const std::uint32_t gid : *sender.gids) {
      directory.group_name(gid, [making, &core](const std::string& name) {
        if (name.empty()) making->answered = false;
        making->kernel.push_back(name);
        if (--making->missing == 0) making->finish(core);
      });
    }
  });
}

}  // namespace

}  // namespace jit::bus
