// SPDX-License-Identifier: Apache-2.0
#include "broker/broker.h"

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "broker/audit/journal.h"
#include "broker/bus/json.h"
#include "broker/core/events.h"
#include "broker/directory/voters.h"
#include "evidence/request.h"
#include "evidence/text.h"

namespace jit::broker {

namespace {

constexpr char kDatabase[] = "/var/lib/jit/jit.db";
constexpr char kHostKey[] = "/var/lib/jit/host.key";
constexpr char kTombstones[] = "/run/jit-broker/ends";  // in memory: it lasts as long as the boot
constexpr char kOrigins[] = "/run/jit-broker/origins";
constexpr char kHead[] = "/run/jit-broker/head";
constexpr core::WallMs kAlarmMs = 7 * core::WallMs{24} * 3600 * 1000;
constexpr core::BootMs kOpenAgainMs = 2000;
constexpr core::BootMs kVotersAgainMs = 5000;
constexpr core::BootMs kProbeMs = 1000;
constexpr core::BootMs kHoldersMs = 10'000;

core::IdentityPtr known(const directory::User& user, const policy::Policy* policy) {
  return std::make_shared<const policy::Identity>(directory::identity_of(user, policy));
}

core::Limits limits_of(const config::Broker& broker) {
  core::Limits limits;
  if (broker.pending_per_uid != 0) limits.pending_per_uid = broker.pending_per_uid;
  if (broker.connections_per_uid != 0) limits.connections_per_uid = broker.connections_per_uid;
  if (broker.requests_per_hour != 0) limits.requests_per_hour = broker.requests_per_hour;
  if (broker.pending_per_host != 0) limits.pending_per_host = broker.pending_per_host;
  return limits;
}

// On the writer's thread.
void tell_head(const core::Head& head, const std::string& why) {
  audit::to_journal(head);
  if (!why.empty()) sd_journal_print(LOG_CRIT, "the head of the log is not remembered: %s", evidence::escape(why).c_str());
}

}  // namespace

Broker::Broker(Loop& loop, int gate_fd, std::string boot)
    : loop_(loop), boot_(boot), keeper_(kHead, boot, clock_, tell_head), shelf_(loop.post()), tombstones_(kTombstones, boot), directory_(loop.post()) {
  config::Loaded loaded = config::load({});
  host_.name = loaded.broker.host_name;
  hide_ = loaded.broker.hide;
  const core::Limits limits = limits_of(loaded.broker);
  gate::Options options;
  options.connections_per_uid = limits.connections_per_uid;
  options.origins.emplace(kOrigins, boot);
  gate_ = std::make_unique<gate::Server>(loop_.event(), gate_fd, directory_, options);
  core_ = std::make_unique<core::Core>(clock_, random_, shelf_, tombstones_, *gate_, *this, std::move(boot), limits);
  core_->use_load(load_average);
  if (sd_booted() != 0) {  // what cannot be looked at is asked
    enforcer_ = std::make_unique<gate::Enforcer>(
        loop_.event(), *core_,
        gate::Enforcer::Stored{[this](const core::Id& id) { return shelf_.database() != nullptr ? shelf_.database()->grant(id) : std::nullopt; },
                               [this](const core::Id& id) { return shelf_.database() != nullptr ? shelf_.database()->request(id) : std::nullopt; }});
  }
  core_->use_enforcement(enforcer_.get());
  archivist_ = std::make_unique<Archivist>(
      loop_.post(), boot_, clock_, [this] { return key_ ? std::optional(evidence::ExportHost{host_.id, host_.key, evidence::escape(host_.name)}) : std::nullopt; },
      [this](std::string_view type, const std::string& payload, std::string_view purpose) { return seal(type, payload, purpose); },
      [this](const core::AuditEntry& entry) { logged(entry); });
  archivist_->use([this] { return shelf_.database(); });
  archivist_->retain(loaded.broker.retain_s);
  outbox_ = std::make_unique<outbox::Outbox>(*core_, clock_, boot_, [this] { return shelf_.database(); },
                                             outbox::Outbox::Sealing{[this](const core::Request& request) { return envelope_of(request); },
                                                                     [this](std::string_view type, const std::string& payload, std::string_view purpose) { return seal(type, payload, purpose); }});
  core_->use_notifier([this] { return outbox_->notifies(clock_.wall()); });
  policies_ = std::make_unique<Policies>(loop_.post(), *core_, clock_, [this](const config::Broker& file) { use(file); });
  open_database();
  policies_->start(std::move(loaded), shelf_.database());
}

// What a reload took holds at once: all of broker.toml that is used, as the tags of its host are.
void Broker::use(const config::Broker& file) {
  const core::Limits limits = limits_of(file);
  core_->use_limits(limits);
  gate_->use_limit(limits.connections_per_uid);
  host_.name = file.host_name;
  hide_ = file.hide;
  archivist_->retain(file.retain_s);
  tell_host();
}

// What is signed, and what is shown, names it.
void Broker::tell_host() {
  core_->use_host({host_.id, host_.name, epoch_, hide_, secret_});
  if (outbox_) outbox_->use_host(host_.id, host_.name, hide_);
  if (bus_) bus_->use_host(host_);
}

Broker::~Broker() {
  bus_.reset();
  policies_.reset();
  core_->use_notifier({});
  core_->use_enforcement(nullptr);
  enforcer_.reset();
  gate_.reset();
  shelf_.close();
}

// Nothing is written that could not be signed, so without a key there is no database. A key that cannot be used is never
// replaced: that would make another host of this one.
bool Broker::load_key() {
  if (key_) return true;
  store::HostKeyFile file = store::load_host_key(kHostKey);
  if (!file.key) {
    shelf_.blame(std::move(file.problem));
    return false;
  }
  key_ = std::move(file.key);
  host_.id = key_->id();
  host_.key = key_->public_key().text;
  // A signature that is never shown (RFC 8032: always the same one), so that nothing else must be kept.
  const evidence::Bytes secret = key_->sign("private@pam-jit.v1", "salts");
  secret_.assign(secret.begin(), secret.end());
  keeper_.use_key(key_);
  tell_host();
  if (file.made) sd_journal_print(LOG_NOTICE, "this is now host %s, key %s", host_.id.c_str(), key_->fingerprint().c_str());
  return true;
}

bool Broker::no_database(const std::string& before) {
  if (shelf_.message() != before) sd_journal_print(LOG_CRIT, "everything is denied: %s", evidence::escape(shelf_.message()).c_str());
  next_open_ = clock_.boottime() + kOpenAgainMs;
  return false;
}

// The requests of this boot come back as they were; their voters are looked up again before they count.
bool Broker::open_database() {
  const std::string before = shelf_.message();
  if (!load_key() || !shelf_.open(kDatabase, keeper_.log())) return no_database(before);
  const store::LogKeeper::Judged judged = keeper_.judge(*shelf_.database());
  core::State state;
  std::string why = shelf_.database()->last_error();  // of the last call
  if (why.empty()) {
    state = shelf_.database()->load_live();
    why = shelf_.database()->last_error();
  }
  if (why.empty()) {
    state.asked = shelf_.database()->asked_since(boot_, clock_.boottime() - core::kHourMs, clock_.wall() - core::kHourMs);
    why = shelf_.database()->last_error();
  }
  if (why.empty()) {
    state.told = told_of(state);
    why = shelf_.database()->last_error();
  }
  if (!why.empty()) {
    // A part of what lives is not what lives: look again.
    shelf_.close();
    shelf_.blame(why);
    return no_database(before);
  }
  std::set<std::uint32_t> voters;
  for (const core::Vote& vote : state.votes) voters.insert(vote.uid);
  epoch_ = judged.epoch;
  policies_->signed_with(judged.people_version);
  state.put_back = !judged.cause.empty() || was_put_back();
  tell_host();
  if (!judged.cause.empty()) sd_journal_print(LOG_CRIT, "all that was open is void: %s", evidence::escape(judged.text).c_str());
  watch_alarm(judged);
  core_->restore(std::move(state), {judged.cause, judged.epoch});
  core_->remember(shelf_.database()->past());
  if (enforcer_) {
    core_->end_again(shelf_.database()->grants({false, 0, {}, 10'000, true}));
    enforcer_->wanted();  // what ended meanwhile, or ends otherwise now
  }
  if (!tombstones_.problem().empty()) {
    sd_journal_print(LOG_CRIT, "all grants and requests of this boot are ended: %s", evidence::escape(tombstones_.problem()).c_str());
  }
  know_voters({voters.begin(), voters.end()});
  return true;
}

// Of the emergency accesses of this boot.
std::set<core::Id> Broker::told_of(const core::State& state) {
  std::set<core::Id> told;
  for (const auto* requests : {&state.requests, &state.owed}) {
    for (const core::Request& request : *requests) {
      if (request.kind != core::RequestKind::kBreakGlass || request.boot_id != boot_ || told.contains(request.id)) continue;
      const auto logged = [&](std::string_view type) {
        return !shelf_.database()->entries({0, 0, request.id, {}, std::string(type), true, 1}).empty();
      };
      if (logged(core::events::kNotifyAcknowledged) || logged(core::events::kNotifyUnsent)) told.insert(request.id);
    }
  }
  return told;
}

// Status says it for a week, whatever is restarted meanwhile: whoever put the database back may not be who watches it.
void Broker::watch_alarm(const store::LogKeeper::Judged& judged) {
  alarm_ = judged.text;
  if (!alarm_.empty()) {
    alarm_ = bus::iso_time(clock_.wall()) + ": " + alarm_;
  } else if (const auto last = shelf_.database()->entries({0, clock_.wall() - kAlarmMs, {}, {}, std::string(core::events::kRolledBack), true, 1}); !last.empty()) {
    alarm_ = bus::iso_time(last[0].wall) + ": the log was lost or put back (entry " + std::to_string(last[0].sequence) + ")";
  }
  if (!alarm_.empty()) alarm_ += "; all that was open then is void. Compare with a head that is kept elsewhere: jitctl audit verify --head FILE";
}

// In this boot: what happened in it before is not known any more.
bool Broker::was_put_back() {
  const auto last = shelf_.database()->entries({0, 0, {}, {}, std::string(core::events::kRolledBack), true, 1});
  return last.empty() ? !shelf_.database()->last_error().empty() : last[0].boot_id == boot_;
}

void Broker::watch_policy() {
  const policy::Policy* const policy = core_->policy();
  const std::string hash = policy != nullptr ? policy->hash() : std::string();
  const std::int64_t version = policies_->people_version();
  if (hash == signed_policy_ && version == signed_people_) return;
  signed_policy_ = hash;
  keeper_.use_policy(hash, version);
  // At once, so that no file or database of before can be put back unseen.
  if (std::exchange(signed_people_, version) != version && shelf_.database() != nullptr) shelf_.database()->seal([](bool) {}, true);
}

// Until the directory has answered, a vote of before a restart fills no seat. Asked again: groups may have changed.
void Broker::know_voters(const std::vector<std::uint32_t>& voters) {
  for (const std::uint32_t uid : voters) {
    directory_.by_uid(uid, [this, uid](const directory::User& user) {
      if (user.status == directory::Status::kFound) core_->know_voter(uid, known(user, core_->policy()));
      if (user.status == directory::Status::kAbsent) core_->know_voter(uid, nullptr);
      if (user.status == directory::Status::kUnknown) unknown_voters_.push_back(uid);
    });
  }
}

// Made when it is asked for: the same words under the same key are the same signature.
std::string Broker::envelope_of(const core::Request& request) const {
  if (!key_ || request.payload.empty()) return {};
  try {
    return evidence::to_json(key_->seal(evidence::kRequestType, request.payload, evidence::kRequestNamespace));
  } catch (const std::runtime_error& error) {
    sd_journal_print(LOG_ERR, "request %s cannot be signed: %s", request.id.text().c_str(), error.what());
    return {};
  }
}

std::optional<evidence::Envelope> Broker::seal(std::string_view type, const std::string& payload, std::string_view purpose) const {
  if (!key_ || payload.empty()) return std::nullopt;
  try {
    return key_->seal(type, payload, purpose);
  } catch (const std::runtime_error& error) {
    sd_journal_print(LOG_ERR, "nothing can be signed: %s", error.what());
    return std::nullopt;
  }
}

// A uid that was given to somebody else, a name that is another account's, a group that was left: none of it inherits a grant.
void Broker::look_at_holders() {
  for (const core::Grant* grant : core_->live_grants()) {
    const core::IdentityPtr subject = grant->subject.identity;
    directory_.account(subject->uid, subject->user, [this, id = grant->id, target = grant->target](const directory::User& holder) {
      if (holder.status == directory::Status::kUnknown) return;
      directory_.account(target->uid, target->user, [this, id, holder](const directory::User& given) {
        if (given.status == directory::Status::kUnknown) return;
        const auto identity = [this](const directory::User& user) {
          return user.status == directory::Status::kFound ? known(user, core_->policy()) : nullptr;
        };
        core_->account_is(id, identity(holder), identity(given));
      });
    });
  }
}

// Claims that wait are judged as root, too: until he is known they are left as they are.
void Broker::know_root() {
  directory_.by_uid(0, [this](const directory::User& user) {
    const bool found = user.status == directory::Status::kFound;
    root_unknown_ = !found || !user.groups_known;
    next_root_ = clock_.boottime() + kVotersAgainMs;
    if (found) core_->know_root(known(user, core_->policy()));
  });
}

void Broker::start() {
  know_root();
  loop_.each_turn([this] { return turn(); });
  gate_->serve(*core_);
  bus::Admin admin;
  admin.status = [this] { return status(); };
  admin.reload = [this](std::function<void(std::string)> done) {
    directory_.forget();
    policies_->reload([this] { return shelf_.database(); }, [this, done = std::move(done)] {
      know_voters(core_->voters());
      look_at_holders();
      done(status());
    });
  };
  admin.accept_people = [this](core::IdentityPtr who, std::function<void(std::string)> done) {
    directory_.forget();
    policies_->accept_people(std::move(who), [this] { return shelf_.database(); }, [this, done = std::move(done)] { done(status()); });
  };
  admin.envelope = [this](const core::Request& request) { return envelope_of(request); };
  admin.seal = [this](std::string_view type, const std::string& payload, std::string_view purpose) { return seal(type, payload, purpose); };
  admin.outbox = outbox_.get();
  bus_ = std::make_unique<bus::Service>(loop_.post(), *core_, directory_, [this] { return shelf_.database(); }, host_,
                                        std::move(admin));
  bus_->start();
}

void Broker::reload() {
  directory_.forget();
  policies_->reload([this] { return shelf_.database(); }, [this] {
    know_voters(core_->voters());
    look_at_holders();
  });
}

std::optional<core::BootMs> Broker::turn() {
  const core::BootMs now = clock_.boottime();
  std::optional<core::BootMs> next;
  watch_policy();
  if (shelf_.database() == nullptr) {
    if (now >= next_open_ && open_database()) policies_->database_came(shelf_.database());
    if (shelf_.database() == nullptr) next = next_open_;
  } else if (const std::string why = shelf_.trouble(); !why.empty() || shelf_.failing()) {
    if (!std::exchange(told_failing_, true)) {
      sd_journal_print(LOG_CRIT, "no grant can be given or used: %s", evidence::escape(why).c_str());
    }
    // Nobody may be asking while it fails, so the way back is looked for here.
    if (now >= next_probe_) {
      next_probe_ = now + kProbeMs;
      shelf_.settle();
      core_->note(core::events::kStoreRecovered, "after", why);
    }
    next = next_probe_;
  } else {
    told_failing_ = false;
  }
  if (!unknown_voters_.empty()) {
    if (now >= next_voters_) {
      next_voters_ = now + kVotersAgainMs;
      know_voters(std::exchange(unknown_voters_, {}));
    }
    next = std::min(next.value_or(next_voters_), next_voters_);
  }
  if (root_unknown_) {
    if (now >= next_root_) {
      next_root_ = now + kVotersAgainMs;
      know_root();
    }
    next = std::min(next.value_or(next_root_), next_root_);
  }
  if (core_->has_live_grants()) {
    if (now >= next_holders_) {
      next_holders_ = now + kHoldersMs;
      look_at_holders();
    }
    next = std::min(next.value_or(next_holders_), next_holders_);
  }
  archivist_->turn();
  if (archivist_->problem() != told_archive_) {
    told_archive_ = archivist_->problem();
    if (!told_archive_.empty()) sd_journal_print(LOG_ERR, "old entries of the log stay in the database: %s", evidence::escape(told_archive_).c_str());
  }
  if (const auto look = archivist_->next()) next = std::min(next.value_or(*look), *look);
  core_->tick();
  if (core_->ends_are_safe()) {
    told_unsafe_ = false;
  } else if (!std::exchange(told_unsafe_, true)) {
    sd_journal_print(LOG_CRIT, "no grant can be given or used until what has ended is written: %s cannot be written either", kTombstones);
  }
  if (const auto tick = core_->next_tick()) next = std::min(next.value_or(*tick), *tick);
  return next;
}

std::string Broker::status() const {
  const Policies::Status& policy = policies_->status();
  const bool in_force = core_->policy() != nullptr;
  const bool good = in_force && policy.error.empty() && !shelf_.failing() && core_->ends_are_safe();
  nlohmann::json out{{"state", good ? "running" : "degraded"},
                     {"host", {{"name", evidence::escape(host_.name)}, {"id", host_.id}, {"key", key_ ? key_->fingerprint() : ""},
                               {"public_key", key_ ? key_->public_key().text : ""}}},
                     {"policy", {{"in_force", !in_force ? "none: everything is denied" : policy.error.empty() ? "the files" : policy.unrescued ? "the files, without a rescue route" : "the last good set"},
                                 {"hash", policy.hash}, {"rules", policy.rules}}},
                     {"ends", enforcer_ ? "what runs is ended" : "only the next use is refused: systemd does not run here"},
                     {"waiting", core_->waiting()},
                     {"requests", core_->live_requests().size()},
                     {"grants", core_->live_grants().size()},
                     {"store", shelf_.database() == nullptr ? "missing" : shelf_.failing() ? "failing" : "ok"}};
  if (shelf_.database() != nullptr) {
    const core::Head head = shelf_.head();
    out["log"] = {{"epoch", epoch_}, {"signed_entries", head.size}, {"root", head.root}};
    if (const std::uint64_t entry = shelf_.database()->misfiled(); entry != 0) out["log"]["misfiled"] = entry;
  }
  for (const outbox::Courier courier : {outbox::Courier::kRelay, outbox::Courier::kNotify}) {
    const outbox::Reach& reach = outbox_->reach(courier);
    if (!reach.known) continue;
    out["couriers"].push_back({{"name", outbox::name_of(courier)}, {"reached", reach.reached}, {"since", bus::iso_time(reach.since)}, {"why", evidence::escape(reach.why)}});
  }
  for (const std::string& note : archivist_->notes()) out["archive"].push_back(evidence::escape(note));
  if (!alarm_.empty()) out["alarm"] = evidence::escape(alarm_);
  if (policy.loaded != 0) out["policy"]["since"] = bus::iso_time(policy.loaded);
  for (const auto& [door, last] : core_->observing()) {
    out["observing"].push_back({{"door", policy::name_of(door)}, {"last", bus::iso_time(last)}});
  }
  auto errors = nlohmann::json::array();
  for (std::size_t at = 0; at < policy.error.size();) {
    const std::size_t end = std::min(policy.error.find('\n', at), policy.error.size());
    errors.push_back(evidence::escape(policy.error.substr(at, end - at)));
    at = end + 1;
  }
  out["policy"]["error_count"] = errors.size();
  out["policy"]["warning_count"] = 0;  // a load asks for errors alone
  if (!errors.empty()) out["policy"]["errors"] = std::move(errors);
  const std::string store_error = shelf_.database() == nullptr ? shelf_.message() : shelf_.database()->last_error();
  if (shelf_.failing()) out["store_error"] = evidence::escape(store_error);
  return out.dump();
}

void Broker::request_changed(const core::Request& request) {
  if (bus_) bus_->request_changed(request);
}

void Broker::grant_changed(const core::Grant& grant) {
  if (enforcer_ && grant.state == core::GrantState::kActive) enforcer_->wanted();
  if (bus_) bus_->grant_changed(grant);
}

void Broker::fact_changed(const std::string& name) {
  if (bus_) bus_->fact_changed(name);
}

void Broker::logged(const core::AuditEntry& entry) {
  audit::to_journal(entry);
  if (bus_) bus_->logged(entry);
}

}  // namespace jit::broker
