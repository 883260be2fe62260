// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/kept.h"

#include <sys/stat.h>
#include <unistd.h>

#include <memory>

namespace jit::pam {
namespace {

constexpr char kConnection[] = "pam_jit.gate";

struct Kept {
  Attempt attempt;
  pid_t pid;
  int fd;  // the attempt's own
  dev_t device;
  ino_t inode;

  bool is_there() const {
    struct stat now {};
    return fstat(fd, &now) == 0 && now.st_dev == device && now.st_ino == inode;
  }
};

void clean_up(pam_handle_t*, void* data, int) {
  auto* kept = static_cast<Kept*>(data);
  // sd-bus closes a descriptor by its number, whosever that is by now, and nothing at all in a child.
  if (kept->attempt.is_open() && (kept->pid != getpid() || !kept->is_there())) {
    if (kept->is_there()) close(kept->fd);
    kept->attempt.abandon();
  }
  std::destroy_at(kept);
  std::free(kept);
}

}  // namespace

bool keep(pam_handle_t* handle, Attempt&& attempt) {
  struct stat now {};
  const int fd = attempt.fd();
  void* place = std::malloc(sizeof(Kept));
  if (place == nullptr || fd < 0 || fstat(fd, &now) != 0) {
    std::free(place);
    return false;
  }
  Kept* kept = std::construct_at(static_cast<Kept*>(place), Kept{std::move(attempt), getpid(), fd, now.st_dev, now.st_ino});
  if (pam_set_data(handle, kConnection, kept, clean_up) == PAM_SUCCESS) return true;
  clean_up(handle, kept, 0);
  return false;
}

bool take(pam_handle_t* handle, Attempt& attempt) {
  const void* data = nullptr;
  const int found = pam_get_data(handle, kConnection, &data);
  if (found == PAM_NO_MODULE_DATA) return true;
  if (found != PAM_SUCCESS || data == nullptr) return false;
  auto* kept = static_cast<Kept*>(const_cast<void*>(data));
  if (kept->pid == getpid() && kept->is_there()) attempt = std::move(kept->attempt);
  return true;
}

}  // namespace jit::pam
