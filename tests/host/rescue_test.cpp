// SPDX-License-Identifier: Apache-2.0
#include "host/rescue.h"

#include <fcntl.h>

#include "tests/catch.h"

#include "tests/host/folder.h"

using namespace jit;

namespace {

constexpr const char* kJump = " [success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ ";
const std::string kOurs = " required pam_jit.so\n";

std::string rescued(const std::string& kind, const std::string& pattern = "*tty[0-9]*") { return kind + kJump + pattern + '\n' + kind + kOurs; }

std::string text_of(std::optional<bool> lines) { return !lines ? "not known" : *lines ? "yes" : "no"; }

}  // namespace

TEST_CASE("the rescue lines of login are found where libpam would follow them") {
  const std::string both = rescued("account") + rescued("session");
  struct {
    const char* what;
    std::string login;
    std::string lines, why = {};
    std::vector<std::string> declared = {"tty[0-9]*"};
  } const table[] = {
      {"as setup writes them", both, "yes"},
      {"other lines around", "account required pam_nologin.so\n" + both + "@include common\n", "yes"},
      {"another type between", "account" + std::string(kJump) + "*tty[0-9]*\nsession optional pam_x.so\naccount" + kOurs, "yes"},
      {"absent", "account" + kOurs + "session" + kOurs, "no", "/login:1: no rescue line stands directly before this account line"},
      {"for the session only", "account" + kOurs + rescued("session"), "no", "login:1: "},
      {"for the account only", rescued("account") + "session" + kOurs, "no", "login:3: no rescue line stands directly before this session line"},
      {"after the pam_jit line", "account" + kOurs + "account" + kJump + "*tty[0-9]*\n", "no", "login:1: "},
      {"a line between", "account" + std::string(kJump) + "*tty[0-9]*\naccount required pam_unix.so\naccount" + kOurs, "no", "login:3: "},
      {"wrong tty", rescued("account", "*pts*"), "no", "login:2: the rescue line before this account line does not let root in at /dev/tty[0-9]*"},
      {"without /dev/, which login says", rescued("account", "tty[0-9]*"), "no", "at /dev/tty[0-9]*"},
      {"less than is declared", rescued("account", "*tty[1-6]"), "no", "at /dev/tty[0-9]*"},
      {"more than is declared", rescued("account", "*tty*"), "yes"},
      {"all that is declared", rescued("account", "*tty[1-6]"), "yes", "", {"tty1", "tty2"}},
      {"one of two", rescued("account"), "no", "at /dev/ttyS0", {"tty[0-9]*", "ttyS0"}},
      {"a serial line of its own",
       "account [success=2 default=ignore] pam_succeed_if.so user = root tty = /dev/ttyS0\n" + rescued("account"), "yes", "", {"tty[0-9]*", "/dev/ttyS0"}},
      {"a jump that is too short",
       "account [success=1 default=ignore] pam_succeed_if.so user = root tty = /dev/ttyS0\n" + rescued("account"), "no", "at /dev/ttyS0", {"tty[0-9]*", "ttyS0"}},
      {"a jump that is too long", "account [success=2 default=ignore] pam_succeed_if.so user = root tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"not of root", "account [success=1 default=ignore] pam_succeed_if.so user = alice tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"of everybody", "account [success=1 default=ignore] pam_succeed_if.so tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"a condition more", "account [success=1 default=ignore] pam_succeed_if.so user = root tty =~ * service in login\naccount" + kOurs, "no", "login:2: "},
      {"use_uid asks somebody else", "account [success=1 default=ignore] pam_succeed_if.so use_uid user = root tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"root by number", "account [default=ignore success=1] pam_succeed_if.so uid eq 0 tty =~ *\naccount" + kOurs, "yes"},
      {"dies where it does not match", "account [success=1 default=die] pam_succeed_if.so user = root tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"required", "account required pam_succeed_if.so user = root tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"sufficient", "account sufficient pam_succeed_if.so user = root tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"another module", "account [success=1 default=ignore] pam_permit.so user = root tty =~ *\naccount" + kOurs, "no", "login:2: "},
      {"included", "@include rescued\n", "yes"},
      {"the rescue line included, ours not", "account include line\naccount" + kOurs, "yes"},
      {"in a substack, which a jump does not leave", "account substack line\naccount" + kOurs, "no", "login:2: "},
      {"both in a substack", "account substack rescued\n", "yes"},
      {"auth too", "auth" + kOurs + both, "no", "before this auth line"},
      {"no line of ours", "account required pam_unix.so\n", "not known"},
      {"only observing", "account optional pam_jit.so observe\n", "not known"},
      {"a pattern that is not read here", rescued("account", "/dev/tty[[:digit:]]"), "not known"},
      {"nothing declared, and a line", rescued("account", "*tty1"), "yes", "", {}},
      {"half written", "account\n", "not known"},
  };
  for (const auto& row : table) {
    INFO(row.what);
    const test::TemporaryFolder folder;
    folder.put("login", row.login);
    folder.put("common", "account required pam_unix.so\n");
    folder.put("rescued", both);
    folder.put("line", "account" + std::string(kJump) + "*tty[0-9]*\n");
    const host::Rescue found = host::rescue_of({{folder.path}}, row.declared);
    INFO(found.why);
    CHECK(text_of(found.lines) == row.lines);
    CHECK(found.why.find(row.why) != std::string::npos);
    CHECK(found.why.empty() == (row.lines != "no"));
  }
  const test::TemporaryFolder empty;
  CHECK(host::rescue_of({{empty.path}}, std::vector<std::string>{"tty1"}).lines == std::nullopt);
}

TEST_CASE("a door observes where each line of ours does") {
  const std::string observes = "account optional pam_jit.so observe\n";
  struct {
    const char* what;
    std::string sudo, sudo_i;
    bool yes;
  } const table[] = {
      {"one service", observes, "", true},
      {"both", observes + "session optional pam_jit.so observe budget=10\n", "@include sudo\n", true},
      {"one of two gates", observes, "account required pam_jit.so\n", false},
      {"observe with required gates", "account required pam_jit.so observe\n", "", false},
      {"optional without observe", "account optional pam_jit.so\n", "", false},
      {"one line of two", observes + "session required pam_jit.so\n", "", false},
      {"no line of ours", "account required pam_unix.so\n", "", false},
      {"a service that cannot be read", observes, "@include none\n", false},
  };
  for (const auto& row : table) {
    INFO(row.what);
    const test::TemporaryFolder folder;
    folder.put("sudo", row.sudo);
    folder.put("sudo-i", row.sudo_i);
    const timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
    REQUIRE(utimensat(AT_FDCWD, folder.at("sudo").c_str(), times, 0) == 0);
    const auto found = host::observing({{folder.path}});
    CHECK(found.contains(policy::Door::kSudo) == row.yes);
    CHECK(found.size() == (row.yes ? 1U : 0U));
    if (row.yes) CHECK(found.at(policy::Door::kSudo) == 1'700'000'000);
  }
}
