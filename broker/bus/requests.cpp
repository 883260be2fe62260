// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/handlers.h"

namespace jit::bus {

using core::Error;

void Handlers::list_requests(const core::Caller& caller, const RequestQuery& query, const Reply& reply) {
  reply({Error::kNone, {}, list_document(documents_, "requests", documents_.requests(caller, query)), 0});
}

void Handlers::get_request(const core::Caller& caller, const std::string& id, const Reply& reply) {
  const auto found = documents_.find_request(caller, id);
  if (!found) return reply({found.error, found.message, {}, 0});
  reply({Error::kNone, {}, dump(documents_.document(found.value, caller)), 0});
}

// The core knows the living ones only: for one that has ended, say that instead of "not there".
core::Done<core::Request> Handlers::answer_request(const core::Caller& caller, const std::string& id,
                                                   const Reply& reply) {
  return [self = weak_from_this(), caller, id, reply](const core::Outcome<core::Request>& outcome) {
    const auto there = self.lock();
    if (!there) return;
    if (outcome) return reply({Error::kNone, {}, dump(there->documents_.document(outcome.value, caller)), 0});
    if (outcome.error == Error::kNotFound) {
      const auto ended = there->documents_.find_request(caller, id);
      if (ended) {
        return reply({Error::kEnded, "request " + ended.value.id.text() + " is " +
                                         std::string(core::name_of(ended.value.state)) + " already", {}, 0});
      }
      return reply({ended.error, ended.message, {}, 0});
    }
    reply({outcome.error, outcome.message, {}, 0});
  };
}

void Handlers::cancel(const core::Caller& caller, const std::string& id, const Reply& reply) {
  core_.cancel(caller, id, answer_request(caller, id, reply));
}

void Handlers::review(const core::Caller& caller, const std::string& id, const std::string& text, const Reply& reply) {
  core_.review(caller, id, text, [self = weak_from_this(), caller, reply](const core::Outcome<core::Request>& outcome) {
    const auto there = self.lock();
    if (!there) return;
    if (!outcome) return reply({outcome.error, outcome.message, {}, 0});
    reply({Error::kNone, {}, dump(there->documents_.document(outcome.value, caller)), 0});
  });
}

void Handlers::away(const core::Caller& caller, core::WallMs until, const Reply& reply) {
  core_.set_away(caller, until, [reply](const core::Outcome<core::Absence>& outcome) {
    if (!outcome) return reply({outcome.error, outcome.message, {}, 0});
    reply({Error::kNone, {}, dump(absence_json(outcome.value)), 0});
  });
}

void Handlers::create(const core::Caller& caller, const CreateArgs& args, const Reply& reply) {
  directory_.by_uid(caller.identity->uid, [self = weak_from_this(), caller, args, reply](const directory::User& user) {
    const auto there = self.lock();
    if (!there) return;
    if (user.status == directory::Status::kFound && directory::outside_his_range(user)) {
      return reply({Error::kDenied, "your uid is below " + std::to_string(directory::kFirstOfPeople) +
                                        " and not in /etc/passwd: uids of this machine's own ask for nothing", {}, 0});
    }
    there->create_as(caller, args, reply);
  });
}

void Handlers::create_as(const core::Caller& caller, const CreateArgs& args, const Reply& reply) {
  directory_.by_uid(0, [self = weak_from_this(), caller, args, reply](const directory::User& found) {
    const auto there = self.lock();
    if (!there) return;
    policy::Identity root{0, "root", "uid:0", false, {}, {}};
    if (found.status == directory::Status::kFound && found.uid == 0) root = directory::identity_of(found, there->core_.policy());
    const auto shared = std::make_shared<const policy::Identity>(std::move(root));
    const bool login = args.door == policy::Door::kSsh || args.door == policy::Door::kLogin;
    if (login) {
      // At these doors one logs in as oneself.
      if (!args.as.empty() && args.as != caller.identity->user) {
        return reply({Error::kBadInput, "as must be your own name at " + std::string(policy::name_of(args.door)), {}, 0});
      }
      return there->create_for(caller, args, caller.identity, shared, reply);
    }
    const std::string name = args.as.empty() ? "root" : args.as;
    there->directory_.by_name(name, [self, caller, args, reply, shared, name](const directory::User& user) {
      const auto still = self.lock();
      if (!still) return;
      if (user.status == directory::Status::kUnknown) {
        return reply({Error::kUnavailable, "the user directory does not answer: try again", {}, 0});
      }
      if (user.status == directory::Status::kAbsent || user.uid == policy::kNoUid) {
        return reply({Error::kBadInput, "as: there is no user " + name, {}, 0});
      }
      auto target = std::make_shared<const policy::Identity>(directory::identity_of(user, still->core_.policy()));
      still->create_for(caller, args, std::move(target), shared, reply);
    });
  });
}

void Handlers::create_for(const core::Caller& caller, const CreateArgs& args, core::IdentityPtr target,
                          core::IdentityPtr root, const Reply& reply) {
  core::Ask ask;
  ask.door = args.door;
  ask.service = "jitctl";
  ask.subject.identity = caller.identity;
  ask.subject.loginuid = caller.loginuid;
  ask.subject.login_user = caller.login_user;
  ask.real_uid = caller.identity->uid;
  ask.target = std::move(target);
  ask.root = std::move(root);
  // su and the logins take the target from PAM_USER; sudo's is what its command line said.
  ask.target_verified = args.door != policy::Door::kSudo;
  ask.argv = args.argv;
  ask.cwd = args.cwd;
  ask.reason = args.reason;
  ask.reason_from = args.reason.empty() ? core::ReasonFrom::kNone : core::ReasonFrom::kCommandLine;
  ask.ticket = args.ticket;
  ask.urgency = args.urgency;
  ask.asked_s = args.for_s;
  ask.asked_scope = args.scope;
  ask.via = args.via;
  if (args.not_before != 0) {
    const Now now = Now::read();
    if (args.not_before <= now.wall) return reply({Error::kBadInput, "the time to begin has passed already", {}, 0});
    ask.not_before = now.boot + (args.not_before - now.wall);
  }
  if (args.door != policy::Door::kSudo || args.argv.empty()) return create_with(caller, std::move(ask), reply);
  // A claim, as sudo's own command line is one at the door: the same path, and no option of sudo.
  std::string word = args.argv.front();
  if (word.front() != '/' && word.find('/') != std::string::npos) word = args.cwd + "/" + word;
  directory_.program(word, [self = weak_from_this(), caller, ask = std::move(ask), reply, word](std::string path) mutable {
    const auto there = self.lock();
    if (!there) return;
    ask.command.known = true;
    ask.command.path = std::move(path);
    ask.command.words_at = 1;
    directory::Asked files{caller.identity->uid, std::nullopt, ask.command.path, ask.cwd, {ask.argv.begin() + 1, ask.argv.end()}};
    // A program whose folder the broker cannot see (a home) is a file all the same.
    if (files.program.empty() && word.starts_with('/')) files.program = word;
    there->directory_.can_change(files, [self, caller, ask = std::move(ask), reply](bool can) mutable {
      const auto still = self.lock();
      if (!still) return;
      ask.command.changeable = can;
      still->create_with(caller, std::move(ask), reply);
    });
  });
}

void Handlers::create_with(const core::Caller& caller, core::Ask ask, const Reply& reply) {
  core_.create(caller, std::move(ask), [self = weak_from_this(), caller, reply](const core::Outcome<core::Request>& outcome) {
    const auto there = self.lock();
    if (!there) return;
    if (!outcome) return reply({outcome.error, outcome.message, {}, 0});
    auto document = there->documents_.document(outcome.value, caller);
    if (!outcome.message.empty()) document["note"] = outcome.message;
    reply({Error::kNone, {}, dump(document), 0});
  });
}

}  // namespace jit::bus
