// SPDX-License-Identifier: Apache-2.0
#include "relay/renewal.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "courier/process.h"
#include "relay/credentials/settings_file.h"
#include "relay/credentials/subjects.h"

namespace jit::relay {
namespace {

// All or nothing; without it the next start begins with the admin's file.
void keep(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  if (!written || std::rename(fresh.c_str(), path.c_str()) != 0) courier::log(SD_WARNING, path + " cannot be written: " + std::strerror(errno));
  if (fd >= 0) close(fd);
}

}  // namespace

Renewal::Renewal(std::string credentials, std::string kept) : credentials_(std::move(credentials)), kept_(std::move(kept)) {}

std::optional<Login> Renewal::login(std::string& why) {
  const auto text = read_small_file(credentials_, why);
  if (!text) return std::nullopt;
  auto out = read_login(*text);
  if (!out) {
    why = credentials_ + " holds no credentials: jitctl relay issue-host makes some";
    return std::nullopt;
  }
  std::string nothing;
  if (newer_.empty()) newer_ = read_small_file(kept_, nothing).value_or("");
  if (renews(out->jwt, newer_)) out->jwt = newer_;
  jwt_ = out->jwt;
  claims_ = read_claims(jwt_).value_or(UserClaims{});
  return out;
}

std::string Renewal::subject() const { return last_of(kRenewStream, renewal_subject(claims_.user)); }

std::optional<std::int64_t> Renewal::wait(std::int64_t unix_ms) const { return look_in(claims_, unix_ms); }

std::string Renewal::remark(std::string_view why, std::int64_t unix_ms) const { return remark_on(claims_, why, unix_ms / 1000, credentials_); }

std::optional<std::int64_t> Renewal::take(const std::string& offered) {
  if (!renews(jwt_, offered)) return std::nullopt;
  newer_ = offered;
  keep(kept_, offered);
  return read_claims(offered)->expires;
}

}  // namespace jit::relay
