// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/asking.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>

#include "broker/gate/sudo_argv.h"
#include "evidence/text.h"

namespace jit::gate {
namespace {

using directory::Status;
using directory::User;
using policy::Door;

constexpr std::size_t kNameShown = 80;

core::IdentityPtr identity_of(const User& user, const PersonOf& person_of) {
  auto out = std::make_shared<policy::Identity>();
  out->uid = user.uid;
  out->user = user.name;
  out->person = person_of(user.name, user.uid);
  out->groups_known = user.groups_known;
  out->groups_all = user.groups;
  out->groups_any = directory::groups_any(user);
  return out;
}

// SSH_AUTH_INFO_0 has a line for each method that succeeded: "publickey ssh-ed25519 AAAA...". Only keys count; a certificate
// that was renewed is another key.
std::string key_of(std::string_view ssh_auth) {
  std::string keys;
  while (!ssh_auth.empty()) {
    const std::string_view line = ssh_auth.substr(0, ssh_auth.find('\n'));
    if (line.starts_with("publickey ")) keys.append(line).push_back('\n');
    ssh_auth.remove_prefix(std::min(line.size() + 1, ssh_auth.size()));
  }
  return keys.empty() ? std::string() : evidence::sha256_hex(keys);
}

Refusal unknown_user(const std::string& who) {
  const std::string shown = evidence::escape_to(who, kNameShown);
  return {"unknown-user", {"jit: there is no user " + shown + " here"}, "there is no user " + shown};
}

// In tests the broker is root, who is not meant.
bool is_own_uid(std::uint32_t uid) {
  static const auto own = geteuid();
  return uid == own && uid != 0;
}

Refusal own_user() {
  return {"own-user", {"jit: the user of the approval service itself asks for nothing here"}, "the broker's own user asks"};
}

Refusal outside_range(const User& user) {
  const std::string who = evidence::escape_to(user.name, kNameShown) + " (uid " + std::to_string(user.uid) + ")";
  return {"system-user", {"jit: " + who + " is not in /etc/passwd, and uids below 1000 belong to this machine, so this is refused"},
          who + " is of another source, with a uid of this machine's own"};
}

// Everything that one Submit looks up. Lives until the last answer came.
struct Looking : std::enable_shared_from_this<Looking> {
  Context context;
  Caller caller;
  Door door = Door::kSudo;
  policy::Origin from;
  PersonOf person_of;
  Unseen unseen;
  Asked done;
  directory::Directory* lookups = nullptr;
  core::Ask held;  // while its files are looked at
  SudoTarget sudo;
  User subject, target, root, login;
  std::optional<SudoCommand> parts;  // at sudo; none: what a program under it starts
  std::string program;
  bool changeable = false;
  std::string sha256;
  std::set<std::string> kernel_groups;
  bool kernel_groups_known = true;
  std::size_t open = 1;  // answers to come, and one for start() itself

  // Who elevates is a process with groups of its own; who logs in has none yet.
  bool elevates() const { return door == Door::kSudo || door == Door::kSu; }

  directory::Found into(User& place) {
    ++open;
    return [self = shared_from_this(), &place](const User& user) {
      place = user;
      self->one_less();
    };
  }

  void start(directory::Directory& directory) {
    lookups = &directory;
    directory.by_uid(0, into(root));
    if (other_login()) directory.by_uid(caller.loginuid, into(login));
    if (elevates()) {
      directory.by_uid(caller.real_uid, into(subject));
      for (const auto gid : caller.gids) {
        ++open;
        directory.group_name(gid, [self = shared_from_this()](const std::string& name) {
          if (name.empty()) self->kernel_groups_known = false;
          self->kernel_groups.insert(name);
          self->one_less();
        });
      }
    } else {
      directory.by_name(context.user, into(subject));
    }
    changeable = words_unclear();
    if (resolved()) resolve(directory);
    if (door == Door::kSu) directory.by_name(context.user, into(target));
    if (door == Door::kSudo && !resolved()) {
      if (sudo.kind == SudoTarget::Kind::kName) directory.by_name(sudo.name, into(target));
      if (sudo.kind == SudoTarget::Kind::kUid) directory.by_uid(sudo.uid, into(target));
    }
    one_less();
  }

