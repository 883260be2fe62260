// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include <poll.h>
#include <pwd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <deque>

#include "dbus/broker1_proxy.h"
#include "dbus/system_bus.h"

namespace jit::cli {

namespace {

namespace made = org::pamjit::Broker1;

constexpr char kName[] = "org.pamjit.Broker1";
constexpr char kPath[] = "/org/pamjit/Broker1";
constexpr char kBus[] = "org.freedesktop.DBus";
constexpr char kStart[] = "systemctl start jit-broker";
constexpr std::chrono::hours kErasing{1};  // a large archive is written anew

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool printable(const Json& json) {
  if (json.is_string()) return printable(std::string_view(json.get_ref<const std::string&>()));
  if (json.is_object()) {
    return std::all_of(json.items().begin(), json.items().end(),
                       [](const auto& item) { return printable(std::string_view(item.key())) && printable(item.value()); });
  }
  return !json.is_array() || std::all_of(json.begin(), json.end(), [](const Json& one) { return printable(one); });
}

class Requests final : public sdbus::ProxyInterfaces<made::Requests_proxy> {
 public:
  Requests(sdbus::IConnection& connection, const std::string& owner, std::function<void(const std::string&)> changed)
      : ProxyInterfaces(connection, dbus::ServiceName(owner), dbus::ObjectPath(kPath)), changed_(std::move(changed)) {
    registerProxy();
  }
  ~Requests() { unregisterProxy(); }

 private:
  void onChanged(const std::string& id) override { changed_(id); }
  std::function<void(const std::string&)> changed_;
};

template <class Interface>
class Proxy final : public sdbus::ProxyInterfaces<Interface> {
 public:
  Proxy(sdbus::IConnection& connection, const std::string& owner) : Proxy::base_type(connection, dbus::ServiceName(owner), dbus::ObjectPath(kPath)) {
    this->registerProxy();
  }
  ~Proxy() { this->unregisterProxy(); }
};

class FactsProxy final : public sdbus::ProxyInterfaces<made::Facts_proxy> {
 public:
  FactsProxy(sdbus::IConnection& connection, const std::string& owner) : ProxyInterfaces(connection, dbus::ServiceName(owner), dbus::ObjectPath(kPath)) {
    registerProxy();
  }
  ~FactsProxy() { unregisterProxy(); }

 private:
  void onChanged(const std::string&) override {}
};

// The broker as it runs now; another start of it has another unique name, and is verified again.
struct Broker {
  std::string owner;
  Requests requests;
  Proxy<made::Grants_proxy> grants;
  Proxy<made::Policy_proxy> policy;
  Proxy<made::Audit_proxy> audit;
  FactsProxy facts;
  Broker(sdbus::IConnection& connection, const std::string& name, std::function<void(const std::string&)> changed)
      : owner(name),
        requests(connection, name, std::move(changed)),
        grants(connection, name),
        policy(connection, name),
        audit(connection, name),
        facts(connection, name) {}
};

Failure not_running() { return {Exit::kUnreachable, std::string("the broker is not running: ") + kStart}; }

}  // namespace

namespace {
std::string text_in(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }
}  // namespace

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

std::int64_t monotonic_ms() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return std::int64_t{ts.tv_sec} * 1000 + ts.tv_nsec / 1'000'000;
}

Result<Json> read_document(std::string_view text) {
  const Failure broken{Exit::kUnreachable, "the broker's reply is broken: is jitctl as new as jit-broker?"};
  if (!printable(text)) return broken;
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !printable(json)) return broken;
  return json;
}

