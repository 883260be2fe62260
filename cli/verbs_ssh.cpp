// SPDX-License-Identifier: Apache-2.0
// jitctl -H [USER@]HOST: the same, over ssh. A vote is signed here, where the person sits and his key is; the other host gets it whole.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cli/commands.h"
#include "cli/remote.h"
#include "cli/replace_file.h"
#include "evidence/canonical.h"
#include "evidence/text.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

constexpr char kSsh[] = "/usr/bin/ssh";
constexpr std::size_t kAnswerMost = 2 * evidence::kEnvelopeMax;
constexpr std::size_t kLineMost = 4096;  // of what is complained of

// A shell of the other host reads it: each word is one word there.
std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::vector<std::string> ssh_words(const std::string& host, const std::vector<std::string>& words, bool terminal) {
  std::vector<std::string> out = {kSsh};
  if (terminal) out.emplace_back("-t");
  out.insert(out.end(), {"--", host, "jitctl"});
  for (const std::string& word : words) out.push_back(quoted(word));
  return out;
}

struct SshDone {
  int code = 255;
  std::string out;
};

// Printable, or nobody knows what it does to the terminal.
std::string harmless_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const bool plain = std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; });
  return plain ? std::string(line) : evidence::escape(line);
}

// What the other side complains of: each line once it is whole, or long.
void tell_lines(std::string& said, Output& out, bool all) {
  while (!said.empty()) {
    const std::size_t end = std::min(said.find('\n'), said.size());
    if (end == said.size() && !all && end < kLineMost) return;
    out.aside(harmless_line(std::string_view(said).substr(0, end)));
    said.erase(0, end + 1);
  }
}

// input is its standard input; what it prints is kept, what it complains of goes to our standard error.
std::optional<SshDone> ssh(const std::string& host, const std::vector<std::string>& words, const std::string& input, Output& out) {
  const auto all = ssh_words(host, words, false);
  std::vector<char*> argv;
  for (const std::string& word : all) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const SecretFile file(input);  // in memory: no pipe that two could wait at
  int ends[2] = {-1, -1};
  int complaints[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  if (pipe2(complaints, O_CLOEXEC) != 0) return close(ends[0]), close(ends[1]), std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, file.path().c_str(), O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, complaints[1], STDERR_FILENO);
  pid_t child = -1;
  const bool started = posix_spawn(&child, kSsh, &actions, nullptr, argv.data(), environ) == 0;
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  close(complaints[1]);
  SshDone done;
  std::string said;
  std::array<pollfd, 2> both{pollfd{ends[0], POLLIN, 0}, pollfd{complaints[0], POLLIN, 0}};
  std::array<char, 16384> chunk{};
  while (started && (both[0].fd >= 0 || both[1].fd >= 0)) {
    if (poll(both.data(), both.size(), -1) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    for (pollfd& one : both) {
      if (one.revents == 0) continue;
      const ssize_t got = read(one.fd, chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        one.fd = -1;
        continue;
      }
      const std::string_view more(chunk.data(), static_cast<std::size_t>(got));
      if (&one == &both[1]) {
        said += more;
        tell_lines(said, out, false);
      } else if (done.out.size() < kAnswerMost) {
        done.out += more;
      }
    }
  }
  tell_lines(said, out, true);
  close(ends[0]);
  close(complaints[0]);
  if (!started) return std::nullopt;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  done.code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  return done;
}

// Of what ssh ended with, where that is no exit code of jitctl.
std::optional<Failure> no_answer(int code, const std::string& host) {
  constexpr int kLost = 255, kNoProgram = 127;
  const std::string shown = evidence::escape_to(host, 64);
  if (code == kLost) return Failure{Exit::kUnreachable, shown + " cannot be reached over ssh, or was lost: see above, then try again"};
  if (code == kNoProgram) return Failure{Exit::kUnreachable, shown + " has no jitctl: install pam_jit there"};
  if (code > static_cast<int>(Exit::kTimedOut)) return Failure{Exit::kNo, "jitctl on " + shown + " ended with code " + std::to_string(code)};
  return std::nullopt;
}

Failure ssh_failure(const SshDone& done, const std::string& host) {
  if (auto none = no_answer(done.code, host)) return std::move(*none);
  return {done.code == 0 ? Exit::kNo : static_cast<Exit>(done.code), evidence::escape_to(host, 64) + " refuses: see above"};
}

}  // namespace

