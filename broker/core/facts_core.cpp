// SPDX-License-Identifier: Apache-2.0
// Facts in the core: set, cleared, gone stale; and what pending requests are worth after that.
#include "broker/core/impl.h"
#include "policy/match.h"

namespace jit::core {

namespace {

constexpr std::string_view kFactChanged = "a fact changed";
constexpr std::string_view kProvider = "jit-fact-";  // the dynamic user of jit-fact@NAME.service

Scene scene_of(const Clock& clock, const policy::Request& view) {
  Scene scene;
  scene.now = clock.boottime();
  scene.wall = scene.starts = clock.wall();
  scene.person = view.subject->person;
  scene.door = view.door;
  scene.from = view.from;
  scene.target = view.target->uid;
  scene.command = view.command;
  return scene;
}

Scene scene_of(const Clock& clock, const Ask& ask, const Grant* grant) {
  Scene scene = scene_of(clock, policy_view(ask));
  scene.changeable = ask.command.changeable;
  scene.unseen = ask.unseen;
  if (grant != nullptr) {
    scene.own_grant = grant->id;
    scene.own_request = grant->request;
  }
  return scene;
}

Scene scene_of(const Clock& clock, const Request& request, const policy::Identity& root) {
  Scene scene = scene_of(clock, policy_view(request, root));
  scene.changeable = request.command.changeable;
  scene.own_request = request.id;
  scene.own_grant = request.grant;
  return scene;
}

std::string_view provider_of(const policy::Identity& who) {
  return std::string_view(who.user).starts_with(kProvider) ? std::string_view(who.user).substr(kProvider.size()) : "";
}

bool names_a_uid(std::string_view by) { return by.starts_with("user:") || by.starts_with("uid:"); }

}  // namespace

// What is asked for later is judged by the windows and rosters of then, but for who can vote: people do that before. At its
// use everything is judged again.
void Sight::judge_at(const Clock& clock, BootMs not_before) {
  const BootMs ahead = std::max<BootMs>(0, not_before - clock.boottime());
  scene.starts += ahead;
  view.now = scene.starts / 1000;
  if (ahead > 0) view.seats_at = scene.wall / 1000;
}

Sight::Sight(Senses& senses, const Clock& clock, const Ask& ask, const Grant* used, Names away)
    : scene(scene_of(clock, ask, used)), facts(senses, scene), absent(std::move(away)), view(policy_view(ask)) {
  judge_at(clock, ask.not_before);
  view.can_notify = senses.notifies && senses.notifies();
  view.facts = &facts;
  view.absent = absent;
}

Sight::Sight(Senses& senses, const Clock& clock, const Request& request, const policy::Identity& root, Names away)
    : scene(scene_of(clock, request, root)), facts(senses, scene), absent(std::move(away)), view(policy_view(request, root)) {
  judge_at(clock, request.not_before);
  // What it required was queued with it.
  view.can_notify = !request.offer.notify.empty() || (senses.notifies && senses.notifies());
  view.facts = &facts;
  view.absent = absent;
}

std::string Core::Impl::record(const Sight& sight, const policy::Decision& decision, std::uint32_t words_at) const {
  return record_of(sight.view, decision, words_at, policy()->hash(), tags_hash);
}

// Before it is written: what comes meanwhile must find it.
void Core::Impl::did_grant(const Grant& grant, const policy::Offer& offer) {
  const policy::Identity& who = *grant.subject.identity;
  did(who, Deed::kGranted, grant.id);
  if (offer.break_glass) did(who, Deed::kBreakGlass, grant.id);
}

void Core::Impl::wrote_grant(const Grant& grant, bool ok) {
  const std::string& person = grant.subject.identity->person;
  if (ok) return senses.history.used(person, grant.target->uid, clock.wall());
  for (const Deed deed : {Deed::kGranted, Deed::kBreakGlass}) senses.history.undo(person, deed, grant.id);
}

void Core::Impl::undo_request(const Request& request) {
  uncount_asked(request.subject);
  senses.history.undo(request.subject.identity->person, Deed::kRequest, request.id);
}

void Core::Impl::look_again(std::string_view changed) {
  if (policy() == nullptr) return;
  std::vector<Id> ids;
  for (const auto& [id, live] : requests) {
    if (live->open()) ids.push_back(id);
  }
  for (const Id& id : ids) {
    Live* live = find(id);
    if (live == nullptr || !live->open()) continue;
    const Sight sight = look(*live);
    if (lacks_root(sight)) continue;  // after a start nothing has changed by that
    const policy::Decision decision = policy()->decide(sight.view);
    const bool same = live->request.policy_hash == policy()->hash();
    auto now = tighten(decision, live->terms(), !changed.empty() ? changed : same ? kNotAnyMore : "the policy changed");
    if (const std::string* why = std::get_if<std::string>(&now)) {
      close(*live, RequestState::kCancelled, "", *why, [](bool) {}, std::nullopt,
            record(sight, decision, live->request.command.words_at));
    } else {
      live->tighten(std::move(std::get<policy::Offer>(now)));
    }
  }
}

void Core::Impl::watch_facts() { fact_end = senses.table.next_end(clock.boottime(), clock.wall()); }

void Core::Impl::facts_due() {
  if (!fact_end || clock.boottime() < *fact_end) return;
  watch_facts();
  look_again(kFactChanged);
}

void Core::use_load(std::function<std::optional<double>()> load) { impl_->senses.load = std::move(load); }
void Core::use_notifier(std::function<bool()> there) { impl_->senses.notifies = std::move(there); }

void Core::remember(Past past) {
  Impl& impl = *impl_;
  const BootMs now = impl.clock.boottime();
  const WallMs wall = impl.clock.wall();
  // On this boot's clock. Who set the wall clock back does not make deeds of the past go away: they count as of now.
  const auto at = [&](const Past::Done& done) {
    return done.boot_id == impl.boot_id ? std::min(done.boottime, now) : now - std::max<WallMs>(0, wall - done.wall);
  };
  for (const Past::Done& oldest : past.cut) impl.senses.history.begins_at(at(oldest));
  std::vector<BootMs> erased;
  for (const Past::Done& done : past.erased) erased.push_back(at(done));
  std::ranges::sort(erased);
  for (const BootMs one : erased) impl.senses.history.erased(one);
  for (const Past::Done& done : past.done) impl.senses.history.add(done.person, done.deed, at(done), done.id, done.count);
  for (const Past::Use& use : past.uses) impl.senses.history.used(use.person, use.target, use.wall);
  for (const SeenNet& net : past.nets) impl.senses.networks.saw(net.person, net.net, net.last);
  for (const auto& [door, last] : past.observed) impl.observing[door] = last;
  for (Fact& fact : past.facts) impl.senses.table.put(std::move(fact), impl.boot_id, now, wall);
  impl.watch_facts();
  impl.look_again();
}

bool Core::may_set(const Caller& caller, const policy::FactRule& rule) {
  const policy::Identity& who = *caller.identity;
  bool owned = false;
  for (const std::string& by : rule.by) {
    if (by == "user:" + who.user && !who.user.empty()) return true;
    if (by == "uid:" + std::to_string(who.uid)) return true;
    if (names_a_uid(by)) continue;
    owned = true;
    // One provider, one fact: the one that it is named after.
    if (by == rule.name && provider_of(who) == by) return true;
  }
  return caller.admin && !owned;
}

bool Core::may_see(const Caller& caller, std::string_view fact) const {
  const policy::FactRule* rule = impl_->senses.table.rule(fact);
  return rule != nullptr && (caller.admin || caller.auditor || may_set(caller, *rule));
}

FactState Core::Impl::state_of(const policy::FactRule& rule) const {
  FactState out;
  out.rule = rule;
  if (const Fact* fact = senses.table.set(rule.name)) out.set = *fact;
  out.known = senses.table.known(rule.name, clock.boottime(), clock.wall());
  if (const auto age = senses.table.age(rule.name, clock.boottime(), clock.wall())) out.age_s = *age / 1000;
  return out;
}

std::vector<FactState> Core::facts(const Caller& caller) const {
  std::vector<FactState> out;
  for (const policy::FactRule& rule : impl_->senses.table.rules()) {
    if (may_see(caller, rule.name)) out.push_back(impl_->state_of(rule));
  }
  return out;
}

namespace {

// "Not yours" and "not there" answer alike, but to those who see all of them.
Outcome<FactState> no_fact(const std::string& name) {
  return failure<FactState>(Error::kNotFound, "there is no fact " + name + " that you may set; see jitctl fact list");
}

Outcome<FactState> not_his(const policy::FactRule& rule) {
  std::string by;
  for (const std::string& each : rule.by) by += (by.empty() ? "" : ", ") + each;
  return failure<FactState>(Error::kDenied, "the fact " + rule.name + " is set by " + (by.empty() ? "an admin" : by) + " only");
}

}  // namespace

void Core::set_fact(const Caller& caller, const std::string& name, policy::Value value, std::optional<std::uint32_t> for_s,
                    Done<FactState> done) {
  Impl& impl = *impl_;
  const policy::FactRule* rule = impl.senses.table.rule(name);
  if (rule == nullptr || !may_see(caller, name)) return done(no_fact(name));
  if (!may_set(caller, *rule)) return done(not_his(*rule));
  if (const std::string why = unfit(*rule, value); !why.empty()) return done(failure<FactState>(Error::kBadInput, why));
  if (rule->initial && value == *rule->initial) return clear_fact(caller, name, std::move(done));
  if (impl.senses.table.full(name)) {
    return done(failure<FactState>(Error::kLimit, "too many facts are set; clear one that is not needed"));
  }
  Fact fact;
  fact.name = name;
  fact.value = std::move(value);
  fact.set_by = caller.identity->person;
  fact.uid = caller.identity->uid;
  fact.boot_id = impl.boot_id;
  fact.set = impl.clock.boottime();
  fact.set_wall = impl.clock.wall();
  fact.for_s = for_s;
  Batch batch;
  batch.facts.push_back(fact);
  batch.entries.push_back(events::fact_set(fact));
  impl.commit(std::move(batch), [&impl, fact = std::move(fact), done = std::move(done)](bool ok) {
    if (!ok) return done(failure<FactState>(Error::kUnavailable, "the fact could not be stored, so it stays as it was; try again later"));
    impl.senses.table.put(fact, impl.boot_id, impl.clock.boottime(), impl.clock.wall());
    impl.fact_done(fact.name, done);
  });
}

void Core::clear_fact(const Caller& caller, const std::string& name, Done<FactState> done) {
  Impl& impl = *impl_;
  const policy::FactRule* rule = impl.senses.table.rule(name);
  if (rule == nullptr || !may_see(caller, name)) return done(no_fact(name));
  if (!may_set(caller, *rule)) return done(not_his(*rule));
  Batch batch;
  batch.cleared.push_back(name);
  batch.entries.push_back(events::fact_cleared(name, *caller.identity));
  impl.commit(std::move(batch), [&impl, name, done = std::move(done)](bool ok) {
    if (!ok) return done(failure<FactState>(Error::kUnavailable, "the log could not be written, so the fact stays as it was; try again later"));
    impl.senses.table.clear(name);
    impl.fact_done(name, done);
  });
}

// The declaration may have gone while it was written: then it is set, and nobody reads it.
void Core::Impl::fact_done(const std::string& name, const Done<FactState>& done) {
  watch_facts();
  look_again(kFactChanged);
  listener.fact_changed(name);
  Outcome<FactState> out;
  if (const policy::FactRule* rule = senses.table.rule(name)) {
    out.value = state_of(*rule);
  } else {
    out.value.rule.name = name;
  }
  done(std::move(out));
}

// A grant of the ssh door was used: its network is one that this person comes from.
void Core::Impl::saw_origin(const Subject& subject, policy::Door door, Batch& batch) {
  if (door != policy::Door::kSsh || subject.origin.kind != policy::Origin::Kind::kPeer) return;
  const policy::Address net = Networks::net_of(subject.origin.peer);
  if (senses.networks.saw(subject.identity->person, net, clock.wall())) {
    batch.nets.push_back({subject.identity->person, net, clock.wall()});
  }
}

}  // namespace jit::core
