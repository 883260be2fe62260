// SPDX-License-Identifier: Apache-2.0
#include "notify/message/channel_file.h"

#include <fstream>
#include <sstream>

#include "tests/catch.h"

using namespace jit::notify;

namespace {

std::string file(const std::string& name) {
  std::ifstream in(std::string(JIT_CHANNELS) + "/" + name);
  std::ostringstream out;
  out << in.rdbuf();
  REQUIRE(!out.str().empty());
  return out.str();
}

// The first complaint; empty: there is none.
std::string wrong(const std::string& text) {
  const ReadChannel read = read_channel("pager.toml", text);
  CHECK(read.errors.empty() == read.channel.has_value());
  return read.errors.empty() ? std::string() : read.errors.front();
}

const std::string kExec = "kind = \"exec\"\ncommand = [\"/bin/x\"]\n";
const std::string kHook = "kind = \"webhook\"\nurl = \"https://hooks.example.org/x\"\n";
const std::string kMail = kExec + "template = \"mail\"\nfrom = \"a@b.example\"\nto = [\"c@d.example\"]\n";

}  // namespace

TEST_CASE("the channel of a mail") {
  const auto channel = read_channel("x", file("exec.toml")).channel;
  REQUIRE(channel);
  CHECK(channel->kind == Kind::kExec);
  CHECK(channel->form == Template::kMail);
  CHECK(channel->command == std::vector<std::string>{"/usr/bin/msmtp", "-t", "--read-envelope-from"});
  CHECK(channel->from == "jit@example.org");
  CHECK(channel->to == std::vector<std::string>{"on-call@example.org", "root"});
  CHECK(channel->timeout_s == 120);
  for (const std::string_view event : kEvents) CHECK(channel->wants(event));
}

TEST_CASE("the channel of a webhook") {
  const auto channel = read_channel("x", file("webhook.toml")).channel;
  REQUIRE(channel);
  CHECK(channel->kind == Kind::kWebhook);
  CHECK(channel->form == Template::kSlack);
  CHECK(channel->url == "https://[2001:db8::1]:8443/services/T000/B000?x=%20");
  CHECK(channel->ca == "/etc/jit/ca.crt");
  CHECK(channel->secret == "/etc/jit/notify.d/pager.secret");
  CHECK(channel->allow.size() == 3);
  CHECK(channel->timeout_s == 30);
  CHECK_FALSE(channel->wants("request"));
}

TEST_CASE("all that is wrong is said, each with its place") {
  const ReadChannel read = read_channel("/etc/jit/notify.d/pager.toml", file("wrong.toml"));
  CHECK_FALSE(read.channel);
  std::string all;
  for (const std::string& error : read.errors) all += error + "\n";
  INFO(all);
  for (const char* const what : {"pager.toml:7:1: `shell` is no key", "pager.toml:3:12: template: \"json\", \"slack\"", "pager.toml:8:12: timeout", "pager.toml:6:12: command is for exec channels only",
                                 "pager.toml:4:12: url: https://", "pager.toml:5:13: allow: each is an address"}) {
    INFO(what);
    CHECK(all.find(what) != std::string::npos);
  }
}

