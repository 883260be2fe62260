// SPDX-License-Identifier: Apache-2.0
#include "bench/asker.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace jit::bench {

Ns now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Ns{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::fprintf(stderr, "%s: ", program_invocation_short_name);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::exit(1);
}

User user_of(const char* name) {
  const passwd* entry = getpwnam(name);
  if (entry == nullptr) fail("there is no user %s", name);
  return {entry->pw_name, entry->pw_uid, entry->pw_gid};
}

void become_asker(const User& user) {
  if (initgroups(user.name.c_str(), user.gid) != 0 || setresgid(user.gid, 0, 0) != 0 || setresuid(user.uid, 0, 0) != 0) {
    fail("cannot ask as %s: %s", user.name.c_str(), std::strerror(errno));
  }
}

void become(const User& user) {
  if (initgroups(user.name.c_str(), user.gid) != 0 || setresgid(user.gid, user.gid, user.gid) != 0 ||
      setresuid(user.uid, user.uid, user.uid) != 0) {
    fail("cannot become %s: %s", user.name.c_str(), std::strerror(errno));
  }
}

std::string list_of(const std::vector<Ns>& values) {
  std::string out = "[";
  for (const Ns value : values) {
    if (out.size() > 1) out += ',';
    out += std::to_string(value);
  }
  return out + "]";
}

std::size_t number(const char* text) {
  char* end = nullptr;
  const unsigned long value = std::strtoul(text, &end, 10);
  if (end == text || *end != '\0') fail("%s is not a number", text);
  return value;
}

}  // namespace jit::bench
