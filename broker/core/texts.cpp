// SPDX-License-Identifier: Apache-2.0
#include "broker/core/texts.h"

#include <algorithm>
#include <optional>

#include "evidence/display_code.h"
#include "evidence/text.h"

namespace jit::core::texts {

std::string line(std::string_view text) { return evidence::escape_to("jit: " + std::string(text), kLineMax); }

std::string short_id(const Id& id) { return id.text().substr(0, 8); }

std::string seats(std::span<const policy::Seat> seats) {
  std::string out;
  for (const policy::Seat& seat : seats) {
    if (!out.empty()) out += " and ";
    out += std::to_string(seat.count) + " of " + seat.set;
  }
  return out;
}

namespace {

constexpr std::size_t kWordsMax = 300;  // bytes
constexpr std::size_t kAskLineMax = 440;  // with what stands in front of it, less than kLineMax

// The words as a person types them again, in front of any shell; nothing: they are too long, or cannot be shown as they are.
std::optional<std::string> typed(std::span<const std::string> argv) {
  std::string out;
  for (const std::string& word : argv) {
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("_@%+=:,./-").find(c) != std::string_view::npos; };
    const bool plain = !word.empty() && word.front() != '=' && std::ranges::all_of(word, is_plain);  // zsh looks for what stands behind one
    if (!plain && !std::ranges::all_of(word, [](char c) { return c >= ' ' && c <= '~' && c != '\'' && c != '\\' && c != '!'; })) return std::nullopt;
    out += plain ? ' ' + word : " '" + word + "'";
    if (out.size() > kWordsMax) return std::nullopt;
  }
  return out;
}

}  // namespace

std::string ask_line(const Ask& ask, const policy::Offer* offer) {
  std::string out = "jitctl request --door " + std::string(policy::name_of(ask.door));
  if (ask.door == policy::Door::kSudo || ask.door == policy::Door::kSu) out += " --as" + typed({&ask.target->user, 1}).value_or(" USER");
  if (offer != nullptr && offer->break_glass) out += " --via " + offer->rule;
  if (offer != nullptr && !offer->tickets.empty()) out += " --ticket '...'";
  out += " --reason '...'";
  // Without it another rule may answer, and what binds the command would not cover this one.
  if (ask.argv.empty()) return out;
  const std::string words = " --" + typed(ask.argv).value_or(" COMMAND");
  out += out.size() + words.size() <= kAskLineMax ? words : " -- COMMAND";  // a line that is cut would be another command
  return out;
}

namespace {

std::string left(const Request& request, BootMs now) {
  const BootMs seconds = std::max<BootMs>(1, (request.deadline - now + 999) / 1000);
  return policy::format_duration(static_cast<std::uint32_t>(seconds));
}

}  // namespace

std::string typed_code(const Request& request) {
  return request.typed_code.empty() ? "" : request.typed_code.substr(0, 3) + " " + request.typed_code.substr(3);
}

namespace {

std::vector<std::string> with_code(const Request& request, std::vector<std::string> text) {
  if (!request.typed_code.empty()) text.push_back(line("tell who approves this code, by voice: " + typed_code(request)));
  return text;
}

}  // namespace

std::vector<std::string> waiting(const Request& request, const policy::Offer& terms, BootMs now) {
  auto text = with_code(request, {line("waiting for approval by " + seats(terms.seats) + " (request " + short_id(request.id) + " \"" +
                                       evidence::display_code(request.digest) + "\", " + left(request, now) + " left)")});
  if (terms.votes != policy::Votes::kAny) {
    text.push_back(line("only signed votes count; to carry it by hand: jitctl show " + short_id(request.id) + " --code"));
  }
  return text;
}

std::string reach(const Request& request, bool reached) {
  if (reached) return line("people elsewhere can be asked again");
  return line("people who are not at this host cannot be reached now; it goes on being tried. By hand: jitctl show " + short_id(request.id) + " --code");
}

