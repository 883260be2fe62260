// SPDX-License-Identifier: Apache-2.0
#include "setup/edit.h"

#include "tests/catch.h"

using namespace jit;
using setup::Mode;

namespace {

// As Debian's common files: each holds the type that its name says.
bool holds(std::string_view included, std::string_view type) {
  return included == "all" || included == "/usr/lib/pam.d/polkit-1" || included.ends_with(type) || (included == "common-session-noninteractive" && type == "session");
}

std::string edited(const char* service, const std::string& text, setup::Wanted wanted = {}) {
  const auto out = setup::with_lines(*setup::service_named(service), text, wanted, holds);
  return out.problem.empty() ? out.text : std::to_string(out.line) + ": " + out.problem;
}

// The marks are left out, so that a case stays readable.
std::string plain(std::string text) {
  for (std::size_t at = text.find(setup::kMark); at != std::string::npos; at = text.find(setup::kMark)) text.erase(at, setup::kMark.size());
  return text;
}

const std::string kAccount = "account [success=ok default=die] pam_jit.so\n", kSession = "session [success=ok default=die] pam_jit.so\n";
const std::string kAuth = "auth [success=ok default=die] pam_jit.so\n";
const std::string kRescueAccount = "account [success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*\n";
const std::string kRescueSession = "session [success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*\n";

}  // namespace

