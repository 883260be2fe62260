// SPDX-License-Identifier: Apache-2.0
#include "broker/store/head_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "broker/store/place.h"
#include "evidence/canonical.h"

namespace jit::store {
namespace {

constexpr std::size_t kMost = 16 * 1024;  // bytes
constexpr std::int64_t kEpochMax = std::int64_t{1} << 53U;

}  // namespace

bool HeadFile::write(const Kept& kept) const {
  const std::string envelope = evidence::to_json(kept.checkpoint);
  if (envelope.empty()) {
    errno = EINVAL;
    return false;
  }
  // Its members are sorted, as they are in every document that is signed.
  const std::string text = "{\"boot\":\"" + kept.boot + "\",\"envelope\":" + envelope + ",\"epoch\":" + std::to_string(kept.epoch) + "}\n";
  const std::string fresh = path_ + ".new";
  ::unlink(fresh.c_str());
  bool good = false;
  {
    const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    good = fd && ::fchmod(fd.get(), 0644) == 0 && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd.get()) == 0;
  }
  if (good && ::rename(fresh.c_str(), path_.c_str()) == 0) return true;
  const int why = errno;
  ::unlink(fresh.c_str());
  errno = why;
  return false;
}

std::optional<HeadFile::Kept> HeadFile::refuse(const std::string& why) {
  problem_ = path_ + ": " + why;
  return std::nullopt;
}

std::optional<HeadFile::Kept> HeadFile::read() {
  problem_.clear();
  const Fd fd(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return errno == ENOENT ? std::nullopt : refuse(std::strerror(errno));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return refuse(std::strerror(errno));
  if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != ::geteuid() || (st.st_mode & 022) != 0) return refuse("others may have a hand in it");
  std::string text(kMost + 1, '\0');
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got < 0) return refuse(std::strerror(errno));
  text.resize(static_cast<std::size_t>(got));
  if (!text.ends_with('\n')) return refuse("it is damaged");
  text.pop_back();
  const auto whole = evidence::parse_canonical(text, kMost);
  if (!whole) return refuse("it is damaged");
  evidence::Members members(*whole);
  Kept kept;
  kept.boot = members.text("boot", 64);
  auto envelope = evidence::parse_envelope(members.object("envelope").dump());
  kept.epoch = members.number("epoch", 1, kEpochMax);
  if (!members.done() || !envelope) return refuse("it is damaged");
  kept.checkpoint = std::move(*envelope);
  return kept;
}

}  // namespace jit::store
