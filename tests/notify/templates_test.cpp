// SPDX-License-Identifier: Apache-2.0
#include "notify/message/templates.h"

#include <set>
#include <sstream>

#include "tests/catch.h"
#include "tests/notify/notices.h"

using namespace jit::notify;
using namespace jit::notify_test;
using Json = nlohmann::json;

namespace {

Channel channel(Template form) {
  Channel out;
  out.kind = form == Template::kMail ? Kind::kExec : Kind::kWebhook;
  out.form = form;
  out.from = "jit@example.org";
  out.to = {"a@example.org", "b@example.org"};
  return out;
}

// A request in which every text is this one.
Notice nasty(const std::string& text) {
  Json entry = request_entry();
  for (const char* const name : {"door", "service", "reason", "ticket", "urgency", "rule", "scope", "code", "kind", "state", "by", "why", "added"}) entry[name] = text;
  for (const char* const name : {"who", "target"}) entry[name]["name"] = text;
  entry["target"]["group"] = text;
  for (const char* const name : {"person", "login", "from", "tty", text.c_str()}) entry["who"][name] = text;
  entry["command"]["text"] = text;
  entry["seats"][0]["set"] = text;
  const auto out = read_notice(Json{{"id", kHost["id"]}, {"name", text}}, entry, 5);
  REQUIRE(out);
  return *out;
}

// Every text of a document, keys too.
void texts(const Json& json, std::vector<std::string>& out) {
  if (json.is_string()) out.push_back(json.get<std::string>());
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items()) {
    if (json.is_object()) out.push_back(key);
    texts(value, out);
  }
}

bool ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return (c >= 0x20 && c <= 0x7e) || c == '\n'; });
}

// Of a template: where text of ours stands, that is markup there.
const std::set<std::string> kOurs{"http://adaptivecards.io/schemas/adaptive-card.json"};

}  // namespace

TEST_CASE("no template lets anything through that is more than text") {
  for (const Template form : {Template::kJson, Template::kSlack, Template::kTeams, Template::kMattermost}) {
    for (const std::string text : kNasty) {
      const Notice notice = nasty(text);
      const std::string body = render(channel(form), notice);
      INFO(body);
      CHECK(ascii(body));
      std::vector<std::string> all;
      texts(Json::parse(body), all);
      for (std::string each : all) {
        if (kOurs.contains(each)) continue;
        CHECK(ascii(each));
        if (form == Template::kMattermost && each.starts_with("```text\n") && each.ends_with("```")) each = each.substr(8, each.size() - 11);
        for (const char c : {'@', '<', '>', '`', '['}) CHECK(each.find(c) == std::string::npos);
        CHECK(each.find("://") == std::string::npos);
      }
    }
  }
}

TEST_CASE("each document is what its service takes") {
  const Notice notice = notice_of(request_entry());
  const Json json = Json::parse(render(channel(Template::kJson), notice));
  CHECK(json["version"] == 1);
  CHECK(json["id"] == notice.key);
  CHECK(json["event"] == "request");
  CHECK(json["request"] == notice.request);
  CHECK(json["host"]["name"] == "web1");
  CHECK(json["command"]["text"] == "systemctl restart nginx");
  CHECK(json["seats"][0]["count"] == 2);
  CHECK(json["text"] == text_of(notice));

  const Json slack = Json::parse(render(channel(Template::kSlack), notice));
  CHECK(slack["text"] == notice.title);
  CHECK(slack["mrkdwn"] == false);
  CHECK(slack["unfurl_links"] == false);
  for (const Json& block : slack["blocks"]) CHECK(block["text"]["type"] == "plain_text");

  const Json teams = Json::parse(render(channel(Template::kTeams), notice));
  CHECK(teams["type"] == "message");
  const Json& card = teams["attachments"][0];
  CHECK(card["contentType"] == "application/vnd.microsoft.card.adaptive");
  CHECK(card["content"]["type"] == "AdaptiveCard");
  for (const Json& block : card["content"]["body"]) {
    CHECK(block["type"] == "RichTextBlock");
    CHECK(block["inlines"][0]["type"] == "TextRun");
  }
  CHECK(card["content"]["body"][0]["inlines"][0]["text"] == notice.title);

  const std::string mattermost = Json::parse(render(channel(Template::kMattermost), notice))["text"];
  CHECK(mattermost.starts_with("```text\njit: " + notice.title + "\n"));
  CHECK(mattermost.ends_with("\n```"));
}

TEST_CASE("nothing is longer than Slack takes") {
  const Json slack = Json::parse(render(channel(Template::kSlack), nasty(std::string(4000, '&'))));
  CHECK(slack["blocks"][0]["text"]["text"].get<std::string>().size() <= 150);
  CHECK(slack["blocks"][1]["text"]["text"].get<std::string>().size() <= 3000);
}

TEST_CASE("a mail is one message, whatever stands in it") {
  for (const std::string text : kNasty) {
    const std::string mail = render(channel(Template::kMail), nasty(text));
    INFO(mail);
    CHECK(ascii(mail));
    const std::size_t end = mail.find("\n\n");
    REQUIRE(end != std::string::npos);
    std::istringstream headers(mail.substr(0, end));
    std::vector<std::string> names;
    for (std::string line; std::getline(headers, line);) {
      CHECK(line.size() <= 998);
      if (!line.starts_with(' ')) names.push_back(line.substr(0, line.find(':')));
    }
    CHECK(names == std::vector<std::string>{"From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"});
    std::istringstream body(mail.substr(end + 2));
    for (std::string line; std::getline(body, line);) {
      CHECK(line.size() <= 998);
      CHECK_FALSE(line.starts_with("."));
      CHECK_FALSE(line.starts_with("From "));
    }
  }
}

TEST_CASE("what a mail's headers say") {
  const std::string mail = render(channel(Template::kMail), notice_of(request_entry()));
  CHECK(mail.starts_with("From: jit@example.org\nTo: a@example.org,\n b@example.org\nSubject: [jit] web1: alice asks for sudo as root (1a2b3c4d)\nDate: Tue, 14 Nov 2023 22:13:20 +0000\n"));
  CHECK(mail.find("\nAuto-Submitted: auto-generated\n") != std::string::npos);
  CHECK(mail.find("\nReferences: <1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d@0123456789abcdef0123456789abcdef.pam-jit.invalid>\n") != std::string::npos);
}

TEST_CASE("long texts are folded in a mail") {
  const std::string mail = render(channel(Template::kMail), nasty(std::string(5000, 'x')));
  std::istringstream lines(mail);
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 998);
}

TEST_CASE("a signature is that of Standard Webhooks") {
  // The example of the specification.
  const auto secret = read_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
  REQUIRE(secret);
  const auto headers = signature_headers(*secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}");
  CHECK(headers == std::vector<std::string>{"webhook-timestamp: 1614265330", "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="});
}

TEST_CASE("what is no secret is none") {
  for (const char* const text : {"", "hunter2", "whsec_", "whsec_MfKQ", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\n"}) CHECK_FALSE(read_secret(text));
}

TEST_CASE("a test says that it is one") {
  const Notice notice = test_notice("web1", "pager", 1'700'000'000'000);
  CHECK(notice.title == "web1: this is a test of channel pager");
  CHECK(Json::parse(render(channel(Template::kJson), notice))["event"] == "test");
}
