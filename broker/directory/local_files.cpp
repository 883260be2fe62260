// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/local_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <vector>

namespace jit::directory {
namespace {

constexpr std::size_t kFileMax = 64U << 20;

std::optional<std::string> whole(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  std::string out;
  std::array<char, 65536> piece;
  ssize_t got = 0;
  do {
    got = ::read(fd, piece.data(), piece.size());
    if (got > 0) out.append(piece.data(), static_cast<std::size_t>(got));
  } while ((got > 0 && out.size() <= kFileMax) || (got < 0 && errno == EINTR));
  close(fd);
  if (got != 0) return std::nullopt;
  return out;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t out = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc() || stop != end) return std::nullopt;
  return out;
}

// Calls each(fields) for every line that can be an entry; lines of NIS begin with + or -.
template <class Each>
void each_line(std::string_view text, std::size_t least, Each each) {
  for (const std::string_view line : split(text, '\n')) {
    const std::vector<std::string_view> fields = split(line, ':');
    if (fields.size() < least || fields[0].empty() || std::string_view("+-#").find(fields[0].front()) != std::string_view::npos) continue;
    each(fields);
  }
}

}  // namespace

std::optional<LocalFiles> LocalFiles::read(const std::string& passwd, const std::string& group) {
  const auto users = whole(passwd);
  const auto groups = whole(group);
  if (!users || !groups) return std::nullopt;
  LocalFiles out;
  each_line(*users, 4, [&](const std::vector<std::string_view>& fields) {
    const auto uid = number(fields[2]);
    const auto gid = number(fields[3]);
    if (!uid || !gid) return;
    out.users_.try_emplace(std::string(fields[0]), User{*uid, *gid});
    out.uids_.insert(*uid);
  });
  each_line(*groups, 3, [&](const std::vector<std::string_view>& fields) {
    const auto gid = number(fields[2]);
    if (!gid) return;
    out.gids_.try_emplace(std::string(fields[0]), *gid);
    Group& one = out.groups_.try_emplace(*gid, Group{std::string(fields[0]), {}}).first->second;
    if (fields.size() < 4) return;
    for (const std::string_view member : split(fields[3], ',')) one.members.emplace(member);
  });
  return out;
}

const LocalFiles::User* LocalFiles::user(const std::string& name) const {
  const auto found = users_.find(name);
  return found == users_.end() ? nullptr : &found->second;
}

std::string LocalFiles::group(std::uint32_t gid) const {
  const auto found = groups_.find(gid);
  if (found == groups_.end() || gids_.at(found->second.name) != gid) return {};
  return found->second.name;
}

bool LocalFiles::is_member(const std::string& name, std::uint32_t gid) const {
  if (const User* line = user(name); line != nullptr && line->gid == gid) return true;
  const auto found = groups_.find(gid);
  return found != groups_.end() && found->second.members.contains(name);
}

}  // namespace jit::directory