TEST_CASE("what a channel must not be") {
  const std::pair<std::string, const char*> cases[] = {
      {"", "kind must be said"},
      {"kind = \"shell\"\n", "kind: \"exec\" or \"webhook\""},
      {"kind = \"exec\"\n", "command must be said"},
      {"kind = \"exec\"\ncommand = \"/bin/x\"\n", "command is a list"},
      {"kind = \"exec\"\ncommand = []\n", "absolute path"},
      {"kind = \"exec\"\ncommand = [\"mail\"]\n", "absolute path"},
      {"kind = \"exec\"\ncommand = [\"/bin/x\", 7]\n", "command:"},
      {"kind = \"exec\"\ncommand = [\"/bin/x\\u0000y\"]\n", "command:"},
      {kExec + "template = \"slack\"\n", "template: \"json\" or \"mail\""},
      {kExec + "from = \"a@b.example\"\n", "only"},
      {kExec + "url = \"https://x\"\n", "url is for webhooks only"},
      {kExec + "timeout = \"0s\"\n", "timeout"},
      {kExec + "timeout = \"6m\"\n", "timeout"},
      {kExec + "timeout = \"99999999999s\"\n", "timeout"},
      {kExec + "timeout = \"s\"\n", "timeout"},
      {kExec + "events = [\"everything\"]\n", "events: each is one of"},
      {kExec + "events = \"request\"\n", "events is a list"},
      {kExec + "kind = \"exec\"\n", "pager.toml:3:"},
      {kExec + "x = [", "pager.toml:3:"},
      {kExec + "template = \"mail\"\nto = [\"a@b.example\"]\n", "from must be said"},
      {kExec + "template = \"mail\"\nfrom = \"a@b.example\"\n", "to must be said"},
      {kExec + "template = \"mail\"\nfrom = \"a@b.example\"\nto = []\n", "at least one"},
      {"kind = \"webhook\"\n", "url must be said"},
      {kHook + "secret = \"x\"\n", "absolute path"},
      {kHook + "ca = 7\n", "absolute path"},
      {kHook + "allow = [\"10.0.0.1/8\"]\n", "allow"},
      {kHook + "allow = [\"localhost\"]\n", "allow"},
      {std::string(70'000, '#'), "longer than"},
      {kHook + "\xff\xfe\n", "utf-8"},
  };
  for (const auto& [text, what] : cases) {
    INFO(text.substr(0, 200));
    const std::string error = wrong(text);
    INFO(error);
    CHECK(error.find(what) != std::string::npos);
    CHECK(error.starts_with("pager.toml:"));
  }
  CHECK(wrong(kExec).empty());
  CHECK(wrong(kHook).empty());
  CHECK(wrong(kMail).empty());
}

TEST_CASE("urls that could be read in two ways are none") {
  const auto url = [](const std::string& text) { return wrong("kind = \"webhook\"\nurl = '" + text + "'\n").empty(); };
  for (const char* const good : {"https://a", "https://a.example/", "https://a.example:443/x?y=z&u=@x", "https://[::1]:8443/x", "https://192.0.2.1/", "https://a_b.example/%20"}) {
    INFO(good);
    CHECK(url(good));
  }
  for (const char* const bad : {"http://a.example/", "HTTPS://a.example/", "https:/a", "https://", "https:///x", "https://user@a.example/", "https://a.example@evil.example/", "https://a.example\\@evil/",
                                "https://a.example/#x", "https://a.example/ x", "https://a.example:/", "https://a.example:0/", "https://a.example:65536/", "https://a.example:80x/", "https://a:1:2/",
                                "https://[::1/", "https://[::1]x/", "https://[127.0.0.1]/", "https://[::1]:/", "https://[fe80::1%25lo]/", "https://-a/", "https://.a/", "https://a%2eb/", "file:///etc/passwd", "https://\xc3\xa4/"}) {
    INFO(bad);
    CHECK_FALSE(url(bad));
  }
}

TEST_CASE("addresses of mail cannot carry a header") {
  const auto to = [](const std::string& text) { return wrong(kExec + "template = \"mail\"\nfrom = \"a@b.example\"\nto = [\"" + text + "\"]\n").empty(); };
  for (const char* const good : {"bob@example.org", "root", "a.b+c@x-y.example", "o'neill@example.org"}) {
    INFO(good);
    CHECK(to(good));
  }
  for (const char* const bad : {"", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\\nBcc: evil@x", "a@b\\r\\nX: y", "\\\"a\\\"@b", "<a@b>", "Bob <a@b>", "a,b@c", "a..b@c", ".a@b", "a.@b", "a@.b", "a@b..c", "-oQ/tmp@b", "a@b c",
                                "\\u00e4@b", "a@[127.0.0.1]", "a(x)@b", "a@b;c"}) {
    INFO(bad);
    CHECK_FALSE(to(bad));
  }
}

TEST_CASE("names of channels") {
  for (const char* const good : {"pager", "db-audit", "A_1"}) CHECK(valid_channel_name(good));
  for (const char* const bad : {"", "../x", "a b", "a.b", "\xc3\xa4"}) CHECK_FALSE(valid_channel_name(bad));
  CHECK_FALSE(valid_channel_name(std::string(65, 'a')));
}
