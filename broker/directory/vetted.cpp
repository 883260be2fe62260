// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/vetted.h"

#include <algorithm>
#include <utility>

#include "broker/directory/local_files.h"
#include "policy/policy.h"

namespace jit::directory {
namespace {

void sort_once(std::vector<std::string>& names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
}

bool all_digits(const std::string& name) { return name.find_first_not_of("0123456789") == std::string::npos; }

class Vetted final : public Resolver {
 public:
  Vetted(std::shared_ptr<Source> source, std::string passwd, std::string group)
      : source_(std::move(source)), passwd_(std::move(passwd)), group_(std::move(group)) {}

  User by_name(const std::string& name) override {
    const Source::Entry said = source_->user(name);
    if (said.status == Status::kFound && said.name != name) return {};
    return user_of(said, [&] { return source_->user(said.id); });
  }

  User by_uid(std::uint32_t uid) override {
    const Source::Entry said = source_->user(uid);
    if (said.status == Status::kFound && said.id != uid) return {};
    return user_of(said, [&] { return source_->user(said.name); });
  }

  Group group(std::uint32_t gid) override {
    const auto local = LocalFiles::read(passwd_, group_);
    return local ? name_of(gid, *local) : Group{};
  }

 private:
  template <class Back>
  User user_of(const Source::Entry& said, Back back) {
    User user;
    if (said.status != Status::kFound) {
      user.status = said.status;
      return user;
    }
    // A directory that names a user in a way that we would refuse as a question does not give an answer either.
    if (said.id == policy::kNoUid || !possible_name(said.name)) return user;
    const auto local = LocalFiles::read(passwd_, group_);
    if (!local) return user;
    const LocalFiles::User* line = local->user(said.name);
    if (line != nullptr || local->holds_uid(said.id)) {
      if (line == nullptr || line->uid != said.id) return user;
      user.local = true;
    } else {
      if (said.id == 0) return user;
      const Source::Entry again = back();
      if (again.status != Status::kFound || again.id != said.id || again.name != said.name) return user;
    }
    user.status = Status::kFound;
    user.uid = said.id;
    user.name = said.name;
    find_groups(user, line != nullptr ? line->gid : said.primary, *local);
    return user;
  }

  void find_groups(User& user, std::uint32_t primary, const LocalFiles& local) {
    const auto gids = source_->gids_of(user.name, primary);
    if (!gids) return;
    std::vector<std::string> groups, claimed;
    for (const std::uint32_t gid : *gids) {
      Group one = name_of(gid, local);
      if (one.status == Status::kUnknown) return;
      const bool counts = !local.holds_gid(gid) || local.is_member(user.name, gid);
      (counts ? groups : claimed).push_back(std::move(one.name));
    }
    sort_once(groups);
    sort_once(claimed);
    user.groups_known = true;
    user.groups = std::move(groups);
    user.groups_claimed = std::move(claimed);
  }

  // A gid without a name that counts is known by its number.
  Group name_of(std::uint32_t gid, const LocalFiles& local) {
    Group nameless{Status::kAbsent, std::to_string(gid)};
    if (local.holds_gid(gid)) {
      std::string name = local.group(gid);
      return name.empty() ? nameless : Group{Status::kFound, std::move(name)};
    }
    const Source::Entry said = source_->group(gid);
    if (said.status == Status::kUnknown) return {};
    if (said.status == Status::kAbsent) return nameless;
    if (said.id != gid) return {};
    if (said.name.empty() || all_digits(said.name) || local.holds_group(said.name)) return nameless;
    const Source::Entry again = source_->group(said.name);
    if (again.status == Status::kUnknown) return {};
    return again.status == Status::kFound && again.id == gid && again.name == said.name ? Group{Status::kFound, said.name} : nameless;
  }

  const std::shared_ptr<Source> source_;
  const std::string passwd_, group_;
};

}  // namespace

std::shared_ptr<Resolver> vetted(std::shared_ptr<Source> source, std::string passwd, std::string group) {
  return std::make_shared<Vetted>(std::move(source), std::move(passwd), std::move(group));
}

}  // namespace jit::directory
