// SPDX-License-Identifier: Apache-2.0
#include "cli/signer.h"

#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include "cli/policy_files.h"
#include "cli/ssh_agent.h"
#include "evidence/ssh_key.h"
#include "evidence/sshsig.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr std::size_t kPublicMax = 16384;  // bytes of a public key's line
constexpr std::array kDefaultKeys = {"id_ed25519_sk", "id_ecdsa_sk", "id_ed25519", "id_ecdsa", "id_rsa"};

struct OpenFile {
  int fd = -1;
  explicit OpenFile(int one) : fd(one) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd >= 0) close(fd);
  }
};

struct Eligible {
  std::span<const evidence::PublicKey> enrolled;
  KeysTaken taken;
};

Failure cannot_sign(const std::string& why) { return {Exit::kNo, "cannot sign: " + why}; }

bool too_soft(const Eligible& eligible, const evidence::SshKey& key) { return eligible.taken == KeysTaken::kHardware && !evidence::in_token(key.type); }

std::optional<evidence::PublicKey> enrolled_as(const Eligible& eligible, const evidence::SshKey& key) {
  const auto& enrolled = eligible.enrolled;
  if (too_soft(eligible, key)) return std::nullopt;
  evidence::PublicKey plain{"ssh", std::string(key.name) + " " + evidence::base64(key.blob), false};
  if (enrolled.empty()) return plain;
  const std::string print = evidence::fingerprint(plain);
  const auto found = std::ranges::find_if(enrolled, [&](const evidence::PublicKey& one) { return one.kind == "ssh" && evidence::fingerprint(one) == print; });
  if (found == enrolled.end()) return std::nullopt;
  return *found;
}

// What was signed is looked at as the host will look at it.
Result<Signed> checked(const evidence::PublicKey& key, std::string_view purpose, std::string_view message, evidence::Bytes blob) {
  const evidence::Flaw flaw = evidence::verify(key, "sshsig", purpose, message, blob);
  if (flaw != evidence::Flaw::kNone) return cannot_sign(std::string(evidence::text_of(flaw)));
  std::string print = evidence::fingerprint(key);
  return Signed{key, {std::move(print), "sshsig", std::move(blob)}};
}

// The order of preference: that of `enrolled`.
std::size_t rank_of(std::span<const evidence::PublicKey> enrolled, const evidence::PublicKey& key) {
  const std::string print = evidence::fingerprint(key);
  return static_cast<std::size_t>(std::ranges::find_if(enrolled, [&](const auto& one) { return evidence::fingerprint(one) == print; }) - enrolled.begin());
}

// Where nobody knows which of them the host takes, a vote with the wrong one would be lost.
Failure which_one(const std::string& several) {
  return {Exit::kUsage, "several keys of yours could sign, and which one is enrolled is not known here; name it with --key FILE, or once as key = \"FILE\" in "
                        "~/.config/jit/approver.toml: " + several};
}

// Nothing: the agent holds none of these keys. `at_last`: no other key shall be tried.
Result<std::optional<Signed>> sign_by_agent(const Eligible& eligible, std::string_view purpose, const MessageFor& message_for,
                                            const Surroundings& around, bool& at_last) {
  auto agent = SshAgent::connect(around.agent);
  // Somebody who works with a forwarded agent shall hear it, not sign with another key by chance.
  at_last = !agent && agent.failure().code == Exit::kNotAllowed;
  if (!agent) return agent.failure();
  const auto held = agent->keys();
  if (!held) return held.failure();
  struct Choice {
    evidence::PublicKey key;
    evidence::Bytes blob;
  };
  std::vector<Choice> choices;
  for (const evidence::Bytes& blob : *held) {
    const auto parsed = evidence::parse_ssh_key_blob(blob);
    if (!parsed) continue;  // a certificate, or a type that is not taken
    if (auto key = enrolled_as(eligible, *parsed)) choices.push_back({std::move(*key), blob});
  }
  if (choices.empty()) return std::optional<Signed>();
  if (eligible.enrolled.empty() && choices.size() > 1) {
    std::string several;
    for (const Choice& one : choices) several += (several.empty() ? "" : ", ") + one.key.text.substr(0, one.key.text.find(' ')) + " " + evidence::fingerprint(one.key);
    at_last = true;
    return which_one(several + " (ssh-agent)");
  }
  const Choice& best = *std::ranges::min_element(choices, {}, [&](const Choice& one) { return rank_of(eligible.enrolled, one.key); });
  const auto message = message_for(best.key);
  if (!message) return message.failure();
  const auto signature = agent->sign(best.blob, evidence::sshsig_message(purpose, *message));
  if (!signature) return signature.failure();
  auto out = checked(best.key, purpose, *message, evidence::sshsig_blob(best.blob, purpose, *signature));
  if (!out) return out.failure();
  return std::optional<Signed>(std::move(*out));
}

