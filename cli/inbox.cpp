// SPDX-License-Identifier: Apache-2.0
#include "cli/inbox.h"

#include <algorithm>
#include <set>

#include "cli/documents.h"
#include "cli/fit.h"
#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr std::size_t kDecidedMax = 100;
constexpr std::size_t kTypedMax = 1024;  // bytes, the broker's own limit

bool taken_back(const Json& grant) { return grant.is_object(); }

std::string news_of(const Json& request, const Json& grant) {
  std::string out = text_of(request, "state");
  if (is_open(request)) out += " " + std::to_string(member(request, "votes").size()) + " " + std::to_string(number_of(request, "steps"));
  if (taken_back(grant)) out += ", taken back";
  out += text_of(request, "owed.by");  // a break-glass use is reviewed
  return out;
}

std::string by_and_why(const Json& ended) {
  const std::string by = text_of(ended, "by");
  const std::string why = text_of(ended, "why");
  return (by.empty() ? "" : " by " + by) + (why.empty() ? "" : ": " + why);
}

std::string sentence(const Json& request, const Json& grant) {
  std::string out = text_of(request, "id").substr(0, 8) + " of " + who(member(request, "subject"));
  if (taken_back(grant)) return out + " taken back" + by_and_why(member(grant, "ended"));
  if (!is_open(request)) {
    const std::string emergency = emergency_text(request);
    return out + (emergency.empty() ? " " : ": " + emergency + ", ") + text_of(request, "state") + by_and_why(member(request, "ended"));
  }
  const std::string needs = open_seats(request);
  const Json& votes = member(request, "votes");
  if (!votes.is_array() || votes.empty()) return out + " waits" + (needs.empty() ? "" : " for " + needs);
  return out + ": " + text_of(votes.back(), "person") + " voted, still asked: " + needs;
}

bool asks_for_reason(const Json& request) {
  for (const Json& one : member(request, "offer.require")) {
    if (!one.is_string()) continue;
    const auto& text = one.get_ref<const std::string&>();
    if (text == "reason" || text.starts_with("reason:")) return true;
  }
  return false;
}

void drop_last_character(std::string& utf8) {
  while (!utf8.empty()) {
    const auto last = static_cast<unsigned char>(utf8.back());
    utf8.pop_back();
    if ((last & 0xC0) != 0x80) return;
  }
}

}  // namespace

void Inbox::resize(std::size_t width, std::size_t height) {
  width_ = width;
  height_ = height;
}

Inbox::Entry* Inbox::find(const std::string& id) {
  const auto it = std::ranges::find_if(entries_, [&](const Entry& one) { return text_of(one.request, "id") == id; });
  return it == entries_.end() ? nullptr : &*it;
}

const Inbox::Entry* Inbox::find(const std::string& id) const { return const_cast<Inbox*>(this)->find(id); }

Inbox::Entry Inbox::made(const Json& request, const Json& grant, std::int64_t now_ms) {
  Entry out{.request = request, .grant = grant};
  // Of one's own request: it is for the terminal that asked, not for one that stands open.
  if (out.request.is_object()) out.request.erase("typed_code");
  out.open = is_open(request);
  const auto left = std::min<std::uint64_t>(number_of(request, "deadline_in_s"), UINT32_MAX);
  out.deadline_ms = now_ms + static_cast<std::int64_t>(left) * 1000;
  out.order = out.open ? text_of(request, "created") : text_of(taken_back(grant) ? grant : request, "ended.time");
  out.news = news_of(request, grant);
  return out;
}

void Inbox::keep(Entry entry) {
  const std::string id = text_of(entry.request, "id");
  if (id.empty()) return;
  std::erase_if(entries_, [&](const Entry& one) { return text_of(one.request, "id") == id; });
  const auto before = [](const Entry& a, const Entry& b) { return a.open != b.open ? a.open : a.order > b.order; };
  entries_.insert(std::ranges::lower_bound(entries_, entry, before), std::move(entry));
  const auto open = static_cast<std::size_t>(std::ranges::count_if(entries_, [](const Entry& one) { return one.open; }));
  if (entries_.size() > open + kDecidedMax) entries_.resize(open + kDecidedMax);
  if (chosen() == nullptr) {
    chosen_ = text_of(entries_.front().request, "id");
    details_ = false;
  }
  keep_prompt();
}

// A vote that is being typed goes with its request.
void Inbox::keep_prompt() {
  if (!prompt_) return;
  const Entry* const entry = find(prompt_->ballot.id);
  if (entry != nullptr && (entry->open || (!prompt_->ballot.approve && !taken_back(entry->grant) &&
                                           text_of(entry->request, "state") == "approved"))) {
    return;
  }
  prompt_.reset();
  note_ = entry == nullptr ? "that request has gone: nothing was sent" : "nothing was sent: " + sentence(entry->request, entry->grant);
}

std::vector<std::string> Inbox::fill(const Json& requests, std::int64_t now_ms) {
  std::set<std::string> waited;
  for (const Entry& one : entries_) {
    if (one.open) waited.insert(text_of(one.request, "id"));
  }
  const bool first = entries_.empty();
  for (const Json& request : requests) {
    waited.erase(text_of(request, "id"));
    keep(made(request, Json(), now_ms));
  }
  if (first && !entries_.empty()) chosen_ = text_of(entries_.front().request, "id");
  return {waited.begin(), waited.end()};
}

