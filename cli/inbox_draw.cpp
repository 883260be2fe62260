// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "cli/documents.h"
#include "cli/fit.h"
#include "cli/inbox.h"
#include "policy/policy.h"

namespace jit::cli {

namespace {

constexpr std::size_t kWidthMin = 40;
constexpr std::size_t kHeightMin = 8;
constexpr std::size_t kNeedsFrom = 60;       // columns from which on the list says what is needed
constexpr std::size_t kNameMax = 20;         // columns of a user's name
constexpr std::size_t kCommandColumnsMin = 6;       // columns from which on a row has some of the command
constexpr std::int64_t kHurryMs = 60'000;
enum Column : std::size_t { kWho, kWhat, kNeeds, kLeft };

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::uint64_t seconds_left(std::int64_t deadline_ms, std::int64_t now_ms) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, deadline_ms - now_ms + 999) / 1000);
}

std::string left_text(std::uint64_t seconds) {
  return policy::format_duration(static_cast<std::uint32_t>(std::min<std::uint64_t>(seconds, UINT32_MAX - 1)));
}

// The part of a list of `count` that holds `at`, `room` long.
std::size_t first_shown(std::size_t at, std::size_t count, std::size_t room) {
  if (count <= room || at < room / 2) return 0;
  return std::min(at - room / 2, count - room);
}

// A long name pushes no uid off the screen.
void shorten_names(Json& request) {
  for (const char* const part : {"subject", "target"}) {
    for (const char* const of : {"name", "group"}) {
      if (const std::string name = text_of(member(request, part), of); name.size() > kNameMax) request[part][of] = shorten(harmless(name), kNameMax);
    }
  }
}

Json short_names(const Json& request) {
  Json out{{"door", member(request, "door")}, {"subject", member(request, "subject")}, {"target", member(request, "target")}};
  shorten_names(out);
  return out;
}

std::string ended_text(const Json& request, const Json& grant) {
  const bool back = grant.is_object();
  const Json& ended = member(back ? grant : request, "ended");
  const std::string by = text_of(ended, "by");
  const std::string why = text_of(ended, "why");
  const std::string emergency = emergency_text(request);
  const std::string before = emergency.empty() ? "" : back ? "BREAK-GLASS " : emergency + ", ";
  return before + (back ? "taken back" : text_of(request, "state")) + (by.empty() ? "" : " by " + by) + (why.empty() ? "" : ": " + why);
}

}  // namespace

std::vector<std::string> Inbox::cells(const Entry& entry, std::int64_t now_ms) {
  const std::string needs = open_seats(entry.request);
  const Json named = short_names(entry.request);
  return {harmless(who(member(named, "subject"))), harmless(what(named)), harmless(needs.empty() ? "-" : needs),
          entry.open ? left_text(seconds_left(entry.deadline_ms, now_ms)) : ""};
}

ScreenLine Inbox::row(const Entry& entry, const std::vector<std::size_t>& widths, std::int64_t now_ms) const {
  const std::string id = text_of(entry.request, "id");
  const auto cell = cells(entry, now_ms);
  std::string text = (id == chosen_ ? "> " : "  ") + padded(harmless(id.substr(0, 8)), 8);
  for (const std::size_t column : {kWho, kWhat, kNeeds, kLeft}) {
    if (widths[column] == 0 || (!entry.open && column >= kNeeds)) continue;
    text += " " + padded(shorten(cell[column], widths[column]), widths[column]);
  }
  const std::size_t room = width_ > text.size() + 1 ? width_ - text.size() - 1 : 0;
  const bool emergency = text_of(entry.request, "kind") == "break-glass";
  ScreenLine out;
  if (entry.open) {
    const std::string command = (emergency ? "BREAK-GLASS " : "") + harmless(text_of(entry.request, "command.text"));
    if (room >= kCommandColumnsMin) text += " " + cut(command, room, number_of(entry.request, "command.length"));
    if (entry.deadline_ms - now_ms < kHurryMs) out.look = Look::kHurry;
  } else {
    std::string ended = harmless(ended_text(entry.request, entry.grant));
    // When its review is due stands there before all else.
    if (emergency && room < ended.size() && !entry.grant.is_object()) ended = harmless(emergency_text(entry.request));
    if (room > 0) text += " " + shorten(ended, room);
    const bool yes = text_of(entry.request, "state") == "approved" && !entry.grant.is_object();
    const bool owed = emergency && text_of(entry.request, "owed.by").empty();
    out.look = !yes ? Look::kBad : owed ? Look::kHurry : Look::kGood;
  }
  if (id == chosen_) out.look = Look::kChosen;
  out.text = text.substr(0, width_);
  return out;
}

