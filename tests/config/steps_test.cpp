// SPDX-License-Identifier: Apache-2.0
// Row G1 of the threats, where a sandbox takes openat2(2) away, as systemd does with DynamicUser: as strict as with it.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>

#include "broker/config/files.h"
#include "tests/config/samples.h"

using namespace jit;
using namespace jit::test;
namespace fs = std::filesystem;

namespace {

bool without_openat2() {
  std::array<sock_filter, 4> program{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                                      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_openat2},
                                      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSYS},
                                      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}}};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// What is said of root/policy.d/NAME; "": it was read.
std::string said(const std::string& root, const std::string& folder, const std::string& name) {
  config::Files files(true);
  const config::Folder* const top = files.root(root);
  const config::Folder* const inner = top == nullptr ? nullptr : files.folder(*top, folder);
  std::string text;
  const bool good = inner != nullptr && files.read(*inner, name, text) == config::Files::Got::kText && text == "schema = 1\n";
  const auto findings = files.take();
  return findings.empty() ? (good ? "" : "nothing") : findings.front().message;
}

}  // namespace

TEST_CASE("links are refused without openat2, too", "[G1]") {
  if (::geteuid() != 0) {
    WARN("needs root: the owner of a safe file is root");
    return;
  }
  const Host host;
  const Host elsewhere;
  host.put(host.etc("policy.d/x.toml"), "schema = 1\n");
  const std::string etc = host.etc("");
  fs::create_symlink(host.etc("policy.d/x.toml"), host.etc("policy.d/link.toml"));
  fs::create_directory_symlink(host.etc("policy.d"), host.etc("linked"));
  fs::create_directory_symlink(etc, elsewhere.path + "/etc-link");
  const pid_t child = ::fork();
  if (child == 0) {
    const auto link = [](const std::string& what) { return what.find("symbolic link") != std::string::npos; };
    int code = without_openat2() ? 0 : 64;
    if (!said(etc, "policy.d", "x.toml").empty()) code |= 1;
    if (!link(said(etc, "policy.d", "link.toml"))) code |= 2;
    if (!link(said(etc, "linked", "x.toml"))) code |= 4;
    if (!link(said(elsewhere.path + "/etc-link", "policy.d", "x.toml"))) code |= 8;
    if (!link(said(elsewhere.path + "/etc-link/policy.d", ".", "x.toml"))) code |= 16;
    if (said(etc, "policy.d/..", "x.toml").empty()) code |= 32;
    ::_exit(code);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
