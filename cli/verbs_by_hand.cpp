// SPDX-License-Identifier: Apache-2.0
// Approvals without any network: the request goes out as text or a code on the screen, is signed wherever the approver's key is, and
// what comes back is typed in.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/line_reader.h"
#include "cli/policy_files.h"
#include "cli/remote.h"
#include "cli/signing.h"
#include "cli/terminal_code.h"
#include "cli/trust.h"
#include "evidence/carried.h"
#include "evidence/text.h"
#include "evidence/vote_code.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

constexpr std::size_t kLine = 76;
constexpr std::string_view kBegin = "-----BEGIN JIT REQUEST-----";
constexpr std::string_view kEnd = "-----END JIT REQUEST-----";
constexpr std::size_t kInputMax = 2 * evidence::kEnvelopeMax;

std::string wrapped(std::string_view text) {
  std::string out = std::string(kBegin) + "\n";
  for (std::size_t at = 0; at < text.size(); at += kLine) out.append(text.substr(at, kLine)).append("\n");
  return out.append(kEnd);
}

// What stands between the two lines, or all of it where they are not there.
std::string unwrapped(const std::string& text) {
  const std::size_t begin = text.find(kBegin);
  if (begin == std::string::npos) return text;
  const std::size_t from = begin + kBegin.size();
  return text.substr(from, text.find(kEnd, from) - from);
}

Failure too_long() { return {Exit::kUsage, "that is too long for a request or a vote: copy no more than what jitctl printed"}; }

// From a file, or from standard input: a terminal's ends with the last line of what is pasted, so that nobody has to know Ctrl-D.
Result<std::string> read_input(const std::string& word, std::string_view last_line) {
  if (!word.empty() && word != "-") return read_policy_file(word);
  const bool terminal = isatty(STDIN_FILENO) == 1;
  std::string out;
  LineReader reader(STDIN_FILENO, kInputMax);
  auto got = LineReader::Got::kLine;
  for (std::string line; (got = reader.next(line)) == LineReader::Got::kLine;) {
    if (out.size() + line.size() > kInputMax) return too_long();
    out += line + "\n";
    const bool whole = last_line.empty() ? !line.empty() : line.find(last_line) != std::string::npos || line.starts_with('{');
    if (terminal && whole) break;
  }
  if (got == LineReader::Got::kTooLong) return too_long();
  if (evidence::trim(out).empty()) return Failure{Exit::kUsage, "nothing was given: paste it, or name a file"};
  return out;
}

// On the terminal, whatever standard input is.
std::string ask(const std::string& question) {
  FILE* const terminal = std::fopen("/dev/tty", "r+e");
  if (terminal == nullptr) return {};
  std::fprintf(terminal, "%s", question.c_str());
  std::fflush(terminal);
  char line[64] = "";
  const bool got = std::fgets(line, sizeof line, terminal) != nullptr;
  std::fclose(terminal);
  return got ? std::string(evidence::trim(line)) : std::string();
}

Result<Decision> decision_by_hand(const Args& args) {
  Decision out;
  out.approve = args.has(Option::kYes);
  if (out.approve && args.has(Option::kNo)) return Failure{Exit::kUsage, "--approve or --deny, not both"};
  const auto seconds = duration_of(args);
  if (!seconds) return seconds.failure();
  out.duration_s = *seconds;
  const auto block = duration_of(args, Option::kBlock);
  if (!block) return block.failure();
  out.block_s = *block;
  out.scope = args.value(Option::kScope);
  if (!out.scope.empty() && !policy::scope_named(out.scope)) return Failure{Exit::kUsage, "--scope: give command, tty, session or login"};
  const auto reason = reason_of(args, false);
  if (!reason) return reason.failure();
  out.reason = *reason;
  for (const char c : args.value(Option::kTyped)) {
    if (c != ' ' && c != '-') out.typed += c;
  }
  return out;
}

}  // namespace

Exit Verbs::show_code(Client& client, const std::string& id) {
  const auto envelope = client.envelope(id);
  if (!envelope) return out.fail(envelope.failure());
  if (json() || args.has(Option::kEnvelope)) {
    out.line(*envelope);
    if (json()) return Exit::kDone;  // one document; show --json has what is private
    // Behind it, for a jitctl on the other side of ssh, what the envelope hides.
    const auto shown = client.get_request(id);
    if (shown && shown->contains("openings")) out.line(Json{{"openings", shown->at("openings")}}.dump());
    return Exit::kDone;
  }
  const std::string text = evidence::to_carried(*envelope);
  if (text.empty()) return out.fail({Exit::kNo, "the request cannot be packed; use --envelope"});
  winsize size{};
  const bool screen = out.style().terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  const auto code = screen ? draw_code(text) : std::nullopt;
  constexpr std::size_t kBeside = 4;  // rows for what stands below, and the prompt
  const bool fits = code && code->columns <= size.ws_col && code->rows + kBeside <= size.ws_row;
  out.line(fits ? code->lines : wrapped(text));
  if (code && !fits) {
    out.note("for a QR code this terminal is too small: it takes " + std::to_string(code->columns) + " columns and " + std::to_string(code->rows + kBeside) + " rows");
  }
  out.note("the approver signs this anywhere: jitctl vote --code");
  out.note("what comes back is typed at the prompt that waits, or here: jitctl vote --paste");
  return Exit::kDone;
}

