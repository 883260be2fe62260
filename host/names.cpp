// SPDX-License-Identifier: Apache-2.0
#include "host/names.h"

#include <grp.h>
#include <pwd.h>
#include <shadow.h>

#include <cerrno>
#include <cstdio>
#include <vector>

namespace jit::host {
namespace {

constexpr std::size_t kBufferMin = 1024;
constexpr std::size_t kBufferMax = 4U << 20;  // a group of some 100,000 members

// Runs one of the *_r calls with a growing buffer. Whether there is an entry; nothing: an error.
template <class Entry, class Call, class Take>
std::optional<bool> look_up(Call call, Take take) {
  std::vector<char> buffer(kBufferMin);
  for (;;) {
    Entry entry{};
    Entry* result = nullptr;
    const int error = call(&entry, buffer.data(), buffer.size(), &result);
    if (error == EINTR) continue;
    if (error == ERANGE && buffer.size() < kBufferMax) {
      buffer.resize(buffer.size() * 4);
      continue;
    }
    if (error != 0) return std::nullopt;
    if (result != nullptr) take(entry);
    return result != nullptr;
  }
}

}  // namespace

std::optional<bool> known(std::string_view kind, std::string_view name) {
  const std::string text(name);
  if (kind == "user") {
    return look_up<passwd>([&](passwd* e, char* b, std::size_t s, passwd** r) { return getpwnam_r(text.c_str(), e, b, s, r); }, [](const passwd&) {});
  }
  return look_up<::group>([&](::group* e, char* b, std::size_t s, ::group** r) { return getgrnam_r(text.c_str(), e, b, s, r); }, [](const ::group&) {});
}

std::optional<bool> has_password(const std::string& user) {
  bool usable = false;
  const auto found = look_up<spwd>([&](spwd* e, char* b, std::size_t s, spwd** r) { return getspnam_r(user.c_str(), e, b, s, r); },
                                   [&](const spwd& entry) {
                                     const std::string_view hash = entry.sp_pwdp;
                                     usable = !hash.starts_with('!') && !hash.starts_with('*') && hash != "x";
                                   });
  return found == true ? std::optional(usable) : std::nullopt;
}

namespace {

template <typename Wanted>
std::vector<std::string> names_in(const std::string& file, Wanted wanted) {
  std::vector<std::string> out;
  std::FILE* const stream = std::fopen(file.c_str(), "re");
  if (stream == nullptr) return out;
  std::vector<char> buffer(65536);
  passwd entry{};
  passwd* got = nullptr;
  while (fgetpwent_r(stream, &entry, buffer.data(), buffer.size(), &got) == 0 && got != nullptr) {
    if (wanted(entry)) out.emplace_back(entry.pw_name);
  }
  std::fclose(stream);
  return out;
}

}  // namespace

std::vector<std::string> names_of_root(const std::string& file) {
  return names_in(file, [](const passwd& entry) { return entry.pw_uid == 0 && std::string_view(entry.pw_name) != "root"; });
}

std::vector<std::string> names_of_group(std::uint32_t gid, const std::string& file) {
  return names_in(file, [gid](const passwd& entry) { return entry.pw_gid == gid; });
}

std::string user_text(std::uint32_t uid) {
  std::string out = "uid " + std::to_string(uid);
  (void)look_up<passwd>([&](passwd* e, char* b, std::size_t s, passwd** r) { return getpwuid_r(uid, e, b, s, r); },
                        [&](const passwd& entry) { out = "user " + std::string(entry.pw_name); });
  return out;
}

std::string group_text(std::uint32_t gid) {
  std::string out = "gid " + std::to_string(gid);
  (void)look_up<::group>([&](::group* e, char* b, std::size_t s, ::group** r) { return getgrgid_r(gid, e, b, s, r); },
                         [&](const ::group& entry) { out = "group " + std::string(entry.gr_name); });
  return out;
}

}  // namespace jit::host
