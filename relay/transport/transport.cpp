// SPDX-License-Identifier: Apache-2.0
#include "relay/transport/transport.h"

#include <nats/nats.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace jit::relay {
namespace {

constexpr int kNonces = 8;
constexpr std::int64_t kConnectMs = 5000;  // for each server
constexpr std::int64_t kPingMs = 20'000;  // what is not confirmed has it probed before
constexpr int kPings = 2;
constexpr std::int64_t kWriteMs = 2000;

struct FreeOptions {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
struct FreeMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};

std::string last_words(natsStatus status) {
  natsStatus seen = NATS_OK;
  const char* const more = nats_GetLastError(&seen);
  return more != nullptr && *more != '\0' ? more : natsStatus_GetText(status);
}

// What the library's threads fill and the owner's empties.
class Queue {
 public:
  explicit Queue(std::string inbox) : inbox_(std::move(inbox)), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (event_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~Queue() { close(event_); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  void add(Event event) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      closed_ = event.kind == Event::Kind::kClosed;
      const bool message = event.kind == Event::Kind::kMessage || event.kind == Event::Kind::kAnswer;
      if (message && (events_.size() >= Transport::kQueue || bytes_ + event.data.size() > Transport::kQueueBytes)) {
        if (std::exchange(missed_, true)) return;
        event = Event{Event::Kind::kMissed, {}, {}, {}, 0, {}, 0, {}};
      }
      bytes_ += event.data.size();
      events_.push_back(std::move(event));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(event_, &one, sizeof one);
  }

  std::vector<Event> take() {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(event_, &count, sizeof count);
    const std::lock_guard lock(mutex_);
    std::vector<Event> out(std::make_move_iterator(events_.begin()), std::make_move_iterator(events_.end()));
    events_.clear();
    bytes_ = 0;
    missed_ = false;
    return out;
  }

  int fd() const { return event_; }
  const std::string& inbox() const { return inbox_; }

 private:
  const std::string inbox_;  // "_INBOX.client."
  const int event_;
  std::mutex mutex_;
  std::deque<Event> events_;
  std::size_t bytes_ = 0;
  bool missed_ = false;
  bool closed_ = false;
};

// A callback may come while, or after, its connection is taken down, and while the process ends: it finds its queue by number,
// or nothing, in what is never destroyed.
class Queues {
 public:
  static std::uintptr_t add(const std::shared_ptr<Queue>& queue) {
    const std::lock_guard lock(mutex());
    static std::uintptr_t next = 0;
    all()[++next] = queue;
    return next;
  }
  static void remove(std::uintptr_t number) {
    const std::lock_guard lock(mutex());
    all().erase(number);
  }
  static std::shared_ptr<Queue> find(void* closure) {
    const std::lock_guard lock(mutex());
    const auto at = all().find(reinterpret_cast<std::uintptr_t>(closure));
    return at == all().end() ? nullptr : at->second.lock();
  }

