// SPDX-License-Identifier: Apache-2.0
// One connection to a relay (NATS). The library has threads of its own: what they bring waits in a bounded queue behind a descriptor
// that an event loop can watch. A connection that was lost stays lost: its owner opens another one, when he likes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jit::relay {

struct Settings {
  std::vector<std::string> servers;  // tls://HOST:PORT
  std::string jwt;                   // of the user
  // The server's nonce, signed by the user's key (RFC 8032): 64 bytes. Called in the library's threads.
  std::function<std::string(std::string_view)> sign;
  std::string ca;                    // certificates in PEM; empty: those of the system
  std::string client;                // as subjects.h says: whose inbox it is
};

struct Event {
  enum class Kind : std::uint8_t {
    kOpen,     // now subscribe() and publish() work
    kMessage,
    kAnswer,   // to a question of ours
    kRefused,  // the server does not let us do something; text says what
    kMissed,   // messages were dropped, since nobody took them: what was missed is to be fetched
    kClosed,   // for good; text says why
  } kind = Kind::kClosed;
  std::string subject;
  std::string data;
  std::string token;           // of the question
  std::uint64_t sequence = 0;  // in its stream; 0: it says none
  std::string kept_subject;    // an answer that was kept in a stream: what it was published to
  int status = 0;              // an answer of the server without a body: 404, 503, ...
  std::string text;
  std::int64_t kept_s = 0;  // when the server kept it, Unix time; 0: it says nothing of that
};

class Transport {
 public:
  static constexpr std::size_t kQueue = 1024;                    // events
  static constexpr std::size_t kQueueBytes = 16 * 1024 * 1024;   // of messages
  static constexpr int kProbeMs = 2000;

  explicit Transport(const Settings& settings);  // connects in a thread; the first event says how that went
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  int fd() const;             // readable while take() has something
  std::vector<Event> take();  // all that waits
  // Does the server still speak? Where it does not within kProbeMs, kClosed comes. One question at a time.
  void probe();
  bool subscribe(const std::string& subject);  // false: not now
  std::size_t message_most() const;  // bytes that the server takes; 0: not connected
  std::size_t servers() const;  // that the settings name, or that the server told of; 0: not connected
  // token: not empty: a question, and the answer comes with it. id: Nats-Msg-Id, or empty. false: not now.
  bool publish(const std::string& subject, const std::string& data, const std::string& id, const std::string& token);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string random_token();  // that nobody guesses: an answer under another one's token would pass for his

}  // namespace jit::relay
