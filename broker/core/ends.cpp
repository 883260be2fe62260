// SPDX-License-Identifier: Apache-2.0
// Ends hold at once, whatever the disk does. Until the store holds one, a tombstone does; until that is written either,
// no grant is used: a restart must never bring back what somebody was told is over.
#include "broker/core/impl.h"

namespace jit::core {

std::vector<Tombstone> Core::Impl::ends_in(const Batch& batch) const {
  std::vector<Tombstone> ends;  // what is of another boot is void without any
  for (const Grant& grant : batch.grants) {
    if (grant.state == GrantState::kEnded && grant.boot_id == boot_id) ends.push_back({grant.id, grant.end});
  }
  for (const Request& request : batch.requests) {
    const bool open = request.state == RequestState::kPending || request.state == RequestState::kDetached;
    if (!open && request.state != RequestState::kApproved && request.boot_id == boot_id) ends.push_back({request.id, request.state});
  }
  return ends;
}

void Core::Impl::commit_end(Batch batch, std::function<void(bool)> done) {
  Batch again = batch;
  auto ends = ends_in(batch);
  commit(std::move(batch), [this, again = std::move(again), ends = std::move(ends), done = std::move(done)](bool ok) mutable {
    if (ok) {
      written(ends);
    } else {
      bury(ends);
      keep_for_later(std::move(again));
    }
    done(ok);
  });
}

void Core::Impl::bury(const std::vector<Tombstone>& ends) {
  std::vector<Tombstone> fresh;
  for (const Tombstone& end : ends) {
    if (owed.emplace(end.id, end).second) fresh.push_back(end);
  }
  if (fresh.empty()) return;
  to_clear = true;
  buried = (buried && tombstones.add(fresh)) || bury_all();
}

bool Core::Impl::bury_all() {
  std::vector<Tombstone> all;
  for (const auto& [id, end] : owed) all.push_back(end);
  return tombstones.replace(all);
}

void Core::Impl::written(const std::vector<Tombstone>& ends) {
  for (const Tombstone& end : ends) owed.erase(end.id);
  if (!owed.empty()) return;
  buried = true;
  if (to_clear) to_clear = !tombstones.replace({});
  if (to_clear) retry_at = clock.boottime() + 1000;
}

void Core::Impl::keep_for_later(Batch batch) {
  // Ends are as many as lived when the disk began to fail. Uses are bounded here: what does not fit is not logged.
  if (batch.grants.empty() && batch.requests.empty() && unwritten.size() >= limits.pending_per_host) return;
  unwritten.push_back(std::move(batch));
  retry_at = clock.boottime() + 1000;
}

void Core::Impl::write_again() {
  const BootMs now = clock.boottime();
  if (now < retry_at) return;
  retry_at = now + 1000;
  if (!buried) buried = bury_all();
  if (owed.empty() && to_clear) to_clear = !tombstones.replace({});
  auto batches = std::move(unwritten);
  unwritten.clear();
  for (Batch& batch : batches) {
    commit_end(batch, [this, batch](bool ok) {
      if (!ok) return;
      for (const Request& request : batch.requests) listener.request_changed(request);
      for (const Grant& grant : batch.grants) listener.grant_changed(grant);
    });
  }
}

bool Core::ends_are_safe() const { return impl_->buried; }

}  // namespace jit::core