void Inbox::put(const Json& request, const Json& grant, std::int64_t now_ms) {
  const Entry* const before = find(text_of(request, "id"));
  Entry entry = made(request, grant, now_ms);
  const bool news = before == nullptr || before->news != entry.news;
  // What its ladder does is asking again, of those who were asked before.
  const bool again = before != nullptr && before->open && entry.open && number_of(request, "steps") > number_of(before->request, "steps");
  if (news) note_ = (before == nullptr && entry.open ? "new: " : again ? "reminder: " : "") + sentence(request, grant);
  keep(std::move(entry));
}

void Inbox::put_whole(const Json& request, std::int64_t now_ms) {
  const Entry* const before = find(text_of(request, "id"));
  if (before != nullptr) put(request, before->grant, now_ms);
}

void Inbox::remove(const std::string& id) {
  std::erase_if(entries_, [&](const Entry& one) { return text_of(one.request, "id") == id; });
  if (chosen_ == id) {
    chosen_ = entries_.empty() ? "" : text_of(entries_.front().request, "id");
    details_ = false;
  }
  keep_prompt();
}

Wish Inbox::choose(std::size_t index) {
  if (entries_.empty()) return {};
  chosen_ = text_of(entries_[std::min(index, entries_.size() - 1)].request, "id");
  return details_ ? Wish{Wish::Kind::kWhole, {.id = chosen_}} : Wish{};
}

Wish Inbox::press(const Press& press) {
  if (press.key == Press::Key::kRedraw) return {};
  if (prompt_) return type(press);
  const auto at = std::ranges::find_if(entries_, [&](const Entry& one) { return text_of(one.request, "id") == chosen_; });
  const auto index = static_cast<std::size_t>(at - entries_.begin());
  const std::size_t page = std::max<std::size_t>(1, height_ / 2);
  const auto up = [&](std::size_t by) { return choose(index - std::min(index, by)); };
  switch (press.key) {
    case Press::Key::kUp: return up(1);
    case Press::Key::kDown: return choose(index + 1);
    case Press::Key::kPageUp: return up(page);
    case Press::Key::kPageDown: return choose(index + page);
    case Press::Key::kHome: return choose(0);
    case Press::Key::kEnd: return choose(entries_.size());
    case Press::Key::kEnter:
      details_ = !details_ && !entries_.empty();
      return choose(index);
    case Press::Key::kEscape: details_ = false; return {};
    case Press::Key::kText: break;
    default: return {};
  }
  if (press.text == "q") return {Wish::Kind::kLeave};
  if (press.text == "k") return up(1);
  if (press.text == "j") return choose(index + 1);
  if (press.text == "a" || press.text == "d") ask(press.text == "a");
  return {};
}

void Inbox::ask(bool approve) {
  const Entry* const entry = chosen();
  if (entry == nullptr) return;
  Prompt prompt{.ballot = {.id = chosen_, .approve = approve}};
  const Json& match = member(entry->request, "offer.match");
  prompt.wants_code = approve && match.is_boolean() && match.get<bool>();
  prompt.wants_reason = !approve || asks_for_reason(entry->request);
  prompt.stage = prompt.wants_code ? Stage::kCode : Stage::kReason;
  note_.clear();
  prompt_ = std::move(prompt);
  keep_prompt();
}

Wish Inbox::type(const Press& press) {
  std::string& text = prompt_->stage == Stage::kCode ? prompt_->ballot.typed : prompt_->ballot.reason;
  if (press.key == Press::Key::kEscape) {
    prompt_.reset();
    note_ = "nothing was sent";
    return {};
  }
  if (prompt_->stage == Stage::kSure) {
    if (press.key != Press::Key::kEnter && !(press.key == Press::Key::kText && (press.text == "y" || press.text == "Y"))) return {};
    return {Wish::Kind::kVote, prompt_->ballot};
  }
  switch (press.key) {
    case Press::Key::kEnter: return next_stage();
    case Press::Key::kBackspace: drop_last_character(text); break;
    case Press::Key::kErase: text.clear(); break;
    case Press::Key::kText:
      if (text.size() + press.text.size() <= kTypedMax) {
        text += press.text;
      } else {
        note_ = "no longer than " + std::to_string(kTypedMax) + " bytes";
      }
      break;
    default: break;
  }
  return {};
}

Wish Inbox::next_stage() {
  Prompt& prompt = *prompt_;
  if (prompt.stage == Stage::kCode) {
    if (evidence::trim(prompt.ballot.typed).empty()) {
      note_ = "a code is needed: it stands on their screen, let them read it to you";
      return {};
    }
    prompt.stage = Stage::kReason;
  } else {
    if (prompt.wants_reason && evidence::trim(prompt.ballot.reason).empty()) {
      note_ = "say why: a reason is needed, esc leaves";
      return {};
    }
    prompt.stage = Stage::kSure;
  }
  note_.clear();
  return {};
}

void Inbox::refused(std::string why) {
  note_ = std::move(why);
  if (prompt_) prompt_->stage = prompt_->wants_code ? Stage::kCode : Stage::kReason;
}

}  // namespace jit::cli