// As it is, for the other host's jitctl to answer.
Exit Verbs::pass_on(const std::string& host, std::span<const std::string> arguments) {
  const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  const auto all = ssh_words(host, {arguments.begin(), arguments.end()}, terminal);
  std::vector<char*> argv;
  for (const std::string& word : all) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (access(kSsh, X_OK) != 0) return out.fail({Exit::kUnreachable, std::string(kSsh) + ": " + std::strerror(errno) + "; install openssh-client"});
  const pid_t child = fork();
  if (child < 0) return out.fail({Exit::kUnreachable, std::string(kSsh) + " cannot be started: " + std::strerror(errno)});
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // it ends with us
    execv(kSsh, argv.data());
    _exit(255);
  }
  // ^C is for it, and its end is ours.
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  if (const auto none = no_answer(code, host)) return out.fail(*none);
  return static_cast<Exit>(code);
}

Exit Verbs::vote_over_ssh(const std::string& host, bool approve) {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  auto decision = decision_given(approve);
  if (!decision) return out.fail(decision.failure());
  const auto approver = read_approver();
  if (!approver) return out.fail(approver.failure());
  if (approver->person.empty()) return out.fail({Exit::kUsage, "who are you there? put person = \"NAME\" into " + approver_file()});
  const auto fetched = ssh(host, {"show", *id, "--envelope"}, {}, out);
  if (!fetched) return out.fail({Exit::kUnreachable, std::string(kSsh) + " cannot be started; install openssh-client"});
  if (fetched->code != 0) return out.fail(ssh_failure(*fetched, host));
  const std::string envelope(evidence::trim(fetched->out.substr(0, fetched->out.find('\n'))));
  const auto parsed = evidence::parse_envelope(envelope);
  const auto key = parsed && parsed->signatures.size() == 1 ? key_in(*parsed) : std::nullopt;
  if (!key) return out.fail({Exit::kNo, "what came is not signed by a host: do not answer it"});
  auto request = verified(envelope, *key);
  if (!request) return out.fail(request.failure());
  if (const std::string more(evidence::trim(fetched->out.substr(std::min(envelope.size(), fetched->out.size())))); !more.empty()) {
    const Json told = evidence::parse_foreign(more);
    if (!told.is_object() || !open_private(*request, told.value("openings", Json()))) return out.fail({Exit::kNo, "what the host shows is not what it signed: do not answer it"});
  }
  // Who has taken over one host that is known could show what another one asks.
  if (!request->request.id.starts_with(*id)) return out.fail({Exit::kNo, evidence::escape_to(host, 64) + " shows request " + request->request.id + " where " + *id + " was asked for: do not answer it"});
  const std::string name = host.substr(host.rfind('@') + 1);
  const std::string fingerprint = evidence::fingerprint(*key);
  if (!approver->knows(name, fingerprint)) {
    const TrustedHost* const other = approver->host(fingerprint);
    if (args.value(Option::kTrust) != fingerprint) {
      const std::string who = other != nullptr ? "this is signed by the host that you know as " + evidence::escape_to(other->name, 64) + ", not as " + evidence::escape_to(name, 64)
                                               : "you do not know the host that signed this; it calls itself " + evidence::escape_to(request->request.host_name, 64);
      return out.fail({Exit::kNo, who + ", key " + fingerprint + ". Compare with jitctl status on " + evidence::escape_to(name, 64) + ", then add --trust " + fingerprint});
    }
    if (const auto kept = trust_host(name, *key); !kept) return out.fail(kept.failure());
    out.aside("the key of " + evidence::escape_to(name, 64) + " is kept in " + approver_file());
  }
  if (!json()) out.facts(request_facts(document_of(*request)));
  if (approve && request->request.offer.match && decision->typed.empty()) {
    return out.fail({Exit::kUsage, "this needs the code on the requester's screen: ask for it by voice, then add --typed CODE"});
  }
  const auto vote = signed_vote(*request, *decision, approver->person, {}, args.has(Option::kKey) ? args.value(Option::kKey) : approver->key);
  if (!vote) return out.fail(vote.failure());
  std::vector<std::string> words = {"vote", "--paste", "-"};
  if (json()) words.emplace_back("--json");
  const auto handed = ssh(host, words, *vote + "\n", out);
  if (!handed || handed->code != 0) return out.fail(ssh_failure(handed.value_or(SshDone{}), host));
  for (std::size_t at = 0; at < handed->out.size();) {
    const std::size_t end = std::min(handed->out.find('\n', at), handed->out.size());
    out.line(harmless_line(std::string_view(handed->out).substr(at, end - at)));
    at = end + 1;
  }
  return Exit::kDone;
}

}  // namespace jit::cli
