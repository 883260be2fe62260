// SPDX-License-Identifier: Apache-2.0
#include "tests/config/samples.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace fs = std::filesystem;

namespace {
std::function<void()> pending;
}

extern "C" ssize_t __real_read(int fd, void* buffer, size_t size);
extern "C" ssize_t __wrap_read(int fd, void* buffer, size_t size);
extern "C" ssize_t __wrap_read(int fd, void* buffer, size_t size) {
  const ssize_t got = __real_read(fd, buffer, size);
  if (auto act = std::exchange(pending, nullptr)) act();
  return got;
}

namespace jit::test {

void after_next_read(std::function<void()> act) { pending = std::move(act); }

Host::Host() {
  std::string name = fs::current_path() / "config-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path = name;
  roots.etc = path + "/etc";
  roots.usr = path + "/usr";
  roots.run = path + "/run";
  roots.check_owner = ::geteuid() == 0;
  roots.pam.paths = {path + "/pam.d"};
  put(etc("policy.d/main.toml"), kRules);
  fs::create_directories(etc("people.d"));
}

Host::~Host() {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

void Host::put(const std::string& file, const std::string& text) const {
  fs::create_directories(fs::path(file).parent_path());
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  fs::permissions(file, static_cast<fs::perms>(0640));
}

std::string text(const std::vector<policy::Finding>& findings) {
  std::string all;
  for (const auto& one : findings) {
    all += one.code + " " + one.file + ":" + std::to_string(one.line) + ":" + std::to_string(one.column) + " " +
           one.message + "\n";
  }
  return all;
}

std::string names(const std::vector<policy::Source>& sources) {
  std::string all;
  for (const auto& one : sources) all += (all.empty() ? "" : " ") + fs::path(one.name).filename().string();
  return all;
}

}  // namespace jit::test
