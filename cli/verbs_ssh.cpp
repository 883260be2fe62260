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
#include "cli/harmless.h"
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

// What the other side complains of: each line once it is whole, or long.
void tell_lines(std::string& said, Output& out, bool all) {
  while (!said.empty()) {
    const std::size_t end = std::min(said.find('\n'), said.size());
    if (end == said.size() && !all && end < kLineMost) return;
    out.aside(harmless_line(std::string_view(said).substr(0, end)));
    said.erase(0, end + 1);
  }
}

using Taking = std::function<void(std::string_view)>;

// To the end of both.
void read_both(int output, int complaints, const Taking& take, Output& out) {
  std::string said;
  std::array<pollfd, 2> both{pollfd{output, POLLIN, 0}, pollfd{complaints, POLLIN, 0}};
  std::array<char, 16384> chunk{};
  while (both[0].fd >= 0 || both[1].fd >= 0) {
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
      if (&one == &both[0]) {
        take(more);
      } else {
        said += more;
        tell_lines(said, out, false);
      }
    }
  }
  tell_lines(said, out, true);
  close(output);
  close(complaints);
}

int reaped(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
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
  read_both(ends[0], complaints[0], [&](std::string_view more) {
    if (done.out.size() < kAnswerMost) done.out += more;
  }, out);
  if (!started) return std::nullopt;
  const int status = reaped(child);
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

Failure no_ssh() { return {Exit::kUnreachable, std::string(kSsh) + " cannot be started; install openssh-client"}; }

// What the host showed of this request, checked with the key that it is known by here, or that --trust takes over.
Result<SignedRequest> signed_by_host(const std::string& fetched, const std::string& host, const std::string& id, const std::string& trust, Output& out) {
  const std::string envelope(evidence::trim(fetched.substr(0, fetched.find('\n'))));
  const auto parsed = evidence::parse_envelope(envelope);
  const auto key = parsed && parsed->signatures.size() == 1 ? key_in(*parsed) : std::nullopt;
  if (!key) return Failure{Exit::kNo, "what came is not signed by a host: do not answer it"};
  auto request = verified(envelope, *key);
  if (!request) return request.failure();
  if (const std::string more(evidence::trim(fetched.substr(std::min(envelope.size(), fetched.size())))); !more.empty()) {
    const Json told = evidence::parse_foreign(more);
    if (!told.is_object() || !open_private(*request, told.value("openings", Json()))) return Failure{Exit::kNo, "what the host shows is not what it signed: do not answer it"};
  }
  // Who has taken over one host that is known could show what another one asks.
  if (!request->request.id.starts_with(id)) return Failure{Exit::kNo, evidence::escape_to(host, 64) + " shows request " + request->request.id + " where " + id + " was asked for: do not answer it"};
  const auto approver = read_approver();
  if (!approver) return approver.failure();
  const std::string name = host.substr(host.rfind('@') + 1);
  const std::string fingerprint = evidence::fingerprint(*key);
  if (approver->knows(name, fingerprint)) return request;
  const TrustedHost* const other = approver->host(fingerprint);
  if (trust != fingerprint) {
    const std::string who = other != nullptr ? "this is signed by the host that you know as " + evidence::escape_to(other->name, 64) + ", not as " + evidence::escape_to(name, 64)
                                             : "you do not know the host that signed this; it calls itself " + evidence::escape_to(request->request.host_name, 64);
    return Failure{Exit::kNo, who + ", key " + fingerprint + ". Compare with jitctl status on " + evidence::escape_to(name, 64) + ", then add --trust " + fingerprint};
  }
  if (const auto kept = trust_host(name, *key); !kept) return kept.failure();
  out.aside("the key of " + evidence::escape_to(name, 64) + " is kept in " + approver_file());
  return request;
}

// What nobody signs: how far it is. `word` is the host's.
void take_over(Json& document, const Json& word) {
  for (const char* const name : {"state", "steps", "votes", "grant", "grant_state", "owed", "ended", "typed_code"}) {
    if (word.contains(name)) document[name] = word[name];
  }
  Json& seats = document["offer"]["seats"];
  const Json& filled = member(word, "offer.seats");
  for (std::size_t i = 0; filled.is_array() && i < std::min(seats.size(), filled.size()); ++i) {
    if (const Json& people = member(filled[i], "filled_by"); people.is_array()) seats[i]["filled_by"] = people;
  }
}

}  // namespace