  bool resolved() const { return context.phase == "command"; }

  // What sudo says that it will run, and as whom.
  void resolve(directory::Directory& directory) {
    if (context.run_user.starts_with('#')) {
      directory.by_uid(context.run_uid, into(target));
    } else {
      directory.by_name(context.run_user, into(target));
    }
    program = context.run_path;
    if (context.child) parts.reset();
    if (program.empty()) {
      changeable = true;  // nobody can tell what it is
      return;
    }
    directory::Asked files{caller.real_uid, std::vector<std::uint32_t>(caller.gids.begin(), caller.gids.end()), program, context.cwd, {}};
    files.words.assign(context.run.begin() + 1, context.run.end());
    ++open;
    directory.can_change(files, [self = shared_from_this()](bool can) {
      self->changeable = self->changeable || can;
      self->one_less();
    });
    if (context.program < 0) return;
    ++open;
    directory.digest(context.program, program, [self = shared_from_this()](std::string digest) {
      self->sha256 = std::move(digest);
      self->one_less();
    });
  }

  // The words of sudo that change what the command means, where there are any, and those that it will run.
  void set_resolved(core::Ask& ask) {
    const auto plain = sudo_command(context.argv);
    const bool whole = parts && plain.size() == context.argv.size();
    if (whole) ask.argv.assign(context.argv.begin(), context.argv.begin() + static_cast<std::ptrdiff_t>(std::min(parts->at, context.argv.size())));
    ask.command.words_at = static_cast<std::uint32_t>(ask.argv.size() + 1);
    ask.argv.insert(ask.argv.end(), context.run.begin(), context.run.end());
    core::Command& command = ask.command;
    command.known = command.verified = true;
    command.changeable = changeable || sha256.empty();
    command.path = program;
    command.sha256 = sha256;
    command.digest_bound = !sha256.empty();
    if (parts) {
      command.options = parts->options;
      command.env = parts->env;
    }
    ask.resolved = ask.target_verified = true;
    ask.target_group = std::move(context.run_group);
    ask.child = context.child;
    ask.recording = std::move(context.recording);
  }

  bool other_login() const { return elevates() && caller.loginuid != policy::kNoUid && caller.loginuid != caller.real_uid; }

  // Which file the command is, and whether who asks can change it or one that it reads.
  void look_at_files(const std::string& word) {
    lookups->program(word, [self = shared_from_this(), word](std::string path) {
      self->held.command.path = std::move(path);
      if (!self->changeable) return self->look_at_changes(word);
      self->held.command.changeable = true;
      self->hand_in(std::move(self->held));
    });
  }

  void look_at_changes(const std::string& word) {
    directory::Asked asked{caller.real_uid, std::vector<std::uint32_t>(caller.gids.begin(), caller.gids.end()), held.command.path, held.cwd, {}};
    // A program whose folder the broker cannot see (a home) is a file all the same.
    if (asked.program.empty() && word.starts_with('/')) asked.program = word;
    const auto first = std::min(parts->at + 1, context.argv.size());
    asked.words.assign(context.argv.begin() + static_cast<std::ptrdiff_t>(first), context.argv.end());
    lookups->can_change(asked, [self = shared_from_this()](bool can) {
      self->held.command.changeable = can;
      self->hand_in(std::move(self->held));
    });
  }

  bool has(const char* option) const { return std::ranges::count(parts->options, option) > 0; }

  // Nobody can tell which files the words mean: another folder, a chroot, a shell between.
  bool words_unclear() const {
    return parts && parts->at < context.argv.size() && (has("-D") || has("-R") || has("-i") || has("-s"));
  }

