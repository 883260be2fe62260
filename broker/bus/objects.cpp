// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/objects.h"

#include "broker/bus/handlers.h"
#include "broker/bus/link.h"
#include "dbus/broker1_adaptor.h"

namespace jit::bus {

namespace {

namespace made = org::pamjit::Broker1;

constexpr char kPath[] = "/org/pamjit/Broker1";

using Caller = core::Caller;

// Arguments that were read become work; bad ones stay an error.
template <class T, class Do>
core::Outcome<Work> work(core::Outcome<T> read, Do todo) {
  if (!read) return {read.error, std::move(read.message), {}};
  return {core::Error::kNone, {},
          [value = std::move(read.value), todo](Handlers& handlers, const Caller& caller, const Sender& sender,
                                                const Reply& reply) { todo(handlers, caller, sender, value, reply); }};
}

core::Outcome<Work> work(Work todo) { return {core::Error::kNone, {}, std::move(todo)}; }

// The same path six times, since some of the interfaces have a List and a Get with the same arguments.
template <class Adaptor>
class Object : public sdbus::AdaptorInterfaces<Adaptor> {
 public:
  Object(sdbus::IConnection& connection, Link& link) : Object::base_type(connection, dbus::ObjectPath(kPath)), link_(link) {}

 protected:
  template <class Result>
  void take(const char* method, Result&& result, core::Outcome<Work> todo) {
    link_.take(Adaptor::INTERFACE_NAME, method, dbus::sender_of_call(this->getObject()),
               std::forward<Result>(result), std::move(todo));
  }

 private:
  Link& link_;
};

class Requests final : public Object<made::Requests_adaptor> {
 public:
  Requests(sdbus::IConnection& connection, Link& link) : Object(connection, link) { registerAdaptor(); }
  ~Requests() { unregisterAdaptor(); }

  sdbus::Signal make_signal() { return dbus::make_signal(getObject(), INTERFACE_NAME, "Changed"); }

  void changed(const std::string& to, const std::string& id) {
    auto signal = make_signal();
    signal.setDestination(to);
    signal << id;
    signal.send();
  }

 private:
  void List(sdbus::Result<Bytes>&& result, Dict filter) override {
    take("List", std::move(result), work(read_request_query(filter), [](Handlers& h, const Caller& c, const Sender&,
                                                                        const RequestQuery& q, const Reply& r) {
           h.list_requests(c, q, r);
         }));
  }
  void Get(sdbus::Result<Bytes>&& result, std::string id) override {
    take("Get", std::move(result),
         work(read_id(id), [](Handlers& h, const Caller& c, const Sender&, const std::string& prefix, const Reply& r) {
           h.get_request(c, prefix, r);
         }));
  }
  void Create(sdbus::Result<Bytes>&& result, Dict ask) override {
    take("Create", std::move(result),
         work(read_create(ask), [](Handlers& h, const Caller& c, const Sender&, const CreateArgs& args,
                                   const Reply& r) { h.create(c, args, r); }));
  }
  void Cancel(sdbus::Result<Bytes>&& result, std::string id) override {
    take("Cancel", std::move(result),
         work(read_id(id), [](Handlers& h, const Caller& c, const Sender&, const std::string& prefix, const Reply& r) {
           h.cancel(c, prefix, r);
         }));
  }
  void Vote(sdbus::Result<Bytes>&& result, std::string id, bool approve, Dict options) override {
    auto ballot = read_ballot(approve, options);
    auto prefix = read_id(id);
    if (!prefix && ballot) ballot = {prefix.error, prefix.message, {}};
    take("Vote", std::move(result),
         work(std::move(ballot), [id](Handlers& h, const Caller& c, const Sender& s, const core::Ballot& b,
                                      const Reply& r) { h.vote(c, s, id, b, r); }));
  }
  void Envelope(sdbus::Result<Bytes>&& result, std::string id) override {
    take("Envelope", std::move(result),
         work(read_id(id), [](Handlers& h, const Caller& c, const Sender&, const std::string& prefix, const Reply& r) {
           h.envelope(c, prefix, r);
         }));
  }
  void SubmitVote(sdbus::Result<Bytes>&& result, Bytes vote) override {
    take("SubmitVote", std::move(result),
         work(read_signed_vote(vote), [](Handlers& h, const Caller& c, const Sender&, const std::string& text, const Reply& r) {
           h.submit_vote(c, text, r);
         }));
  }
  void Review(sdbus::Result<Bytes>&& result, std::string id, Bytes text) override {
    auto found = read_reason(text);
    auto prefix = read_id(id);
    if (!prefix && found) found = {prefix.error, prefix.message, {}};
    take("Review", std::move(result),
         work(std::move(found), [id](Handlers& h, const Caller& c, const Sender&, const std::string& words,
                                     const Reply& r) { h.review(c, id, words, r); }));
  }
  void Away(sdbus::Result<Bytes>&& result, std::int64_t until_ms) override {
    take("Away", std::move(result), work([until_ms](Handlers& h, const Caller& c, const Sender&, const Reply& r) {
           h.away(c, until_ms, r);
         }));
  }
  void Watch(sdbus::Result<>&& result) override {
    take("Watch", std::move(result), work([](Handlers& h, const Caller& c, const Sender& s, const Reply& r) {
           h.watch(c, s, r);
         }));
  }
};

class Grants final : public Object<made::Grants_adaptor> {
 public:
  Grants(sdbus::IConnection& connection, Link& link) : Object(connection, link) { registerAdaptor(); }
  ~Grants() { unregisterAdaptor(); }

