// SPDX-License-Identifier: Apache-2.0
// An emergency access begins when a channel has word of it, or a moment later without: nobody who is told must not keep it back.
#include "broker/core/impl.h"

#include "evidence/text.h"

namespace jit::core {

namespace {

constexpr BootMs kModuleMs = 2000;  // of its budget, for the yes to come to the module in time

}  // namespace

// It is durable and lives. wait: how long whoever asked can wait; 0: he cannot, and goes on at once.
void Core::Impl::tell_first(const Request& request, BootMs wait, std::function<void(const Told&)> go_on) {
  if (!request.offer.break_glass || request.offer.notify.empty()) return go_on({});
  const BootMs now = clock.boottime();
  Untold& untold = untolds[request.id];
  untold.request = request;
  untold.until = now + limits.acknowledge_ms;
  due.emplace(untold.until, request.id);
  if (wait == 0) return go_on({});
  untold.go_on_at = std::min(now + wait, untold.until);
  due.emplace(untold.go_on_at, request.id);
  untold.go_on = std::move(go_on);
}

void Core::Impl::begin_emergency(Conn conn, std::shared_ptr<const Ask> ask, const Request& request, const std::string& secret) {
  const Id id = request.id;
  const BootMs wait = std::min(BootMs{ask->budget_s} * 1000 - kModuleMs, limits.acknowledge_ms);
  const bool waits = conn != 0 && wait > 0 && !request.offer.notify.empty();
  if (!waits) {
    return tell_first(request, 0, [&](const Told&) {
      if (conn != 0) yes(conn, std::move(ask), request.grant, {});
    });
  }
  if (Live* live = find(id)) {
    live->conn = conn;
    live->prompted = ask->can_ask;
  }
  asks[conn] = std::move(ask);
  waiting[conn] = id;
  Answer answer;
  answer.verdict = Verdict::kPending;
  answer.cause = "telling";
  answer.id = id;
  answer.secret = secret;
  answer.text = {texts::telling(request)};
  answer.deadline_s = static_cast<std::uint32_t>((wait + 999) / 1000);
  gate.answer(conn, answer);
  tell_first(request, wait, [this, conn, id, grant = request.grant](const Told& told) {
    const auto held = asks.extract(conn);
    if (held.empty()) return;  // he has left
    waiting.erase(conn);
    if (Live* live = find(id); live != nullptr && live->conn == conn) live->conn = 0;
    Answer decided;
    decided.id = id;
    decided.head = head_text(store.head());
    if (find_grant(grant) == nullptr) {
      note_denial(*held.mapped(), "ended", "the grant has ended meanwhile");
      decided.cause = "ended";
      decided.text = {texts::line("the grant has ended meanwhile")};
      return gate.decided(conn, decided);
    }
    decided.verdict = Verdict::kAllow;
    decided.cause = "granted";
    decided.text = {texts::line(texts::told(told))};
    for (std::string& more : without_enforcer()) decided.text.push_back(std::move(more));
    give(conn, held.mapped(), grant, std::move(decided), &Gate::decided);
  });
}

void Core::Impl::check_untold(const Id& id) {
  const auto it = untolds.find(id);
  if (it == untolds.end()) return;
  const BootMs now = clock.boottime();
  const Told nobody{{}, it->second.request.offer.notify};
  const auto go_on = now >= it->second.go_on_at ? std::exchange(it->second.go_on, {}) : nullptr;
  if (now >= it->second.until) {
    log(events::unsent(it->second.request));
    untolds.erase(it);
  }
  if (go_on) go_on(nobody);
}

void Core::acknowledged(const Request& request, const std::string& channel) {
  impl_->log(events::acknowledged(request, channel));
  auto told = impl_->untolds.extract(request.id);
  if (!told.empty() && told.mapped().go_on) told.mapped().go_on({channel, request.offer.notify});
}

}  // namespace jit::core
