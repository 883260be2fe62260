// SPDX-License-Identifier: Apache-2.0
#include "tests/pam/interpose.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <security/pam_modules.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstring>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
}

namespace jit::pam_test {
namespace {

struct Range {
  std::uintptr_t from = 0;
  std::uintptr_t to = 0;
  bool has(const void* p) const { return reinterpret_cast<std::uintptr_t>(p) >= from && reinterpret_cast<std::uintptr_t>(p) < to; }
};
Range module_code;
Range systemd_code;
bool armed = false;

struct Site {
  const char* name;
  bool also_systemd;
  long calls = 0;
  long fail_at = 0;
};

// In the order of enum Which below.
std::array<Site, 49> sites = {{
    {"malloc", true}, {"calloc", true}, {"realloc", true}, {"socket", false}, {"connect", false}, {"getsockopt", false},
    {"fcntl", false}, {"open", false}, {"read", false}, {"ppoll", false}, {"pidfd_open", false},
    {"openat", false}, {"fstat", false}, {"readlink", false}, {"getcwd", false}, {"getpeername", false}, {"pthread_sigmask", false}, {"sendmsg", true}, {"recvmsg", true},
    {"pam_get_item", false}, {"pam_get_data", false}, {"sd_bus_new", false}, {"sd_bus_set_fd", false},
    {"sd_bus_set_bus_client", false}, {"sd_bus_negotiate_fds", false}, {"sd_bus_start", false}, {"sd_bus_process", false},
    {"sd_bus_get_fd", false}, {"sd_bus_get_events", false}, {"sd_bus_send", false}, {"sd_bus_message_new_method_call", false},
    {"sd_bus_message_append_basic", false}, {"sd_bus_message_append_array", false}, {"sd_bus_message_open_container", false},
    {"sd_bus_message_close_container", false}, {"sd_bus_message_read_basic", false}, {"sd_bus_message_enter_container", false},
    {"sd_bus_message_get_reply_cookie", false}, {"sd_booted", false}, {"pam_set_data", false}, {"signalfd", false},
    {"sd_bus_message_append", false}, {"sd_bus_message_exit_container", false}, {"sd_bus_message_at_end", false},
    {"sd_bus_message_has_signature", false}, {"sd_bus_is_ready", false}, {"sd_bus_is_open", false},
    {"lstat", false}, {"__open_2", false},
}};
enum Which : std::size_t {
  kMalloc, kCalloc, kRealloc, kSocket, kConnect, kGetsockopt, kFcntl, kOpen, kRead, kPpoll, kPidfd, kOpenat, kFstat, kReadlink, kGetcwd, kGetpeername,
  kSigmask, kSendmsg, kRecvmsg, kGetItem, kGetData, kBusNew, kSetFd, kSetClient, kNegotiate, kStart, kProcess, kGetFd, kGetEvents,
  kSend, kNewCall, kAppendBasic, kAppendArray, kOpenContainer, kCloseContainer, kReadBasic, kEnterContainer, kReplyCookie, kBooted,
  kSetData, kSignalfd, kAppend, kExitContainer, kAtEnd, kHasSignature, kIsReady, kIsOpen, kLstat, kOpen2
};

int see(dl_phdr_info* info, std::size_t, void*) {
  const auto is = [info](const char* name) { return std::strstr(info->dlpi_name, name) != nullptr; };
  // The plugin is loaded after the module, where it is.
  Range* range = is("/pam_jit.so") || is("/sudo_jit.so") ? &module_code : is("/libsystemd.so") ? &systemd_code : nullptr;
  if (range == nullptr) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& h = info->dlpi_phdr[i];
    if (h.p_type == PT_LOAD && (h.p_flags & PF_X) != 0) *range = {info->dlpi_addr + h.p_vaddr, info->dlpi_addr + h.p_vaddr + h.p_memsz};
  }
  return 0;
}

bool fails(Which which, const void* caller) {
  if (!armed) return false;
  Site& site = sites[which];
  if (!module_code.has(caller) && !(site.also_systemd && systemd_code.has(caller))) return false;
  return ++site.calls == site.fail_at;
}

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

void arm() {
  armed = false;
  dl_iterate_phdr(see, nullptr);
  for (Site& site : sites) site.calls = site.fail_at = 0;
}

}  // namespace

std::vector<std::string> interposed() {
  std::vector<std::string> out;
  for (const Site& site : sites) out.emplace_back(site.name);
  return out;
}

void count_calls() {
  arm();
  armed = true;
}

long calls_of(const std::string& name) {
  for (const Site& site : sites) {
    if (name == site.name) return site.calls;
  }
  return -1;
}

void fail_call(const std::string& name, long nth) {
  arm();
  for (Site& site : sites) {
    if (name == site.name) site.fail_at = nth;
  }
  armed = true;
}

void stop_interposing() { armed = false; }