  // What is to be looked up; empty: nobody can tell what a word means in a chroot or another folder.
  std::string program_word() const {
    if (!parts || parts->at >= context.argv.size()) return {};
    const std::string& word = context.argv[parts->at];
    if (has("-R") || has("-i") || has("-s") || has("-e")) return {};
    if (word.starts_with('/') || word.find('/') == std::string::npos) return word;
    return has("-D") || !context.cwd.starts_with('/') ? std::string() : context.cwd + "/" + word;
  }

  core::Command command(std::size_t cut) const {
    core::Command out;
    if (!parts) return out;
    out.known = true;
    out.changeable = changeable;
    out.path = program;
    // Where sudo's own words were cut off, those of the command begin that much earlier.
    const std::size_t words = std::min(parts->at + 1, context.argv.size());
    out.words_at = static_cast<std::uint32_t>(words - cut);
    out.options = parts->options;
    out.env = parts->env;
    return out;
  }

  void one_less() {
    if (--open > 0) return;
    auto made = result();
    auto* const whole = std::get_if<core::Ask>(&made);
    const std::string word = whole == nullptr || resolved() ? std::string() : program_word();
    if (word.empty()) return hand_in(std::move(made));
    whole->unseen = whole->command.changeable = true;
    if (unseen(*whole)) return;
    whole->unseen = whole->command.changeable = false;
    held = std::move(*whole);
    look_at_files(word);
  }

  void hand_in(std::variant<core::Ask, Refusal> made) {
    const auto then = std::move(done);
    then(std::move(made));
  }

  std::variant<core::Ask, Refusal> result() {
    const std::string who = elevates() ? "with uid " + std::to_string(caller.real_uid) : context.user;
    // Whoever owns the broker's uid would decide about himself.
    if (is_own_uid(caller.real_uid) || is_own_uid(caller.loginuid) || is_own_uid(subject.uid)) return own_user();
    if (root.status != Status::kFound) return refuse_identity("root cannot be looked up");
    if (subject.status == Status::kAbsent) return unknown_user(who);
    if (subject.status != Status::kFound) return refuse_identity("the directory does not answer for the caller");
    if (directory::outside_his_range(subject)) return outside_range(subject);

    if (other_login() && login.status == Status::kUnknown) return refuse_identity("the directory does not answer for the login");

    core::Ask ask;
    ask.door = door;
    ask.service = context.service;
    ask.subject.identity = subject_identity();
    ask.subject.loginuid = caller.loginuid;
    if (login.status == Status::kFound) ask.subject.login_user = login.name;
    ask.subject.audit_session = caller.audit_session;
    ask.subject.origin = from;
    ask.subject.tty = context.tty;
    if (door == Door::kSsh) ask.ssh_key = key_of(context.ssh_auth);
    ask.subject.terminal = caller.terminal;
    ask.real_uid = caller.real_uid;
    ask.root = identity_of(root, person_of);
    ask.target_verified = door != Door::kSudo;
    const bool names_target =
        door == Door::kSu ||
        (door == Door::kSudo && (sudo.kind == SudoTarget::Kind::kName || sudo.kind == SudoTarget::Kind::kUid));
    if (resolved()) {
      if (target.status == Status::kAbsent) return unknown_user(context.run_user);
      if (target.status != Status::kFound || target.uid != context.run_uid) return refuse_identity("the directory does not answer for the target");
      ask.target = identity_of(target, person_of);
    } else if (names_target) {
      if (target.status == Status::kAbsent) {
        return unknown_user(door == Door::kSu                           ? context.user
                            : sudo.kind == SudoTarget::Kind::kUid ? "with uid " + std::to_string(sudo.uid)
                                                                  : sudo.name);
      }
      if (target.status != Status::kFound) return refuse_identity("the directory does not answer for the target");
      ask.target = identity_of(target, person_of);
    } else if (door == Door::kSsh || door == Door::kLogin || sudo.kind == SudoTarget::Kind::kCaller) {
      ask.target = ask.subject.identity;
    } else {
      ask.target = ask.root;
    }
    ask.process = caller.process;
    ask.parent = caller.parent;
    if (resolved()) {
      set_resolved(ask);
    } else if (door == Door::kSudo) {
      const auto words = sudo_command(context.argv);
      ask.argv.assign(words.begin(), words.end());
      ask.command = command(context.argv.size() - words.size());
    } else {
      ask.argv = std::move(context.argv);
    }
    ask.cwd = context.cwd;
    ask.reason = std::move(context.reason);
    ask.reason_from = context.reason_from;
    ask.ticket = std::move(context.ticket);
    ask.asked_s = context.for_s;
    ask.via = std::move(context.via);
    ask.urgency = context.urgency;
    ask.observe = context.observe;
    ask.can_ask = context.can_ask && !context.observe;
    ask.budget_s = context.observe ? 0 : context.budget_s;
    ask.keep = door == Door::kSsh && !context.observe;
    ask.resolves = context.resolves && door == Door::kSudo;
    if (context.child) {
      ask.can_ask = false;
      ask.budget_s = 0;
    }
    return ask;
  }