 private:
  void List(sdbus::Result<Bytes>&& result, Dict filter) override {
    take("List", std::move(result), work(read_grant_query(filter), [](Handlers& h, const Caller& c, const Sender&,
                                                                      const GrantQuery& q, const Reply& r) {
           h.list_grants(c, q, r);
         }));
  }
  void Get(sdbus::Result<Bytes>&& result, std::string id) override {
    take("Get", std::move(result),
         work(read_id(id), [](Handlers& h, const Caller& c, const Sender&, const std::string& prefix, const Reply& r) {
           h.get_grant(c, prefix, r);
         }));
  }
  void Revoke(sdbus::Result<Bytes>&& result, Dict which, Bytes reason) override {
    auto read = read_which(which);
    auto why = read_reason(reason);
    if (!why && read) read = {why.error, why.message, {}};
    take("Revoke", std::move(result),
         work(std::move(read), [why = why.value](Handlers& h, const Caller& c, const Sender&,
                                                 const core::Core::Which& w, const Reply& r) { h.revoke(c, w, why, r); }));
  }
  void Extend(sdbus::Result<Bytes>&& result, std::string id, Dict ask) override {
    auto read = read_extension(ask);
    auto prefix = read_id(id);
    if (!prefix && read) read = {prefix.error, prefix.message, {}};
    take("Extend", std::move(result),
         work(std::move(read), [id](Handlers& h, const Caller& c, const Sender&, const CreateArgs& wish,
                                    const Reply& r) { h.extend(c, id, wish, r); }));
  }
  void End(sdbus::Result<Bytes>&& result, std::string id) override {
    take("End", std::move(result),
         work(read_id(id), [](Handlers& h, const Caller& c, const Sender&, const std::string& prefix, const Reply& r) {
           h.end_grant(c, prefix, r);
         }));
  }
};

class Policy final : public Object<made::Policy_adaptor> {
 public:
  Policy(sdbus::IConnection& connection, Link& link) : Object(connection, link) { registerAdaptor(); }
  ~Policy() { unregisterAdaptor(); }

 private:
  void Reload(sdbus::Result<Bytes>&& result) override {
    take("Reload", std::move(result),
         work([](Handlers& h, const Caller&, const Sender&, const Reply& r) { h.reload(r); }));
  }
  void AcceptPeople(sdbus::Result<Bytes>&& result) override {
    take("AcceptPeople", std::move(result),
         work([](Handlers& h, const Caller& c, const Sender&, const Reply& r) { h.accept_people(c, r); }));
  }
  void Status(sdbus::Result<Bytes>&& result) override {
    take("Status", std::move(result),
         work([](Handlers& h, const Caller& c, const Sender&, const Reply& r) { h.status(c, r); }));
  }
  void Explain(sdbus::Result<Bytes>&& result, Dict ask) override {
    take("Explain", std::move(result),
         work(read_explain(ask), [](Handlers& h, const Caller& c, const Sender&, const ExplainArgs& args,
                                    const Reply& r) { h.explain(c, args, r); }));
  }
};

class Facts final : public Object<made::Facts_adaptor> {
 public:
  Facts(sdbus::IConnection& connection, Link& link) : Object(connection, link) { registerAdaptor(); }
  ~Facts() { unregisterAdaptor(); }

  void changed(const std::string& to, const std::string& name) {
    auto signal = dbus::make_signal(getObject(), INTERFACE_NAME, "Changed");
    signal.setDestination(to);
    signal << name;
    signal.send();
  }