// Without the agent: ssh-keygen would ask it by itself, a forwarded one too.
std::vector<char*> without_agent() {
  std::vector<char*> out;
  for (char** one = environ; *one != nullptr; ++one) {
    if (std::strncmp(*one, "SSH_AUTH_SOCK=", 14) != 0) out.push_back(*one);
  }
  out.push_back(nullptr);
  return out;
}

// A folder that only we can enter, for as long as this lives: ssh-keygen writes the signature beside what it signs. Standard input
// and output would do, but then it asks nobody for a passphrase.
class Bench {
 public:
  Bench() {
    std::string made = (std::filesystem::temp_directory_path() / "jitctl.XXXXXX").string();
    if (mkdtemp(made.data()) != nullptr) folder_ = made;
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;
  ~Bench() {
    if (folder_.empty()) return;
    unlink(message().c_str());
    unlink(signature().c_str());
    rmdir(folder_.c_str());
  }
  std::string message() const { return folder_ + "/message"; }
  std::string signature() const { return folder_ + "/message.sig"; }
  bool put(std::string_view text) const {
    if (folder_.empty()) return false;
    const OpenFile file(open(message().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return file.fd >= 0 && write(file.fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

 private:
  std::string folder_;
};

// Its prompts are on the terminal, whatever our standard input is; what it says is on standard error.
pid_t spawn_keygen(std::vector<std::string>& words, int output = STDERR_FILENO) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const auto env = without_agent();
  const OpenFile terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  const OpenFile none(open("/dev/null", O_RDWR | O_CLOEXEC));
  posix_spawn_file_actions_t actions;
  if (none.fd < 0 || posix_spawn_file_actions_init(&actions) != 0) return -1;
  pid_t child = -1;
  if (posix_spawn_file_actions_adddup2(&actions, terminal.fd >= 0 ? terminal.fd : none.fd, STDIN_FILENO) != 0 ||
      posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) != 0 ||
      posix_spawn(&child, words[0].c_str(), &actions, nullptr, argv.data(), env.data()) != 0) {
    child = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

bool ended_well(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The armoured signature. `file` is a private key.
Result<std::string> run_keygen(const std::string& file, std::string_view purpose, std::string_view message, const Surroundings& around) {
  const Bench bench;
  if (!bench.put(message)) return cannot_sign("no file can be written to " + std::filesystem::temp_directory_path().string());
  std::vector<std::string> words = {around.keygen, "-q", "-Y", "sign", "-n", std::string(purpose), "-f", file, bench.message()};
  const pid_t child = spawn_keygen(words);
  if (child < 0) return cannot_sign(around.keygen + " cannot be run; install the package openssh-client");
  if (!ended_well(child)) return cannot_sign("ssh-keygen did not sign with " + evidence::escape_to(file, 256));
  return read_policy_file(bench.signature());
}

// The public half of a private key's file; nothing: there is none beside it.
std::optional<evidence::SshKey> public_half(const std::string& file) {
  const auto text = read_policy_file(file + ".pub");
  if (!text) return std::nullopt;
  return evidence::parse_ssh_key(std::string_view(*text).substr(0, text->find_last_not_of("\r\n") + 1));
}

// Where that is not there ssh-keygen tells it, and may ask for the passphrase.
std::optional<evidence::SshKey> asked_half(const std::string& file, const Surroundings& around) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const OpenFile from(ends[0]);
  std::vector<std::string> words = {around.keygen, "-y", "-f", file};
  const pid_t child = spawn_keygen(words, ends[1]);
  close(ends[1]);
  if (child < 0) return std::nullopt;
  std::string text(kPublicMax, '\0');
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0 && size < text.size();) {
    got = ::read(from.fd, text.data() + size, text.size() - size);
    if (got > 0) size += static_cast<std::size_t>(got);
    if (got < 0 && errno == EINTR) got = 1;
  }
  text.resize(size);
  if (!ended_well(child)) return std::nullopt;
  return evidence::parse_ssh_key(std::string_view(text).substr(0, text.find_last_not_of("\r\n") + 1));
}

Result<Signed> sign_by_file(const std::string& file, const Eligible& eligible, std::string_view purpose, const MessageFor& message_for,
                            const Surroundings& around) {
  const std::string shown = evidence::escape_to(file, 256);
  auto half = public_half(file);
  if (!half) half = asked_half(file, around);
  if (!half) return cannot_sign("ssh-keygen reads no key that is taken from " + shown);
  if (too_soft(eligible, *half)) return cannot_sign("this vote needs a hardware key (ed25519-sk, ecdsa-sk), and that of " + shown + " is none; name another: --key FILE");
  const auto key = enrolled_as(eligible, *half);
  if (!key) return cannot_sign("the key of " + shown + " is not one of yours here; an admin adds it: jitctl people add-key");
  const auto message = message_for(*key);
  if (!message) return message.failure();
  const auto text = run_keygen(file, purpose, *message, around);
  if (!text) return text.failure();
  auto blob = evidence::from_armour(*text);
  if (!blob) return cannot_sign("ssh-keygen printed no signature");
  return checked(*key, purpose, *message, std::move(*blob));
}

// The files in ~/.ssh whose keys are among these, by preference.
std::vector<std::pair<std::size_t, std::string>> default_files(const Eligible& eligible, const Surroundings& around) {
  std::vector<std::pair<std::size_t, std::string>> files;
  for (const char* name : kDefaultKeys) {
    std::string file = around.home + "/.ssh/" + name;
    const auto half = around.home.empty() ? std::nullopt : public_half(file);
    const auto key = half && access(file.c_str(), R_OK) == 0 ? enrolled_as(eligible, *half) : std::nullopt;
    if (key) files.emplace_back(rank_of(eligible.enrolled, *key), std::move(file));
  }
  std::ranges::stable_sort(files, {}, &std::pair<std::size_t, std::string>::first);
  return files;
}

}  // namespace

Surroundings surroundings() {
  Surroundings out;
  const char* const agent = std::getenv("SSH_AUTH_SOCK");
  if (agent != nullptr) out.agent = agent;
  const passwd* const user = getpwuid(getuid());
  if (user != nullptr && user->pw_dir != nullptr) out.home = user->pw_dir;
  return out;
}

Result<Signed> sign(std::span<const evidence::PublicKey> enrolled, std::string_view purpose, std::string_view message, const std::string& key_file,
                    const Surroundings& around) {
  return sign(enrolled, purpose, [message](const evidence::PublicKey&) -> Result<std::string> { return std::string(message); }, key_file, around);
}

Result<Signed> sign(std::span<const evidence::PublicKey> enrolled, std::string_view purpose, const MessageFor& message, const std::string& key_file,
                    const Surroundings& around, KeysTaken taken) {
  const Eligible eligible{enrolled, taken};
  bool at_last = false;
  if (!key_file.empty()) {
    constexpr std::string_view kPublicEnd = ".pub";
    const std::string file = key_file.ends_with(kPublicEnd) ? key_file.substr(0, key_file.size() - kPublicEnd.size()) : key_file;
    // Its private half may be in the agent alone.
    const auto half = !around.agent.empty() && access(file.c_str(), F_OK) != 0 ? public_half(file) : std::nullopt;
    if (const auto key = half ? enrolled_as(eligible, *half) : std::nullopt) {
      auto by_agent = sign_by_agent({{&*key, 1}, taken}, purpose, message, around, at_last);
      if (by_agent && *by_agent) return std::move(**by_agent);
      if (!by_agent) return by_agent.failure();
    }
    return sign_by_file(file, eligible, purpose, message, around);
  }
  std::string agent_said;
  if (!around.agent.empty()) {
    auto by_agent = sign_by_agent(eligible, purpose, message, around, at_last);
    if (by_agent && *by_agent) return std::move(**by_agent);
    if (!by_agent) {
      if (at_last) return by_agent.failure();
      agent_said = by_agent.failure().message;
    }
  }
  auto files = default_files(eligible, around);
  if (enrolled.empty() && files.size() > 1) {
    std::string several;
    for (const auto& [rank, file] : files) several += (several.empty() ? "" : ", ") + file;
    return which_one(several);
  }
  if (files.empty()) {
    if (!agent_said.empty()) return cannot_sign(agent_said);
    const bool hardware = taken == KeysTaken::kHardware;
    return Failure{Exit::kNo, std::string(hardware ? "this vote needs a hardware key, and none" : "no key") + " of yours is at hand" + (enrolled.empty() ? "" : " that is enrolled here") +
                                  ": load it into ssh-agent (ssh-add), or name its file: --key FILE"};
  }
  return sign_by_file(files.front().second, eligible, purpose, message, around);
}

bool at_hand(std::span<const evidence::PublicKey> enrolled, const Surroundings& around) {
  const Eligible all{enrolled, KeysTaken::kAll};
  if (!around.agent.empty()) {
    auto agent = SshAgent::connect(around.agent);
    // One that is refused is at hand: sign() says why it must not be used.
    if (!agent && agent.failure().code == Exit::kNotAllowed) return true;
    const auto held = agent ? agent->keys() : Result<std::vector<evidence::Bytes>>(agent.failure());
    for (const evidence::Bytes& blob : held ? *held : std::vector<evidence::Bytes>()) {
      const auto key = evidence::parse_ssh_key_blob(blob);
      if (key && enrolled_as(all, *key)) return true;
    }
  }
  return !default_files(all, around).empty();
}

bool opens_logins_here(const evidence::PublicKey& key, const Surroundings& around) {
  const auto parsed = key.kind == "ssh" ? evidence::parse_ssh_key(key.text) : std::nullopt;
  if (!parsed || evidence::in_token(parsed->type) || around.home.empty()) return false;
  const auto text = read_policy_file(around.home + "/.ssh/authorized_keys");
  return text && text->find(evidence::base64(parsed->blob)) != std::string::npos;
}

}  // namespace jit::cli
