// SPDX-License-Identifier: Apache-2.0
#include "cli/take_back.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/client.h"
#include "cli/documents.h"
#include "cli/run_tool.h"
#include "enforcer/held.h"

namespace jit::cli {

namespace {

constexpr const char* kSystemctl = "/usr/bin/systemctl";
constexpr const char* kService = "jit-setup-revert.service";
constexpr const char* kTimer = "jit-setup-revert.timer";
constexpr const char* kHeldFolder = "/run/jit-enforcer";  // root's alone; one record a grant
constexpr int kMostAbove = 256;

Result<Nothing> systemctl(std::vector<std::string> words) {
  words.insert(words.begin(), {kSystemctl, "--quiet"});
  const auto done = run_tool(words);
  if (done && done->code == 0) return Nothing{};
  std::string said = done ? done->error : "it does not answer";
  if (said.empty()) said = "it failed";
  return Failure{Exit::kNo, "systemctl " + words[2] + " " + words.back() + ": " + said + "; nothing was changed"};
}

std::string text_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Above {
  pid_t pid = 0;
  std::uint64_t start = 0;  // clock ticks since boot
};

// This process and those above it, as /proc/PID/stat tells: after the last ")" the state, the parent, ... and 19 words on the start.
std::vector<Above> processes_above() {
  std::vector<Above> out;
  pid_t pid = getpid();
  while (pid > 0 && out.size() < kMostAbove) {
    const std::string stat = text_of_file("/proc/" + std::to_string(pid) + "/stat");
    const std::size_t end = stat.rfind(')');
    if (end == std::string::npos) break;
    std::istringstream words(stat.substr(end + 1));
    std::vector<std::string> all{std::istream_iterator<std::string>(words), {}};
    if (all.size() < 20) break;
    out.push_back({pid, std::stoull(all[19])});
    pid = std::stoi(all[1]);
  }
  return out;
}

std::vector<enforcer::Held> all_held() {
  std::vector<enforcer::Held> out;
  DIR* const folder = opendir(kHeldFolder);
  if (folder == nullptr) return out;
  while (const dirent* const entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (!enforcer::is_id(name)) continue;
    if (auto held = enforcer::read_held(text_of_file(std::string(kHeldFolder) + '/' + name))) out.push_back(std::move(*held));
  }
  closedir(folder);
  return out;
}

}  // namespace

bool systemd_runs() {
  struct stat st {};
  return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

Result<Nothing> arm() {
  auto boot = systemctl({"enable", kService});
  if (!boot) return boot;
  auto timer = systemctl({"restart", kTimer});
  if (!timer) (void)systemctl({"disable", kService});
  return timer;
}

void disarm() {
  if (!systemd_runs()) return;
  // Not the service: it may be what calls this.
  (void)systemctl({"stop", kTimer});
  (void)systemctl({"disable", kService});
}

Result<std::vector<policy::Door>> doors_passed(const Unconfirmed& since) {
  const auto above = processes_above();
  const auto held = all_held();
  const auto ticks = static_cast<std::uint64_t>(std::max(1L, sysconf(_SC_CLK_TCK)));
  std::vector<policy::Door> out;
  const bool same_boot = since.boot == boot_id();
  for (const enforcer::Held& one : held) {
    const bool ours = std::ranges::any_of(one.leaders, [&](const enforcer::Leader& leader) {
      return std::ranges::any_of(above, [&](const Above& process) {
        return process.pid == leader.pid && process.start == leader.start && (!same_boot || process.start * 1000 / ticks >= since.since_ms);
      });
    });
    if (!ours) continue;
    const auto client = Client::connect();
    if (!client) return client.failure();
    const auto grant = (*client)->get_grant(one.id);
    if (!grant) return grant.failure();
    const auto door = setup::door_named(text_of(*grant, "door"));
    if (door && text_of(*grant, "state") == "active" && std::ranges::find(out, *door) == out.end()) out.push_back(*door);
  }
  return out;
}

Result<bool> answered_at_polkit(const Unconfirmed& since) {
  const std::uint64_t ago = since.boot == boot_id() ? boottime_ms() - std::min(boottime_ms(), since.since_ms) : boottime_ms();
  const auto client = Client::connect();
  if (!client) return client.failure();
  const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const std::int64_t from = std::max<std::int64_t>(0, now - static_cast<std::int64_t>(ago));
  const auto ended = (*client)->list_grants({{"all", sdbus::Variant(true)}, {"state", sdbus::Variant(std::string("ended"))},
                                             {"since-ms", sdbus::Variant(from)}, {"limit", sdbus::Variant(std::uint32_t{1000})}});
  if (!ended) return ended.failure();
  return std::ranges::any_of(member(*ended, "grants"), [](const Json& grant) { return text_of(grant, "door") == policy::name_of(policy::Door::kPolkit) && number_of(grant, "uses") != 0; });
}

}  // namespace jit::cli
