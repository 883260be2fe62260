// SPDX-License-Identifier: Apache-2.0
#include "setup/inspect.h"

#include "tests/catch.h"
#include <set>

#include "tests/host/folder.h"

using namespace jit;
using setup::Stands;

namespace {

const std::string kGood = "[success=ok default=die] pam_jit.so\n";
const std::string kRescue = "[success=1 default=ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*\n";

setup::Inspected seen(const char* service, const std::string& text) {
  const test::TemporaryFolder folder;
  folder.put(service, text);
  folder.put("common", "account sufficient pam_x.so\nsession optional pam_systemd.so\n");
  return setup::inspect(*setup::service_named(service), host::read_service({{folder.path}}, service));
}

// "hole 1: what; fault 2: what": levels and lines; a finding about the whole file has no number.
std::string told(const setup::Inspected& inspected) {
  std::string out;
  for (const setup::Finding& one : inspected.findings) {
    const std::string line = one.where.starts_with("/etc/pam.d/") ? "" : ' ' + one.where.substr(one.where.rfind(':') + 1);
    out += (out.empty() ? "" : "; ") + std::string(name_of(one.level)) + line + ": " + one.what;
    CHECK_FALSE(one.todo.empty());
    CHECK(one.what.find('\n') == std::string::npos);
  }
  return out;
}

}  // namespace

TEST_CASE("control values of a line of ours") {
  struct {
    std::string control, wanted;
  } const table[] = {
      {"required pam_jit.so", ""},
      {"requisite pam_jit.so", ""},
      {"[success=ok default=die] pam_jit.so", ""},
      {"[default=bad success=ok] pam_jit.so budget=30", ""},
      {"[success=ok new_authtok_reqd=ok ignore=ignore default=bad] pam_jit.so", ""},
      {"sufficient pam_jit.so", "hole 1: a no of ours is ignored (sufficient)"},
      {"optional pam_jit.so", "hole 1: a no of ours is ignored (optional without the option observe)"},
      {"[success=ok default=ignore] pam_jit.so", "hole 1: a no of ours is ignored ([success=ok default=ignore])"},
      {"[success=ok] pam_jit.so", ""},
      {"REQUIRED pam_jit.so", ""},
      {"[Requisite] pam_jit.so", ""},
      {"[ success = ok\tdefault= die ] pam_jit.so", ""},
      {"[success=okdefault=die] pam_jit.so", ""},
      {"[success=ok default=die auth_err = ignore] pam_jit.so", "hole 1: a no of ours may be ignored (auth_err=ignore)"},
      {"[success=ok default=ignore default=die] pam_jit.so", "hole 1: a no of ours is ignored ([success=ok default=ignore default=die])"},
      {"requird pam_jit.so", "fault 1: a yes of ours does not lead to the lines after it (requird)"},
      {"[success=ok default=DIE] pam_jit.so", "fault 1: a yes of ours does not lead to the lines after it ([success=ok default=DIE])"},
      {"OPTIONAL pam_jit.so observe", "open 1: THIS DOOR ONLY OBSERVES in account: nobody is stopped"},
      {"[success=ok default=1] pam_jit.so", "hole 1: a no of ours is ignored ([success=ok default=1])"},
      {"[success=ok default=ok] pam_jit.so", "hole 1: a no of ours is ignored ([success=ok default=ok])"},
      {"[success=ok perm_denied=ignore default=die] pam_jit.so", "hole 1: a no of ours may be ignored (perm_denied=ignore)"},
      {"[success=ok abort=2 default=die] pam_jit.so", "hole 1: a no of ours may be ignored (abort=2)"},
      {"[success=done default=die] pam_jit.so", "fault 1: a yes of ours does not lead to the lines after it ([success=done default=die])"},
      {"[success=1 default=die] pam_jit.so", "fault 1: a yes of ours does not lead to the lines after it ([success=1 default=die])"},
      {"required pam_jit.so observe", "fault 1: observe stands on a line that is not optional"},
      {"optional pam_jit.so observe", "open 1: THIS DOOR ONLY OBSERVES in account: nobody is stopped"},
  };
  for (const auto& row : table) {
    INFO(row.control);
    CHECK(told(seen("polkit-1", "account " + row.control + "\naccount required pam_unix.so\n")) == row.wanted);
  }
}

