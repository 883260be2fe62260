// SPDX-License-Identifier: Apache-2.0
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "broker/core/limits.h"
#include "broker/directory/vetted.h"
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

Source::Entry no_entry() {
  Source::Entry none;
  none.status = Status::kAbsent;
  return none;
}

class Nss final : public Source {
 public:
  Entry user(const std::string& name) override {
    return user_by([&](passwd* e, char* b, std::size_t s, passwd** r) { return getpwnam_r(name.c_str(), e, b, s, r); });
  }
  Entry user(std::uint32_t uid) override {
    return user_by([&](passwd* e, char* b, std::size_t s, passwd** r) { return getpwuid_r(uid, e, b, s, r); });
  }
  Entry group(const std::string& name) override {
    return group_by([&](::group* e, char* b, std::size_t s, ::group** r) { return getgrnam_r(name.c_str(), e, b, s, r); });
  }
  Entry group(std::uint32_t gid) override {
    return group_by([&](::group* e, char* b, std::size_t s, ::group** r) { return getgrgid_r(gid, e, b, s, r); });
  }

  std::optional<std::vector<std::uint32_t>> gids_of(const std::string& user, std::uint32_t primary) override {
    std::vector<gid_t> gids(64);
    for (;;) {
      int count = static_cast<int>(gids.size());
      if (getgrouplist(user.c_str(), primary, gids.data(), &count) >= 0) {
        gids.resize(static_cast<std::size_t>(count));
        return gids;
      }
      const std::size_t want = std::max(static_cast<std::size_t>(std::max(count, 0)), gids.size() * 2);
      if (want > kGroupsMax) return std::nullopt;
      gids.resize(want);
    }
  }

 private:
  template <class Call>
  static Entry user_by(Call call) {
    passwd entry{};
    std::vector<char> buffer;
    bool found = false;
    if (look_up(call, entry, buffer, found) != 0) return {};
    if (!found) return no_entry();
    return {Status::kFound, entry.pw_name, entry.pw_uid, entry.pw_gid};
  }

  template <class Call>
  static Entry group_by(Call call) {
    ::group entry{};
    std::vector<char> buffer;
    bool found = false;
    if (look_up(call, entry, buffer, found) != 0) return {};
    if (!found) return no_entry();
    return {Status::kFound, entry.gr_name, entry.gr_gid, policy::kNoUid};
  }
};

}  // namespace

bool possible_name(const std::string& name) {
  return !name.empty() && name.size() <= core::kNameMax && name.front() != '-' &&
         name.find_first_of(std::string_view("\0/:\n", 4)) == std::string::npos;
}

std::shared_ptr<Resolver> nss_resolver() { return vetted(std::make_shared<Nss>(), "/etc/passwd", "/etc/group"); }

}  // namespace jit::directory
