// SPDX-License-Identifier: Apache-2.0
#include "broker/policies.h"

#include <system_error>

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

}  // namespace

Policies::~Policies() {
  if (worker_.joinable()) worker_.join();
}

void Policies::keep(store::Database* database) {
  if (database != nullptr) database->keep_policy({status_.hash, sources_.rules, sources_.people, sources_.calendars, sources_.rosters});
}

void Policies::database_came(store::Database* database) {
  if (core_.policy() == nullptr || status_.unrescued) return use_kept(database);
  if (!sources_.rules.empty()) keep(database);
}

void Policies::start(config::Loaded loaded, store::Database* database) {
  const auto unrescued = loaded.unrescued;
  take(std::move(loaded), database);
  if (core_.policy() == nullptr) use_kept(database);
  if (core_.policy() != nullptr || !unrescued) return;
  sd_journal_print(LOG_CRIT, "policy %s is in force although root has no rescue line: type: jitctl setup login", unrescued->hash().substr(0, 12).c_str());
  status_ = {unrescued->hash(), unrescued->rule_count(), clock_.wall(), status_.error, true};
  core_.use_policy(unrescued, config::tags_hash(broker_.tags));
}

void Policies::use_kept(store::Database* database) {
  if (database == nullptr) return;
  const auto kept = database->kept_policy();
  if (!kept) return;
  const config::Loaded loaded = config::load_kept(broker_, {kept->rules, kept->people, kept->calendars, kept->rosters});
  if (!loaded.policy) {
    for (const policy::Finding& finding : loaded.findings) {
      if (finding.code.starts_with('E')) sd_journal_print(LOG_CRIT, "the last good policy cannot be used: %s", evidence::escape(finding.text()).c_str());
    }
    return;
  }
  sd_journal_print(LOG_ERR, "the policy files are broken; the last good policy %s stays in force",
                   loaded.policy->hash().substr(0, 12).c_str());
  status_.unrescued = false;
  status_.hash = loaded.policy->hash();
  status_.rules = loaded.policy->rule_count();
  status_.loaded = clock_.wall();
  core_.use_policy(loaded.policy, config::tags_hash(broker_.tags));
}

void Policies::take(config::Loaded loaded, store::Database* database) {
  broker_ = loaded.broker;
  if (!loaded.policy) {
    status_.error = all(loaded.findings);
    for (const policy::Finding& finding : loaded.findings) {
      sd_journal_print(LOG_ERR, "policy refused: %s", evidence::escape(finding.text()).c_str());
    }
    core_.note(core::events::kPolicyRefused, "findings", status_.error.substr(0, 4096));
    return;
  }
  status_ = {loaded.policy->hash(), loaded.policy->rule_count(), clock_.wall(), {}, false};
  sources_ = std::move(static_cast<config::Sources&>(loaded));
  keep(database);
  taken_(broker_);
  core_.use_policy(loaded.policy, config::tags_hash(broker_.tags));
  core_.note(core::events::kPolicyLoaded, "policy", status_.hash);
  sd_journal_print(LOG_NOTICE, "policy %s in force, %zu rules", status_.hash.substr(0, 12).c_str(), status_.rules);
}

void Policies::reload(std::function<store::Database*()> database, std::function<void()> done) {
  waiting_.push_back(std::move(done));
  if (running_) {
    again_ = true;  // files may have changed after the running load read them
    return;
  }
  running_ = true;
  if (worker_.joinable()) worker_.join();
  const auto work = [this, database = std::move(database)] {
    auto loaded = std::make_shared<config::Loaded>(config::load({}));
    post_([this, loaded, database] {
      take(std::move(*loaded), database());
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
