// SPDX-License-Identifier: Apache-2.0
#include "notify/message/templates.h"

#include <ctime>

#include "evidence/base64.h"
#include "evidence/hmac.h"

namespace jit::notify {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kLineMax = 900;
constexpr std::size_t kSubjectMax = 200;
constexpr std::size_t kSlackMax = 2900;  // Slack takes 3000 in a section
constexpr std::size_t kHeaderMax = 150;  // and 150 in a header

// Longer lines are folded: every line of the rest is set in.
void add_line(std::string& out, std::string_view line) {
  while (line.size() > kLineMax) {
    out += std::string(line.substr(0, kLineMax)) + "\n    ";
    line.remove_prefix(kLineMax);
  }
  out += std::string(line) + "\n";
}

std::string fact_lines(const Notice& notice) {
  std::string out;
  for (const auto& [label, value] : notice.facts) add_line(out, label + ": " + value);
  out += "\n";
  for (const std::string& line : notice.next) add_line(out, line);
  return out;
}

std::string cut(const std::string& text, std::size_t most) { return text.size() <= most ? text : text.substr(0, most - 3) + "..."; }

// The three characters that Slack takes for its own.
std::string for_slack(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

// Sections of plain text are never read as markup.
OrderedJson slack(const Notice& notice) {
  const auto plain = [](const std::string& text) { return OrderedJson{{"type", "plain_text"}, {"text", text}, {"emoji", false}}; };
  OrderedJson blocks = OrderedJson::array();
  blocks.push_back({{"type", "header"}, {"text", plain(cut(for_slack(notice.title), kHeaderMax))}});
  blocks.push_back({{"type", "section"}, {"text", plain(cut(for_slack(fact_lines(notice)), kSlackMax))}});
  return {{"text", for_slack(notice.title)}, {"mrkdwn", false}, {"unfurl_links", false}, {"unfurl_media", false}, {"blocks", std::move(blocks)}};
}

// Text runs, which are no Markdown; a TextBlock would be.
OrderedJson teams(const Notice& notice) {
  OrderedJson body = OrderedJson::array();
  const auto add = [&](const std::string& text, OrderedJson run) {
    run["type"] = "TextRun";
    run["text"] = text;
    OrderedJson block{{"type", "RichTextBlock"}, {"inlines", OrderedJson::array()}};
    block["inlines"].push_back(std::move(run));
    body.push_back(std::move(block));
  };
  add(notice.title, {{"weight", "Bolder"}});
  for (const auto& [label, value] : notice.facts) add(label + ": " + value, {{"fontType", "Monospace"}});
  for (const std::string& line : notice.next) add(line, OrderedJson::object());
  OrderedJson card{{"$schema", "http://adaptivecards.io/schemas/adaptive-card.json"}, {"type", "AdaptiveCard"}, {"version", "1.2"}, {"body", std::move(body)}};
  OrderedJson attachment{{"contentType", "application/vnd.microsoft.card.adaptive"}, {"contentUrl", nullptr}, {"content", std::move(card)}};
  OrderedJson out{{"type", "message"}, {"attachments", OrderedJson::array()}};
  out["attachments"].push_back(std::move(attachment));
  return out;
}

// A block of code, which nothing in it can close: it has no backtick.
OrderedJson mattermost(const Notice& notice) { return {{"text", "```text\n" + text_of(notice) + "```"}}; }

std::string date_of(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  // Not by strftime, whose names are those of a locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64] = "";
  std::snprintf(text, sizeof text, "%s, %d %s %d %02d:%02d:%02d +0000", kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return text;
}

// Every header is made of what the channel file says, which has no line end, and of inert text, which has none either.
std::string mail(const Channel& channel, const Notice& notice) {
  const std::string domain = notice.host_id + ".pam-jit.invalid";
  std::string out = "From: " + channel.from + "\nTo: ";
  for (std::size_t i = 0; i < channel.to.size(); ++i) out += (i == 0 ? "" : ",\n ") + channel.to[i];
  out += "\nSubject: [jit] " + cut(notice.title, kSubjectMax);
  out += "\nDate: " + date_of(notice.at_ms);
  out += "\nMessage-ID: <" + notice.key + "@" + domain + ">";
  // What belongs to one request stands together.
  if (!notice.request.empty()) out += "\nReferences: <" + notice.request + "@" + domain + ">";
  out += "\nAuto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n"
         "Content-Transfer-Encoding: 7bit\n\n";
  return out + text_of(notice);
}

}  // namespace

std::string text_of(const Notice& notice) {
  std::string out;
  add_line(out, "jit: " + notice.title);  // so that no line begins as somebody else wants
  return out + "\n" + fact_lines(notice);
}

std::string content_type(Template form) { return form == Template::kMail ? "message/rfc822" : "application/json"; }

std::string render(const Channel& channel, const Notice& notice) {
  switch (channel.form) {
    case Template::kMail: return mail(channel, notice);
    case Template::kSlack: return slack(notice).dump();
    case Template::kTeams: return teams(notice).dump();
    case Template::kMattermost: return mattermost(notice).dump();
    case Template::kJson: break;
  }
  OrderedJson out = notice.document;
  out["text"] = text_of(notice);
  return out.dump() + "\n";
}

std::optional<std::string> read_secret(std::string_view text) {
  constexpr std::string_view kPrefix = "whsec_";
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const auto bytes = evidence::from_base64(text.substr(kPrefix.size()));
  if (!bytes || bytes->size() < 24 || bytes->size() > 64) return std::nullopt;
  return std::string(evidence::text_of(*bytes));
}

std::vector<std::string> signature_headers(const std::string& secret, const std::string& id, std::int64_t unix_s, const std::string& body) {
  const std::string time = std::to_string(unix_s);
  const auto mac = evidence::hmac_sha256(secret, id + "." + time + "." + body);
  return {"webhook-timestamp: " + time, "webhook-signature: v1," + evidence::base64(mac)};
}

}  // namespace jit::notify