std::vector<ScreenLine> Inbox::list(std::size_t height, std::int64_t now_ms) const {
  const auto open = static_cast<std::size_t>(std::ranges::count_if(entries_, [](const Entry& one) { return one.open; }));
  const std::size_t decided = entries_.size() - open;
  const auto found = std::ranges::find_if(entries_, [&](const Entry& one) { return text_of(one.request, "id") == chosen_; });
  const auto at = static_cast<std::size_t>(found - entries_.begin());
  // Headings and what waits; below, what is decided: a quarter of the screen, or what is left over.
  const std::size_t body = height - 2;
  const std::size_t least = decided == 0 ? 0 : 1 + std::min(decided, std::max<std::size_t>(1, body / 4));
  const std::size_t open_shown = std::min(std::max<std::size_t>(open, 1), body - least);
  const std::size_t decided_shown = decided == 0 ? 0 : std::min(decided, body - open_shown - 1);
  const std::size_t open_from = first_shown(std::min(at, open), open, open_shown);
  const std::size_t decided_from = at < open ? 0 : first_shown(at - open, decided, decided_shown);

  std::vector<std::size_t> widths = {3, 4, 5, 4};
  const auto measure = [&](std::size_t from, std::size_t count) {
    for (std::size_t i = from; i < std::min(from + count, entries_.size()); ++i) {
      const auto cell = cells(entries_[i], now_ms);
      for (std::size_t c = 0; c < widths.size(); ++c) widths[c] = std::max(widths[c], cell[c].size());
    }
  };
  measure(open_from, std::min(open - std::min(open, open_from), open_shown));
  measure(open + decided_from, decided_shown);
  widths[kWho] = std::min(widths[kWho], std::max<std::size_t>(11, width_ / 5));
  widths[kNeeds] = width_ < kNeedsFrom ? 0 : std::min(widths[kNeeds], width_ / 5);
  widths[kLeft] = std::min<std::size_t>(widths[kLeft], 9);
  // Mark, id and the blanks between; what is left of the line is for what is asked, and for the command where both fit.
  const std::size_t others = 13 + widths[kWho] + (widths[kNeeds] > 0 ? widths[kNeeds] + 1 : 0) + widths[kLeft];
  const std::size_t room = width_ > others ? width_ - others : 0;
  const std::size_t what_max = std::max<std::size_t>(10, width_ / 4);
  const bool commands = open > 0 && std::min(widths[kWhat], what_max) + 1 + kCommandColumnsMin <= room;
  widths[kWhat] = std::min(widths[kWhat], commands ? what_max : room);

  std::vector<ScreenLine> out;
  out.push_back({cut("jitctl watch: " + std::to_string(open) + (open == 1 ? " request waits" : " requests wait"), width_), Look::kTitle});
  std::string heads = "  " + padded("ID", 8) + " " + padded("WHO", widths[kWho]) + " " + padded("WHAT", widths[kWhat]);
  if (widths[kNeeds] > 0) heads += " " + padded("NEEDS", widths[kNeeds]);
  heads += " " + padded("LEFT", widths[kLeft]) + (commands ? " COMMAND" : "");
  out.push_back({heads.substr(0, width_), Look::kTitle});
  if (open == 0) out.push_back({cut("  nobody waits; new requests appear here by themselves", width_)});
  for (std::size_t i = open_from; i < std::min(open, open_from + open_shown); ++i) out.push_back(row(entries_[i], widths, now_ms));
  if (decided > 0) {
    out.push_back({cut("decided: " + std::to_string(decided), width_), Look::kTitle});
    for (std::size_t i = 0; i < decided_shown; ++i) out.push_back(row(entries_[open + decided_from + i], widths, now_ms));
  }
  return out;
}