Exit Verbs::vote_by_hand() {
  if (args.has(Option::kCode) == args.has(Option::kPaste)) {
    return out.fail({Exit::kUsage, "vote --code signs what jitctl show --code printed; vote --paste hands in what that printed. To vote here: jitctl approve ID"});
  }
  return args.has(Option::kCode) ? sign_by_hand() : hand_in();
}

Exit Verbs::sign_by_hand() {
  auto decision = decision_by_hand(args);
  if (!decision) return out.fail(decision.failure());
  const auto approver = read_approver();
  if (!approver) return out.fail(approver.failure());
  const std::string person = args.has(Option::kPerson) ? args.value(Option::kPerson) : approver->person;
  if (args.has(Option::kEnvelope) && person.empty()) {
    return out.fail({Exit::kUsage, "who are you there? give --person NAME, or put person = \"NAME\" into " + approver_file()});
  }
  const auto text = read_input(args.words.empty() ? "-" : args.words[0], kEnd);
  if (!text) return out.fail(text.failure());
  const auto envelope = evidence::from_carried(unwrapped(*text));
  if (!envelope) return out.fail({Exit::kUsage, "this is not what jitctl show ID --code prints; copy all of it"});
  const auto parsed = evidence::parse_envelope(*envelope);
  const auto key = parsed && parsed->signatures.size() == 1 ? key_in(*parsed) : std::nullopt;
  if (!key) return out.fail({Exit::kNo, "this request is not signed by a host: do not answer it"});
  const std::string fingerprint = evidence::fingerprint(*key);
  const auto request = verified(*envelope, *key);
  if (!request) return out.fail(request.failure());
  if (approver->host(fingerprint) == nullptr) {
    const std::string host = evidence::escape_to(request->request.host_name, 64);
    if (args.value(Option::kTrust) != fingerprint) {
      return out.fail({Exit::kNo, "you do not know the host that signed this; it calls itself " + host + ", key " + fingerprint +
                                      ". Compare with jitctl status on that host, then add --trust " + fingerprint});
    }
    const auto kept = trust_host(request->request.host_name, *key);
    if (!kept) return out.fail(kept.failure());
    out.aside("the key of " + host + " is kept in " + approver_file());
  }
  for (const auto& [name, value] : request_facts(document_of(*request))) out.aside(name + ": " + value);
  if (!args.has(Option::kYes) && !args.has(Option::kNo)) {
    const std::string answer = ask("Approve this? Type yes or no: ");
    if (answer != "yes" && answer != "no") return out.fail({Exit::kUsage, "nothing was signed: answer yes or no, or give --approve or --deny"});
    decision->approve = answer == "yes";
  }
  if (!decision->approve && decision->reason.empty()) return out.fail({Exit::kUsage, "say why you deny it: add -m REASON"});
  if (decision->approve && request->request.offer.match && decision->typed.empty()) {
    return out.fail({Exit::kUsage, "this needs the code on the requester's screen: ask for it by voice, then add --typed CODE"});
  }
  const std::string key_file = args.has(Option::kKey) ? args.value(Option::kKey) : approver->key;
  const auto vote = args.has(Option::kEnvelope) ? signed_vote(*request, *decision, person, {}, key_file) : vote_code(*request, *decision, person, {}, key_file);
  if (!vote) return out.fail(vote.failure());
  if (json()) return print(Json{{"vote", *vote}}, {});
  out.line(*vote);
  return Exit::kDone;
}

Exit Verbs::hand_in() {
  const auto text = read_input(args.words.empty() ? "-" : args.words[0], {});
  if (!text) return out.fail(text.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto request = (*client)->submit_vote(std::string(evidence::trim(*text)));
  if (!request) return out.fail(request.failure());
  if (json()) return print(*request, {});
  const std::string state = text_of(*request, "state");
  out.line("taken: request " + text_of(*request, "id").substr(0, 8) + " is " + (state == "pending" || state == "detached" ? "still waiting for more votes" : state));
  return Exit::kDone;
}

}  // namespace jit::cli
