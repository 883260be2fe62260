// SPDX-License-Identifier: Apache-2.0
#include "sudo_jit/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "pam_jit/guest.h"

namespace jit::sudo {
namespace {

constexpr std::size_t kConfMax = 256 * 1024;
// Plugins beside which sudo still loads sudoers' own for policy and I/O.
constexpr std::array<std::string_view, 4> kNeither = {"sudo_jit", "sudoers_audit", "audit_json", "sudoers_intercept"};

std::string_view next_word(std::string_view& line) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && blank(line.front())) line.remove_prefix(1);
  std::size_t size = 0;
  while (size < line.size() && !blank(line[size])) ++size;
  const std::string_view word(line.data(), size);
  line.remove_prefix(size);
  return word;
}

bool same_word(std::string_view a, std::string_view lower) {
  if (a.size() != lower.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool records(std::string_view conf) {
  bool named = false;
  bool others = false;
  while (!conf.empty()) {
    const std::size_t end = conf.find('\n');
    std::string_view line(conf.data(), end == std::string_view::npos ? conf.size() : end);
    conf.remove_prefix(end == std::string_view::npos ? conf.size() : end + 1);
    if (!line.empty() && line.back() == '\\') return false;  // goes on in the next line: nobody writes that, so nobody reads it
    if (!same_word(next_word(line), "plugin")) continue;
    const std::string_view symbol = next_word(line);
    named = named || symbol == "sudoers_io";
    bool neither = false;
    for (const std::string_view known : kNeither) neither = neither || symbol == known;
    others = others || !neither;
  }
  return named || !others;
}

bool recorder_is_loaded() {
  const pam::Fd fd = pam::open_above_stdio("/etc/sudo.conf", O_RDONLY);
  if (!fd) return errno == ENOENT;
  const pam::Bytes text(static_cast<char*>(malloc(kConfMax)));
  if (!text) return false;
  std::size_t have = 0;
  while (have < kConfMax) {
    const ssize_t n = read(fd.get(), text.get() + have, kConfMax - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) return records({text.get(), have});
    have += static_cast<std::size_t>(n);
  }
  return false;
}

}  // namespace jit::sudo
