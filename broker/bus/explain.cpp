// SPDX-License-Identifier: Apache-2.0
// Policy.Explain: who, target and command are looked up as at a door, and the core is asked what it would say.
#include "broker/bus/handlers.h"
#include "evidence/text.h"
#include "policy/explanation/explanation.h"
#include "policy/facts.h"

namespace jit::bus {

using core::Error;

struct Handlers::Explaining {
  core::Caller caller;
  ExplainArgs args;
  Reply reply;
  core::Ask ask;

  bool login() const { return args.ask.door == policy::Door::kSsh || args.ask.door == policy::Door::kLogin; }
  void fail(Error error, std::string message) const { reply({error, std::move(message), {}, 0}); }
};

namespace {

constexpr char kNoAnswer[] = "the user directory does not answer: try again";

// One whom the directory does not know is supposed, under a uid that nobody has.
core::IdentityPtr supposed(const directory::User& found, const std::string& name, const policy::Policy* policy) {
  if (found.status == directory::Status::kFound) return std::make_shared<const policy::Identity>(directory::identity_of(found, policy));
  constexpr std::uint32_t kNobody = policy::kNoUid - 1;
  policy::Identity out{kNobody, name, policy == nullptr ? "uid:" + std::to_string(kNobody) : policy->person_name(name, kNobody), false, {}, {}};
  return std::make_shared<const policy::Identity>(std::move(out));
}

Json who(const policy::Identity& identity) { return {{"name", evidence::escape(identity.user)}, {"uid", identity.uid}}; }

}  // namespace

void Handlers::explain(const core::Caller& caller, const ExplainArgs& args, const Reply& reply) {
  // One that nobody declared would be supposed, and change nothing.
  for (const auto& [name, value] : args.suppose.facts) {
    const auto wrong = core_.policy() == nullptr ? std::nullopt : policy::wrong_fact(core_.policy()->rules(), name, &value);
    if (wrong) return reply({Error::kBadInput, "facts: " + evidence::escape_to(*wrong, 256), {}, 0});
  }
  auto explaining = std::make_shared<Explaining>(Explaining{caller, args, reply, {}});
  core::Ask& ask = explaining->ask;
  ask.door = args.ask.door;
  ask.target_verified = args.ask.door != policy::Door::kSudo || !args.claimed;
  ask.subject.origin.kind = explaining->login() ? policy::Origin::Kind::kUnknown : policy::Origin::Kind::kLocal;
  if (args.from) ask.subject.origin = *args.from;
  ask.argv = args.ask.argv;
  ask.reason = args.ask.reason;
  ask.reason_from = args.ask.reason.empty() ? core::ReasonFrom::kNone : core::ReasonFrom::kCommandLine;
  ask.ticket = args.ask.ticket;
  ask.urgency = args.ask.urgency;
  ask.asked_s = args.ask.for_s;
  ask.via = args.ask.via;
  ask.can_ask = true;
  directory_.by_uid(0, [self = weak_from_this(), explaining](const directory::User& found) {
    const auto there = self.lock();
    if (!there) return;
    // None: the core's own.
    if (found.status == directory::Status::kFound && found.uid == 0) explaining->ask.root = supposed(found, found.name, there->core_.policy());
    there->explain_subject(explaining);
  });
}

void Handlers::explain_subject(const std::shared_ptr<Explaining>& explaining) {
  const auto with = [this, explaining](core::IdentityPtr identity) {
    if (const auto& groups = explaining->args.groups) {
      policy::Identity supposed = *identity;
      supposed.groups_known = true;
      supposed.groups_all = supposed.groups_any = *groups;
      identity = std::make_shared<const policy::Identity>(std::move(supposed));
    }
    explaining->ask.real_uid = identity->uid;
    explaining->ask.subject.identity = std::move(identity);
    explain_target(explaining);
  };
  const std::string& name = explaining->args.user;
  if (name.empty()) return with(explaining->caller.identity);
  directory_.by_name(name, [self = weak_from_this(), explaining, with, name](const directory::User& found) {
    const auto there = self.lock();
    if (!there) return;
    if (found.status == directory::Status::kUnknown) return explaining->fail(Error::kUnavailable, kNoAnswer);
    with(supposed(found, name, there->core_.policy()));
  });
}

void Handlers::explain_target(const std::shared_ptr<Explaining>& explaining) {
  const std::string& as = explaining->args.ask.as;
  const core::IdentityPtr& subject = explaining->ask.subject.identity;
  if (explaining->login()) {
    if (!as.empty() && as != subject->user) {
      return explaining->fail(Error::kBadInput, "as: at " + std::string(policy::name_of(explaining->args.ask.door)) + " the user logs in as himself");
    }
    explaining->ask.target = subject;
    return explain_command(explaining);
  }
  const std::string name = as.empty() ? "root" : as;
  directory_.by_name(name, [self = weak_from_this(), explaining, name](const directory::User& found) {
    const auto there = self.lock();
    if (!there) return;
    if (found.status == directory::Status::kUnknown) return explaining->fail(Error::kUnavailable, kNoAnswer);
    explaining->ask.target = supposed(found, name, there->core_.policy());
    there->explain_command(explaining);
  });
}

void Handlers::explain_command(const std::shared_ptr<Explaining>& explaining) {
  if (explaining->args.ask.door != policy::Door::kSudo || explaining->args.ask.argv.empty()) return answer_explain(explaining);
  std::string word = explaining->args.ask.argv.front();
  if (word.front() != '/' && word.find('/') != std::string::npos) word = explaining->args.ask.cwd + "/" + word;
  directory_.program(word, [self = weak_from_this(), explaining](std::string path) {
    const auto there = self.lock();
    if (!there) return;
    core::Command& command = explaining->ask.command;
    command.known = true;
    command.verified = command.digest_bound = !explaining->args.claimed;
    command.path = std::move(path);
    command.words_at = 1;
    there->answer_explain(explaining);
  });
}

void Handlers::answer_explain(const std::shared_ptr<Explaining>& explaining) {
  core::Suppose suppose = explaining->args.suppose;
  suppose.nearest = policy::kNearest;
  const core::Ask& ask = explaining->ask;
  const core::Explained explained = core_.explain(ask, suppose);
  Json argv = Json::array();
  for (const std::string& word : ask.argv) argv.push_back(evidence::escape(word));
  Json out{{"policy", explained.policy_hash.empty() ? Json() : Json(explained.policy_hash)},
           {"at", iso_time(explained.at_s * 1000)},
           {"subject", who(*ask.subject.identity)},
           {"door", policy::name_of(ask.door)},
           {"target", who(*ask.target)},
           {"path", ask.command.known ? Json(evidence::escape(ask.command.path)) : Json()},
           {"argv", std::move(argv)}};
  const Json said = policy::explanation(explained.decision, explained.near);
  for (const auto& [name, value] : said.items()) out[name] = value;
  explaining->reply({Error::kNone, {}, dump(out), 0});
}

}  // namespace jit::bus
