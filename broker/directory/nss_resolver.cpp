// SPDX-License-Identifier: Apache-2.0
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "broker/core/limits.h"
#include "broker/directory/resolver.h"
#include "policy/policy.h"

namespace jit::directory {
namespace {

constexpr std::size_t kBufferMin = 1024;
constexpr std::size_t kBufferMax = 4U << 20;  // a group of some 100,000 members
constexpr std::size_t kGroupsMax = 65536;     // NGROUPS_MAX

// Runs one of the *_r calls with a growing buffer. Its error number, and whether there was an entry.
template <class Entry, class Call>
int look_up(Call call, Entry& entry, std::vector<char>& buffer, bool& found) {
  for (buffer.resize(kBufferMin);; buffer.resize(buffer.size() * 4)) {
    Entry* result = nullptr;
    const int error = call(&entry, buffer.data(), buffer.size(), &result);
    if (error == EINTR) continue;
    if (error == ERANGE && buffer.size() < kBufferMax) continue;
    found = error == 0 && result != nullptr;
    return error;
  }
}

class Nss final : public Resolver {
 public:
  User by_name(const std::string& name) override {
    User user = read([&](passwd* entry, char* buffer, std::size_t size, passwd** result) {
      return getpwnam_r(name.c_str(), entry, buffer, size, result);
    });
    if (user.status == Status::kFound && user.name != name) return {};
    return user;
  }

  User by_uid(std::uint32_t uid) override {
    User user = read([&](passwd* entry, char* buffer, std::size_t size, passwd** result) {
      return getpwuid_r(uid, entry, buffer, size, result);
    });
    if (user.status == Status::kFound && user.uid != uid) return {};
    return user;
  }

  Group group(std::uint32_t gid) override {
    ::group entry{};
    std::vector<char> buffer;
    bool found = false;
    const int error = look_up(
        [&](::group* e, char* b, std::size_t s, ::group** r) { return getgrgid_r(gid, e, b, s, r); }, entry, buffer, found);
    if (error != 0) return {};
    if (!found) return {Status::kAbsent, std::to_string(gid)};
    if (entry.gr_gid != gid) return {};
    return {Status::kFound, entry.gr_name};
  }

 private:
  template <class Call>
  User read(Call call) {
    passwd entry{};
    std::vector<char> buffer;
    bool found = false;
    if (look_up(call, entry, buffer, found) != 0) return {};
    User user;
    if (!found) {
      user.status = Status::kAbsent;
      return user;
    }
    // A directory that names a user in a way that we would refuse as a question does not give an answer either.
    if (entry.pw_uid == policy::kNoUid || !possible_name(entry.pw_name)) return user;
    user.status = Status::kFound;
    user.uid = entry.pw_uid;
    user.name = entry.pw_name;
    if (auto groups = groups_of(user.name, entry.pw_gid)) {
      user.groups_known = true;
      user.groups = std::move(*groups);
    }
    return user;
  }

  std::optional<std::vector<std::string>> groups_of(const std::string& name, gid_t primary) {
    std::vector<gid_t> gids(64);
    for (;;) {
      int count = static_cast<int>(gids.size());
      if (getgrouplist(name.c_str(), primary, gids.data(), &count) >= 0) {
        gids.resize(static_cast<std::size_t>(count));
        break;
      }
      const std::size_t want = std::max(static_cast<std::size_t>(std::max(count, 0)), gids.size() * 2);
      if (want > kGroupsMax) return std::nullopt;
      gids.resize(want);
    }
    std::vector<std::string> names;
    names.reserve(gids.size());
    for (const gid_t gid : gids) {
      Group one = group(gid);
      if (one.status == Status::kUnknown) return std::nullopt;
      names.push_back(std::move(one.name));
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }
};

}  // namespace

bool possible_name(const std::string& name) {
  return !name.empty() && name.size() <= core::kNameMax && name.front() != '-' &&
         name.find_first_of(std::string_view("\0/:\n", 4)) == std::string::npos;
}

std::shared_ptr<Resolver> nss_resolver() { return std::make_shared<Nss>(); }

}  // namespace jit::directory
