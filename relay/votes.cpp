// SPDX-License-Identifier: Apache-2.0
// Votes on the way in: those that come by themselves, and those that are looked for, since the host was away. What the broker
// says of one is all that happens to it here.
#include <algorithm>
#include <iterator>
#include <utility>

#include "evidence/envelope.h"
#include "evidence/vote.h"
#include "relay/credentials/subjects.h"
#include "relay/relay.h"

namespace jit::relay {
namespace {

using courier::boottime;

constexpr Ms kLookAgain = 2000;
constexpr Ms kLookAgainMost = 60'000;

// Unverified, and only for its turn: what says no goes to the broker before what may say yes.
bool denies(const std::string& text) {
  const auto envelope = evidence::parse_envelope(text);
  const auto vote = envelope ? evidence::read_vote(envelope->payload) : std::nullopt;
  return vote && !vote->approve;
}

std::string digest_of(const std::string& vote) { return evidence::digest_of("vote", vote); }

}  // namespace

void Relay::look_anew() {
  for (auto& [request, open] : requests_) {
    open.looks = 0;
    open.behind = true;
    look_again_[request] = boottime();
  }
}

// fresh: its votes come by themselves, unless a server dies between keeping one and passing it on: that one is looked for a little later.
void Relay::wait_for_votes(const std::string& request, Voters voters, Ms deadline, bool fresh) {
  const bool known = requests_.contains(request);
  Open& open = requests_[request];  // what the broker has answered stays known
  const bool same = known && *open.voters == *voters;
  if (open.looking && !same) open.missed = true;
  open.voters = std::move(voters);
  open.deadline = deadline;
  if (fresh || (same && !open.behind)) {  // told again
    if (!look_again_.contains(request)) look_later(request);
    return;
  }
  open.looks = 0;
  open.behind = true;
  look_again_[request] = boottime();
}

// Of all that is known of a request: the last vote on it, then those of each who may vote. Any server of the stream answers, and
// where the one that led has died, the others know of what it confirmed last when one of them leads: asked again while the request waits.
void Relay::look_for_votes(const std::string& request) {
  Open& open = requests_.at(request);
  if (open.looking) return;  // and again when that is over
  open.missed = false;
  open.asked = open.voters->size();
  open.unanswered = 0;
  open.looking = ask(last_of(kVoteStream, "jit.v1.vote." + host_ + "." + request + ".*"), "", Question::Kind::kAnyVote, request);
  if (!open.looking) look_later(request);
}

void Relay::look_later(const std::string& request) {
  const auto open = requests_.find(request);
  if (open != requests_.end()) look_again_[request] = boottime() + std::min(kLookAgainMost, kLookAgain << std::min(open->second.looks++, 5U));
}

void Relay::vote_answered(const Question& question, const Event& event) {
  const auto found = requests_.find(question.request);
  if (found == requests_.end()) return;
  Open& open = found->second;
  const auto subject = event.status != 0 || event.data.empty() ? std::nullopt : read_vote_subject(event.kept_subject);
  const bool one = subject && subject->host == host_ && subject->request == question.request;
  if (one) vote_came(event.kept_subject, event.data, true);
  if (question.kind == Question::Kind::kVote) {
    --open.unanswered;
  } else {
    look_later(question.request);
    // There may be more than the last one.
    if (one) {
      open.last = subject->person;
      open.asked = 0;
    }
  }
  ask_voters(question.request);
}

void Relay::ask_voters(const std::string& request) {
  Open& open = requests_.at(request);
  while (open.asked < open.voters->size() && open.unanswered < kAsked) {
    const std::string& voter = (*open.voters)[open.asked++];
    if (voter != open.last && ask(last_of(kVoteStream, vote_subject(host_, request, voter)), "", Question::Kind::kVote, request)) ++open.unanswered;
  }
  if (open.unanswered == 0) looked(request);
}

// The denials are with the broker, or before these in the line.
void Relay::looked(const std::string& request) {
  Open& open = requests_.at(request);
  open.looking = false;
  open.behind = std::exchange(open.missed, false);
  if (!look_again_.contains(request)) look_later(request);
  const auto first = std::stable_partition(held_.begin(), held_.end(), [&](const Vote& each) { return each.request != request; });
  std::vector<Vote> approvals(std::make_move_iterator(first), std::make_move_iterator(held_.end()));
  held_.erase(first, held_.end());
  if (open.behind) return;
  for (Vote& each : approvals) line_up(std::move(each));
  submit();
}

// kept: it was asked for, and is not the only one.
void Relay::vote_came(const std::string& subject, const std::string& text, bool kept) {
  const auto read = read_vote_subject(subject);
  if (!read || read->host != host_ || text.empty() || text.size() > kVoteMax) return note("a message that is no vote was dropped: " + subject.substr(0, 200));
  Vote vote{read->request, read->person, text, denies(text)};
  const auto open = requests_.find(vote.request);
  if (open == requests_.end()) {
    // It is looked for as soon as the broker says that it is open; what was approved already is not, and a denial ends it.
    if (!vote.denies && (fetching_open_ || !broker_.is_there())) return;
    line_up(std::move(vote));
    return submit();
  }
  const auto settled = open->second.settled.find(vote.person);
  if (settled != open->second.settled.end() && settled->second.digest == digest_of(text)) return;
  if (!vote.denies && (kept || open->second.behind)) {
    std::erase_if(held_, [&](const Vote& each) { return each.request == vote.request && each.person == vote.person; });
    if (held_.size() >= kVotes) return look_later(vote.request);
    held_.push_back(std::move(vote));
    return;
  }
  const bool denial = vote.denies;
  if (!line_up(std::move(vote)) && denial) open->second.behind = open->second.missed = true;
  submit();
}

bool Relay::line_up(Vote vote) {
  if (votes_.size() >= kVotes) {
    look_later(vote.request);
    return false;
  }
  votes_.push_back(std::move(vote));
  return true;
}

// Those on one request one after the other: what is denied by one of them is denied before the next is looked at.
void Relay::submit() {
  while (submitting_.size() < kSubmits && broker_.is_there()) {
    const auto next = std::ranges::find_if(votes_, [&](const Vote& each) { return !submitting_.contains(each.request); });
    if (next == votes_.end()) return;
    Vote vote = std::move(*next);
    votes_.erase(next);
    submitting_.insert(vote.request);
    const std::string text = vote.text;
    broker_.submit_vote(text, [this, vote = std::move(vote)](const courier::BusAnswer& answer) {
      submitting_.erase(vote.request);
      submitted(vote, answer);
      submit();
      tick();
    });
  }
}

// A key that is enrolled by now, a seat that somebody fills by now: what was refused before is looked for again.
void Relay::take_policy(const std::string& hash) {
  const std::string before = std::exchange(policy_, hash);
  if (before == hash) return;
  if (!before.empty()) here_ = boottime();  // the relay's admin sees under which policy
  for (auto& [request, open] : requests_) {
    if (std::erase_if(open.settled, [](const auto& each) { return each.second.refused; }) == 0) continue;
    open.looks = 0;
    look_again_[request] = boottime();
  }
}

void Relay::submitted(const Vote& vote, const courier::BusAnswer& answer) {
  const bool refused = answer.error == "BadInput" || answer.error == "NotFound" || answer.error == "Denied" || answer.error == "Ended" || answer.error == "Ambiguous";
  const auto open = requests_.find(vote.request);
  // It is kept where it came from, and nowhere here. Where it is a denial, those that approve wait for it.
  if (!refused && !answer.error.empty()) {
    if (vote.denies && open != requests_.end()) {
      open->second.behind = open->second.missed = true;
      std::erase_if(votes_, [&](const Vote& each) { return each.request == vote.request && !each.denies; });
    }
    return look_later(vote.request);
  }
  if (open != requests_.end() && open->second.settled.size() < kVotes) {
    open->second.settled.insert_or_assign(vote.person, Open::Settled{digest_of(vote.text), answer.error == "Denied" || answer.error == "NotFound"});
  }
  if (!refused) return note("a vote on " + vote.request + " was taken in");
  note("a vote on " + vote.request + " was not taken in: " + answer.text);
}

}  // namespace jit::relay
