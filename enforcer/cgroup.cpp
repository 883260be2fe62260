// SPDX-License-Identifier: Apache-2.0
#include "enforcer/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <initializer_list>
#include <memory>

#include "enforcer/proc.h"

namespace jit::enforcer {
namespace {

constexpr char kRoot[] = "/sys/fs/cgroup";
constexpr int kDepth = 16;
constexpr std::size_t kListMost = std::size_t{8} << 20;

bool is_inside(std::string_view path) {
  return path.size() > 1 && path.front() == '/' && path.find("/../") == std::string_view::npos && !path.ends_with("/..");
}

std::string file_in(const std::string& path, const char* name) { return kRoot + path + "/" + name; }

bool write_file(const std::string& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void collect(const std::string& path, int depth, std::vector<pid_t>& out) {
  if (const auto text = read_file(file_in(path, "cgroup.procs"), kListMost)) {
    for (std::size_t at = 0; at < text->size();) {
      const std::size_t end = std::min(text->find('\n', at), text->size());
      pid_t pid = 0;
      // 0: of another pid namespace than ours.
      if (std::from_chars(text->data() + at, text->data() + end, pid).ec == std::errc() && pid > 0) out.push_back(pid);
      at = end + 1;
    }
  }
  if (depth == kDepth) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir((kRoot + path).c_str()), ::closedir);
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') collect(path + "/" + entry->d_name, depth + 1, out);
  }
}

// Where the part that is no slice begins and ends.
std::pair<std::size_t, std::size_t> find_unit(std::string_view path) {
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (!path.substr(at, end - at).ends_with(".slice")) return {at, end};
    at = end + 1;
  }
  return {path.size(), path.size()};
}

}  // namespace

std::string cgroup_of(pid_t pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/cgroup");
  if (!text) return {};
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    const std::string_view line = std::string_view(*text).substr(at, end - at);
    if (line.starts_with("0::") && is_inside(line.substr(3))) return std::string(line.substr(3));
    at = end + 1;
  }
  return {};
}

std::vector<pid_t> pids_in(const std::string& path) {
  std::vector<pid_t> out;
  if (is_inside(path)) collect(path, 0, out);
  return out;
}

bool is_populated(const std::string& path) {
  if (!is_inside(path) || is_gone(path)) return false;
  const auto text = read_file(file_in(path, "cgroup.events"));
  return !text || text->find("populated 0") == std::string::npos;
}

bool is_gone(const std::string& path) { return ::access((kRoot + path).c_str(), F_OK) != 0 && errno == ENOENT; }

bool move_to(pid_t pid, const std::string& path) {
  return is_inside(path) && write_file(file_in(path, "cgroup.procs"), std::to_string(pid));
}

void signal_all(const std::string& path, std::initializer_list<int> signals) {
  for (const pid_t pid : pids_in(path)) {
    const Fd process = pidfd_of(pid);
    // The number may be another process's by now.
    if (!process || !cgroup_of(pid).starts_with(path)) continue;
    for (const int signal : signals) send(process.get(), signal);
  }
}

void kill_all(const std::string& path) {
  if (!is_inside(path)) return;
  if (!write_file(file_in(path, "cgroup.kill"), "1")) signal_all(path, {SIGKILL});  // before Linux 5.14
}

std::string unit_in(std::string_view path) {
  const auto [begin, end] = find_unit(path);
  return std::string(path.substr(begin, end - begin));
}

std::string slice_in(std::string_view path) {
  std::string_view last = path.substr(0, find_unit(path).first);
  if (last.ends_with('/')) last.remove_suffix(1);
  if (last.size() < 2) return "-.slice";
  return std::string(last.substr(last.rfind('/') + 1));
}

std::string unit_path(std::string_view path) {
  const auto [begin, end] = find_unit(path);
  return begin == end ? std::string() : std::string(path.substr(0, end));
}

}  // namespace jit::enforcer