// For the other host's jitctl to answer. Nobody checks that, so it is text here and nothing more.
Exit Verbs::pass_on(const std::string& host, std::span<const std::string> arguments) {
  const bool terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
  const auto all = ssh_words(host, {arguments.begin(), arguments.end()}, terminal);
  std::vector<char*> argv;
  for (const std::string& word : all) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (access(kSsh, X_OK) != 0) return out.fail({Exit::kUnreachable, std::string(kSsh) + ": " + std::strerror(errno) + "; install openssh-client"});
  int ends[2] = {-1, -1};
  int complaints[2] = {-1, -1};
  const bool piped = pipe2(ends, O_CLOEXEC) == 0 && pipe2(complaints, O_CLOEXEC) == 0;
  const pid_t child = piped ? fork() : -1;
  if (child < 0) return out.fail({Exit::kUnreachable, std::string(kSsh) + " cannot be started: " + std::strerror(errno)});
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);  // it ends with us
    dup2(ends[1], STDOUT_FILENO);
    dup2(complaints[1], STDERR_FILENO);
    execv(kSsh, argv.data());
    _exit(255);
  }
  close(ends[1]);
  close(complaints[1]);
  // ^C is for it, and its end is ours.
  signal(SIGINT, SIG_IGN);
  signal(SIGQUIT, SIG_IGN);
  Harmless shown(terminal);
  read_both(ends[0], complaints[0], [&](std::string_view more) { out.text(shown.pass(more)); }, out);
  out.text(shown.end());
  const int status = reaped(child);
  if (WIFSIGNALED(status)) {
    signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  if (const auto none = no_answer(code, host)) return out.fail(*none);
  return static_cast<Exit>(code);
}

Exit Verbs::show_over_ssh(const std::string& host) {
  const auto id = id_of(args.words[0]);
  if (!id) return out.fail(id.failure());
  const auto told = ssh(host, {"show", *id, "--json"}, {}, out);
  if (!told) return out.fail(no_ssh());
  if (told->code != 0) return out.fail(ssh_failure(*told, host));
  const Json word = harmless_document(evidence::parse_foreign(evidence::trim(told->out)));
  const std::string shown = evidence::escape_to(host, 64);
  if (!word.is_object()) return out.fail({Exit::kNo, shown + " gave no answer that can be read: has it a jitctl of another version?"});
  if (word.contains("request")) {  // a grant: hosts sign what is asked, for who votes
    out.aside("this is what " + shown + " says: it was not checked");
    return print(word, grant_facts(word));
  }
  const auto fetched = ssh(host, {"show", *id, "--envelope"}, {}, out);
  if (!fetched || fetched->code != 0) return out.fail(ssh_failure(fetched.value_or(SshDone{}), host));
  const auto request = signed_by_host(fetched->out, host, *id, args.value(Option::kTrust), out);
  if (!request) return out.fail(request.failure());
  Json document = document_of(*request);
  take_over(document, word);
  const Exit done = print(document, request_facts(document));
  out.aside("checked with the key of " + shown + ", but how far it is and who voted: that is what " + shown + " says");
  return done;
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
  if (!fetched) return out.fail(no_ssh());
  if (fetched->code != 0) return out.fail(ssh_failure(*fetched, host));
  const auto request = signed_by_host(fetched->out, host, *id, args.value(Option::kTrust), out);
  if (!request) return out.fail(request.failure());
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