Failure failure_of(const std::string& name, const std::string& message) {
  static const std::map<std::string_view, Exit> kOurs = {
      {"BadInput", Exit::kUsage},      {"NotFound", Exit::kNotAllowed}, {"Denied", Exit::kNotAllowed},
      {"Ambiguous", Exit::kUsage},     {"Ended", Exit::kNo},            {"Limit", Exit::kNo},
      {"Unavailable", Exit::kUnreachable},
  };
  constexpr std::string_view kPrefix = "org.pamjit.Error.";
  const std::string text = printable(std::string_view(message)) ? message : "(its message is not printable)";
  if (name.starts_with(kPrefix)) {
    const auto it = kOurs.find(std::string_view(name).substr(kPrefix.size()));
    if (it != kOurs.end()) return {it->second, text};
  }
  const std::string_view kind = std::string_view(name).substr(name.rfind('.') + 1);
  if (kind == "AccessDenied") return {Exit::kNotAllowed, "the system bus does not let you talk to the broker: " + text};
  if (kind == "ServiceUnknown" || kind == "NameHasNoOwner" || kind == "Disconnected" || kind == "NoServer") {
    return not_running();
  }
  if (kind == "NoReply" || kind == "Timeout" || kind == "TimedOut" || kind == "ETIMEDOUT") {
    return {Exit::kUnreachable, "the broker does not answer, and what was asked of it may still be done: see systemctl status jit-broker"};
  }
  return {Exit::kUnreachable, "the broker cannot be asked: " + text};
}

struct Client::Impl {
  std::unique_ptr<sdbus::IConnection> connection;
  std::unique_ptr<sdbus::IProxy> bus;
  std::unique_ptr<Broker> broker;
  std::deque<std::string> changed;
  bool owner_changed = false;
  bool watching = false;
  bool absent = false;  // nobody owned the name when find() looked

  Result<Nothing> find();
  Result<Nothing> rewatch();