 private:
  static std::mutex& mutex() {
    static auto& one = *new std::mutex;
    return one;
  }
  static std::map<std::uintptr_t, std::weak_ptr<Queue>>& all() {
    static auto& one = *new std::map<std::uintptr_t, std::weak_ptr<Queue>>;
    return one;
  }
};

const char* header(natsMsg* message, const char* name) {
  const char* value = nullptr;
  return natsMsgHeader_Get(message, name, &value) == NATS_OK && value != nullptr ? value : "";
}

template <class Number>
Number number_of(std::string_view text) {
  Number out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// "2026-11-30T09:39:43.123456789Z"
std::int64_t unix_s(const char* text) {
  std::tm time{};
  return strptime(text, "%Y-%m-%dT%H:%M:%S", &time) != nullptr ? timegm(&time) : 0;
}

void on_message(natsConnection*, natsSubscription*, natsMsg* raw, void* closure) {
  const std::unique_ptr<natsMsg, FreeMessage> message(raw);
  const auto queue = Queues::find(closure);
  if (!queue) return;
  Event event;
  event.kind = Event::Kind::kMessage;
  event.subject = natsMsg_GetSubject(raw);
  if (event.subject.starts_with(queue->inbox())) {
    event.kind = Event::Kind::kAnswer;
    event.token = event.subject.substr(queue->inbox().size());
  }
  const int size = natsMsg_GetDataLength(raw);
  if (size > 0) event.data.assign(natsMsg_GetData(raw), static_cast<std::size_t>(size));
  event.sequence = number_of<std::uint64_t>(header(raw, "Nats-Sequence"));
  event.kept_subject = header(raw, "Nats-Subject");
  event.kept_s = unix_s(header(raw, "Nats-Time-Stamp"));
  event.status = number_of<int>(header(raw, "Status"));
  queue->add(std::move(event));
}

void on_closed(natsConnection* connection, void* closure) {
  const auto queue = Queues::find(closure);
  if (!queue) return;
  const char* why = nullptr;
  natsConnection_GetLastError(connection, &why);
  queue->add(Event{Event::Kind::kClosed, {}, {}, {}, 0, {}, 0, why != nullptr && *why != '\0' ? why : "the server closed the connection"});
}

void on_error(natsConnection* connection, natsSubscription*, natsStatus status, void* closure) {
  const auto queue = Queues::find(closure);
  if (!queue) return;
  const char* why = nullptr;
  natsConnection_GetLastError(connection, &why);
  const bool slow = status == NATS_SLOW_CONSUMER;
  queue->add(Event{slow ? Event::Kind::kMissed : Event::Kind::kRefused, {}, {}, {}, 0, {}, 0, why != nullptr && *why != '\0' ? why : natsStatus_GetText(status)});
}

}  // namespace

struct Transport::Impl {
  std::shared_ptr<Queue> queue;
  std::uintptr_t number = 0;
  std::mutex mutex;  // of the connection, which the connecting thread makes
  natsConnection* connection = nullptr;
  std::vector<natsSubscription*> subscriptions;
  std::thread connecting, probing;
  std::atomic<bool> probes = false;
  Settings settings;
  bool unlucky = false;