TEST_CASE("what comes before a line of ours") {
  struct {
    const char* service;
    std::string text, wanted;
  } const table[] = {
      {"polkit-1", "account sufficient pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (sufficient)"},
      {"polkit-1", "account [success=done default=bad] pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (success=done)"},
      {"polkit-1", "account [success=1 default=ignore] pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (success=1)"},
      {"polkit-1", "account SUFFICIENT pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (sufficient)"},
      {"polkit-1", "account [Sufficient] pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (sufficient)"},
      {"polkit-1", "account success=done pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (success=done)"},
      {"polkit-1", "account [success = 1 default = ignore] pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (success=1)"},
      {"polkit-1", "account [success=18446744073709551617 default=ignore] pam_x.so\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (success=18446744073709551617)"},
      {"polkit-1", "account Include common\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (sufficient)"},
      {"polkit-1", "@Include common\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (sufficient)"},
      {"polkit-1", "account SubStack common\naccount " + kGood, ""},
      {"polkit-1", "account [success=1 default=ignore] pam_x.so\naccount requisite pam_deny.so\naccount " + kGood, ""},
      {"polkit-1", "account required pam_x.so\naccount " + kGood, ""},
      {"polkit-1", "@include common\naccount " + kGood, "hole 1: pam_x.so may let people pass before ours is asked (sufficient)"},
      {"polkit-1", "account substack common\naccount " + kGood, ""},
      {"su", "account sufficient pam_rootok.so\naccount " + kGood + "session " + kGood, ""},
      {"sudo", "account sufficient pam_rootok.so\naccount " + kGood + "session " + kGood, ""},
      {"sshd", "account " + kGood + "session sufficient pam_rootok.so\nsession " + kGood, "hole 2: pam_rootok.so may let people pass before ours is asked (sufficient)"},
      {"login", "account sufficient pam_rootok.so\naccount " + kGood + "session " + kGood, "hole 1: pam_rootok.so may let people pass before ours is asked (sufficient)"},
      {"polkit-1", "account sufficient pam_rootok.so\naccount " + kGood, "hole 1: pam_rootok.so may let people pass before ours is asked (sufficient)"},
      {"login", "account [success = 1  default = ignore] pam_succeed_if.so quiet user = root tty =~ *tty[0-9]*\naccount " + kGood + "session " + kGood, ""},
      {"login", "account " + kRescue + "account " + kGood + "session " + kRescue + "session " + kGood, ""},
      {"login", "account " + kRescue + "account required pam_x.so\naccount " + kGood + "session " + kGood, ""},
      {"login", "account [success=1 default=ignore] pam_succeed_if.so quiet user = root\naccount " + kGood + "session " + kGood, "hole 1: this is not the rescue line, and lets others pass by ours"},
      {"sudo", "account " + kRescue + "account " + kGood + "session " + kGood, "hole 1: pam_succeed_if.so may let people pass before ours is asked (success=1)"},
  };
  for (const auto& row : table) {
    INFO(row.service << "\n" << row.text);
    CHECK(told(seen(row.service, row.text)) == row.wanted);
  }
}

