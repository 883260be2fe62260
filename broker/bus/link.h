// SPDX-License-Identifier: Apache-2.0
// The connection to the system bus and its thread. The core's thread never touches the bus: it queues answers and
// signals here, so a bus that is stopped, slow or gone costs the core one lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <variant>

#include "broker/bus/args.h"
#include "broker/bus/caller.h"
#include "dbus/sdbus.h"

namespace jit::bus {

class Handlers;

struct Answer {
  core::Error error = core::Error::kNone;
  std::string message;   // with an error
  std::string document;  // JSON
  std::uint64_t next = 0;
};
using Reply = std::function<void(Answer)>;  // exactly once, from any thread; later ones are ignored
using Work = std::function<void(Handlers&, const core::Caller&, const Sender&, const Reply&)>;

// One method call, ready for the core's thread.
struct Call {
  const char* interface = "";
  const char* method = "";
  Sender sender;
  Work work;
  Reply reply;
};

// Runs on the core's thread.
class Intake {
 public:
  virtual void call(const Call& call) = 0;
  virtual void left(const std::string& name) = 0;  // this connection has left the bus
  virtual void lost() = 0;                         // the bus has gone, and all connections with it

 protected:
  ~Intake() = default;
};

// What polkit says of somebody's vote. kAbsent: it is not installed. kNobodyAsked: it wants a password, and nobody there can ask for it.
enum class Authorized : std::uint8_t { kYes, kNo, kNobodyAsked, kAbsent, kFailed };

class Link : public std::enable_shared_from_this<Link> {
 public:
  using Result = std::variant<sdbus::Result<Bytes>, sdbus::Result<Bytes, std::uint64_t>, sdbus::Result<>>;

  static constexpr std::size_t kInFlight = 4096;        // calls that wait for an answer
  static constexpr std::size_t kInFlightPerSender = 16;
  static constexpr std::size_t kSignals = 4096;         // to watchers, queued; past it they are dropped

  Link(core::Post post, std::weak_ptr<Intake> intake);
  ~Link();
  void start();  // returns when the bus was reached, or not, or did not answer within two seconds
  void stop();  // waits for the thread, or leaves it behind where the bus does not let it go

  void changed(std::string to, std::string id);  // any thread; queued
  void fact_changed(std::string to, std::string name);
  void more(std::string to);  // Courier.Waiting; never dropped: whoever waits for it asks no more by itself
  // Asks polkit whether this connection may vote, with its password where it can be asked; any thread. `then` on the core's
  // thread, once; never where the bus goes away, and with it the caller.
  void authorize(std::string sender, std::function<void(Authorized)> then);

  // --- the bus thread only, from objects.cpp
  void take(const char* interface, const char* method, std::string sender, Result result, core::Outcome<Work> work);

 private:
  struct Session;
  struct Pending {
    Result result;
    std::string sender;
  };
  struct Signal {
    std::string to;
    std::string id;
    enum class Kind : std::uint8_t { kRequest, kFact } kind = Kind::kRequest;  // kFact: id is the name of one
  };
  void queue(Signal signal);

  void run();
  void serve();
  void has_tried();
  void post(std::function<void(Intake&)> todo);
  void answer(std::uint64_t token, Answer answer);
  void identified(std::uint64_t token, Call call, const dbus::ReplyError& error, const Dict& credentials);
  void send_queued();
  struct Check {
    std::string sender;
    std::function<void(Authorized)> then;
  };
  void check(const Check& check);
  void send(const Result& result, const Answer& answer);
  void wake() const;
  bool wait(int fd, short events, int timeout_ms);  // false: stopping

  core::Post post_;
  std::weak_ptr<Intake> intake_;
  int event_ = -1;
  std::atomic<bool> stopping_ = false;
  std::promise<void> tried_;  // fulfilled once, by the bus thread
  bool first_try_ = true;     // bus thread only
  std::future<void> ended_;

  std::mutex mutex_;  // of the queues
  std::deque<std::pair<std::uint64_t, Answer>> answers_;
  std::deque<Signal> signals_;
  std::set<std::string> more_;  // couriers to be told: bounded by how many wait
  std::deque<Check> checks_;  // bounded: one for each call in flight
  bool connected_ = false;
  bool dropping_ = false;

  // The bus thread's own. Results hold messages of the connection: none may outlive it, or leave this thread.
  std::unique_ptr<Session> session_;
  std::map<std::uint64_t, Pending> pending_;
  std::map<std::string, std::size_t> per_sender_;
  std::uint64_t token_ = 0;
  bool told_ = false;  // that the bus is away
};

}  // namespace jit::bus