std::vector<ScreenLine> Inbox::details(std::size_t height, std::int64_t now_ms, bool& not_whole) const {
  const Entry& entry = *chosen();
  Json request = entry.request;
  shorten_names(request);
  if (entry.open) request["deadline_in_s"] = seconds_left(entry.deadline_ms, now_ms);
  Facts facts = request_facts(request);
  const Json& ended = member(entry.grant, "ended");
  if (ended.is_object()) facts.emplace_back("taken back", ended_text(request, entry.grant));
  // Lists hold long texts cut; what is whole comes as soon as the details are asked for.
  const std::string text = text_of(request, "command.text");
  if (!text.empty() && !member(request, "command.argv").is_array()) facts.emplace_back("command", text);
  Layout layout = lay_out(facts, width_, height, number_of(request, "command.length"));
  not_whole = layout.cut;
  std::vector<ScreenLine> out;
  for (std::string& line : layout.lines) out.push_back({std::move(line)});
  return out;
}

ScreenLine Inbox::foot(std::optional<std::size_t>& cursor) const {
  if (!prompt_) {
    const bool wide = width_ >= 60;
    if (details_) return {wide ? "a approve  d deny  up/down another  enter back  q leave" : "a approve  d deny  enter back  q leave", Look::kTitle};
    return {wide ? "up/down choose  enter details  a approve  d deny  q leave" : "enter details  a/d approve/deny  q leave", Look::kTitle};
  }
  const Prompt& prompt = *prompt_;
  const std::string vote = (prompt.ballot.approve ? "approve " : "deny ") + harmless(prompt.ballot.id.substr(0, 8));
  if (prompt.stage == Stage::kSure) {
    const Entry* const entry = find(prompt.ballot.id);
    const std::string of = entry == nullptr ? "" : " of " + harmless(who(member(short_names(entry->request), "subject")));
    const std::string question = vote + of + "? y sends, esc leaves";
    return {cut(question.size() <= width_ ? question : vote + "? y sends, esc leaves", width_), Look::kTitle};
  }
  std::string label = vote + (prompt.stage == Stage::kCode ? ", their code: " : prompt.wants_reason ? ", why: " : ", why (or enter): ");
  if (label.size() > width_ / 2 + 10) label = cut(label, width_ / 2 + 10);
  std::size_t columns = 0;
  const std::string& typed = prompt.stage == Stage::kCode ? prompt.ballot.typed : prompt.ballot.reason;
  const std::string text = typed_text(typed, width_ - std::min(width_, label.size() + 1), columns);
  cursor = label.size() + columns;
  return {label + text};
}

Picture Inbox::draw(std::int64_t now_ms) const {
  Picture out;
  if (width_ < kWidthMin || height_ < kHeightMin) {
    out.lines.resize(height_);
    if (height_ > 0) out.lines[0].text = std::string("make the window larger").substr(0, width_);
    return out;
  }
  bool not_whole = false;
  out.lines = details_ ? details(height_ - 2, now_ms, not_whole) : list(height_ - 2, now_ms);
  out.lines.resize(height_ - 2);
  if (prompt_ && prompt_->stage == Stage::kSure) {
    std::size_t columns = 0;
    const std::string& reason = prompt_->ballot.reason;
    out.lines.push_back({reason.empty() ? "no reason given" : "reason: " + typed_text(reason, width_ - 8, columns)});
  } else if (note_.empty() && not_whole) {
    out.lines.push_back({cut("not all of it fits here: jitctl show " + harmless(chosen_.substr(0, 8)) + " has it whole", width_)});
  } else {
    out.lines.push_back({cut(harmless(note_), width_)});
  }
  out.lines.push_back(foot(out.cursor));
  return out;
}

}  // namespace jit::cli