  void* closure() const { return reinterpret_cast<void*>(number); }
  static natsStatus give_jwt(char** jwt, char** why, void* impl);
  static natsStatus give_signature(char** why, unsigned char** signature, int* size, const char* nonce, void* impl);
  natsStatus connect();
};

// The library frees what these two give.
natsStatus Transport::Impl::give_jwt(char** jwt, char**, void* impl) {
  *jwt = strdup(static_cast<const Impl*>(impl)->settings.jwt.c_str());
  return *jwt != nullptr ? NATS_OK : NATS_NO_MEMORY;
}

natsStatus Transport::Impl::give_signature(char**, unsigned char** signature, int* size, const char* nonce, void* impl) try {
  auto* const self = static_cast<Impl*>(impl);
  const std::string made = self->settings.sign(nonce);
  if (made.empty() || made.front() == '\0') {
    self->unlucky = true;
    return NATS_ERR;
  }
  *signature = static_cast<unsigned char*>(malloc(made.size()));
  if (*signature == nullptr) return NATS_NO_MEMORY;
  *size = static_cast<int>(made.size());
  std::memcpy(*signature, made.data(), made.size());
  return NATS_OK;
} catch (const std::exception&) {
  return NATS_ERR;
}

natsStatus Transport::Impl::connect() {
  natsOptions* raw = nullptr;
  natsStatus status = natsOptions_Create(&raw);
  if (status != NATS_OK) return status;
  const std::unique_ptr<natsOptions, FreeOptions> options(raw);
  std::vector<const char*> servers;
  for (const std::string& each : settings.servers) servers.push_back(each.c_str());
  const auto set = [&status](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  set(natsOptions_SetServers(raw, servers.data(), static_cast<int>(servers.size())));
  set(natsOptions_SetName(raw, settings.client.c_str()));
  set(natsOptions_SetSecure(raw, true));
  if (settings.ca.empty()) {
    set(natsOptions_LoadCATrustedCertificates(raw, "/etc/ssl/certs/ca-certificates.crt"));
  } else {
    set(natsOptions_LoadCATrustedCertificates(raw, settings.ca.c_str()));
  }
  set(natsOptions_SetUserCredentialsCallbacks(raw, give_jwt, this, give_signature, this));
  set(natsOptions_SetAllowReconnect(raw, false));
  set(natsOptions_SetTimeout(raw, kConnectMs));
  set(natsOptions_SetPingInterval(raw, kPingMs));
  set(natsOptions_SetMaxPingsOut(raw, kPings));
  set(natsOptions_SetWriteDeadline(raw, kWriteMs));
  set(natsOptions_SetSendAsap(raw, true));
  set(natsOptions_SetNoEcho(raw, true));
  set(natsOptions_UseGlobalMessageDelivery(raw, true));
  set(natsOptions_SetClosedCB(raw, on_closed, closure()));
  set(natsOptions_SetErrorHandler(raw, on_error, closure()));
  natsConnection* made = nullptr;
  // libnats 3.4.1 takes a signature whose first byte is 0, 1 of 256, for an empty string, and the server refuses us. Another nonce
  // has another one.
  const natsStatus ready = status;
  for (int attempt = 0; attempt < kNonces && ready == NATS_OK; ++attempt) {
    unlucky = false;
    status = natsConnection_Connect(&made, raw);
    if (status == NATS_OK || !unlucky) break;
  }
  if (status != NATS_OK) return status;
  const std::lock_guard lock(mutex);
  connection = made;
  return status;
}

Transport::Transport(const Settings& settings) : impl_(std::make_unique<Impl>()) {
  impl_->queue = std::make_shared<Queue>("_INBOX." + settings.client + ".");
  impl_->number = Queues::add(impl_->queue);
  // Signals are the owner's business.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  nats_Open(-1);  // its threads begin here, with this mask
  impl_->settings = settings;
  impl_->connecting = std::thread([impl = impl_.get()] {
    const natsStatus status = impl->connect();
    if (status != NATS_OK) return impl->queue->add(Event{Event::Kind::kClosed, {}, {}, {}, 0, {}, 0, last_words(status)});
    impl->queue->add(Event{Event::Kind::kOpen, {}, {}, {}, 0, {}, 0, {}});
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Transport::~Transport() {
  Queues::remove(impl_->number);
  impl_->connecting.join();  // it ends by kConnectMs at the latest, for each server
  if (impl_->probing.joinable()) impl_->probing.join();
  for (natsSubscription* const each : impl_->subscriptions) natsSubscription_Destroy(each);
  natsConnection_Destroy(impl_->connection);
}

int Transport::fd() const { return impl_->queue->fd(); }

std::vector<Event> Transport::take() { return impl_->queue->take(); }

void Transport::probe() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->connection == nullptr || impl_->probes.exchange(true)) return;
  }
  if (impl_->probing.joinable()) impl_->probing.join();  // it has ended
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  impl_->probing = std::thread([impl = impl_.get()] {
    if (natsConnection_FlushTimeout(impl->connection, kProbeMs) == NATS_TIMEOUT) {
      impl->queue->add(Event{Event::Kind::kClosed, {}, {}, {}, 0, {}, 0, "the server does not answer"});
    }
    impl->probes = false;
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool Transport::subscribe(const std::string& subject) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->connection == nullptr) return false;
  natsSubscription* made = nullptr;
  if (natsConnection_Subscribe(&made, impl_->connection, subject.c_str(), on_message, impl_->closure()) != NATS_OK) return false;
  impl_->subscriptions.push_back(made);
  return true;
}

std::size_t Transport::message_most() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->connection == nullptr ? 0 : static_cast<std::size_t>(std::max<std::int64_t>(natsConnection_GetMaxPayload(impl_->connection), 0));
}

std::size_t Transport::servers() const {
  const std::lock_guard lock(impl_->mutex);
  char** urls = nullptr;
  int count = 0;
  if (impl_->connection == nullptr || natsConnection_GetServers(impl_->connection, &urls, &count) != NATS_OK) return 0;
  for (int i = 0; i < count; ++i) free(urls[i]);
  free(static_cast<void*>(urls));
  return static_cast<std::size_t>(count);
}

bool Transport::publish(const std::string& subject, const std::string& data, const std::string& id, const std::string& token) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->connection == nullptr) return false;
  natsMsg* raw = nullptr;
  const std::string reply = impl_->queue->inbox() + token;
  if (natsMsg_Create(&raw, subject.c_str(), token.empty() ? nullptr : reply.c_str(), data.data(), static_cast<int>(data.size())) != NATS_OK) return false;
  const std::unique_ptr<natsMsg, FreeMessage> message(raw);
  if (!id.empty() && natsMsgHeader_Set(raw, "Nats-Msg-Id", id.c_str()) != NATS_OK) return false;
  return natsConnection_PublishMsg(impl_->connection, raw) == NATS_OK;
}

std::string random_token() {
  unsigned char bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) throw std::system_error(errno, std::generic_category(), "getrandom");
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

}  // namespace jit::relay
