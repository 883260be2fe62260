// SPDX-License-Identifier: Apache-2.0
// policy replay: the decisions of the audit history, made again by another policy.
#include <unistd.h>

#include <map>

#include "broker/config/tags.h"
#include "cli/commands.h"
#include "cli/decision_record.h"
#include "cli/policy_files.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

namespace analysis = policy::analysis;

constexpr std::uint32_t kReplayPage = 1000;

std::string counted(std::size_t count, std::string_view one) {
  return std::to_string(count) + ' ' + std::string(one) + (count == 1 ? "" : "s");
}

Json strings(const std::vector<std::string>& words) {
  Json out = Json::array();
  for (const std::string& word : words) out.push_back(evidence::escape(word));
  return out;
}

Json answer_json(const analysis::Answer& answer, const std::string& text) {
  return {{"text", evidence::escape(text)},
          {"outcome", policy::name_of(answer.outcome)},
          {"then", answer.outcome == policy::Outcome::kNeeds ? Json(policy::name_of(answer.then)) : Json()},
          {"missing", strings(answer.missing)},
          {"rule", answer.rule.empty() ? Json() : Json(evidence::escape(answer.rule))},
          {"rules", strings(answer.rules)}};
}

using Counts = std::map<std::string, std::uint64_t, std::less<>>;

std::uint64_t sum(const Counts& counts) {
  std::uint64_t out = 0;
  for (const auto& [what, count] : counts) out += count;
  return out;
}

std::string listed(const Counts& counts) {
  std::string out;
  for (const auto& [what, count] : counts) out += (out.empty() ? "" : ", ") + what + ' ' + std::to_string(count);
  return out;
}

// What the log says, entry by entry.
class History {
 public:
  History(const policy::Policy& policy, std::string tags) : replay_(policy), tags_(std::move(tags)) {}

  void take(const Json& entry) {
    const Json& decision = member(entry, "fields.decision");
    if (!decision.is_object()) return without(entry);
    // A guard that only observes is logged beside what was decided, before it; by itself it is all that was logged.
    const bool by_guard = text_of(entry, "fields.by") == "guard";
    const bool again = !guarded_.is_null() && guarded_ == decision && guarded_by_ == member(entry, "uid");
    guarded_ = by_guard ? decision : Json();
    guarded_by_ = by_guard ? member(entry, "uid") : Json();
    if (again) return;
    if (const auto unreadable = read_decision(entry, recorded_)) {
      ++unreadable_[evidence::escape(unreadable->lacks)];
      return;
    }
    if (recorded_.tags != tags_) ++other_tags_;
    replay_.add(recorded_.past);
  }

  const analysis::Replay& replay() const { return replay_; }
  const Counts& unreadable() const { return unreadable_; }
  const Counts& unrecorded() const { return unrecorded_; }
  std::size_t other_tags() const { return other_tags_; }

 private:
  // No rule decided, or the rest of a flood, of which the first stands in the log.
  void without(const Json& entry) {
    const std::string type = text_of(entry, "type");
    if (type != "access.denied" && type != "access.observed") return;
    if (!member(entry, "fields.decision").is_null()) {
      ++unreadable_["decision"];
      return;
    }
    const std::uint64_t repeated = number_of(entry, "fields.repeated");
    if (repeated > 0) {
      unrecorded_["repeated"] += repeated;
    } else {
      const std::string cause = text_of(entry, "fields.cause");
      ++unrecorded_[cause.empty() ? "observed" : cause];
    }
  }

  analysis::Replay replay_;
  std::string tags_;
  Json guarded_, guarded_by_;
  Recorded recorded_;
  Counts unreadable_, unrecorded_;
  std::size_t other_tags_ = 0;
};

void print_table(Output& out, const std::vector<analysis::Change>& changes) {
  std::vector<std::vector<std::string>> rows = {{"WHO", "WAS", "WOULD BE", "COUNT", "UNKNOWN", "EXAMPLE"}};
  for (const analysis::Change& one : changes) {
    rows.push_back({evidence::escape(one.person), evidence::escape(one.before), evidence::escape(one.after), std::to_string(one.count),
                    one.unknown.empty() ? "-" : joined(one.unknown),
                    short_time(one.time) + ' ' + (out.style().terminal ? one.id.substr(0, 8) : one.id)});
  }
  out.table(rows);
}

