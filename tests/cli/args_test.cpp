// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include "tests/catch.h"
#include <set>

#include "cli/commands.h"

using namespace jit::cli;

namespace {

using Words = std::vector<std::string>;

Args good(const Words& words) {
  const auto got = parse_args(words);
  INFO((got ? "" : got.failure().message));
  REQUIRE(got);
  return *got;
}

}  // namespace

TEST_CASE("a request line") {
  const Args args = good({"request", "--door", "sudo", "--as=root", "--for", "30m", "-m", "why not", "--wait", "--", "ls", "--as", "--"});
  CHECK(args.verb == "request");
  CHECK(args.value(Option::kAs) == "root");
  CHECK(args.value(Option::kReason) == "why not");
  CHECK(args.has(Option::kWait));
  CHECK(!args.has(Option::kJson));
  CHECK(args.command == Words{"ls", "--as", "--"});
}

TEST_CASE("good lines") {
  CHECK(good({"approve", "abcd", "--for", "15m"}).words == Words{"abcd"});
  CHECK(good({"deny", "-m", "no", "abcd"}).words == Words{"abcd"});
  CHECK(good({"audit", "log", "--limit", "5"}).verb == "audit log");
  CHECK(good({"policy", "check", "--", "--odd-name"}).words == Words{"--odd-name"});
  CHECK(good({"help", "audit", "log"}).words == Words{"audit", "log"});
  CHECK(good({"approve", "--help"}).verb == "help");
  CHECK(good({"--version"}).verb == "version");
  CHECK(good({"deny", "abcd", "--reason="}).value(Option::kReason).empty());
  CHECK(good({"deny", "abcd", "-m", "-x"}).value(Option::kReason) == "-x");
  CHECK(good({"--json", "--no-pager", "audit", "log"}).has(Option::kJson));
  CHECK(good({"requests", "--no-pager"}).values.empty());
}

TEST_CASE("bad lines are usage, and say what to do") {
  const std::vector<Words> rows = {
      {},
      {""},
      {"frobnicate"},
      {"--json"},
      {"\x1b[2J"},
      {"policy"},
      {"policy", "frob"},
      {"audit"},
      {"approve"},
      {"approve", "abcd", "efgh"},
      {"approve", "abcd", "--door", "su"},
      {"request", "ls"},
      {"request", "--"},
      {"request", "--for"},
      {"request", "--wait=1"},
      {"request", "--as", "a", "--as", "b"},
      {"request", "--a", "root"},
      {"requests", "-x"},
      {"request", "-m"},
      {"watch", "now"},
      {"show", std::string(kArgsMax, 'a')},
  };
  for (const Words& row : rows) {
    CAPTURE(row.empty() ? "" : row.front());
    const auto got = parse_args(row);
    REQUIRE(!got);
    CHECK(got.failure().code == Exit::kUsage);
    const std::string& text = got.failure().message;
    CHECK(!text.empty());
    CHECK(text.find('\n') == std::string::npos);
    CHECK(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST_CASE("each verb has its help") {
  std::set<std::string_view> names;
  for (const Verb& verb : verbs()) {
    names.insert(verb.name);
    CHECK(!verb.help.empty());
    CHECK(usage_of(verb).starts_with("jitctl " + std::string(verb.name)));
    CHECK(verb.least <= verb.most);
  }
  CHECK(names.size() == verbs().size());
}

TEST_CASE("since") {
  constexpr std::int64_t kNow = 1'795'000'000'000;
  struct Row {
    const char* text;
    std::optional<std::int64_t> ms;
  };
  const Row rows[] = {
      {"2h", kNow - 7'200'000},
      {"90s", kNow - 90'000},
      {"2026-11-18T11:06:40Z", kNow},
      {"2026-11-18T12:06:40+01:00", kNow},
      {"2026-11-18T05:36:40-05:30", kNow},
      {"2026-11-18T11:06Z", kNow - 40'000},
      {"1970-01-01T00:00Z", 0},
      {"1970-01-01T00:00+10:00", 0},
      {"100d", kNow - 8'640'000'000},
      {"", std::nullopt},
      {"yesterday", std::nullopt},
      {"2026-11-18", std::nullopt},
      {"2026-11-18T11:06:40", std::nullopt},
      {"2026-13-18T11:06:40Z", std::nullopt},
      {"2028-02-29T00:00Z", 1'835'395'200'000},
      {"2026-02-29T00:00Z", std::nullopt},
      {"2026-02-31T10:00Z", std::nullopt},
      {"2026-11-31T08:00Z", std::nullopt},
      {"2026-11-00T08:00Z", std::nullopt},
      {"2026-00-18T08:00Z", std::nullopt},
      {"2026-11-18T11:06:4Z", std::nullopt},
      {"2026-11-18T11:06:40.5Z", std::nullopt},
      {"2026-11-18T11:06:40+1:00", std::nullopt},
      {"-2026-1-18T11:06Z", std::nullopt},
      {"9999999999999999999s", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(parse_since(row.text, kNow) == row.ms);
    if (row.text[0] == '2' && row.text[1] == '0') CHECK(parse_ahead(row.text, kNow) == row.ms);
  }
}

TEST_CASE("options are checked before the bus is touched") {
  const auto args = [](Option option, std::string value) {
    Args out;
    out.values.emplace(option, std::move(value));
    return out;
  };
  for (const char* bad : {"", "0s", "-1s", "30", "1e9", "59.9s", "4294967296s", "30m ", "NaN"}) {
    CAPTURE(bad);
    CHECK(!duration_of(args(Option::kFor, bad)));
  }
  CHECK(*duration_of(args(Option::kFor, "90s")) == 90U);
  CHECK(!reason_of(args(Option::kReason, "  "), true));
  CHECK(!reason_of({}, true));
  CHECK(reason_of({}, false));
  CHECK(!reason_of(args(Option::kReason, "\xff"), false));
  CHECK(!reason_of(args(Option::kReason, std::string(1025, 'a')), false));
  for (const char* bad : {"", "abc", "ABCD", "xyz1", "abcd\n", "0123456789abcdef0123456789abcdef0"}) {
    CAPTURE(bad);
    CHECK(!jit::cli::id_of(std::string(bad)));
  }
}