namespace {

std::string list(std::span<const std::string> words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

std::string telling(const Request& request) {
  return line("telling " + list(request.offer.notify) + " of this emergency access; it goes on within 10 s");
}

std::string told(const Told& told) {
  if (!told.channel.empty()) return told.channel + " has been told";
  return "unsent: no message to " + list(told.channels) + " has got through yet; it goes on being tried, and the log says so";
}

std::vector<std::string> kept(const Request& request, const policy::Offer& terms, BootMs now) {
  return with_code(request, {line("this needs approval by " + seats(terms.seats) + "; asked as request " + short_id(request.id) +
                                  " \"" + evidence::display_code(request.digest) + "\" (" + left(request, now) + " left)"),
                             line("approved later? try again, nothing else is needed")});
}

std::vector<std::string> approved(const Request& request, const Grant& grant) {
  std::string text = "approved";
  if (!request.ended_by.empty()) text += " by " + request.ended_by;
  text += grant.door == policy::Door::kPolkit ? ", this once" : " for " + policy::format_duration(grant.lifetime_s);
  if (request.offer.shortened && grant.door != policy::Door::kPolkit) text += " (the rule allows no longer)";
  return {line(text)};
}

std::vector<std::string> ended(const Request& request) {
  switch (request.state) {
    case RequestState::kDenied:
      return {line("denied" + (request.ended_by.empty() ? "" : " by " + request.ended_by) + (request.ended_why.empty() ? "" : ": " + request.ended_why))};
    case RequestState::kExpired: return {line("nobody answered in time: request " + short_id(request.id) + " expired")};
    case RequestState::kCancelled:
      return {line("request " + short_id(request.id) + " was cancelled" +
                   (request.ended_why.empty() ? "" : ": " + request.ended_why))};
    case RequestState::kPending:
    case RequestState::kDetached:
    case RequestState::kApproved: break;
  }
  return {line("request " + short_id(request.id) + " has ended")};
}

std::vector<std::string> refused(const policy::Decision& decision) {
  std::vector<std::string> out;
  for (const std::string& why : decision.why) {
    if (out.size() == 4) break;
    out.push_back(line("not allowed: " + why));
  }
  if (out.empty()) out.push_back(line("not allowed: no rule allows this"));
  return out;
}

std::vector<std::string> only_choices(const policy::Decision& decision) {
  std::vector<std::string> out;
  for (const std::string& why : decision.why) {
    if (out.size() == 3) break;
    out.push_back(line(why));
  }
  out.push_back(line("only break-glass remains; it is loud, and never taken by itself"));
  return out;
}

std::string choice(const policy::Offer& offer) {
  std::string out = offer.seats.empty() ? "nobody is asked" : seats(offer.seats);
  out += ", for " + policy::format_duration(offer.give_s);
  if (offer.review_s > 0) out += ", a review is owed within " + policy::format_duration(offer.review_s);
  return evidence::escape_to(out, kChoiceMax);
}

namespace {

constexpr std::string_view kOnlyAtTheDoor = "it cannot be asked for ahead of time: try again at a terminal, where you can wait";

}  // namespace

std::vector<std::string> needs_approval(const Ask& ask, const policy::Offer& offer, bool ahead) {
  return {line("this needs approval by " + seats(offer.seats) + ", and nobody can wait here"),
          line(ahead ? "ask first: " + ask_line(ask, nullptr) : std::string(kOnlyAtTheDoor))};
}

std::vector<std::string> child_refused(const Ask& ask) {
  constexpr std::size_t kShown = 200;
  const std::string& what = ask.command.path.empty() ? ask.argv.front() : ask.command.path;
  return {line(evidence::escape_to(what, kShown) + " is not covered by what was approved, so it was not started"),
          line("a program under sudo waits for no approval; run it by a sudo of its own")};
}

std::string text_required(const policy::Offer& offer, const std::vector<std::string>& missing) {
  std::string out;
  for (const std::string& kind : missing) {
    out += (out.empty() ? "a " : " and a ") + kind;
    if (kind == "reason" && offer.reason_min > 1) out += " of at least " + std::to_string(offer.reason_min) + " characters";
    if (kind != "ticket") continue;
    for (std::size_t i = 0; i < offer.tickets.size(); ++i) {
      if (!offer.tickets[i].empty()) out += (i == 0 ? " like " : " and ") + offer.tickets[i];
    }
  }
  return out + (missing.size() > 1 ? " are required" : " is required");
}

std::string text_options(const std::vector<std::string>& missing) {
  std::string out;
  for (const std::string& kind : missing) out += " --" + kind;
  return out;
}

std::vector<std::string> needs_text(const Ask& ask, const policy::Offer& offer, const std::vector<std::string>& missing, bool ahead) {
  return {line(text_required(offer, missing) + " and cannot be asked here"), line(ahead ? "ask first: " + ask_line(ask, &offer) : std::string(kOnlyAtTheDoor))};
}

}  // namespace jit::core::texts
