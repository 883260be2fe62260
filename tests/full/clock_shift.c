// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program: its wall clock is WALL_CLOCK_S seconds away, and its time since boot, timers included, BOOT_CLOCK_S; every
// other clock is as it is. (libfaketime moves the times of files too, and a time namespace is not to be had in a container.)
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { kDescriptors = 1024 };
static bool boot_timer[kDescriptors];

static long away(const char* name) {
  const char* text = getenv(name);
  return text == NULL ? 0 : strtol(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec* out) {
  const int r = (int)syscall(SYS_clock_gettime, id, out);
  if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) out->tv_sec += away("WALL_CLOCK_S");
  if (r == 0 && (id == CLOCK_BOOTTIME || id == CLOCK_BOOTTIME_ALARM)) out->tv_sec += away("BOOT_CLOCK_S");
  return r;
}

int gettimeofday(struct timeval* restrict out, void* restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* out) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (time_t)-1;
  if (out != NULL) *out = now.tv_sec;
  return now.tv_sec;
}

int timerfd_create(clockid_t id, int flags) {
  const int fd = (int)syscall(SYS_timerfd_create, id, flags);
  if (fd >= 0 && fd < kDescriptors) boot_timer[fd] = id == CLOCK_BOOTTIME || id == CLOCK_BOOTTIME_ALARM;
  return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec* fresh, struct itimerspec* old) {
  struct itimerspec moved = *fresh;
  const long shift = away("BOOT_CLOCK_S");
  const bool absolute = (flags & TFD_TIMER_ABSTIME) != 0 && fd >= 0 && fd < kDescriptors && boot_timer[fd];
  if (absolute && moved.it_value.tv_sec > shift) moved.it_value.tv_sec -= shift;
  return (int)syscall(SYS_timerfd_settime, fd, flags, &moved, old);
}
