// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/handlers.h"

#include <unistd.h>

#include "broker/bus/roles.h"
#include "broker/outbox/outbox.h"

namespace jit::bus {

using core::Error;

Handlers::Handlers(core::Core& core, directory::Directory& directory, std::function<store::Database*()> database,
                   Host host, Admin admin)
    : core_(core),
      directory_(directory),
      database_(std::move(database)),
      host_(host),
      admin_(std::move(admin)),
      documents_(core, database_, std::move(host)) {}

void Handlers::call(const Call& call) {
  const std::uint32_t uid = call.sender.uid;
  // Whoever owns our uid decides already; nobody else runs under it, so this is not a person.
  if (uid == geteuid() || uid == policy::kNoUid) {
    return call.reply({Error::kDenied, "the broker's own user cannot be a caller", {}, 0});
  }
  InFlight& mine = in_flight_[uid];
  const bool list = std::string_view(call.method) == "List";
  if (mine.calls >= kPerUid) {
    return call.reply({Error::kLimit, "too many calls of yours wait for an answer: try again later", {}, 0});
  }
  if (list && mine.lists >= kListsPerUid) {
    return call.reply({Error::kLimit, std::to_string(kListsPerUid) + " lists of yours are being made already: try again later", {}, 0});
  }
  ++mine.calls;
  if (list) ++mine.lists;
  const Reply reply = [self = weak_from_this(), uid, list, to = call.reply](Answer answer) {
    if (const auto there = self.lock()) {
      const auto it = there->in_flight_.find(uid);
      if (it != there->in_flight_.end()) {
        if (list) --it->second.lists;
        if (--it->second.calls == 0) there->in_flight_.erase(it);
      }
    }
    to(std::move(answer));
  };
  const bool watch = std::string_view(call.method) == "Watch";
  if (watch) watchers_.expect(call.sender.name);
  const bool courier = std::string_view(call.interface).ends_with(".Courier");
  if (courier && admin_.outbox != nullptr) admin_.outbox->expect(call.sender.name);
  // Who may answer is who may now, not who could half a minute ago.
  if (std::string_view(call.method) == "Vote") directory_.forget(uid);
  make_caller(directory_, core_, call.sender, [self = weak_from_this(), call, reply, courier](const core::Caller& caller) {
    const auto there = self.lock();
    if (!there) return;
    if (!may_call(caller, call.interface, call.method)) {
      return reply({Error::kDenied, std::string(call.method) + (courier ? " is for the couriers of this host" : " needs the role admin (people.d) or root"), {}, 0});
    }
    call.work(*there, caller, call.sender, reply);
  });
}

void Handlers::request_changed(const core::Request& request) {
  if (watchers_.size() == 0) return;
  const auto link = link_.lock();
  if (!link) return;
  for (const std::string& name : watchers_.concerned(core_, request)) link->changed(name, request.id.text());
}

void Handlers::grant_changed(const core::Grant& grant) {
  if (watchers_.size() == 0) return;
  const auto link = link_.lock();
  if (!link) return;
  const std::string id = (grant.request.empty() ? grant.id : grant.request).text();
  for (const std::string& name : watchers_.concerned(core_, grant)) link->changed(name, id);
}

void Handlers::watch(const core::Caller& caller, const Sender& sender, const Reply& reply) {
  if (!watchers_.add(sender.name, caller)) {
    return reply({Error::kLimit, "too many connections watch already (" + std::to_string(Watchers::kPerUid) +
                                     " a user): end one of them", {}, 0});
  }
  reply({});
}

void Handlers::reload(const Reply& reply) {
  admin_.reload([reply](const std::string& status) { reply({Error::kNone, {}, reprint(status), 0}); });
}

void Handlers::accept_people(const core::Caller& caller, const Reply& reply) {
  admin_.accept_people(caller.identity, [reply](const std::string& status) { reply({Error::kNone, {}, reprint(status), 0}); });
}

void Handlers::status(const core::Caller& caller, const Reply& reply) {
  const std::string status = admin_.status();
  reply({Error::kNone, {}, with_person(caller.admin ? reprint(status) : status_for_anyone(status), caller.identity->person, core_.keys_of(caller)), 0});
}

}  // namespace jit::bus
