// SPDX-License-Identifier: Apache-2.0
// An outbox over a core, and a database that holds what the core wrote.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "broker/core/events.h"
#include "broker/outbox/outbox.h"
#include "evidence/host_key.h"
#include "evidence/outcome.h"
#include "evidence/request.h"
#include "tests/core/world.h"
#include "tests/store/samples.h"

namespace jit::outbox_test {

using namespace jit::outbox;
using core_test::kAlice;
using Json = nlohmann::json;

struct Room {
  core_test::World world;
  const test::Folder folder;
  test::Opened store{folder / "jit.db"};
  const evidence::HostKey key = evidence::HostKey::generate();
  bool there = true;
  bool can_sign = true;
  std::function<void()> in_entry;  // once, while an entry that was read is made ready
  bool answering = false;
  std::size_t copied = 0;
  std::unique_ptr<Outbox> outbox = make();

  std::unique_ptr<Outbox> make() {
    Outbox::Sealing sealing;
    sealing.envelope = [this](const core::Request& request) {
      return can_sign ? evidence::to_json(key.seal(evidence::kRequestType, request.payload, evidence::kRequestNamespace)) : std::string();
    };
    sealing.seal = [this](std::string_view type, const std::string& payload, std::string_view purpose) {
      return can_sign ? std::optional(key.seal(type, payload, purpose)) : std::nullopt;
    };
    const auto database = [this] {
      if (const auto meanwhile = std::exchange(answering, true) ? std::exchange(in_entry, nullptr) : nullptr) meanwhile();
      return there ? store.db.get() : nullptr;
    };
    auto out = std::make_unique<Outbox>(*world.core, world, world.boot, database, sealing);
    out->use_host(key.id(), "web1", {});
    return out;
  }
  // What the core wrote since is in the database now.
  std::vector<std::string> write() {
    core::Batch batch;
    for (const core::Request& request : world.told_requests) batch.requests.push_back(request);
    std::vector<core::Request> last;
    for (const core::Request& request : batch.requests) {
      std::erase_if(last, [&](const core::Request& each) { return each.id == request.id; });
      last.push_back(request);
    }
    batch.requests = last;
    std::vector<core::AuditEntry> fresh(world.told_entries.begin() + static_cast<std::ptrdiff_t>(copied), world.told_entries.end());
    copied = world.told_entries.size();
    batch.entries = fresh;
    REQUIRE(store.commit(batch));
    std::vector<std::string> woken;
    for (const core::AuditEntry& entry : fresh) {
      for (const std::string& name : outbox->logged(entry)) woken.push_back(name);
    }
    return woken;
  }
  core::Id ask(const std::string& command = "id") {
    core::Ask ask = world.ask(kAlice);
    ask.argv = {"sudo", command};
    world.pass(1);
    const auto made = world.create(kAlice, ask).one();
    REQUIRE(made);
    return made.value.id;
  }
  Json next(std::uint64_t after = 0, Courier courier = Courier::kRelay, const std::string& name = ":1.7") {
    answering = false;
    outbox->expect(name);
    const auto out = outbox->next(courier, name, after);
    REQUIRE(out);
    return Json::parse(out.value);
  }
  core::Outcome<bool> say(Courier courier, bool reached, const std::string& why = "", const std::string& name = ":1.7") {
    outbox->expect(name);
    return outbox->reachable(courier, name, reached, why, world.wall());
  }
  Json open(const std::string& after = "") {
    const auto out = outbox->open(Courier::kRelay, after);
    REQUIRE(out);
    return Json::parse(out.value);
  }
  std::optional<std::string> payload(const Json& entry, std::string_view type, std::string_view purpose) const {
    const auto envelope = evidence::parse_envelope(entry.at("envelope").get<std::string>());
    if (!envelope || envelope->type != type || envelope->signatures.size() != 1) return std::nullopt;
    const auto& signature = envelope->signatures[0];
    const auto flaw = evidence::verify(key.public_key(), signature.kind, purpose, evidence::pae(envelope->type, envelope->payload), signature.bytes);
    return flaw == evidence::Flaw::kNone ? std::optional(envelope->payload) : std::nullopt;
  }
};

}  // namespace jit::outbox_test
