// SPDX-License-Identifier: Apache-2.0
// The six methods, and which of them may come when.
#include <algorithm>
#include <string_view>

#include "broker/directory/voters.h"
#include "broker/gate/server.h"
#include "dbus/contract.h"
#include "evidence/text.h"

namespace jit::gate {
namespace {

namespace gate1 = dbus::gate1;

constexpr std::uint8_t kSubmits = 4;  // the first, and again with what was missing
constexpr std::uint8_t kVotes = 8;
constexpr std::size_t kVoteMax = 1024;
constexpr char kBadContext[] = "org.pamjit.Error.BadContext";
constexpr std::size_t kMemberShown = 64;

bool is_secret(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Refusal limit() {
  return {"limit",
          {"jit: too many programs of yours wait for an approval already", "jit: end one of them, or see: jitctl requests"},
          "too many connections of this user"};
}

// To jitctl, which tries doors: in the words that it looks for (setup/probe/probe.h), and with nothing left behind.
Refusal probed(bool covered) {
  return {"probe", {covered ? "jit: probe: this door asks the broker" : "jit: probe: the policy does not cover this door"}, {}};
}

}  // namespace

int Server::Impl::on_message(Connection& connection, sd_bus_message* message) {
  connection.frame_left = 0;
  if (connection.closing) return 1;
  connection.quiet_until = 0;
  if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
    close_later(connection);
    return 1;
  }
  const char* path = sd_bus_message_get_path(message);
  const auto is = [&](const char* member) {
    return path != nullptr && std::string_view(path) == gate1::kPath &&
           sd_bus_message_is_method_call(message, gate1::kInterface, member) > 0;
  };
  if (is(gate1::kSubmit)) {
    submit(connection, message);
  } else if (is(gate1::kResume)) {
    resume(connection, message);
  } else if (is(gate1::kDetach)) {
    leave(connection, message, true);
  } else if (is(gate1::kWithdraw)) {
    leave(connection, message, false);
  } else if (is(gate1::kVote)) {
    vote(connection, message);
  } else if (is(gate1::kBind)) {
    bind(connection, message);
  } else {
    const char* member = sd_bus_message_get_member(message);
    bad(connection, message, "there is no " + evidence::escape_to(member == nullptr ? "such message" : member, kMemberShown));
  }
  return 1;
}

void Server::Impl::bad(Connection& connection, sd_bus_message* message, const std::string& problem) {
  log.warn(connection.real_uid, "BadContext: " + problem);
  sd_bus_message* made = nullptr;
  if (sd_bus_message_is_method_call(message, nullptr, nullptr) > 0 &&
      sd_bus_message_new_method_errorf(message, &made, kBadContext, "%s", problem.c_str()) >= 0) {
    send(connection, MessagePtr(made));
  }
  close_later(connection);
}

PersonOf Server::Impl::person_of() const {
  return [weak = std::weak_ptr(self)](const std::string& user, std::uint32_t uid) {
    const auto server = weak.lock();
    const policy::Policy* policy = server ? (*server)->core->policy() : nullptr;
    return policy == nullptr ? "uid:" + std::to_string(uid) : policy->person_name(user, uid);
  };
}

void Server::Impl::submit(Connection& connection, sd_bus_message* message) {
  if (connection.stage != Stage::kFresh && connection.stage != Stage::kNeeds) {
    return bad(connection, message, "this connection has its request already");
  }
  if (++connection.submits > kSubmits) return bad(connection, message, "too many attempts on one connection");
  if (sd_bus_message_get_expect_reply(message) <= 0) return bad(connection, message, "Submit wants a reply");
  std::string why;
  auto context = read_context(message, why);
  if (!context) return bad(connection, message, why);

  sd_bus_message_get_cookie(message, &connection.cookie);
  connection.call = Call::kSubmit;
  connection.stage = Stage::kAsking;
  if (connection.over_quota) return refuse(connection, limit());
  const auto door = policy::door_of_service(context->service);
  if (!door) {
    return refuse(connection, {"service", {"jit: this PAM service is no door that is known here"},
                               "service " + evidence::escape_to(context->service, kMemberShown) + " is no door"});
  }
  if (context->phase == "command" && *door != policy::Door::kSudo) return refuse(connection, {"service", {"jit: only sudo names a command"}, "a command at another door"});
  auto caller = callers.caller_of(context->pidfd, connection.fd, connection.peer_pid, why);
  bool foreign = false;
  if (!caller || !safe_program(context->exe, why) || !mount_namespace(context->mnt_ns, foreign, why)) {
    return refuse(connection, refuse_identity(why));
  }
  if (caller->real_uid != connection.real_uid) return refuse(connection, refuse_identity("its uid has changed"));
  // Root alone tries doors.
  if (caller->real_uid == 0 && is_program(context->exe, options.probe)) return refuse(connection, probed(core->policy() != nullptr && core->policy()->covers(*door)));
  if (foreign) log.warn(caller->real_uid, "asks from another mount namespace than that of PID 1");
  // The message closes them; that of the program is duplicated while it is looked at.
  context->pidfd = context->exe = context->mnt_ns = -1;

  policy::Origin from;
  switch (*door) {
    case policy::Door::kSsh:
      from = ssh_origin(context->peer);
      origins.asked(caller->process, caller->parent, caller->audit_session, from);
      break;
    case policy::Door::kLogin:
      from = login_origin(context->tty, context->rhost, caller->terminal.number);
      break;
    default:
      from = origins.of(caller->audit_session, caller->terminal.number);
  }
  make_ask(directory, std::move(*context), std::move(*caller), *door, from, person_of(),
           [weak = std::weak_ptr(self), id = connection.id](core::Ask& ask) {
             const auto server = weak.lock();
             return !server || (*server)->asked_unseen(id, ask);
           },
           [weak = std::weak_ptr(self), id = connection.id](std::variant<core::Ask, Refusal> result) {
             if (const auto server = weak.lock()) (*server)->asked(id, std::move(result));
           });
}

// Where nothing hangs on the files of a command, as under most grants, nobody waits for a look at them.
bool Server::Impl::asked_unseen(core::Conn id, core::Ask& ask) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->stage != Stage::kAsking) return true;
  connection->stage = Stage::kInCore;
  connection->in_core = true;
  if (core->submit_unseen(id, ask)) return true;
  connection->stage = Stage::kAsking;
  connection->in_core = false;
  return false;
}

