// SPDX-License-Identifier: Apache-2.0
// Carries what the broker signed to the servers, and votes from there to the broker. It believes nothing and decides nothing: what
// it loses or delays, the broker's deadline answers with no.
#pragma once

#include <systemd/sd-event.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "courier/broker.h"
#include "courier/clock.h"
#include "relay/credentials/settings_file.h"
#include "relay/renewal.h"
#include "relay/transport/transport.h"

namespace jit::relay {

using courier::Ms;

class Relay {
 public:
  static constexpr std::size_t kWaiting = 512;   // messages that wait for their confirmation; past it the broker is asked for no more
  static constexpr std::size_t kWaitingBytes = 8 * 1024 * 1024;  // of these; a page of the broker's comes on top
  static constexpr std::size_t kVotes = 256;     // votes that wait for the broker
  static constexpr std::size_t kSubmits = 8;     // at a time, one of each request
  static constexpr std::size_t kAsked = 64;      // people whose votes on a request are asked for at a time
  static constexpr std::int64_t kLines = 300;    // of the log at once, about what comes from outside; ten more each second
  static constexpr std::size_t kOpen = 16'384;   // requests of which votes are looked for: as many as a broker holds
  static constexpr Ms kFullAgain = 10'000;       // what is not confirmed makes room for the rest, and is had from the broker again
  static constexpr Ms kGrace = 2000;             // a connection that comes back this soon was never gone

  Relay(sd_event* event, SettingsFile settings, std::string host);
  ~Relay();
  int start();  // < 0: -errno

 private:
  // A message on its way out.
  struct Out {
    std::string subject;
    std::shared_ptr<const std::string> data;  // one for all sets
    std::string id;
    std::uint64_t sequence = 0;  // of the log; 0: it was told as open
    Ms until = 0;                // then it is of no use any more; 0: never
    Ms next = 0;                 // when it is sent again
    unsigned tries = 0;
  };
  using Voters = std::shared_ptr<const std::vector<std::string>>;  // one list for all requests that name the same people
  struct Open {
    Voters voters;
    Ms deadline = 0;
    unsigned looks = 0;  // for votes, since the connection was opened
    // A denial comes before anybody's yes: approvals wait in held_ while it is not known who has voted.
    bool behind = false;   // since nobody has listened
    bool looking = false;
    bool missed = false;   // a denial found no room: this look lets no approval through
    std::size_t asked = 0, unanswered = 0;  // of voters
    std::string last;      // who voted last, of whom nothing more is to be asked
    struct Settled {
      std::string digest;
      bool refused = false;  // by the policy and the people of then
    };
    std::map<std::string, Settled> settled;  // votes that the broker has answered, by person
  };
  struct Vote {
    std::string request, person, text;
    bool denies = false;  // as it says itself: only its turn hangs on it
  };
  // What an answer is to.
  struct Question {
    enum class Kind : std::uint8_t { kPublished, kAnyVote, kVote, kHere, kRenewal } kind = Kind::kPublished;
    std::string request;
    Ms until = 0;
    std::string subject = {};  // of votes: a server that hangs keeps the question, and another one is asked
    Ms again = 0;
  };

  // --- the servers
  void connect();
  void taken(const Event& event);
  void opened();
  void closed(const std::string& why);
  bool ask(const std::string& subject, const std::string& data, Question::Kind kind, const std::string& request = {});
  void forget_questions();
  void doubt();
  void unanswered(const Question& question);
  void answered(const Event& event);
  void vote_answered(const Question& question, const Event& event);
  void vote_came(const std::string& subject, const std::string& text, bool kept);
  void ask_voters(const std::string& request);
  void looked(const std::string& request);
  void say_here();
  void look_for_renewal();
  void renew_in(std::optional<Ms> wait);
  void renewed(const std::string& offered);

  // --- the broker
  void there(bool there);
  void synchronise();  // all that is open, and what was written since
  void synchronise_again();
  void fetch_open(const std::string& after);
  void fetch_next();
  void fetch_more();  // once there is room
  bool has_room() const { return out_.size() < kWaiting && out_bytes_ < kWaitingBytes; }
  bool take_page(const std::string& document, bool log);
  void take_policy(const std::string& hash);
  void carried();

  void drop(const std::string& request);
  void put(Out out);
  std::map<std::string, Out>::iterator take_out(std::map<std::string, Out>::iterator at);
  void send(const std::string& token);
  void wait_for_votes(const std::string& request, Voters voters, Ms deadline, bool fresh);
  void look_anew();
  void look_later(const std::string& request);
  void look_for_votes(const std::string& request);
  bool line_up(Vote vote);
  void submit();
  void submitted(const Vote& vote, const courier::BusAnswer& answer);

  void note(const std::string& text);  // of what comes from outside: so many lines, and no more
  void reach(bool reached, const std::string& why);
  void tick();
  void wake_at(Ms when);
  static int on_transport(sd_event_source* source, int fd, std::uint32_t events, void* self);
  static int on_timer(sd_event_source* source, std::uint64_t time, void* self);

  sd_event* event_;
  const SettingsFile settings_;
  const std::string host_;
  Renewal renewal_;
  courier::Broker broker_;
  std::unique_ptr<Transport> transport_;
  sd_event_source* transport_source_ = nullptr;
  sd_event_source* timer_ = nullptr;
  std::minstd_rand chance_{std::random_device{}()};

  bool open_ = false;       // the connection
  Ms reconnect_ = 0;        // 0: not now
  unsigned failures_ = 0;   // in a row
  Ms unconfirmed_ = 0;      // since when nothing was confirmed that should be; 0: all is well
  Ms doubted_ = 0;          // when it was asked last whether the server still speaks
  std::optional<bool> told_;  // what the broker was told of the reach
  std::string told_why_;
  std::string trouble_;     // not reached: why
  Ms tell_trouble_ = 0;

  std::map<std::string, Out> out_;             // by token
  std::size_t out_bytes_ = 0;
  std::map<std::string, Question> questions_;  // by token
  std::multiset<std::uint64_t> unconfirmed_log_;  // sequences that are on their way
  std::map<std::string, Open> requests_;       // that wait for votes
  Voters voters_ = std::make_shared<const std::vector<std::string>>();  // as they were named last
  std::deque<Vote> votes_;
  std::vector<Vote> held_;            // approvals, until the denials of others are known
  std::set<std::string> submitting_;  // requests
  std::map<std::string, Ms> look_again_;       // requests whose votes are to be looked for

  std::string policy_;       // of the broker, as its last page said
  bool fetching_ = false, fetching_open_ = false, more_ = false;
  std::optional<std::string> more_open_;  // what is open behind this waits for room
  std::uint64_t next_ = 0;   // of the log; 0: where it was done
  std::uint64_t done_ = 0;   // as the broker was told
  std::int64_t lines_ = kLines;  // that may be written now
  Ms lines_since_ = 0;
  std::uint64_t left_out_ = 0;
  Ms tell_done_ = 0, here_ = 0, again_ = 0, renew_ = 0;
};

}  // namespace jit::relay
