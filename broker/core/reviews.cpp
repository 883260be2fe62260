// SPDX-License-Identifier: Apache-2.0
// What break-glass owes: somebody else looks at each use, in time.
#include "broker/core/impl.h"

#include "evidence/text.h"

namespace jit::core {

void Core::Impl::owe_review(Request& request) const {
  if (request.offer.break_glass && request.offer.review_s > 0) {
    request.review_due = std::max(clock.wall(), request.not_before_wall) + WallMs{request.offer.review_s} * 1000;
  }
}

// By either clock: who was root meanwhile could set the wall clock back.
std::optional<std::string> Core::Impl::review_overdue(const Subject& subject) const {
  for (const auto& [id, request] : unreviewed) {
    const BootMs due_boot = request.created + (request.review_due - request.created_wall);
    const bool late = clock.wall() >= request.review_due || (request.boot_id == boot_id && clock.boottime() >= due_boot);
    if (!late || !same_people(subject, request.subject)) continue;
    return "the review of an emergency access is overdue; ask an approver for it: jitctl review " + texts::short_id(id);
  }
  return std::nullopt;
}

bool Core::Impl::may_review(const Caller& caller, const Request& request) const {
  if (is_requester(policy(), request.subject, caller)) return false;
  return caller.admin || is_approver(*caller.identity);
}

std::vector<const Request*> Core::owed_reviews(const Caller& caller) const {
  std::vector<const Request*> out;
  for (const auto& [id, request] : impl_->unreviewed) {
    if (may_see(caller, request)) out.push_back(&request);
  }
  std::ranges::sort(out, {}, [](const Request* request) { return std::pair(request->review_due, request->id); });
  return out;
}

void Core::review(const Caller& caller, std::string_view prefix, std::string text, Done<Request> done) {
  Impl& impl = *impl_;
  if (!is_prefix(prefix)) return done(failure<Request>(Error::kBadInput, "an id is at least 4 hex digits; see jitctl requests --owed"));
  const Request* found = nullptr;
  for (const auto& [id, request] : impl.unreviewed) {
    if (!id.text().starts_with(prefix) || !may_see(caller, request)) continue;
    if (found != nullptr) return done(failure<Request>(Error::kAmbiguous, "more than one request begins so; type more of the id"));
    found = &request;
  }
  if (found == nullptr) return done(failure<Request>(Error::kNotFound, "no review is owed for such a request; see jitctl requests --owed"));
  if (is_requester(policy_.get(), found->subject, caller)) {
    return done(failure<Request>(Error::kDenied, "nobody reviews what he did himself"));
  }
  if (!impl.may_review(caller, *found)) return done(failure<Request>(Error::kDenied, "only an approver or an admin reviews"));
  if (evidence::trim(text).empty()) return done(failure<Request>(Error::kBadInput, "say what you found: -m TEXT"));
  Request reviewed = *found;
  // While its grant lives the request itself may change, too.
  if (const Live* live = impl.find(reviewed.id)) {
    if (live->busy) return done(failure<Request>(Error::kUnavailable, "it is being written just now; try again"));
    reviewed = live->request;
  }
  reviewed.reviewed_by = caller.identity->person;
  reviewed.reviewed_why = std::move(text);
  reviewed.reviewed_wall = impl.clock.wall();
  Batch batch;
  batch.requests.push_back(reviewed);
  batch.entries.push_back(events::reviewed(reviewed, caller.identity->uid));
  impl.commit(std::move(batch), [&impl, reviewed, done = std::move(done)](bool ok) {
    if (!ok) return done(failure<Request>(Error::kUnavailable, "the review could not be stored; try again later"));
    impl.unreviewed.erase(reviewed.id);
    if (Live* live = impl.find(reviewed.id)) {
      live->request.reviewed_by = reviewed.reviewed_by;
      live->request.reviewed_why = reviewed.reviewed_why;
      live->request.reviewed_wall = reviewed.reviewed_wall;
    }
    impl.listener.request_changed(reviewed);
    Outcome<Request> out;
    out.value = reviewed;
    done(std::move(out));
  });
}

}  // namespace jit::core