TEST_CASE("where ours stands") {
  struct {
    const char* service;
    std::string text;
    Stands stands;
    std::string wanted;
  } const table[] = {
      {"sudo", "account required pam_x.so\n", Stands::kNone, ""},
      {"sudo", "account required\n", Stands::kUnknown, "fault: it cannot be read as PAM reads it: a line is not whole, or an include is not there"},
      {"sudo", "account " + kGood + "session " + kGood, Stands::kAccount, ""},
      {"sudo", "account " + kGood, Stands::kAccount, "fault: no session line of ours: nothing ends a session in time"},
      {"sudo", "session " + kGood, Stands::kAccount, "fault: ours stands in session alone, so every session is refused"},
      {"sudo", "account optional pam_jit.so observe\nsession optional pam_jit.so observe\n", Stands::kObserves,
       "open 1: THIS DOOR ONLY OBSERVES in account: nobody is stopped; open 2: THIS DOOR ONLY OBSERVES in session: nobody is stopped"},
      {"sshd", "auth " + kGood + "session " + kGood, Stands::kAuthOnly, "hole: key logins bypass us: ours stands in auth alone, which sshd calls for passwords and keyboard-interactive only"},
      {"sudo", "auth " + kGood + "session " + kGood, Stands::kAuthOnly, "hole: ours stands in auth alone: NOPASSWD, a valid ticket and exempt_group bypass us"},
      {"sudo", "account " + kGood + "session " + kGood + "session optional pam_systemd.so\n", Stands::kAccount, "fault 2: pam_systemd comes after ours, and takes what runs out of its timed scope"},
      {"sshd", "account " + kGood + "session optional pam_systemd.so\nsession " + kGood, Stands::kAccount, "fault 3: pam_systemd comes before ours, and does not learn when the session ends"},
      {"sshd", "account " + kGood + "session required pam_loginuid.so\nsession " + kGood + "session optional pam_systemd.so\n", Stands::kAccount, ""},
      {"sshd", "account " + kGood + "session " + kGood + "session required pam_loginuid.so\n", Stands::kAccount, "fault 2: pam_loginuid comes after ours, so ours does not learn which session the login becomes"},
      {"login", "account " + kGood + "session " + kGood + "session required pam_loginuid.so\nsession optional pam_systemd.so\n", Stands::kAccount, ""},
      {"sudo", "account " + kGood + "session " + kGood + "password " + kGood, Stands::kAccount, "fault 3: a line of ours in password keeps everybody from changing his password"},
  };
  for (const auto& row : table) {
    INFO(row.service << "\n" << row.text);
    const auto out = seen(row.service, row.text);
    CHECK(out.stands == row.stands);
    CHECK(told(out) == row.wanted);
  }
}

TEST_CASE("a service that lets nobody through") {
  struct {
    std::string text;
    bool wanted;
  } const table[] = {
      {"account required pam_deny.so\n", true},
      {"account Requisite pam_deny.so\nauth required pam_permit.so\n", true},
      {"account required pam_x.so\naccount [default=die] pam_deny.so\naccount sufficient pam_permit.so\n", true},
      {"account include denying\n", true},
      {"", false},
      {"auth required pam_deny.so\nsession required pam_deny.so\n", false},
      {"account required pam_x.so\n", false},
      {"account optional pam_deny.so\n", false},
      {"account [default=die auth_err=ignore] pam_deny.so\n", false},
      {"account [success=ok auth_err=1 default=bad] pam_deny.so\n", false},
      {"account sufficient pam_x.so\naccount required pam_deny.so\n", false},
      {"account [success=1 default=ignore] pam_x.so\naccount required pam_deny.so\naccount required pam_permit.so\n", false},
      {"account required pam_deny.so\naccount [default=reset] pam_x.so\n", false},
      {"account substack denying\n", false},
      {"account required pam_deny.so\naccount required\n", false},
  };
  for (const auto& row : table) {
    INFO(row.text);
    const test::TemporaryFolder folder;
    folder.put("remote", row.text);
    folder.put("denying", "account required pam_deny.so\n");
    CHECK(setup::lets_nobody_through(host::read_service({{folder.path}}, "remote")) == row.wanted);
  }
}

TEST_CASE("each door has its services, and one of them is the main one") {
  std::set<std::string> names;
  for (const policy::Door door : setup::kDoors) {
    int main = 0;
    for (const auto& service : setup::services()) {
      if (service.door != door) continue;
      CHECK(policy::door_of_service(service.name) == door);
      main += service.main ? 1 : 0;
      names.emplace(service.name);
    }
    CHECK(main == 1);
    CHECK(setup::door_named(policy::name_of(door)) == door);
  }
  CHECK(names.size() == setup::services().size());
  CHECK_FALSE(setup::door_named("cron").has_value());
  CHECK(setup::service_named("cron") == nullptr);
}