TEST_CASE("each line has its place") {
  struct {
    const char* what;
    const char* service;
    std::string text, wanted;
  } const table[] = {
      {"sudo: account first, session last", "sudo", "session required pam_limits.so\n\n@include common-auth\n@include common-account\n@include common-session-noninteractive\n# end\n",
       "session required pam_limits.so\n\n@include common-auth\n" + kAccount + "@include common-account\n@include common-session-noninteractive\n" + kSession + "# end\n"},
      {"a type that is included", "sudo", "auth include all\naccount include all\nsession optional pam_x.so\nsession include all\n",
       "auth include all\n" + kAccount + "account include all\nsession optional pam_x.so\nsession include all\n" + kSession},
      {"one include of all", "sudo-i", "@include all\n", kAccount + "@include all\n" + kSession},
      {"lines that go on stay whole", "sudo", "account required \\\n  pam_x.so\nsession required \\\n  pam_y.so\n", kAccount + "account required \\\n  pam_x.so\nsession required \\\n  pam_y.so\n" + kSession},
      {"no newline at the end", "sudo", "account required pam_x.so\nsession required pam_y.so", kAccount + "account required pam_x.so\nsession required pam_y.so\n" + kSession},
      {"su: root passes by pam_rootok first", "su", "auth sufficient pam_rootok.so\naccount sufficient pam_rootok.so\naccount required pam_x.so\nsession required pam_y.so\n",
       "auth sufficient pam_rootok.so\naccount sufficient pam_rootok.so\n" + kAccount + "account required pam_x.so\nsession required pam_y.so\n" + kSession},
      {"sshd: everybody passes by pam_rootok", "sshd", "account sufficient pam_rootok.so\nsession required pam_y.so\n", kAccount + "account sufficient pam_rootok.so\n" + kSession + "session required pam_y.so\n"},
      {"a type that is included, in capitals", "su-l", "account Include su\nsession INCLUDE su\n", "account Include su\nsession INCLUDE su\n"},
      {"sshd: nor where a jump with blanks could land behind it", "sshd", "account required pam_x.so\nsession [success = 1 default=ignore] pam_y.so\nsession required pam_loginuid.so\n",
       kAccount + "account required pam_x.so\n" + kSession + "session [success = 1 default=ignore] pam_y.so\nsession required pam_loginuid.so\n"},
      {"su-l has ours from su", "su-l", "auth include su\naccount include su\npassword include su\nsession optional pam_keyinit.so force revoke\nsession include su\n",
       "auth include su\naccount include su\npassword include su\nsession optional pam_keyinit.so force revoke\nsession include su\n"},
      {"su-l by itself", "su-l", "account required pam_x.so\nsession required pam_y.so\n", kAccount + "account required pam_x.so\nsession required pam_y.so\n" + kSession},
      {"su-l half", "su-l", "account include su\nsession required pam_y.so\n", "account include su\nsession required pam_y.so\n" + kSession},
      {"sshd: session after pam_loginuid", "sshd", "@include common-auth\naccount required pam_nologin.so\n@include common-account\nsession [success=ok default=bad] pam_selinux.so close\nsession required \\\n pam_loginuid.so\n@include common-session\n",
       "@include common-auth\n" + kAccount + "account required pam_nologin.so\n@include common-account\nsession [success=ok default=bad] pam_selinux.so close\nsession required \\\n pam_loginuid.so\n" + kSession + "@include common-session\n"},
      {"sshd: never after what may hold pam_systemd", "sshd", "account required pam_x.so\n@include common-session\nsession required pam_loginuid.so\n",
       kAccount + "account required pam_x.so\n" + kSession + "@include common-session\nsession required pam_loginuid.so\n"},
      {"sshd: nor after pam_systemd itself", "sshd", "account required pam_x.so\nsession optional pam_systemd.so\nsession required pam_loginuid.so\n",
       kAccount + "account required pam_x.so\n" + kSession + "session optional pam_systemd.so\nsession required pam_loginuid.so\n"},
      {"sshd: nor where a jump could land behind it", "sshd", "account required pam_x.so\nsession [success=2 default=ignore] pam_y.so\nsession required pam_loginuid.so\nsession required pam_x.so\n",
       kAccount + "account required pam_x.so\n" + kSession + "session [success=2 default=ignore] pam_y.so\nsession required pam_loginuid.so\nsession required pam_x.so\n"},
      {"sshd: no pam_loginuid", "sshd", "account required pam_x.so\nsession required pam_y.so\n", kAccount + "account required pam_x.so\n" + kSession + "session required pam_y.so\n"},
      {"login: each pair first", "login", "auth requisite pam_nologin.so\nsession required pam_loginuid.so\n@include common-account\n",
       "auth requisite pam_nologin.so\n" + kRescueSession + kSession + "session required pam_loginuid.so\n" + kRescueAccount + kAccount + "@include common-account\n"},
      {"polkit opens no session", "polkit-1", "@include common-auth\n@include common-account\n@include common-session\n",
       "@include common-auth\n" + kAccount + "@include common-account\n@include common-session\n"},
      {"no account", "sudo", "session required pam_y.so\n", "0: it has no account line, so what PAM does there is in another file"},
      {"no session", "sudo", "account required pam_y.so\n", "0: it has no session line, so what PAM does there is in another file"},
      {"by hand", "sudo", "account required pam_x.so\n\naccount required pam_jit.so\nsession required pam_y.so\n", "3: a line of pam_jit.so stands there that jitctl setup did not write"},
      {"by hand, by its path", "sudo", "account required /lib/security/pam_jit.so\nsession required pam_y.so\n", "1: a line of pam_jit.so stands there that jitctl setup did not write"},
      {"a line that goes on past the end", "sudo", "account required pam_x.so\nsession required pam_y.so \\\n", "2: its last line ends in a backslash"},
      {"half a line", "sudo", "account required pam_x.so\nsession required\n", "2: PAM would not take this line"},
  };
  for (const auto& row : table) {
    INFO(row.what);
    CHECK(plain(edited(row.service, row.text)) == row.wanted);
  }
}

TEST_CASE("observing lines open and close nothing") {
  const std::string text = "account required pam_x.so\nsession required pam_y.so\n";
  const std::string seen = edited("sudo", text, {Mode::kObserve, false});
  CHECK(plain(seen) == "account optional pam_jit.so observe\naccount required pam_x.so\nsession required pam_y.so\nsession optional pam_jit.so observe\n");
  CHECK(setup::has_all_lines(*setup::service_named("sudo"), seen, {Mode::kObserve, false}, holds));
  const std::string gated = edited("sudo", seen);
  CHECK(setup::has_all_lines(*setup::service_named("sudo"), gated, {}, holds));
  CHECK_FALSE(setup::has_all_lines(*setup::service_named("sudo"), seen, {}, holds));
  CHECK(gated == edited("sudo", text));
  CHECK_FALSE(setup::has_all_lines(*setup::service_named("sudo"), text, {}, holds));
}