  template <class Call>
  Result<Lines> lines(Call call) {
    if (broker == nullptr) return not_running();
    try {
      Lines out = call(*broker);
      const bool good = out.text.ends_with('\n') && std::ranges::all_of(out.text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
      if (!good) return Failure{Exit::kUnreachable, "the broker's reply is broken: is jitctl as new as jit-broker?"};
      return out;
    } catch (const sdbus::Error& error) {
      return failure_of(error.getName(), error.getMessage());
    }
  }

  template <class Call>
  Result<Json> ask(Call call) {
    if (broker == nullptr) return not_running();
    try {
      const Bytes bytes = call(*broker);
      return read_document(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    } catch (const sdbus::Error& error) {
      return failure_of(error.getName(), error.getMessage());
    }
  }
};

// Who owns the name now, and is it _jit? Anybody may listen on a bus that lost its policy file.
Result<Nothing> Client::Impl::find() {
  broker.reset();
  absent = false;
  try {
    std::string owner;
    bus->callMethod("GetNameOwner").onInterface(kBus).withArguments(std::string(kName)).storeResultsTo(owner);
    std::uint32_t uid = 0;
    bus->callMethod("GetConnectionUnixUser").onInterface(kBus).withArguments(owner).storeResultsTo(uid);
    const passwd* const jit = getpwnam("_jit");
    if (jit == nullptr) return Failure{Exit::kUnreachable, "there is no user _jit here: install jit-broker"};
    if (jit->pw_uid != uid) {
      return Failure{Exit::kUnreachable, "somebody else owns the broker's name (uid " + std::to_string(uid) +
                                             ", not _jit): nothing it says is believed; tell your administrator"};
    }
    broker = std::make_unique<Broker>(*connection, owner, [this](const std::string& id) {
      if (changed.size() < 100'000) changed.push_back(id);
    });
    return Nothing{};
  } catch (const sdbus::Error& error) {
    absent = error.getName() == "org.freedesktop.DBus.Error.NameHasNoOwner";
    return failure_of(error.getName(), error.getMessage());
  }
}

Result<Nothing> Client::Impl::rewatch() {
  try {
    broker->requests.Watch();
    return Nothing{};
  } catch (const sdbus::Error& error) {
    return failure_of(error.getName(), error.getMessage());
  }
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::connect(std::chrono::milliseconds timeout) {
  auto impl = std::make_unique<Impl>();
  try {
    impl->connection = dbus::connect_system_bus();
    impl->connection->setMethodCallTimeout(timeout);
    impl->bus = dbus::make_proxy(*impl->connection, kBus, "/org/freedesktop/DBus");
    impl->bus->uponSignal("NameOwnerChanged")
        .onInterface(kBus)
        .call([raw = impl.get()](const std::string& name, const std::string&, const std::string&) {
          if (name == kName) raw->owner_changed = true;
        });
  } catch (const sdbus::Error& error) {
    return Failure{Exit::kUnreachable, "the system bus cannot be reached (" + std::string(dbus::kSystemBusPath) +
                                           "): start dbus, then " + kStart};
  }
  const auto found = impl->find();
  if (!found) return found.failure();
  return std::unique_ptr<Client>(new Client(std::move(impl)));
}

void Client::set_timeout(std::chrono::milliseconds timeout) { impl_->connection->setMethodCallTimeout(timeout); }

bool Client::polkit_there() {
  const std::string name = "org.freedesktop.PolicyKit1";
  try {
    bool owned = false;
    impl_->bus->callMethod("NameHasOwner").onInterface(kBus).withArguments(name).storeResultsTo(owned);
    if (owned) return true;
    std::vector<std::string> startable;
    impl_->bus->callMethod("ListActivatableNames").onInterface(kBus).storeResultsTo(startable);
    return std::ranges::find(startable, name) != startable.end();
  } catch (const sdbus::Error&) {
    return false;  // the broker asks it, too, and says what is wrong
  }
}

Result<Json> Client::list_requests(const Dict& filter) {
  return impl_->ask([&](Broker& broker) { return broker.requests.List(filter); });
}
Result<Json> Client::get_request(const std::string& id) {
  return impl_->ask([&](Broker& broker) { return broker.requests.Get(id); });
}
Result<Json> Client::create(const Dict& ask) {
  return impl_->ask([&](Broker& broker) { return broker.requests.Create(ask); });
}
Result<Json> Client::cancel(const std::string& id) {
  return impl_->ask([&](Broker& broker) { return broker.requests.Cancel(id); });
}
Result<Json> Client::vote(const std::string& id, bool approve, const Dict& options) {
  return impl_->ask([&](Broker& broker) { return broker.requests.Vote(id, approve, options); });
}
Result<std::string> Client::envelope(const std::string& id) {
  if (impl_->broker == nullptr) return not_running();
  try {
    const Bytes bytes = impl_->broker->requests.Envelope(id);
    return std::string(bytes.begin(), bytes.end());
  } catch (const sdbus::Error& error) {
    return failure_of(error.getName(), error.getMessage());
  }
}
Result<Json> Client::submit_vote(const std::string& vote) {
  return impl_->ask([&](Broker& broker) { return broker.requests.SubmitVote(bytes_of(vote)); });
}
Result<Json> Client::review(const std::string& id, const std::string& text) {
  return impl_->ask([&](Broker& broker) { return broker.requests.Review(id, bytes_of(text)); });
}
Result<Json> Client::away(std::int64_t until_ms) {
  return impl_->ask([&](Broker& broker) { return broker.requests.Away(until_ms); });
}
Result<Json> Client::extend(const std::string& grant, const Dict& ask) {
  return impl_->ask([&](Broker& broker) { return broker.grants.Extend(grant, ask); });
}
Result<Json> Client::list_grants(const Dict& filter) {
  return impl_->ask([&](Broker& broker) { return broker.grants.List(filter); });
}
Result<Json> Client::get_grant(const std::string& id) {
  return impl_->ask([&](Broker& broker) { return broker.grants.Get(id); });
}
Result<Json> Client::revoke(const Dict& which, const std::string& reason) {
  return impl_->ask([&](Broker& broker) { return broker.grants.Revoke(which, bytes_of(reason)); });
}
Result<Json> Client::end(const std::string& grant) {
  return impl_->ask([&](Broker& broker) { return broker.grants.End(grant); });
}
Result<Json> Client::status() {
  return impl_->ask([&](Broker& broker) { return broker.policy.Status(); });
}
Result<Json> Client::reload() {
  return impl_->ask([&](Broker& broker) { return broker.policy.Reload(); });
}

Result<Json> Client::accept_people() {
  return impl_->ask([&](Broker& broker) { return broker.policy.AcceptPeople(); });
}

Result<Json> Client::explain(const Dict& ask) {
  return impl_->ask([&](Broker& broker) { return broker.policy.Explain(ask); });
}

Result<Json> Client::set_fact(const std::string& name, const sdbus::Variant& value, std::uint32_t fresh_for) {
  return impl_->ask([&](Broker& broker) { return broker.facts.Set(name, value, fresh_for); });
}
Result<Json> Client::clear_fact(const std::string& name) {
  return impl_->ask([&](Broker& broker) { return broker.facts.Clear(name); });
}
Result<Json> Client::list_facts() {
  return impl_->ask([&](Broker& broker) { return broker.facts.List(); });
}

bool go_on(Dict& filter, const AuditPage& page) {
  const auto before = filter.find("after");
  const std::uint64_t after = before != filter.end() ? before->second.get<std::uint64_t>() : 0;
  filter["after"] = sdbus::Variant(page.next);
  return page.next > after;
}

Result<AuditPage> Client::query(const Dict& filter) {
  AuditPage page;
  auto entries = impl_->ask([&](Broker& broker) {
    auto [bytes, next] = broker.audit.Query(filter);
    page.next = next;
    return bytes;
  });
  if (!entries) return entries.failure();
  page.entries = std::move(*entries);
  return page;
}

Result<Json> Client::checkpoint() {
  return impl_->ask([&](Broker& broker) { return broker.audit.Checkpoint(); });
}
Result<Client::Lines> Client::export_log(std::uint64_t from, std::uint64_t to) {
  return impl_->lines([&](Broker& broker) {
    auto [bytes, next] = broker.audit.Export(from, to);
    return Lines{text_in(bytes), next};
  });
}
Result<Client::Lines> Client::proof(const std::string& id) {
  return impl_->lines([&](Broker& broker) { return Lines{text_in(broker.audit.Proof(id)), 0}; });
}

Result<Json> Client::erase(const std::string& person) {
  set_timeout(kErasing);
  return impl_->ask([&](Broker& broker) { return broker.audit.Erase(bytes_of(person)); });
}

Result<Nothing> Client::watch() {
  // From here on a broker that comes back has to be noticed.
  try {
    if (!impl_->watching) dbus::finish_registration(*impl_->bus);
  } catch (const sdbus::Error& error) {
    return failure_of(error.getName(), error.getMessage());
  }
  impl_->watching = true;
  return impl_->rewatch();
}

Result<Client::Next> Client::next(std::optional<std::int64_t> deadline_ms, int stop_fd) {
  try {
    for (;;) {
      while (impl_->changed.empty() && !impl_->owner_changed && dbus::process_one(*impl_->connection)) {
      }
      if (impl_->owner_changed) {
        impl_->owner_changed = false;
        const bool had = impl_->broker != nullptr;
        const auto found = impl_->find();
        if (found) {
          const auto watched = impl_->rewatch();
          if (watched) {
            impl_->changed.clear();
            return Next{Event::kBack, ""};
          }
          // It has gone again already, or is not ready: that is told by its next change of owner, or by asking again.
          if (watched.failure().code != Exit::kUnreachable) return watched.failure();
          return Next{Event::kGone, ""};
        }
        // Nobody there is something to wait for; somebody else there is not.
        if (!impl_->absent) return found.failure();
        if (had) return Next{Event::kGone, ""};
        continue;
      }
      if (!impl_->changed.empty()) {
        Next next{Event::kChanged, std::move(impl_->changed.front())};
        impl_->changed.pop_front();
        return next;
      }
      const auto data = impl_->connection->getEventLoopPollData();
      std::int64_t timeout = data.getPollTimeout();
      if (deadline_ms) {
        const std::int64_t left = *deadline_ms - monotonic_ms();
        if (left <= 0) return Next{Event::kTimedOut, ""};
        timeout = timeout < 0 ? left : std::min(timeout, left);
      }
      pollfd fds[2] = {{data.fd, data.events, 0}, {stop_fd, POLLIN, 0}};
      const int ready = poll(fds, stop_fd < 0 ? 1 : 2, static_cast<int>(std::min<std::int64_t>(timeout, 3'600'000)));
      if (ready > 0 && stop_fd >= 0 && fds[1].revents != 0) return Next{Event::kStopped, ""};
    }
  } catch (const sdbus::Error&) {
    return Failure{Exit::kUnreachable, "the system bus has gone: start jitctl again when it is back"};
  }
}

}  // namespace jit::cli