 private:
  void Set(sdbus::Result<Bytes>&& result, std::string name, sdbus::Variant value, uint32_t fresh_for) override {
    take("Set", std::move(result), work(read_fact(name, value, fresh_for), [](Handlers& h, const Caller& c, const Sender&,
                                                                             const FactArgs& args, const Reply& r) {
           h.set_fact(c, args, r);
         }));
  }
  void Clear(sdbus::Result<Bytes>&& result, std::string name) override {
    take("Clear", std::move(result), work(read_fact_name(name), [](Handlers& h, const Caller& c, const Sender&,
                                                                   const std::string& fact, const Reply& r) {
           h.clear_fact(c, fact, r);
         }));
  }
  void List(sdbus::Result<Bytes>&& result) override {
    take("List", std::move(result),
         work([](Handlers& h, const Caller& c, const Sender&, const Reply& r) { h.list_facts(c, r); }));
  }
};

class Audit final : public Object<made::Audit_adaptor> {
 public:
  Audit(sdbus::IConnection& connection, Link& link) : Object(connection, link) { registerAdaptor(); }
  ~Audit() { unregisterAdaptor(); }

 private:
  void Query(sdbus::Result<Bytes, std::uint64_t>&& result, Dict filter) override {
    take("Query", std::move(result), work(read_audit_query(filter), [](Handlers& h, const Caller& c, const Sender&,
                                                                       const AuditQuery& q, const Reply& r) {
           h.query_audit(c, q, r);
         }));
  }
  void Checkpoint(sdbus::Result<Bytes>&& result) override {
    take("Checkpoint", std::move(result), work([](Handlers& h, const Caller&, const Sender&, const Reply& r) { h.checkpoint(r); }));
  }
  void Export(sdbus::Result<Bytes, std::uint64_t>&& result, std::uint64_t from, std::uint64_t to) override {
    take("Export", std::move(result),
         work([from, to](Handlers& h, const Caller&, const Sender&, const Reply& r) { h.export_log(from, to, r); }));
  }
  void Proof(sdbus::Result<Bytes>&& result, std::string id) override {
    take("Proof", std::move(result), work(read_id(id), [](Handlers& h, const Caller& c, const Sender&, const std::string& prefix, const Reply& r) {
           h.proof(c, prefix, r);
         }));
  }
  void Erase(sdbus::Result<Bytes>&& result, Bytes person) override {
    take("Erase", std::move(result), work(read_person(person), [](Handlers& h, const Caller& c, const Sender&, const std::string& name,
                                                                  const Reply& r) { h.erase(c, name, r); }));
  }
};

class Courier final : public Object<made::Courier_adaptor> {
 public:
  Courier(sdbus::IConnection& connection, Link& link) : Object(connection, link) { registerAdaptor(); }
  ~Courier() { unregisterAdaptor(); }

  void more(const std::string& to) {
    auto signal = dbus::make_signal(getObject(), INTERFACE_NAME, "Waiting");
    signal.setDestination(to);
    signal.send();
  }

 private:
  void Open(sdbus::Result<Bytes>&& result, std::string after) override {
    take("Open", std::move(result), work([after](Handlers& h, const Caller& c, const Sender&, const Reply& r) { h.open(c, after, r); }));
  }
  void Next(sdbus::Result<Bytes>&& result, std::uint64_t after) override {
    take("Next", std::move(result), work([after](Handlers& h, const Caller& c, const Sender& s, const Reply& r) { h.next(c, s, after, r); }));
  }
  void Done(sdbus::Result<>&& result, std::uint64_t sequence) override {
    take("Done", std::move(result), work([sequence](Handlers& h, const Caller& c, const Sender&, const Reply& r) { h.done(c, sequence, r); }));
  }
  void Reachable(sdbus::Result<>&& result, bool reached, Bytes why) override {
    take("Reachable", std::move(result), work([reached, text = std::string(why.begin(), why.end())](Handlers& h, const Caller& c, const Sender& s, const Reply& r) {
           h.reachable(c, s, reached, text, r);
         }));
  }
  void Acknowledged(sdbus::Result<>&& result, std::uint64_t sequence, Bytes channel) override {
    take("Acknowledged", std::move(result), work([sequence, text = std::string(channel.begin(), channel.end())](Handlers& h, const Caller& c, const Sender&, const Reply& r) {
           h.acknowledged(c, sequence, text, r);
         }));
  }
};

}  // namespace

struct Objects::Impl {
  Requests requests;
  Grants grants;
  Policy policy;
  Facts facts;
  Audit audit;
  Courier courier;
  Impl(sdbus::IConnection& connection, Link& link)
      : requests(connection, link), grants(connection, link), policy(connection, link), facts(connection, link),
        audit(connection, link), courier(connection, link) {}
};

Objects::Objects(sdbus::IConnection& connection, Link& link) : impl_(std::make_unique<Impl>(connection, link)) {}
Objects::~Objects() = default;
sdbus::Signal Objects::any_message() { return impl_->requests.make_signal(); }
void Objects::fact_changed(const std::string& to, const std::string& name) { impl_->facts.changed(to, name); }
void Objects::more(const std::string& to) { impl_->courier.more(to); }
void Objects::changed(const std::string& to, const std::string& id) { impl_->requests.changed(to, id); }

}  // namespace jit::bus
