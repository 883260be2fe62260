// SPDX-License-Identifier: Apache-2.0
#include "broker/config/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/config/safety.h"
#include "evidence/text.h"

namespace jit::config {
namespace {

constexpr const char* kMoved = "changed while being read; reload once more";

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd) {
    ::close(fd_);
    fd_ = fd;
  }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// The same step by step, for units that systemd shuts openat2(2) away from: DynamicUser takes RestrictSUIDSGID along.
int open_in_steps(int folder, const std::string& name, int flags) {
  std::string_view rest = name;
  Fd at(rest.starts_with('/') ? ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : ::fcntl(folder, F_DUPFD_CLOEXEC, 0));
  for (;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
    const std::string step(rest.substr(0, rest.find('/')));
    rest.remove_prefix(step.size());
    const bool last = rest.find_first_not_of('/') == std::string_view::npos;
    if (!at) return -1;
    if (step == "..") return errno = EXDEV, -1;
    const int next = ::openat(at.get(), step.empty() ? "." : step.c_str(), (last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC);
    if (next < 0 && errno == ENOTDIR) {
      struct stat st {};
      const bool link = ::fstatat(at.get(), step.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
      errno = link ? ELOOP : ENOTDIR;
    }
    if (next < 0 || last) return next;
    at.reset(next);
  }
}

int open_strict(int folder, const std::string& name, int flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | resolve;
  const int fd = static_cast<int>(::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how));
  return fd < 0 && errno == ENOSYS ? open_in_steps(folder, name, flags) : fd;
}

std::string words_for(int error) {
  if (error == ELOOP) return "is reached through a symbolic link; put the file itself there";
  if (error == EACCES) return "cannot be read; type: chgrp _jit and chmod g+r (a folder: g+rx)";
  return std::strerror(error);
}

bool same(const struct stat& a, const struct stat& b) {
  const auto equal = [](const timespec& x, const timespec& y) { return x.tv_sec == y.tv_sec && x.tv_nsec == y.tv_nsec; };
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mode == b.st_mode &&
         a.st_uid == b.st_uid && equal(a.st_mtim, b.st_mtim) && equal(a.st_ctim, b.st_ctim);
}

bool points_to_null(int folder, const std::string& name) {
  std::array<char, 16> target{};
  const ssize_t size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
  return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == "/dev/null";
}

// At most `size` bytes and one more, which tells a file that grew. False: errno.
bool read_whole(int fd, std::size_t size, std::string& text) {
  text.resize(size + 1);
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(fd, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return true;
}

}  // namespace

Folder::~Folder() { ::close(fd_); }

void Files::refuse(const std::string& path, const std::string& why) {
  findings_.push_back({"E03", evidence::escape(path), 0, 0, why, {}, {}});
}

Files::Got Files::refused(const Folder& folder, const std::string& name, const std::string& why) {
  refuse(folder.path() + "/" + name, why);
  return Got::kRefused;
}

void Files::moved(const std::string& path) {
  ++moved_;
  refuse(path, kMoved);
}

bool Files::only_moved() const { return moved_ != 0 && moved_ == findings_.size(); }

const Folder* Files::keep(int fd, const std::string& path, bool listed) {
  if (fd < 0) {
    if (errno != ENOENT) refuse(path, words_for(errno));
    return nullptr;
  }
  Fd held(fd);
  struct stat st {};
  if (::fstat(fd, &st) != 0) {
    refuse(path, words_for(errno));
    return nullptr;
  }
  if (const auto why = unsafe(fd, st, Kind::kFolder, check_owner_)) {
    refuse(path, *why);
    return nullptr;
  }
  folders_.push_back(std::make_unique<Folder>(held.release(), path, st, listed));
  return folders_.back().get();
}

const Folder* Files::root(const std::string& path) {
  // Who checks files before they are installed may keep them behind links.
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  return keep(check_owner_ ? open_strict(AT_FDCWD, path, flags, 0) : ::open(path.c_str(), flags), path, false);
}

const Folder* Files::folder(const Folder& parent, const std::string& name) {
  return keep(open_strict(parent.fd(), name, O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH), parent.path() + "/" + name, true);
}

std::vector<std::string> Files::names(const Folder& folder, std::string_view suffix) {
  std::vector<std::string> found;
  Fd fd(open_strict(folder.fd(), ".", O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH));
  DIR* stream = fd ? ::fdopendir(fd.get()) : nullptr;
  if (stream == nullptr) {
    refuse(folder.path(), words_for(errno));
    return found;
  }
  fd.release();
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || !name.ends_with(suffix)) continue;
    if (found.size() == kFilesMax) {
      refuse(folder.path(), "holds more than " + std::to_string(kFilesMax) + " files; join some");
      break;
    }
    found.emplace_back(name);
    errno = 0;
  }
  if (errno != 0 && found.size() < kFilesMax) refuse(folder.path(), words_for(errno));
  ::closedir(stream);
  std::ranges::sort(found);
  return found;
}

Files::Got Files::read(const Folder& folder, const std::string& name, std::string& text) {
  struct stat named {};
  if (::fstatat(folder.fd(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Got::kAbsent;
    return refused(folder, name, words_for(errno));
  }
  if (S_ISLNK(named.st_mode)) {
    const bool owned = !check_owner_ || named.st_uid == 0;
    if (owned && points_to_null(folder.fd(), name)) return Got::kMask;
    return refused(folder, name, "is a symbolic link; only a link of root's to /dev/null counts here");
  }
  // Opening a device or a pipe could do something; so look before, and again after, at what was opened.
  if (!S_ISREG(named.st_mode)) return refused(folder, name, "is not a regular file; move it away");
  const Fd fd(open_strict(folder.fd(), name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, RESOLVE_BENEATH));
  if (!fd) return refused(folder, name, words_for(errno));
  struct stat before {};
  if (::fstat(fd.get(), &before) != 0) return refused(folder, name, words_for(errno));
  if (const auto why = unsafe(fd.get(), before, Kind::kFile, check_owner_)) return refused(folder, name, *why);
  const auto size = static_cast<std::size_t>(before.st_size);
  if (size > kFileMax) return refused(folder, name, "is larger than 4 MiB; split it");
  if (total_ + size > kSetMax) return refused(folder, name, "all files together are larger than 64 MiB; keep fewer");
  if (!read_whole(fd.get(), size, text)) return refused(folder, name, words_for(errno));
  struct stat after {};
  if (::fstat(fd.get(), &after) != 0 || !same(before, after) || text.size() != size) {
    moved(folder.path() + "/" + name);
    return Got::kRefused;
  }
  total_ += size;
  seen_.push_back({&folder, name, before});
  return text.empty() ? Got::kMask : Got::kText;
}

bool Files::unchanged() {
  const std::size_t before = moved_;
  for (const Seen& one : seen_) {
    struct stat now {};
    if (::fstatat(one.folder->fd(), one.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 || !same(one.st, now)) {
      moved(one.folder->path() + "/" + one.name);
    }
  }
  for (const auto& folder : folders_) {
    struct stat now {};
    if (folder->listed() && (::fstat(folder->fd(), &now) != 0 || !same(folder->seen(), now))) moved(folder->path());
  }
  return moved_ == before;
}

}  // namespace jit::config
