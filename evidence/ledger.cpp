// SPDX-License-Identifier: Apache-2.0
#include "evidence/ledger.h"

#include <algorithm>

#include "evidence/text.h"

namespace jit::evidence {
namespace {

std::string text_in(const Entry& entry, std::string_view name) {
  const auto found = entry.fields.find(name);
  return found != entry.fields.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t count_in(const Json& value) { return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0; }

// Who must answer: the number that the request's entry says, or (older entries) that of its seats.
std::uint64_t needed_in(const Json& fields) {
  if (const auto needed = fields.find("needed"); needed != fields.end()) return count_in(*needed);
  std::uint64_t out = 0;
  const auto seats = fields.find("seats");
  if (seats == fields.end() || !seats->is_array()) return 0;
  for (const Json& seat : *seats) out += seat.is_object() && seat.contains("count") ? count_in(seat.at("count")) : 0;
  return out;
}

bool asked_people(const Json& fields) {
  const auto decision = fields.find("decision");
  if (decision == fields.end() || !decision->is_object() || !decision->contains("terms")) return false;
  const Json& terms = decision->at("terms");
  return terms.is_object() && terms.contains("seats") && terms.at("seats").is_array() && !terms.at("seats").empty();
}

std::string shown(const std::string& id) { return id.substr(0, 8); }

}  // namespace

Ledger::Ledger(Reach reach, ExportHost host, std::vector<AllowedSigner> signers)
    : reach_(reach), host_(std::move(host)), signers_(std::move(signers)) {}

std::string Ledger::entry(const Read& read) {
  last_ = read;
  document_seen_ = false;
  if (!read.erased.empty()) ++counts_.erased;
  const Entry& entry = last_.entry;
  if (entry.type == "request.created") return created(entry);
  if (entry.type == "vote.cast") return vote(entry);
  if (entry.type == "request.approved") return approved(entry);
  if (entry.type == "request.denied" || entry.type == "request.expired" || entry.type == "request.cancelled") return closed(entry);
  if (entry.type == "grant.created") return granted(entry);
  if (entry.type == "grant.extended") return extended(entry);
  if (entry.type == "grant.claimed" || entry.type == "grant.used") return used(entry);
  return "";
}

// Nothing: there is no entry of it, and there had to be one.
Ledger::Ask* Ledger::find(const Entry& entry) {
  if (const auto found = asks_.find(entry.request); found != asks_.end()) return &found->second;
  if (reach_ != Reach::kLate) return nullptr;
  Ask& ask = asks_[entry.request];
  ask.known = false;
  ask.digest = text_in(entry, "digest");
  return &ask;
}

bool Ledger::is_own(const Entry& vote) const {
  const auto ask = asks_.find(vote.request);
  return ask != asks_.end() && !ask->second.person.empty() && text_in(vote, "voter") == ask->second.person;
}

bool Ledger::approves(const Entry& vote) {
  const auto found = vote.fields.find("approve");
  return found != vote.fields.end() && found->is_boolean() && found->get<bool>();
}

// The requester answers with such a key or not at all, and so does everybody where the permit says so.
bool Ledger::needs_hardware(const Entry& vote) const {
  const auto ask = asks_.find(vote.request);
  return is_own(vote) || (approves(vote) && ask != asks_.end() && ask->second.asks == "hardware");
}

std::string Ledger::created(const Entry& entry) {
  if (entry.request.empty()) return "a request without an id";
  const auto [at, added] = asks_.try_emplace(entry.request);
  if (!added) return "request " + shown(entry.request) + " is made twice";
  Ask& ask = at->second;
  ask.needed = needed_in(entry.fields);
  ask.person = text_in(entry, "person");
  ask.digest = text_in(entry, "digest");
  ask.extends = text_in(entry, "extends");
  ask.offer(entry);
  ++counts_.requests;
  return "";
}

std::string Ledger::vote(const Entry& entry) {
  Ask* const ask = find(entry);
  if (ask == nullptr) return "a vote for a request that has no entry";
  const bool by_uid = text_in(entry, "kind") == "local";
  ++counts_.votes;
  if (by_uid) ++counts_.host_votes;
  if (text_in(entry, "digest") != ask->digest) return "the vote is for something else than request " + shown(entry.request);
  const std::string digest = text_in(entry, "vote");
  if (!digest.empty() && !votes_seen_.emplace(digest, entry.sequence).second) {
    return "the vote was used before, in entry " + std::to_string(votes_seen_.find(digest)->second);
  }
  if (!approves(entry)) {
    if (!ask->used) ask->denied = true;
    ask->repeated = Json();
    return "";
  }
  if (ask->approved || ask->denied) return "a vote for request " + shown(entry.request) + ", which had ended";
  if (by_uid && (ask->asks == "signed" || ask->asks == "hardware")) return "the vote is not signed, and request " + shown(entry.request) + " asked for signed ones";
  const std::string voter = text_in(entry, "voter");
  if (voter.empty()) {
    ++ask->erased_voters;
    ++counts_.unproven;
  } else if (is_own(entry) && (!ask->self || by_uid)) {
    return "the requester voted for his own request";
  } else if (!ask->voters.insert(voter).second) {
    return "the same person voted twice for request " + shown(entry.request);
  }
  if (!digest.empty()) ask->votes.insert(digest);
  if (digest.empty() && !by_uid) ask->votes_known = false;
  ask->narrow(entry);
  return "";
}

std::string Ledger::approved(const Entry& entry) {
  Ask* const ask = find(entry);
  if (ask == nullptr) return "an approved request that has no entry";
  if (ask->denied || ask->approved) return "request " + shown(entry.request) + " had ended before";
  const std::uint64_t votes = ask->voters.size() + ask->erased_voters;
  if (ask->known && votes < ask->needed) {
    return "request " + shown(entry.request) + " was approved with " + std::to_string(votes) + " of " + std::to_string(ask->needed) + " votes";
  }
  ask->approved = true;
  const std::string extends = text_in(entry, "extends");
  if (!ask->known) prolonged_[entry.grant] = ask->give_s;
  if (!ask->extends.empty()) {
    if (ask->extends != entry.grant) return "more time was approved for another grant than was asked";
    prolonged_[ask->extends] = ask->give_s;
    ask->used = true;  // a denial that comes later ends the grant
    ask->voters.clear();
    ask->votes.clear();
    ask->repeated = Json();
  }
  return "";
}

std::string Ledger::closed(const Entry& entry) {
  Ask* const ask = find(entry);
  if (ask == nullptr) return "the end of a request that has no entry";
  if (ask->used) return "";
  ask->denied = true;
  ask->repeated = Json();
  return "";
}

std::string Ledger::granted(const Entry& entry) {
  ++counts_.grants;
  if (entry.grant.empty()) return "a grant without an id";
  if (!grants_.insert(entry.grant).second) return "grant " + shown(entry.grant) + " is made twice";
  if (const auto lifetime = entry.fields.find("lifetime_s"); lifetime != entry.fields.end()) lifetimes_[entry.grant] = count_in(*lifetime);
  if (entry.request.empty()) return asked_people(entry.fields) ? "its permit asked for people, and it has no request" : "";
  Ask* const ask = find(entry);
  if (ask == nullptr) return "grant " + shown(entry.grant) + " has no entry of its request";
  if (!ask->known) ++counts_.unproven;
  const std::string digest = text_in(entry, "request_digest");
  if (ask->digest.empty()) ask->digest = digest;
  if (digest != ask->digest) return "the grant is for something else than request " + shown(entry.request);
  if (ask->used) return "request " + shown(entry.request) + " was used for a grant before";
  if (ask->denied) return "request " + shown(entry.request) + " had ended before";
  if (ask->known && ask->needed > 0 && !ask->approved) return "request " + shown(entry.request) + " was not approved";
  const std::string person = text_in(entry, "person");
  if (!person.empty() && !ask->person.empty() && person != ask->person) return "the grant is for another person than request " + shown(entry.request);
  if (std::string wrong = ask->beyond(last_); !wrong.empty()) return wrong + ": see request " + shown(entry.request);
  ask->repeated = Json();
  ask->used = true;
  ask->voters.clear();  // that of a large log is much, and nobody votes for it any more
  return "";
}

std::string Ledger::extended(const Entry& entry) {
  if (reach_ == Reach::kWhole && !grants_.contains(entry.grant)) return "more time for a grant that has no entry";
  const auto approved = prolonged_.extract(entry.grant);
  if (!approved && reach_ == Reach::kWhole) return "more time for grant " + shown(entry.grant) + ", which nobody approved";
  if (!approved) ++counts_.unproven;
  return longer(entry, approved ? approved.mapped() : std::nullopt);
}

std::string Ledger::used(const Entry& entry) {
  if (reach_ != Reach::kLate && !grants_.contains(entry.grant)) return "a use of grant " + shown(entry.grant) + ", which has no entry";
  return claimed(entry);
}

}  // namespace jit::evidence
