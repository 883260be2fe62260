// SPDX-License-Identifier: Apache-2.0
#include "broker/store/write_all.h"

#include <unistd.h>

#include <cerrno>

namespace jit::store {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return ::fsync(fd) == 0;
}

}  // namespace jit::store