  core::IdentityPtr subject_identity() const {
    if (!elevates()) return identity_of(subject, person_of);
    auto out = std::make_shared<policy::Identity>(*identity_of(subject, person_of));
    out->groups_known = subject.groups_known && kernel_groups_known;
    const std::set<std::string> nss(subject.groups.begin(), subject.groups.end());
    const std::set<std::string> claimed(out->groups_any.begin(), out->groups_any.end());
    out->groups_all.clear();
    out->groups_any.clear();
    std::ranges::set_intersection(nss, kernel_groups, std::back_inserter(out->groups_all));
    std::ranges::set_union(claimed, kernel_groups, std::back_inserter(out->groups_any));
    return out;
  }
};

}  // namespace

Refusal refuse_identity(const std::string& why) {
  return {"identity",
          {"jit: who asks could not be verified, so this is refused", "jit: an admin can see why: journalctl -u jit-broker"},
          "identity not verified: " + why};
}

void make_ask(directory::Directory& directory, Context context, Caller caller, Door door, policy::Origin from,
              PersonOf person_of, Unseen unseen, Asked done) {
  auto looking = std::make_shared<Looking>();
  if (door == Door::kSudo) {
    const auto sudo = sudo_target(context.argv);
    if (!sudo) {
      return done(Refusal{"target", {"jit: this command line names no user to run as"},
                          "no target in " + evidence::escape_to(evidence::render_argv(context.argv), 200)});
    }
    looking->sudo = *sudo;
    looking->parts = sudo_parts(context.argv);
  }
  looking->context = std::move(context);
  looking->caller = std::move(caller);
  looking->door = door;
  looking->from = from;
  looking->person_of = std::move(person_of);
  looking->unseen = std::move(unseen);
  looking->done = std::move(done);
  looking->start(directory);
}

void make_bind(directory::Directory& directory, const Bind& bind, const Caller& caller, Door door, PersonOf person_of,
               Bound done) {
  const std::string ssh_key = door == Door::kSsh ? key_of(bind.ssh_auth) : std::string();
  directory.by_name(bind.user, [=, user_name = bind.user, person_of = std::move(person_of),
                                done = std::move(done)](const User& user) {
    if (user.status == Status::kAbsent) return done(unknown_user(user_name));
    if (user.status != Status::kFound) return done(refuse_identity("the directory does not answer for the target"));
    core::BindAsk ask;
    ask.door = door;
    ask.user = identity_of(user, person_of);
    ask.process = caller.process;
    ask.terminal = caller.terminal;
    ask.audit_session = caller.audit_session;
    ask.ssh_key = ssh_key;
    done(std::move(ask));
  });
}

}  // namespace jit::gate
