// SPDX-License-Identifier: Apache-2.0
#include "broker/store/host_key_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string_view>

#include "broker/store/place.h"
#include "broker/store/write_all.h"

namespace jit::store {
namespace {

constexpr std::size_t kLine = (evidence::kSecretBytes + 2) / 3 * 4 + 1;  // with its end of line

// What held the secret is overwritten, on every way out.
template <class Bytes>
struct Wiped {
  Bytes bytes;
  explicit Wiped(Bytes value) : bytes(std::move(value)) {}
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() {
    if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
  }
};

HostKeyFile refuse(std::string why) { return {nullptr, false, std::move(why)}; }

int open_at(int folder, const char* name, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, name, &how, sizeof how));
}

// As much as fits; more than a key is none either.
std::size_t read_all(int fd, std::array<char, kLine + 1>& into) {
  std::size_t got = 0;
  while (got < into.size()) {
    const ssize_t n = ::read(fd, into.data() + got, into.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  return got;
}

std::string unsafe(int fd, const std::string& path) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return path + ": " + std::strerror(errno);
  if (!S_ISREG(st.st_mode)) return path + " is not a regular file; move it away";
  if (st.st_nlink != 1) return path + " has another name (a hard link); remove that one";
  if (st.st_uid != ::geteuid()) {
    return path + " belongs to uid " + std::to_string(st.st_uid) + "; type: chown " + std::to_string(::geteuid()) + " " + path;
  }
  if ((st.st_mode & 07777) != 0600) {
    return path + " has another mode than 0600; if others could read it, move it away, for then the key is known; else type: chmod 0600 " + path;
  }
  return {};
}

HostKeyFile read_key(int fd, const std::string& path) {
  if (std::string why = unsafe(fd, path); !why.empty()) return refuse(std::move(why));
  Wiped<std::array<char, kLine + 1>> line({});
  const std::size_t got = read_all(fd, line.bytes);
  if (got == kLine && line.bytes[kLine - 1] == '\n') {
    Wiped<evidence::Bytes> secret(evidence::from_base64({line.bytes.data(), kLine - 1}).value_or(evidence::Bytes()));
    if (auto key = evidence::HostKey::from_secret(secret.bytes)) {
      return {std::make_shared<const evidence::HostKey>(std::move(*key)), false, {}};
    }
  }
  return refuse(path + " is damaged: put a copy back, or move it away, and this becomes another host: all that is open ends then");
}

// Under another name first, so that a crash half-way leaves no half a key.
HostKeyFile make_key(int folder, const std::string& name, const std::string& path) {
  const std::string fresh = name + ".new";
  auto key = std::make_shared<const evidence::HostKey>(evidence::HostKey::generate());
  const Wiped<evidence::Bytes> secret(key->secret());
  Wiped<std::string> line(evidence::base64(secret.bytes));
  ::unlinkat(folder, fresh.c_str(), 0);
  const Fd fd(::openat(folder, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const bool made = fd && ::fchmod(fd.get(), 0600) == 0 && write_all(fd.get(), line.bytes) && write_all(fd.get(), "\n") &&
                    ::renameat2(folder, fresh.c_str(), folder, name.c_str(), RENAME_NOREPLACE) == 0 && ::fsync(folder) == 0;
  if (made) return {std::move(key), true, {}};
  const std::string why = std::strerror(errno);
  ::unlinkat(folder, fresh.c_str(), 0);
  return refuse(path + " cannot be made: " + why);
}

}  // namespace

HostKeyFile load_host_key(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size()) return refuse(path + " names no file");
  const std::string parent = slash == 0 ? "/" : path.substr(0, slash);
  const std::string name = path.substr(slash + 1);
  const Fd folder(open_at(AT_FDCWD, parent.c_str(), O_RDONLY | O_DIRECTORY));
  struct stat st {};
  if (!folder || ::fstat(folder.get(), &st) != 0) {
    return refuse(errno == ELOOP ? parent + " is reached through a symbolic link; name the real folder" : parent + ": " + std::strerror(errno));
  }
  if ((st.st_uid != ::geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return refuse(parent + " can be written by others; type: chown " + std::to_string(::geteuid()) + " " + parent + " && chmod go-w " + parent);
  }
  const Fd file(open_at(folder.get(), name.c_str(), O_RDONLY | O_NONBLOCK));
  if (file) return read_key(file.get(), path);
  if (errno == ELOOP) return refuse(path + " is a symbolic link; put the file itself there");
  if (errno != ENOENT) return refuse(path + ": " + std::strerror(errno));
  try {
    return make_key(folder.get(), name, path);
  } catch (const std::exception& error) {
    return refuse(path + " cannot be made: " + error.what());
  }
}

}  // namespace jit::store
