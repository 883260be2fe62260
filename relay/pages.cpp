// SPDX-License-Identifier: Apache-2.0
// What the broker has to be carried: all that is open, and what was written since.
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "courier/document.h"
#include "courier/process.h"
#include "relay/credentials/subjects.h"
#include "relay/relay.h"

namespace jit::relay {
namespace {

using Json = nlohmann::json;
using courier::boottime;
using courier::log;
using courier::names;
using courier::number;
using courier::word;

constexpr Ms kDone = 1000;
constexpr Ms kBrokerAgain = 30'000;
constexpr Ms kAgain = 30 * 60'000;  // what is open for days is published again, for the stream forgets it

}  // namespace

void Relay::there(bool there) {
  log(there ? SD_INFO : SD_WARNING, there ? "the broker is there" : "the broker has left");
  fetching_ = fetching_open_ = more_ = false;
  more_open_.reset();
  told_.reset();
  if (!there) return;
  next_ = 0;
  submit();
  look_anew();
  reach(open_, trouble_);
  if (!open_) tell_trouble_ = boottime() + kGrace;
  synchronise();
  tick();
}

void Relay::synchronise() {
  if (!open_ || !broker_.is_there()) return;
  again_ = boottime() + kAgain;
  if (std::exchange(more_open_, std::nullopt)) fetching_open_ = false;
  fetch_open("");
  fetch_next();
}

// All that is open is had to its end before it is had from its beginning, or what lies far behind never comes.
void Relay::synchronise_again() {
  if (!fetching_open_) return synchronise();
  again_ = boottime() + kFullAgain;
  fetch_next();
}

void Relay::fetch_open(const std::string& after) {
  if (fetching_open_ && after.empty()) return;
  fetching_open_ = true;
  broker_.open(after, [this](const courier::BusAnswer& answer) {
    fetching_open_ = false;
    if (!answer.error.empty()) {
      log(SD_WARNING, "what is open cannot be had from the broker: " + answer.text);
      again_ = boottime() + kBrokerAgain;
      return tick();
    }
    take_page(answer.text, false);
    const std::string next = word(Json::parse(answer.text, nullptr, false), "next");
    if (!next.empty()) {
      fetching_open_ = true;  // what is not known yet may be open
      more_open_ = next;
      fetch_more();
    }
    tick();
  });
}

void Relay::fetch_more() {
  if (!open_ || !broker_.is_there() || !has_room()) return;
  if (const auto after = std::exchange(more_open_, std::nullopt)) fetch_open(*after);
  if (more_) fetch_next();
}

void Relay::fetch_next() {
  if (fetching_ || !open_ || !broker_.is_there()) return;
  if (!has_room()) {
    more_ = true;
    return;
  }
  fetching_ = true;
  more_ = false;
  broker_.next(next_, [this](const courier::BusAnswer& answer) {
    fetching_ = false;
    if (!answer.error.empty()) {
      log(SD_WARNING, "nothing can be had from the broker: " + answer.text);
      again_ = boottime() + kBrokerAgain;
    } else if (take_page(answer.text, true) || more_) {
      fetch_next();
    }
    tick();
  });
}

// Is there more?
bool Relay::take_page(const std::string& document, bool logged) {
  const Json page = Json::parse(document, nullptr, false);
  if (!page.is_object() || word(page.value("host", Json::object()), "id") != host_) {
    log(SD_ERR, "the credentials are not this host's: it is " + word(page.is_object() ? page.value("host", Json::object()) : Json(), "id"));
    reach(false, "the relay's credentials are not this host's");
    return false;
  }
  take_policy(word(page, "policy"));
  for (const Json& entry : page.value("entries", Json::array())) {
    const std::string request = word(entry, "request");
    const auto envelope = std::make_shared<const std::string>(word(entry, "envelope"));
    const std::string digest = word(entry, "digest");
    const auto sequence = static_cast<std::uint64_t>(number(entry, "seq"));
    if (const std::string state = word(entry, "state"); !state.empty()) {
      requests_.erase(request);
      drop(request);
      put({end_subject(host_, request), envelope, "end-" + digest, sequence, 0, 0, 0});
      continue;
    }
    const Ms deadline = boottime() + std::max<std::int64_t>(number(entry, "left_ms"), 0);
    const auto sets = names(entry, "sets");
    for (const std::string& set : sets) put({request_subject(set, host_, request), envelope, digest, sequence, deadline, 0, 0});
    if (auto voters = names(entry, "voters"); voters != *voters_) voters_ = std::make_shared<const std::vector<std::string>>(std::move(voters));
    if (requests_.size() < kOpen || requests_.contains(request)) wait_for_votes(request, voters_, deadline, logged);
  }
  if (!logged) return false;
  next_ = static_cast<std::uint64_t>(number(page, "next"));
  tell_done_ = boottime() + kDone;
  const auto more = page.find("more");
  return more != page.end() && more->is_boolean() && more->get<bool>();
}

// Sent again behind its end, it would look as if it still waited.
void Relay::drop(const std::string& request) {
  for (auto at = out_.begin(); at != out_.end();) {
    const std::string& subject = at->second.subject;
    if (!subject.ends_with("." + request) || subject == end_subject(host_, request)) {
      ++at;
      continue;
    }
    questions_.erase(at->first);
    at = take_out(at);
  }
}

std::map<std::string, Relay::Out>::iterator Relay::take_out(std::map<std::string, Out>::iterator at) {
  if (at->second.sequence != 0) unconfirmed_log_.erase(unconfirmed_log_.find(at->second.sequence));
  out_bytes_ -= at->second.data->size();
  return out_.erase(at);
}

void Relay::put(Out out) {
  // What is on its way already is not put twice.
  for (const auto& [token, each] : out_) {
    if (each.subject == out.subject && each.id == out.id && each.sequence == out.sequence) return;
  }
  if (out.sequence != 0) unconfirmed_log_.insert(out.sequence);
  out_bytes_ += out.data->size();
  const std::string token = random_token();
  out_.emplace(token, std::move(out));
  send(token);
}

}  // namespace jit::relay