TEST_CASE("a line in auth only where it is wanted, after all others there") {
  const std::string text = "@include common-auth\nauth required pam_x.so\naccount required pam_x.so\nsession required pam_y.so\n";
  CHECK(plain(edited("sshd", text, {Mode::kGate, true})) == "@include common-auth\nauth required pam_x.so\n" + kAuth + kAccount + "account required pam_x.so\n" + kSession + "session required pam_y.so\n");
  CHECK(edited("sudo", text, {Mode::kGate, true}) == edited("sudo", text));
}

TEST_CASE("twice is once, and out again is as it was") {
  const std::string texts[] = {"account required pam_x.so\nsession required pam_y.so\n", "account required pam_x.so\r\nsession required pam_y.so\r\n",
                               "# \xc3\xbc\n@include all\n", "@include all"};
  for (const std::string& text : texts) {
    for (const auto& service : setup::services()) {
      INFO(service.name << ": " << text);
      const auto once = setup::with_lines(service, text, {}, holds);
      REQUIRE(once.problem.empty());
      CHECK(setup::with_lines(service, once.text, {}, holds).text == once.text);
      const auto left = setup::without_lines(once.text);
      CHECK((left.text == text || left.text == text + '\n'));
      CHECK(left.by_hand.empty());
      for (const std::string& line : left.taken) CHECK(setup::is_own_line(line));
    }
  }
}

TEST_CASE("half of its lines are not all, and are made whole with the options that they had") {
  struct {
    const char* what;
    const char* service;
    std::string taken, put;  // in the file as it is set up; the first of these
    bool whole = false;
  } const table[] = {
      {"as it was", "login", "", "", true},
      {"an option by hand", "login", "default=die] pam_jit.so", "default=die] pam_jit.so budget=30 debug", true},
      {"no rescue line", "login", kRescueAccount, ""},
      {"another rescue line", "login", "user = root tty =~ *tty[0-9]*", "user = root"},
      {"a line between", "login", kAccount, "account required pam_y.so\n" + kAccount},
      {"no session line", "sudo", kSession, ""},
      {"no account line", "sudo", kAccount, ""},
      {"no auth line", "sshd", kAuth, ""},
      {"sufficient", "sudo", "[success=ok default=die] pam_jit.so", "sufficient pam_jit.so"},
      {"optional", "sudo", "[success=ok default=die] pam_jit.so", "optional pam_jit.so"},
      {"no line in a file of its own", "polkit-1", kAccount, ""},
      {"a line that is none of this file's", "su-l", "account include su\n", "account sufficient pam_jit.so\naccount include su\n"},
  };
  const setup::Wanted wanted{Mode::kGate, true};
  for (const auto& row : table) {
    INFO(row.what);
    const auto& service = *setup::service_named(row.service);
    std::string text = "auth required pam_x.so\naccount required pam_x.so\nsession required pam_y.so\n";
    if (service.name == "su-l") text = "auth include su\naccount include su\nsession include su\n";
    const auto set_up = service.name == "polkit-1" ? setup::new_file(service, "/usr/lib/pam.d/polkit-1", wanted, holds) : setup::with_lines(service, text, wanted, holds);
    REQUIRE(set_up.problem.empty());
    const auto marked = [](std::string lines) {
      for (std::size_t at = lines.find("pam_jit.so\n"); at != std::string::npos; at = lines.find("pam_jit.so\n", at + 20)) lines.insert(at + 10, setup::kMark);
      if (lines.ends_with("*tty[0-9]*\n")) lines.insert(lines.size() - 1, setup::kMark);
      return lines;
    };
    std::string half = set_up.text;
    const std::size_t at = half.find(marked(row.taken));
    REQUIRE(at != std::string::npos);
    half.replace(at, marked(row.taken).size(), marked(row.put));
    CHECK(setup::has_all_lines(service, half, wanted, holds) == row.whole);
    const auto again = setup::with_lines(service, half, wanted, holds);
    CHECK(again.problem.empty());
    if (row.put.find("budget") != std::string::npos) {
      CHECK(again.text == half);
    } else if (row.put.find("pam_y") == std::string::npos) {
      CHECK(again.text == set_up.text);
    }
    CHECK(setup::has_all_lines(service, again.text, wanted, holds));
    const auto observing = setup::with_lines(service, half, {Mode::kObserve, true}, holds);
    CHECK(observing.problem.empty());
    CHECK((row.put.find("budget") == std::string::npos || observing.text.find("observe budget=30 debug") != std::string::npos));
    CHECK(setup::without_lines(observing.text).text == setup::without_lines(half).text);
  }
}

