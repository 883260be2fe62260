// SPDX-License-Identifier: Apache-2.0
// Channel files: any text gives a channel that can be used, or errors with a place. And templates: the same text, where people's
// texts stand in a message, stays text in each of them.
#include <algorithm>

#include "notify/message/channel_file.h"
#include "notify/message/templates.h"
#include "tests/fuzz/fuzz.h"

using namespace jit::fuzz;
using namespace jit::notify;
using Json = nlohmann::json;

namespace {

void check_file(std::string_view text) {
  const ReadChannel read = read_channel("pager.toml", text);
  require(read.channel.has_value() == read.errors.empty());
  for (const std::string& error : read.errors) require(error.starts_with("pager.toml:") && harmless(error));
  if (!read.channel) return;
  const Channel& channel = *read.channel;
  require(channel.timeout_s >= 1 && channel.timeout_s <= 300);
  if (channel.kind == Kind::kExec) {
    require(!channel.command.empty() && channel.command[0].starts_with('/') && channel.url.empty());
    for (const std::string& word : channel.command) require(!has_nul(word));
  } else {
    require(channel.url.starts_with("https://") && harmless(channel.url) && channel.command.empty());
    require(channel.url.find('#') == std::string::npos && channel.url.find(' ') == std::string::npos);
  }
  require(harmless(channel.from));
  for (const std::string& to : channel.to) require(!to.empty() && harmless(to) && to.find_first_of(" ,;<>\"()") == std::string::npos);
  for (const Network& network : channel.allow) require(network.length <= 128);
}

void check_text(const std::string& text) {
  require(harmless(text) && text.find_first_of("@<>[`") == std::string::npos && text.find("://") == std::string::npos);
}

void check_texts(const Json& json) {
  if (json.is_string()) {
    std::string text = json.get<std::string>();
    if (text == "http://adaptivecards.io/schemas/adaptive-card.json") return;
    if (text.starts_with("```text\n") && text.ends_with("```")) text = text.substr(8, text.size() - 11);
    std::ranges::replace(text, '\n', ' ');
    check_text(text);
  }
  if (json.is_structured()) {
    for (const Json& each : json) check_texts(each);
  }
}

void check_templates(const std::string& text) {
  const Json host{{"id", std::string(32, 'a')}, {"name", text}};
  Json entry{{"seq", 1}, {"event", "decided"}, {"channels", {text}}, {"at_ms", 1}, {"left_ms", 2}, {"request", std::string(32, 'b')}, {"seats", {{{"set", text}, {"count", 1}}}}};
  for (const char* const name : {"door", "reason", "ticket", "urgency", "rule", "code", "state", "by", "why", "added"}) entry[name] = text;
  for (const char* const name : {"who", "target"}) entry[name] = {{"name", text}, {"person", text}, {"from", text}};
  entry["command"] = {{"text", text}};
  const auto notice = read_notice(host, entry, 5);
  require(notice.has_value());
  for (const Template form : {Template::kJson, Template::kSlack, Template::kTeams, Template::kMattermost}) {
    Channel channel;
    channel.form = form;
    check_texts(Json::parse(render(channel, *notice)));
  }
  Channel mail;
  mail.form = Template::kMail;
  mail.from = "a@b.example";
  mail.to = {"c@d.example"};
  const std::string message = render(mail, *notice);
  require(message.starts_with("From: a@b.example\nTo: c@d.example\nSubject: [jit] "));
  std::size_t headers = 0;
  for (const std::string& line : lines_of(message.substr(0, message.find("\n\n")))) headers += line.find(": ") != std::string::npos ? 1 : 0;
  require(headers == 11);
  for (const std::string& line : lines_of(message)) require(harmless(line) && line.size() <= 998 && !line.starts_with("."));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  check_file(text);
  check_templates(std::string(text));
  return 0;
}