// The connection may have gone, or its person may have left, while the directory looked.
void Server::Impl::asked(core::Conn id, std::variant<core::Ask, Refusal> result) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->stage != Stage::kAsking) return;
  if (const auto* refusal = std::get_if<Refusal>(&result)) return refuse(*connection, *refusal);
  auto& ask = std::get<core::Ask>(result);
  const bool logs_in = ask.door == policy::Door::kSsh || ask.door == policy::Door::kLogin;
  const std::uint32_t uid = ask.subject.identity->uid;
  // sshd and login are root and have no loginuid yet: what they hold, the user who logs in holds.
  if (logs_in && uid != 0 && connection->real_uid == 0 && connection->login_uid != uid) {
    quota.give_back({connection->login_uid, policy::kNoUid});
    connection->login_uid = policy::kNoUid;
    if (!quota.take({uid, policy::kNoUid})) return refuse(*connection, limit());
    connection->login_uid = uid;
  }
  connection->stage = Stage::kInCore;
  connection->in_core = true;
  core->submit(id, std::move(ask));
}

void Server::Impl::resume(Connection& connection, sd_bus_message* message) {
  if (connection.stage != Stage::kFresh) return bad(connection, message, "Resume comes first or not at all");
  if (sd_bus_message_get_expect_reply(message) <= 0) return bad(connection, message, "Resume wants a reply");
  const char* id_text = nullptr;
  const char* secret = nullptr;
  if (sd_bus_message_has_signature(message, gate1::kResumeIn) <= 0 ||
      sd_bus_message_read(message, "ss", &id_text, &secret) <= 0) {
    return bad(connection, message, "the signature is wrong");
  }
  const auto id = core::Id::parse(id_text);
  if (!id) return bad(connection, message, "id is not 32 hex digits");
  if (!is_secret(secret)) return bad(connection, message, "secret is not 32 hex digits");
  sd_bus_message_get_cookie(message, &connection.cookie);
  connection.call = Call::kResume;
  if (connection.over_quota) return refuse(connection, limit());
  connection.stage = Stage::kInCore;
  connection.in_core = true;
  core->resume(connection.id, *id, secret);
}

void Server::Impl::leave(Connection& connection, sd_bus_message* message, bool detach) {
  if (sd_bus_message_has_signature(message, detach ? gate1::kDetachIn : gate1::kWithdrawIn) <= 0) {
    return bad(connection, message, "the signature is wrong");
  }
  if (connection.stage == Stage::kFresh) return bad(connection, message, "there is no request to leave");
  if (connection.stage == Stage::kAsking) {
    refuse(connection, {"cancelled", {}, ""});
  } else if (connection.in_core) {
    // A Submit that the core has not answered yet is answered still.
    connection.in_core = false;
    connection.stage = Stage::kDone;
    detach ? core->detach(connection.id) : core->withdraw(connection.id);
  }
  sd_bus_message* made = nullptr;
  if (sd_bus_message_get_expect_reply(message) <= 0) return;
  if (sd_bus_message_new_method_return(message, &made) < 0) return close_later(connection);
  send(connection, MessagePtr(made));
}

