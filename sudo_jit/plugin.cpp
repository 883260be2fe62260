// SPDX-License-Identifier: Apache-2.0
#include "sudo_jit/plugin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <charconv>

#include "pam_jit/ask.h"
#include "pam_jit/log.h"
#include "pam_jit/proc.h"
#include "sudo_jit/command_info.h"
#include "sudo_jit/program.h"
#include "sudo_jit/recorder.h"
#include "sudo_jit/voice.h"

namespace jit::pam {

extern const char kModule[] = "sudo_jit";

}  // namespace jit::pam

namespace jit::sudo {
namespace {

using namespace pam;

// The words of run_argv, each ended by a NUL. False: none, too long, or no memory.
bool pack(char* const words[], Bytes& out, std::size_t& size) {
  size = 0;
  for (std::size_t i = 0; words != nullptr && words[i] != nullptr; ++i) {
    size += strlen(words[i]) + 1;
    if (size > kArgvMax) return false;
  }
  out.reset(static_cast<char*>(malloc(size + 1)));
  if (size == 0 || !out) return false;
  char* at = out.get();
  for (std::size_t i = 0; words[i] != nullptr; ++i) {
    const std::size_t length = strlen(words[i]) + 1;
    memcpy(at, words[i], length);
    at += length;
  }
  return true;
}

std::size_t columns_of(char* const user_info[]) {
  const std::string_view text = value_of(user_info, "cols");
  std::size_t out = 80;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// What the views of the context point at, beside what a Case keeps.
struct Told {
  CommandInfo info;
  Program program;
  Bytes words;
};

// Null, or why this cannot be asked, for the person.
const char* describe(const Opened& opened, char* const command_info[], char* const run_argv[], std::size_t argv_size, Case& c, Told& told) {
  Context& context = c.context;
  const CommandInfo& info = told.info;
  std::size_t size = 0;
  if (!read_command_info(command_info, told.info)) return "jit: denied: sudo does not say as whom it runs this";
  if (!pack(run_argv, told.words, size)) return "jit: denied: the command line is longer than 128 KiB";
  context.service = is_true(opened.settings, "login_shell") ? "sudo-i" : "sudo";
  context.phase = word_of(c.phase);
  context.user = context.ruser = value_of(opened.user_info, "user");
  context.tty = value_of(opened.user_info, "tty");
  if (context.user.empty()) return "jit: denied: sudo does not say who asks";
  context.argv = {c.argv.get(), argv_size};
  context.run = {told.words.get(), size};
  context.run_user = info.user;
  context.run_uid = info.uid;
  context.run_group = info.group;
  context.child = info.child;
  context.cwd = info.folder;
  if (info.folder.empty()) {
    c.cwd.reset(getcwd(nullptr, 0));
    if (!c.cwd && errno != ENOENT) return "jit: denied: the current folder cannot be read";
    if (c.cwd) context.cwd = c.cwd.get();
  }
  if (!info.edits && !info.chroot) told.program = find_program(info.command, info.folder);
  if (told.program.path[0] != '\0') context.run_path = told.program.path.data();
  context.program = told.program.file.get();
  if (!info.recording.empty() && recorder_is_loaded()) context.recording = info.recording;
  return collect_reason(c);
}

// Runs with the signals held, and gives them back whatever came out.
Verdict run_held(Case& c, Talk& talk) {
  Waiter waiter(-1, false, false);
  Attempt attempt;
  Answer answer;
  Verdict verdict = run(c, talk, waiter, attempt, answer);
  if (!waiter.release()) return deny(c, talk, text_of(Fault::kSystem), "the signal mask could not be put back");
  if (verdict == Verdict::kAllow) {
    talk.say(answer.detail);
    log_outcome(c, "allowed", answer.detail.cause.data(), answer.id.data(), answer.head.data());
  }
  return verdict;
}

Verdict ask(const Opened& opened, char* const command_info[], char* const run_argv[], Case& c, Conversation& conversation) {
  SudoOptions sudo;
  std::size_t argv_size = 0;
  const Read argv = read_argv(c.argv, argv_size);
  if (argv == Read::kFound) sudo = read_sudo_options({c.argv.get(), argv_size});
  bool terminal = false;
  const bool looked = value_of(opened.user_info, "tty").empty() || find_terminal(terminal);
  const bool child = value_of(command_info, "runcwd").data() != nullptr;
  // A program runs already: what is typed is its own, and sudo waits with it.
  set_sudo_manner(terminal && !child, c.options, sudo, c.manner);
  Talk talk(conversation.voice(!c.manner.errors_only, columns_of(opened.user_info)), c.manner);
  if (!looked) return deny(c, talk, text_of(Fault::kSystem), "terminal not known");
  if (argv != Read::kFound) return deny(c, talk, "jit: denied: the command line cannot be read", "command line");
  c.budget_end = after(static_cast<Ms>(c.manner.budget_s) * 1000);
  c.context.can_ask = c.manner.can_ask;
  c.context.budget_s = c.manner.budget_s;
  Told told;
  if (const char* why = describe(opened, command_info, run_argv, argv_size, c, told)) return deny(c, talk, why, "the command cannot be described");
  const Verdict verdict = run_held(c, talk);
  if (verdict == Verdict::kDeny && !child) drop_typed_input();
  return verdict;
}

}  // namespace

bool check(const Opened& opened, char* const command_info[], char* const run_argv[]) {
  Case c;
  c.door = Door::kSudo;
  c.phase = Phase::kCommand;
  if (geteuid() != 0) return false;
  int count = 0;
  while (opened.options != nullptr && opened.options[count] != nullptr) ++count;
  const std::optional<Options> options = read_options(count, opened.options);
  Conversation conversation(opened.conversation);
  if (!options || options->observe) {
    // To observe is for a PAM line, whose answer sudo may ignore; ours it obeys.
    const Manner manner{};
    Talk talk(conversation.voice(false, 0), manner);
    return deny(c, talk, "jit: denied: sudo_jit's line in sudo.conf takes budget=SECONDS and debug", "options") == Verdict::kAllow;
  }
  c.options = *options;
  const Verdict verdict = ask(opened, command_info, run_argv, c, conversation);
  conversation.end_line();
  return verdict == Verdict::kAllow;
}

}  // namespace jit::sudo
