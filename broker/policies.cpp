// SPDX-License-Identifier: Apache-2.0
#include "broker/policies.h"

#include <algorithm>
#include <system_error>
#include <utility>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "broker/config/tags.h"
#include "broker/core/events.h"
#include "evidence/text.h"

namespace jit::broker {

namespace {

std::string all(const std::vector<policy::Finding>& findings) {
  std::string out;
  for (const policy::Finding& finding : findings) {
    if (!out.empty()) out += '\n';
    out += finding.text();
  }
  return out;
}

policy::Finding versions_unknown() {
  return {"E16", "people.d", 0, 0, "what versions were seen here before cannot be read from the database", {}, {}};
}

std::int64_t newest(const policy::Policy& policy) {
  std::int64_t out = 0;
  for (const policy::PeopleFile& file : policy.people_files()) out = std::max(out, file.version);
  return out;
}

}  // namespace

Policies::~Policies() {
  if (worker_.joinable()) worker_.join();
}

void Policies::keep(store::Database* database) {
  if (database == nullptr) return;
  database->keep_policy({status_.hash, sources_.rules, sources_.people, sources_.calendars, sources_.rosters, seen_, sources_.broker_text});
}

// False: they are kept, and cannot be read. What this process knows is younger than what the database holds (it is written
// later), except of files that it took while there was no database.
bool Policies::learn_versions(store::Database* database, bool came) {
  if (database == nullptr) return true;
  const auto kept = database->people_versions();
  if (!kept) return false;
  for (const auto& [file, version] : *kept) {
    const auto [at, is_new] = seen_.try_emplace(file, version);
    if (came && !is_new) at->second = std::max(at->second, version);
  }
  return true;
}

std::int64_t Policies::people_version() const {
  std::int64_t out = signed_with_;
  for (const auto& [file, version] : seen_) out = std::max(out, version);
  return out;
}

std::int64_t Policies::missing_version() const {
  const bool known = std::ranges::any_of(seen_, [this](const auto& seen) { return seen.second >= signed_with_; });
  return known ? 0 : signed_with_;
}

std::vector<policy::Finding> Policies::older_people(const policy::Policy& policy) const {
  std::vector<policy::Finding> out;
  if (const std::int64_t missing = missing_version(); newest(policy) < missing) {
    out.push_back({"E16", "people.d", 0, 0,
                   "says version " + std::to_string(newest(policy)) + " at most, but a head that was signed since this host was started says " + std::to_string(missing) +
                       ", and the database, which was lost or put back, does not know it; put the newest files there, or, where these are meant, type: jitctl people accept", {}, {}});
  }
  for (const policy::PeopleFile& file : policy.people_files()) {
    const auto seen = seen_.find(file.base());
    if (seen == seen_.end() || file.version >= seen->second) continue;
    out.push_back({"E16", file.name, 1, 1,
                   "says version " + std::to_string(file.version) + ", but " + std::to_string(seen->second) +
                       " was seen here, so it is an older file; raise its version, or, where it is meant, type: jitctl people accept", {}, {}});
  }
  return out;
}

void Policies::refuse(const std::vector<policy::Finding>& findings) {
  status_.error = all(findings);
  for (const policy::Finding& finding : findings) {
    sd_journal_print(LOG_ERR, "policy refused: %s", evidence::escape(finding.text()).c_str());
  }
  core_.note(core::events::kPolicyRefused, "findings", status_.error.substr(0, 4096));
}

// What was taken while nobody could tell what had been seen is looked at now.
void Policies::database_came(store::Database* database) {
  const bool known = learn_versions(database, true);
  if (core_.policy() == nullptr) return use_kept(database);
  const auto older = older_people(*core_.policy());
  if (status_.unrescued && known && older.empty()) return use_kept(database);
  if (!known || !older.empty()) {
    refuse(known ? older : std::vector{versions_unknown()});
    status_.hash.clear();
    status_.rules = 0;
    sources_ = {};
    core_.use_policy(nullptr, config::tags_hash(broker_.tags));
    return use_kept(database);
  }
  if (!sources_.rules.empty()) keep(database);
}

void Policies::start(config::Loaded loaded, store::Database* database) {
  broker_ = loaded.broker;
  auto unrescued = loaded.unrescued;
  if (unrescued && (!learn_versions(database) || !older_people(*unrescued).empty())) unrescued = nullptr;
  take(std::move(loaded), database);
  if (core_.policy() == nullptr) use_kept(database);
  if (core_.policy() != nullptr || !unrescued) return;
  sd_journal_print(LOG_CRIT, "policy %s is in force although root has no rescue line: type: jitctl setup login", unrescued->hash().substr(0, 12).c_str());
  status_ = {unrescued->hash(), unrescued->rule_count(), clock_.wall(), status_.error, true};
  core_.use_policy(unrescued, config::tags_hash(broker_.tags));
}

// With all that broker.toml said when it was kept: what is said there now was refused together with the files beside it.
void Policies::use_kept(store::Database* database) {
  if (database == nullptr) return;
  learn_versions(database);
  const auto kept = database->kept_policy();
  if (!kept) return;
  const auto unusable = [](const std::string& why) { sd_journal_print(LOG_CRIT, "the last good policy cannot be used: %s", evidence::escape(why).c_str()); };
  const auto broker = kept->broker ? config::kept_broker(*kept->broker) : broker_;
  if (!broker) return unusable("this version does not read the broker.toml that was kept with it");
  const config::Loaded loaded = config::load_kept(*broker, {kept->rules, kept->people, kept->calendars, kept->rosters, {}});
  if (!loaded.policy) {
    for (const policy::Finding& finding : loaded.findings) {
      if (finding.code.starts_with('E')) unusable(finding.text());
    }
    return;
  }
  // Other tags make another policy of the same files.
  if (newest(*loaded.policy) < missing_version()) return unusable("its people.d is older than what was signed since this host was started");
  if (loaded.policy->hash() != kept->hash) return unusable("the tags of this host are not those that it was kept with");
  broker_ = *broker;
  taken_(broker_);
  sd_journal_print(LOG_ERR, "the policy files are broken; the last good policy %s stays in force",
                   loaded.policy->hash().substr(0, 12).c_str());
  status_.unrescued = false;
  status_.hash = loaded.policy->hash();
  status_.rules = loaded.policy->rule_count();
  status_.loaded = clock_.wall();
  core_.use_policy(loaded.policy, config::tags_hash(broker_.tags));
}

void Policies::take(config::Loaded loaded, store::Database* database, const core::IdentityPtr& admin) {
  if (!loaded.policy) return refuse(loaded.findings);
  if (!learn_versions(database)) return refuse({versions_unknown()});
  const auto older = older_people(*loaded.policy);
  if (!older.empty() && !admin) return refuse(older);
  if (const std::int64_t missing = missing_version(); newest(*loaded.policy) < missing) {
    core_.note(core::events::kPeopleAccepted, *admin, "file", "people.d " + std::to_string(missing) + " -> " + std::to_string(newest(*loaded.policy)));
  }
  signed_with_ = 0;
  for (const policy::PeopleFile& file : loaded.policy->people_files()) {
    std::int64_t& seen = seen_[file.base()];
    if (file.version < seen) {
      core_.note(core::events::kPeopleAccepted, *admin, "file", file.base() + " " + std::to_string(seen) + " -> " + std::to_string(file.version));
    }
    seen = file.version;
  }
  status_ = {loaded.policy->hash(), loaded.policy->rule_count(), clock_.wall(), {}, false};
  broker_ = std::move(loaded.broker);
  sources_ = std::move(static_cast<config::Sources&>(loaded));
  keep(database);
  taken_(broker_);
  core_.use_policy(loaded.policy, config::tags_hash(broker_.tags));
  core_.note(core::events::kPolicyLoaded, "policy", status_.hash);
  sd_journal_print(LOG_NOTICE, "policy %s in force, %zu rules", status_.hash.substr(0, 12).c_str(), status_.rules);
}

void Policies::accept_people(core::IdentityPtr admin, std::function<store::Database*()> database, std::function<void()> done) {
  accepting_ = std::move(admin);
  reload(std::move(database), std::move(done));
}

void Policies::reload(std::function<store::Database*()> database, std::function<void()> done) {
  waiting_.push_back(std::move(done));
  if (running_) {
    again_ = true;  // files may have changed after the running load read them
    return;
  }
  running_ = true;
  if (worker_.joinable()) worker_.join();
  const auto work = [this, database = std::move(database), admin = std::exchange(accepting_, nullptr)] {
    auto loaded = std::make_shared<config::Loaded>(config::load({}));
    post_([this, loaded, database, admin] {
      take(std::move(*loaded), database(), admin);
      running_ = false;
      if (again_) {
        again_ = false;
        reload(database, [] {});
        return;
      }
      tell_waiting();
    });
  };
  try {
    worker_ = std::thread(work);
  } catch (const std::system_error& error) {
    // Too many threads or processes just now: what is in force stays so.
    running_ = false;
    status_.error = std::string("the files could not be read again: ") + error.what() + "; try once more later";
    sd_journal_print(LOG_ERR, "%s", status_.error.c_str());
    tell_waiting();
  }
}

void Policies::tell_waiting() {
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto& each : waiting) each();
}

}  // namespace jit::broker