// A vote code that the person at the door typed. Whose it is says its signature; the door only carries it.
void Server::Impl::vote(Connection& connection, sd_bus_message* message) {
  if (connection.stage != Stage::kPending && connection.stage != Stage::kDone) return bad(connection, message, "Vote comes while a request is pending");
  if (connection.call != Call::kNone) return bad(connection, message, "one call at a time");
  if (++connection.votes > kVotes) return bad(connection, message, "too many votes on one connection");
  if (sd_bus_message_get_expect_reply(message) <= 0) return bad(connection, message, "Vote wants a reply");
  const void* bytes = nullptr;
  std::size_t size = 0;
  if (sd_bus_message_has_signature(message, gate1::kVoteIn) <= 0 || sd_bus_message_read_array(message, 'y', &bytes, &size) <= 0) {
    return bad(connection, message, "the signature is wrong");
  }
  if (size > kVoteMax) return bad(connection, message, "the vote code is longer than " + std::to_string(kVoteMax) + " bytes");
  sd_bus_message_get_cookie(message, &connection.cookie);
  connection.call = Call::kVote;
  const std::string code(static_cast<const char*>(bytes), size);
  directory::carry_vote(self, directory, *core, code, [](const core::IdentityPtr&) {},
                        [weak = std::weak_ptr(self), id = connection.id](const core::Outcome<core::Request>& outcome) {
                          if (const auto server = weak.lock()) (*server)->voted(id, outcome);
                        });
}

void Server::Impl::voted(core::Conn id, const core::Outcome<core::Request>& outcome) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->call != Call::kVote) return;
  connection->call = Call::kNone;
  const std::string text = (outcome ? "jit: the vote was taken" : "jit: " + outcome.message).substr(0, core::kLineMax);
  send(*connection, reply_to_vote(connection->bus.get(), connection->cookie, static_cast<bool>(outcome), text));
  const auto held = std::move(connection->held);
  if (!held || connection->closing) return;
  send(*connection, signal_decided(connection->bus.get(), *held));
  if (held->verdict == core::Verdict::kAllow) keep(*connection);
}

void Server::Impl::bind(Connection& connection, sd_bus_message* message) {
  if (connection.stage != Stage::kFresh && connection.stage != Stage::kDone) {
    return bad(connection, message, "Bind comes after the answer");
  }
  if (connection.call != Call::kNone) return bad(connection, message, "one call at a time");
  if (++connection.submits > kSubmits + 1) return bad(connection, message, "too many attempts on one connection");
  if (sd_bus_message_get_expect_reply(message) <= 0) return bad(connection, message, "Bind wants a reply");
  std::string why;
  const auto context = read_bind(message, why);
  if (!context) return bad(connection, message, why);
  sd_bus_message_get_cookie(message, &connection.cookie);
  connection.call = Call::kBind;
  connection.stage = Stage::kAsking;
  if (connection.over_quota) return refuse(connection, limit());
  const auto door = policy::door_of_service(context->service);
  if (!door) {
    return refuse(connection, {"service", {}, "service " + evidence::escape_to(context->service, kMemberShown) + " is no door"});
  }
  const auto caller = callers.caller_of(context->pidfd, connection.fd, connection.peer_pid, why);
  if (!caller) return refuse(connection, refuse_identity(why));
  if (*door == policy::Door::kSsh) origins.bound(caller->process, caller->audit_session);
  make_bind(directory, *context, *caller, *door, person_of(),
            [weak = std::weak_ptr(self), id = connection.id](std::variant<core::BindAsk, Refusal> result) {
              const auto server = weak.lock();
              if (!server) return;
              Connection* asker = (*server)->find(id);
              if (asker == nullptr || asker->stage != Stage::kAsking) return;
              if (const auto* refusal = std::get_if<Refusal>(&result)) return (*server)->refuse(*asker, *refusal);
              asker->stage = Stage::kInCore;
              (*server)->core->bind(id, std::move(std::get<core::BindAsk>(result)));
            });
}

void Server::Impl::refuse(Connection& connection, const Refusal& refusal) {
  if (!refusal.log.empty()) log.warn(connection.real_uid, refusal.log);
  if (connection.call == Call::kBind) return reply(connection, core::BindAnswer{});
  core::Answer answer;
  answer.cause = refusal.cause;
  answer.text = refusal.text;
  reply(connection, answer);
  if (connection.over_quota) close_later(connection);
}

void Server::Impl::reply(Connection& connection, const core::Answer& answer) {
  if (connection.call != Call::kSubmit && connection.call != Call::kResume) return;
  const Call call = std::exchange(connection.call, Call::kNone);
  // One that has left stays so, whatever the core says now.
  if (connection.stage != Stage::kDone) {
    const bool pending = answer.verdict == core::Verdict::kPending;
    connection.stage = pending                                      ? Stage::kPending
                       : answer.verdict == core::Verdict::kNeeds ? Stage::kNeeds
                                                                 : Stage::kDone;
    connection.in_core = pending;
  }
  send(connection, call == Call::kSubmit ? reply_to_submit(connection.bus.get(), connection.cookie, answer)
                                         : reply_to_resume(connection.bus.get(), connection.cookie, answer));
  if (answer.verdict == core::Verdict::kAllow) keep(connection);
}

void Server::Impl::reply(Connection& connection, const core::BindAnswer& answer) {
  if (connection.call != Call::kBind) return;
  connection.call = Call::kNone;
  connection.stage = Stage::kDone;
  send(connection, reply_to_bind(connection.bus.get(), connection.cookie, answer));
  if (connection.over_quota || connection.kept) close_later(connection);
}

}  // namespace jit::gate