void print_totals(Output& out, const History& history) {
  const analysis::Replay& replay = history.replay();
  out.note(counted(replay.decisions(), "decision") + " replayed, " +
           (replay.changed() == 0 ? std::string("none would be another") : std::to_string(replay.changed()) + " would be others"));
  for (const auto& [fact, count] : replay.unknown()) {
    out.note(counted(count, "decision") + (count == 1 ? " reads " : " read ") + evidence::escape(fact) +
             " now, which was not recorded: unknown there");
  }
  if (history.other_tags() > 0) {
    out.note(counted(history.other_tags(), "decision") + (history.other_tags() == 1 ? " was" : " were") +
             " made when this host had other tags than the policy is replayed with");
  }
  if (!history.unrecorded().empty()) {
    out.note(std::to_string(sum(history.unrecorded())) + " refused or observed without a decision of the rules of their own: " +
             listed(history.unrecorded()));
  }
  if (!history.unreadable().empty()) {
    out.note(counted(sum(history.unreadable()), "record") + " could not be read and not be replayed; missing or broken: " +
             listed(history.unreadable()));
  }
}

Json document(const History& history, const std::vector<analysis::Change>& changes) {
  Json all = Json::array();
  for (const analysis::Change& one : changes) {
    all.push_back({{"person", evidence::escape(one.person)},
                   {"before", answer_json(one.from, one.before)},
                   {"after", answer_json(one.to, one.after)},
                   {"count", one.count},
                   {"unknown", strings(one.unknown)},
                   {"example", {{"time", one.time}, {"id", one.id}}}});
  }
  Json unknown = Json::object();
  for (const auto& [fact, count] : history.replay().unknown()) unknown[evidence::escape(fact)] = count;
  return {{"decisions", history.replay().decisions()},
          {"changed", history.replay().changed()},
          {"changes", std::move(all)},
          {"unknown", std::move(unknown)},
          {"other_tags", history.other_tags()},
          {"unrecorded", history.unrecorded()},
          {"unreadable", history.unreadable()}};
}

// A folder without a broker.toml, and single files, say nothing of the host's tags: then they are those it has.
Result<config::Loaded> load_for_host(const std::vector<std::string>& paths) {
  auto out = load_policy(paths);
  if (!out || paths.empty() || !out->policy) return out;
  if (paths.size() == 1 && access((paths[0] + "/broker.toml").c_str(), F_OK) == 0) return out;
  const config::Loaded host = config::load({});
  if (host.broker.tags.empty()) return out;
  auto policy = config::for_tags(*out)(host.broker.tags);
  if (!policy) return out;
  out->policy = std::move(policy);
  out->broker.tags = host.broker.tags;
  return out;
}

}  // namespace

Exit Verbs::replay() {
  auto filter = filter_of(args);
  if (!filter) return out.fail(filter.failure());
  if (args.has(Option::kPerson)) filter->emplace("person", sdbus::Variant(args.value(Option::kPerson)));
  filter->emplace("limit", sdbus::Variant(kReplayPage));
  const auto files = load_for_host(args.words);
  if (!files) return out.fail(files.failure());
  if (!files->policy) {
    for (const policy::Finding& finding : files->findings) out.line(shown(finding));
    return out.fail({Exit::kUsage, "the policy does not load: mend the findings above"});
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  History history(*files->policy, config::tags_hash(files->broker.tags));
  for (;;) {
    const auto page = (*client)->query(*filter);
    if (!page) return out.fail(page.failure());
    for (const Json& entry : page->entries) history.take(entry);
    if (!go_on(*filter, *page)) break;
  }
  const std::vector<analysis::Change> changes = history.replay().changes();
  if (json()) {
    out.line(document(history, changes).dump());
  } else {
    if (!changes.empty()) print_table(out, changes);
    print_totals(out, history);
  }
  return changes.empty() && history.unreadable().empty() ? Exit::kDone : Exit::kNo;
}

}  // namespace jit::cli