bool failed() {
  for (const Site& site : sites) {
    if (site.fail_at != 0) return site.calls >= site.fail_at;
  }
  return false;
}

}  // namespace jit::pam_test

using namespace jit::pam_test;

#define CALLER __builtin_return_address(0)
// A function of our program that comes before the real one: NAME(parameters) fails with error and value.
#define STAND_IN(which, type, name, parameters, arguments, error, value)    \
  type name parameters {                                                    \
    static auto* const next = real<type parameters>(#name);                 \
    if (fails(which, CALLER)) {                                             \
      errno = error;                                                        \
      return value;                                                         \
    }                                                                       \
    return next arguments;                                                  \
  }

extern "C" {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Not counted: libsystemd's look at SO_PEERGROUPS (256 bytes; since 256 room for NGROUPS_MAX) and SO_PEERSEC (65), which it does without,
// as we do.
void* malloc(std::size_t n) {
  constexpr std::size_t kAllGroups = 65536 * sizeof(gid_t);
  if (n == 256 || n == kAllGroups || !fails(kMalloc, CALLER)) return __libc_malloc(n);
  errno = ENOMEM;
  return nullptr;
}
void* calloc(std::size_t n, std::size_t m) {
  if (n * m == 65 || !fails(kCalloc, CALLER)) return __libc_calloc(n, m);
  errno = ENOMEM;
  return nullptr;
}
void* realloc(void* p, std::size_t n) {
  if (!fails(kRealloc, CALLER)) return __libc_realloc(p, n);
  errno = ENOMEM;
  return nullptr;
}
#endif
int open(const char* path, int flags, ...) {
  static auto* const next = real<int(const char*, int, ...)>("open");
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list args;
    va_start(args, flags);
    mode = static_cast<mode_t>(va_arg(args, int));
    va_end(args);
  }
  if (fails(kOpen, CALLER)) {
    errno = EMFILE;
    return -1;
  }
  return next(path, flags, mode);
}
int __open_2(const char* path, int flags) {  // open(), where the compiler checks that no mode is needed
  static auto* const next = real<int(const char*, int)>("__open_2");
  if (!fails(kOpen2, CALLER)) return next(path, flags);
  errno = EMFILE;
  return -1;
}
int openat(int folder, const char* path, int flags, ...) {
  static auto* const next = real<int(int, const char*, int, ...)>("openat");
  if (!fails(kOpenat, CALLER)) return next(folder, path, flags, 0600);
  errno = EMFILE;
  return -1;
}
int fstat(int fd, struct stat* out) noexcept {
  static auto* const next = real<int(int, struct stat*)>("fstat");
  if (!fails(kFstat, CALLER)) return next(fd, out);
  errno = ENOMEM;
  return -1;
}
ssize_t readlink(const char* path, char* out, std::size_t n) noexcept {
  static auto* const next = real<ssize_t(const char*, char*, std::size_t)>("readlink");
  if (!fails(kReadlink, CALLER)) return next(path, out, n);
  errno = ENOMEM;
  return -1;
}
int fcntl(int fd, int command, ...) {
  static auto* const next = real<int(int, int, ...)>("fcntl");
  va_list args;
  va_start(args, command);
  void* argument = va_arg(args, void*);
  va_end(args);
  if (fails(kFcntl, CALLER)) {
    errno = EMFILE;
    return -1;
  }
  return next(fd, command, argument);
}
STAND_IN(kSocket, int, socket, (int a, int b, int c), (a, b, c), EMFILE, -1)
STAND_IN(kConnect, int, connect, (int a, const sockaddr* b, socklen_t c), (a, b, c), ENOMEM, -1)
STAND_IN(kGetsockopt, int, getsockopt, (int a, int b, int c, void* d, socklen_t* e), (a, b, c, d, e), ENOMEM, -1)
STAND_IN(kRead, ssize_t, read, (int a, void* b, std::size_t c), (a, b, c), EIO, -1)
STAND_IN(kPpoll, int, ppoll, (pollfd * a, nfds_t b, const timespec* c, const sigset_t* d), (a, b, c, d), ENOMEM, -1)
STAND_IN(kPidfd, int, pidfd_open, (int a, unsigned b), (a, b), EMFILE, -1)
STAND_IN(kGetpeername, int, getpeername, (int a, sockaddr* b, socklen_t* c), (a, b, c), ENOBUFS, -1)
STAND_IN(kSigmask, int, pthread_sigmask, (int a, const sigset_t* b, sigset_t* c), (a, b, c), 0, EINVAL)
STAND_IN(kSendmsg, ssize_t, sendmsg, (int a, const msghdr* b, int c), (a, b, c), ENOMEM, -1)
STAND_IN(kRecvmsg, ssize_t, recvmsg, (int a, msghdr* b, int c), (a, b, c), ENOMEM, -1)
int signalfd(int a, const sigset_t* b, int c) noexcept {
  static auto* const next = real<int(int, const sigset_t*, int)>("signalfd");
  if (!fails(kSignalfd, CALLER)) return next(a, b, c);
  errno = EMFILE;
  return -1;
}
int lstat(const char* a, struct stat* b) noexcept {
  static auto* const next = real<int(const char*, struct stat*)>("lstat");
  if (!fails(kLstat, CALLER)) return next(a, b);
  errno = ENOMEM;
  return -1;
}
int sd_bus_message_append(sd_bus_message* a, const char* types, ...) {
  if (fails(kAppend, CALLER)) return -ENOMEM;
  va_list args;
  va_start(args, types);
  const int code = sd_bus_message_appendv(a, types, args);
  va_end(args);
  return code;
}
char* getcwd(char* a, std::size_t b) noexcept {
  static auto* const next = real<char*(char*, std::size_t)>("getcwd");
  if (!fails(kGetcwd, CALLER)) return next(a, b);
  errno = ENOMEM;
  return nullptr;
}
STAND_IN(kGetItem, int, pam_get_item, (const pam_handle_t* a, int b, const void** c), (a, b, c), 0, PAM_BUF_ERR)
STAND_IN(kGetData, int, pam_get_data, (const pam_handle_t* a, const char* b, const void** c), (a, b, c), 0, PAM_BUF_ERR)
STAND_IN(kSetData, int, pam_set_data, (pam_handle_t * a, const char* b, void* c, void (*d)(pam_handle_t*, void*, int)), (a, b, c, d), 0, PAM_BUF_ERR)
STAND_IN(kBooted, int, sd_booted, (), (), 0, -EACCES)
STAND_IN(kBusNew, int, sd_bus_new, (sd_bus * *a), (a), 0, -ENOMEM)
STAND_IN(kSetFd, int, sd_bus_set_fd, (sd_bus * a, int b, int c), (a, b, c), 0, -EINVAL)
STAND_IN(kSetClient, int, sd_bus_set_bus_client, (sd_bus * a, int b), (a, b), 0, -EPERM)
STAND_IN(kNegotiate, int, sd_bus_negotiate_fds, (sd_bus * a, int b), (a, b), 0, -EPERM)
STAND_IN(kStart, int, sd_bus_start, (sd_bus * a), (a), 0, -EPERM)
STAND_IN(kProcess, int, sd_bus_process, (sd_bus * a, sd_bus_message** b), (a, b), 0, -ECONNRESET)
STAND_IN(kGetFd, int, sd_bus_get_fd, (sd_bus * a), (a), 0, -EPERM)
STAND_IN(kGetEvents, int, sd_bus_get_events, (sd_bus * a), (a), 0, -ENOTCONN)
STAND_IN(kSend, int, sd_bus_send, (sd_bus * a, sd_bus_message* b, std::uint64_t* c), (a, b, c), 0, -ENOBUFS)
STAND_IN(kNewCall, int, sd_bus_message_new_method_call,
         (sd_bus * a, sd_bus_message** b, const char* c, const char* d, const char* e, const char* f), (a, b, c, d, e, f), 0, -ENOMEM)
STAND_IN(kAppendBasic, int, sd_bus_message_append_basic, (sd_bus_message * a, char b, const void* c), (a, b, c), 0, -ENOMEM)
STAND_IN(kAppendArray, int, sd_bus_message_append_array, (sd_bus_message * a, char b, const void* c, std::size_t d), (a, b, c, d), 0, -ENOMEM)
STAND_IN(kOpenContainer, int, sd_bus_message_open_container, (sd_bus_message * a, char b, const char* c), (a, b, c), 0, -ENOMEM)
STAND_IN(kCloseContainer, int, sd_bus_message_close_container, (sd_bus_message * a), (a), 0, -ENOMEM)
STAND_IN(kReadBasic, int, sd_bus_message_read_basic, (sd_bus_message * a, char b, void* c), (a, b, c), 0, -EBADMSG)
STAND_IN(kEnterContainer, int, sd_bus_message_enter_container, (sd_bus_message * a, char b, const char* c), (a, b, c), 0, -ENOMEM)
STAND_IN(kExitContainer, int, sd_bus_message_exit_container, (sd_bus_message * a), (a), 0, -EBUSY)
STAND_IN(kAtEnd, int, sd_bus_message_at_end, (sd_bus_message * a, int b), (a, b), 0, -EINVAL)
STAND_IN(kHasSignature, int, sd_bus_message_has_signature, (sd_bus_message * a, const char* b), (a, b), 0, -EINVAL)
STAND_IN(kIsReady, int, sd_bus_is_ready, (sd_bus * a), (a), 0, -ECHILD)
STAND_IN(kIsOpen, int, sd_bus_is_open, (sd_bus * a), (a), 0, -ECHILD)
STAND_IN(kReplyCookie, int, sd_bus_message_get_reply_cookie, (sd_bus_message * a, std::uint64_t* b), (a, b), 0, -ENODATA)
}