TEST_CASE("sshd: the line of before, which stood before pam_loginuid, is moved with its options") {
  const auto& sshd = *setup::service_named("sshd");
  const std::string start = kAccount + "account required pam_x.so\n", loginuid = "session required pam_loginuid.so\n", rest = "@include common-session\n";
  const std::string ours = "session [success=ok default=die] pam_jit.so budget=30\n";
  const auto marked = [](std::string text) {
    for (std::size_t at = text.find("pam_jit.so"); at != std::string::npos; at = text.find("pam_jit.so", at + 1)) text.insert(text.find('\n', at), setup::kMark);
    return text;
  };
  const std::string before = marked(start + ours + loginuid + rest), after = marked(start + loginuid + ours + rest);
  CHECK_FALSE(setup::has_all_lines(sshd, before, {}, holds));
  CHECK(edited("sshd", before) == after);
  CHECK(setup::has_all_lines(sshd, after, {}, holds));
  // Further behind by hand, or where setup would put it itself: it stays.
  CHECK(setup::has_all_lines(sshd, marked(start + loginuid + "session required pam_y.so\n" + ours + rest), {}, holds));
  CHECK(setup::has_all_lines(sshd, marked(start + ours + rest + loginuid), {}, holds));
}

TEST_CASE("what was written by hand since stays") {
  std::string text = edited("sudo", "account required pam_x.so\nsession required pam_y.so\n");
  text.insert(0, "# mine\n");
  text += "session optional pam_z.so\nsession required pam_jit.so\n";
  text.insert(text.find("pam_jit.so  #") + 10, " budget=30");
  const auto left = setup::without_lines(text);
  CHECK(left.text == "# mine\naccount required pam_x.so\nsession required pam_y.so\nsession optional pam_z.so\nsession required pam_jit.so\n");
  REQUIRE(left.taken.size() == 2);
  CHECK_FALSE(setup::is_own_line(left.taken[0]));
  CHECK(setup::is_own_line(left.taken[1]));
  CHECK(left.by_hand == std::vector<std::uint32_t>{7});
}

TEST_CASE("a file of its own for a service that has none in /etc") {
  const auto& polkit = *setup::service_named("polkit-1");
  const auto made = setup::new_file(polkit, "/usr/lib/pam.d/polkit-1", {}, holds);
  CHECK(made.problem.empty());
  CHECK(plain(made.text) == kAccount + "@include /usr/lib/pam.d/polkit-1\n");
  const auto left = setup::without_lines(made.text);
  CHECK(left.text.empty());
  for (const std::string& line : left.taken) CHECK(setup::is_own_line(line));
}

TEST_CASE("the first line that differs") {
  CHECK(setup::first_difference("a\nb\n", "a\nb\n") == 0);
  CHECK(setup::first_difference("a\nb\n", "a\nc\n") == 2);
  CHECK(setup::first_difference("a\n", "a\nb\n") == 2);
  CHECK(setup::first_difference("", "a") == 1);
}
