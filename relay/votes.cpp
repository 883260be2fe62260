// SPDX-License-Identifier: Apache-2.0
// Votes on the way in: those that come by themselves, and those that are looked for, since the host was away. What the broker
// says of one is all that happens to it here.
#include <algorithm>
#include <utility>

#include "evidence/envelope.h"
#include "relay/credentials/subjects.h"
#include "relay/relay.h"

namespace jit::relay {
namespace {

using courier::boottime;

constexpr Ms kLookAgain = 2000;
constexpr Ms kLookAgainMost = 60'000;

std::string digest_of(const std::string& vote) { return evidence::digest_of("vote", vote); }

}  // namespace

// fresh: its votes come by themselves, unless a server dies between keeping one and passing it on: that one is looked for a little later.
void Relay::wait_for_votes(const std::string& request, std::vector<std::string> voters, std::int64_t deadline, bool fresh) {
  Open& open = requests_[request];  // what the broker has answered stays known
  open.voters = std::move(voters);
  open.deadline = deadline;
  if (fresh) {
    if (!look_again_.contains(request)) look_later(request);
    return;
  }
  open.looks = 0;
  look_again_[request] = boottime();
}

// Of all that is known of a request: the last vote on it, then those of each who may vote. Any server of the stream answers, and
// where the one that led has died, the others know of what it confirmed last when one of them leads: asked again while the request waits.
void Relay::look_for_votes(const std::string& request) {
  ask(last_of(kVoteStream, "jit.v1.vote." + host_ + "." + request + ".*"), "", Question::Kind::kAnyVote, request);
}

void Relay::look_later(const std::string& request) {
  const auto open = requests_.find(request);
  if (open != requests_.end()) look_again_[request] = boottime() + std::min(kLookAgainMost, kLookAgain << std::min(open->second.looks++, 5U));
}

void Relay::vote_came(const std::string& subject, const std::string& text) {
  const auto read = read_vote_subject(subject);
  if (!read || read->host != host_ || text.empty() || text.size() > kVoteMax) return note("a message that is no vote was dropped: " + subject.substr(0, 200));
  const auto open = requests_.find(read->request);
  if (open != requests_.end()) {
    const auto settled = open->second.settled.find(read->person);
    if (settled != open->second.settled.end() && settled->second == digest_of(text)) return;
  }
  if (votes_.size() >= kVotes) return look_later(read->request);
  votes_.push_back({read->request, read->person, text});
  submit();
}

void Relay::submit() {
  while (!votes_.empty() && submits_ < kSubmits && broker_.is_there()) {
    Vote vote = std::move(votes_.front());
    votes_.pop_front();
    ++submits_;
    const std::string text = vote.text;
    broker_.submit_vote(text, [this, vote = std::move(vote)](const courier::BusAnswer& answer) {
      --submits_;
      submitted(vote, answer);
      submit();
      tick();
    });
  }
}

void Relay::submitted(const Vote& vote, const courier::BusAnswer& answer) {
  const bool refused = answer.error == "BadInput" || answer.error == "NotFound" || answer.error == "Denied" || answer.error == "Ended" || answer.error == "Ambiguous";
  // It is kept where it came from, and nowhere here.
  if (!refused && !answer.error.empty()) return look_later(vote.request);
  const auto open = requests_.find(vote.request);
  if (open != requests_.end() && open->second.settled.size() < kVotes) open->second.settled.insert_or_assign(vote.person, digest_of(vote.text));
  if (!refused) return note("a vote on " + vote.request + " was taken in");
  note("a vote on " + vote.request + " was not taken in: " + answer.text);
}

void Relay::vote_answered(const Question& question, const Event& event) {
  if (question.kind == Question::Kind::kAnyVote) look_later(question.request);
  if (event.status != 0 || event.data.empty()) return;
  const auto subject = read_vote_subject(event.kept_subject);
  if (!subject || subject->host != host_ || subject->request != question.request) return;
  vote_came(event.kept_subject, event.data);
  const auto open = requests_.find(question.request);
  // There may be more than the last one.
  if (question.kind == Question::Kind::kVote || open == requests_.end()) return;
  for (const std::string& voter : open->second.voters) {
    if (voter != subject->person) ask(last_of(kVoteStream, vote_subject(host_, question.request, voter)), "", Question::Kind::kVote, question.request);
  }
}

}  // namespace jit::relay
