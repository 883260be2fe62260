// SPDX-License-Identifier: Apache-2.0
// jit-verify: checks an export of the log, or a proof, for somebody who has public keys only.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/text.h"
#include "verify/check.h"

namespace {

constexpr std::string_view kHelp =
    "jit-verify [--host-key KEY|FILE] [--allowed-signers FILE] [--head SIZE:ROOT|FILE] EXPORT...\n"
    "Checks an export of the audit log of pam_jit (jitctl audit export), or a proof (jitctl audit prove); - is standard input.\n"
    "Parts of a log (those of the archive, then an export) are checked as one: name them in order, the oldest first.\n"
    "  --host-key         the public key of the host, or its fingerprint, as `jitctl status` shows it there\n"
    "  --allowed-signers  who signs with which key: the form of ssh-keygen(1); may be given again\n"
    "  --head             a signed head that was kept elsewhere; may be given again\n"
    "It ends with 0 where all of it is verified, with 1 where not (it names the first entry that is wrong), with 2 for wrong use.\n";

// With one of 0, 1, 2 closed, the file that is read would get its number and our output.
bool standard_files_open() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) return false;
  }
  return true;
}

bool say(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

int usage(const std::string& what) {
  say(STDERR_FILENO, "jit-verify: " + what + "; see jit-verify --help\n");
  return static_cast<int>(jit::verify::Result::kUsage);
}

int run(const std::vector<std::string>& words) {
  jit::verify::Wish wish;
  bool options = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (options && word == "--help") return say(STDOUT_FILENO, kHelp) ? 0 : 2;
    if (options && word == "--version") return say(STDOUT_FILENO, "jit-verify " JIT_VERSION "\n") ? 0 : 2;
    if (options && word == "--") {
      options = false;
    } else if (options && word.starts_with("--")) {
      const std::size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      if (name != "--host-key" && name != "--allowed-signers" && name != "--head") return usage("there is no option " + jit::evidence::escape(name));
      if (equals == std::string::npos && ++i == words.size()) return usage(name + " needs a value");
      const std::string value = equals == std::string::npos ? words[i] : word.substr(equals + 1);
      if (value.empty()) return usage(name + " needs a value");
      if (name == "--host-key") wish.host_key = value;
      if (name == "--allowed-signers") wish.allowed_signers.push_back(value);
      if (name == "--head") wish.heads.push_back(value);
    } else {
      if (word.empty()) return usage("the name of an export is empty");
      wish.files.push_back(word);
    }
  }
  if (wish.files.empty()) return usage("give an export, or - for standard input");
  const jit::verify::Checked checked = jit::verify::check(wish);
  const bool wrong_use = checked.result == jit::verify::Result::kUsage;
  // A verdict that nobody could read is none.
  if (!say(wrong_use ? STDERR_FILENO : STDOUT_FILENO, (wrong_use ? "jit-verify: " : "") + checked.text)) return static_cast<int>(jit::verify::Result::kUsage);
  return static_cast<int>(checked.result);
}

}  // namespace

int main(int argc, char** argv) {
  if (!standard_files_open()) return static_cast<int>(jit::verify::Result::kUsage);
  try {
    std::vector<std::string> words;
    for (int i = 1; i < argc; ++i) words.emplace_back(argv[i]);
    return run(words);
  } catch (const std::exception& error) {
    return usage(std::string("it cannot go on: ") + error.what());
  }
}
