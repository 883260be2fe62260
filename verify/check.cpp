// SPDX-License-Identifier: Apache-2.0
#include "verify/check.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "evidence/audit.h"
#include "evidence/text.h"

namespace jit::verify {
namespace {

constexpr std::size_t kSmallFile = 1024 * 1024;
constexpr std::size_t kHeadsFile = 64 * 1024 * 1024;
constexpr std::size_t kBlock = 256 * 1024;

class File {
 public:
  explicit File(const std::string& name) : fd_(name == "-" ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)), owned_(name != "-") {}
  ~File() {
    if (owned_ && fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return fd_ >= 0; }
  // At most kBlock more bytes; 0: the end, -1: errno.
  ssize_t more(std::string& to) const {
    const std::size_t at = to.size();
    to.resize(at + kBlock);
    ssize_t got = 0;
    do {
      got = read(fd_, to.data() + at, kBlock);
    } while (got < 0 && errno == EINTR);
    to.resize(at + static_cast<std::size_t>(got > 0 ? got : 0));
    return got;
  }

 private:
  int fd_;
  bool owned_;
};

Checked unusable(const std::string& name, const std::string& why) { return {Result::kUsage, evidence::escape(name) + ": " + why + "\n"}; }

// The whole of a small file; nothing, and `why`: it cannot be read.
std::optional<std::string> whole(const std::string& name, std::size_t most, std::string& why) {
  const File file(name);
  std::string out;
  if (!file.is_open()) {
    why = std::strerror(errno);
    return std::nullopt;
  }
  while (true) {
    const ssize_t got = file.more(out);
    if (got < 0) why = std::strerror(errno);
    if (out.size() > most) why = "it is too long";
    if (!why.empty()) return std::nullopt;
    if (got == 0) return out;
  }
}

// Nothing: all is read into `trust`.
std::optional<Checked> read_trust(const Wish& wish, evidence::Trust& trust) {
  std::string why;
  if (!wish.host_key.empty()) {
    trust.host_key = wish.host_key;
    if (!wish.host_key.starts_with("SHA256:") && !wish.host_key.starts_with("ssh-")) {
      const auto text = whole(wish.host_key, kSmallFile, why);
      if (!text) return unusable(wish.host_key, why);
      trust.host_key = evidence::trim(*text);
    }
    if (!trust.host_key.starts_with("SHA256:") && evidence::fingerprint({"ssh", trust.host_key, false}).empty()) {
      return unusable(wish.host_key, "it is no public key of a host (\"ssh-ed25519 AAAA...\", or its fingerprint \"SHA256:...\")");
    }
  }
  for (const std::string& name : wish.allowed_signers) {
    const auto text = whole(name, evidence::kAllowedSignersMax, why);
    if (!text) return unusable(name, why);
    auto read = evidence::parse_allowed_signers(*text);
    if (read.bad_line != 0) return unusable(name + ":" + std::to_string(read.bad_line), read.error);
    for (auto& each : read.all) trust.signers.push_back(std::move(each));
  }
  for (const std::string& name : wish.heads) {
    auto heads = evidence::parse_heads(name);
    if (heads.bad_line != 0 || heads.all.empty()) {
      const auto text = whole(name, kHeadsFile, why);
      if (!text) return unusable(name, why);
      heads = evidence::parse_heads(*text);
    }
    if (heads.bad_line != 0) return unusable(name + ":" + std::to_string(heads.bad_line), heads.error);
    if (heads.all.empty()) return unusable(name, "it holds no head: one a line, SIZE:ROOT or as `jitctl audit checkpoint` prints it");
    for (auto& each : heads.all) trust.heads.push_back(std::move(each));
  }
  return std::nullopt;
}

}  // namespace

namespace {

// Why it cannot be read; empty: it was, up to the first thing that is wrong.
std::string feed(evidence::Audit& audit, const Source& source) {
  std::string buffer;  // begins with the line that is not whole yet
  bool good = true;
  while (good) {
    const std::size_t before = buffer.size();
    if (std::string why = source(buffer); !why.empty()) return why;
    if (buffer.size() == before) {
      if (!buffer.empty()) audit.line(buffer);
      break;
    }
    std::size_t begin = 0;
    for (std::size_t end = buffer.find('\n', before); good && end != std::string::npos; end = buffer.find('\n', begin)) {
      good = audit.line(std::string_view(buffer).substr(begin, end - begin));
      begin = end + 1;
    }
    buffer.erase(0, begin);
    // A line that has no end must not cost memory: what is too long already is refused as it is.
    if (good && buffer.size() > evidence::kLineMax) good = audit.line(buffer);
  }
  return {};
}

Checked verdict(const Wish& wish, evidence::Audit& audit) {
  const evidence::Audited audited = audit.finish();
  Checked out{audited.problem ? Result::kNotVerified : Result::kVerified, evidence::text_of(audited)};
  if (!audited.problem && wish.host_key.empty()) {
    out.text += "  nobody said whose log it must be: compare that key with `jitctl status` on the host, or give --host-key\n";
  }
  return out;
}

}  // namespace

Checked check(const Wish& wish, const Source& source) {
  evidence::Trust trust;
  if (auto wrong = read_trust(wish, trust)) return std::move(*wrong);
  evidence::Audit audit(std::move(trust));
  if (const std::string why = feed(audit, source); !why.empty()) return unusable("the log", why);
  return verdict(wish, audit);
}

Checked check(const Wish& wish) {
  evidence::Trust trust;
  if (auto wrong = read_trust(wish, trust)) return std::move(*wrong);
  evidence::Audit audit(std::move(trust));
  for (const std::string& name : wish.files) {
    const File file(name);
    if (!file.is_open()) return unusable(name, std::strerror(errno));
    const std::string why = feed(audit, [&](std::string& to) -> std::string { return file.more(to) < 0 ? std::strerror(errno) : ""; });
    if (!why.empty()) return unusable(name, why);
  }
  return verdict(wish, audit);
}

}  // namespace jit::verify
