// SPDX-License-Identifier: Apache-2.0
#include "host/pam_files.h"

#include <fcntl.h>

#include "tests/catch.h"
#include <filesystem>

#include "tests/host/folder.h"

using namespace jit;
using State = host::PamService::State;

namespace {

std::string text_of(const host::PamService& service) {
  std::string out;
  for (const host::PamLine& line : service.lines) {
    out += line.type + ' ' + line.control + ' ' + line.module;
    for (const std::string& word : line.arguments) out += " <" + word + '>';
    out += " @" + std::to_string(line.line) + '/' + std::to_string(line.stack) + '\n';
  }
  return out;
}

}  // namespace

TEST_CASE("a service is read as libpam puts it together") {
  struct {
    const char* what;
    std::string login, common;
    State state;
    std::string lines;
  } const table[] = {
      {"plain", "# a comment\n\naccount required pam_unix.so # more\nsession\toptional  /lib/security/pam_x.so a  b\n", "", State::kRead,
       "account required pam_unix.so @3/0\nsession optional pam_x.so <a> <b> @4/0\n"},
      {"brackets", "auth [success=1 default=ignore] pam_x.so [a b\\] c] d\n", "", State::kRead,
       "auth [success=1 default=ignore] pam_x.so <a b] c> <d> @1/0\n"},
      {"a control in any letters, and with blanks", "auth SUFFICIENT pam_x.so\nauth [Required] pam_x.so\nauth [ success = 01\tdefault= ignoreabort=die] pam_x.so\nauth success=done pam_x.so\n", "", State::kRead,
       "auth sufficient pam_x.so @1/0\nauth required pam_x.so @2/0\nauth [success=1 default=ignore abort=die] pam_x.so @3/0\nauth [success=done] pam_x.so @4/0\n"},
      {"a control that libpam does not take", "auth [Success=ok] pam_x.so\nauth [success=0] pam_x.so\nauth [ required ] pam_x.so\nauth [ok] pam_x.so\nauth much pam_x.so\n", "", State::kRead,
       "auth [Success=ok] pam_x.so @1/0\nauth [success=0] pam_x.so @2/0\nauth [ required ] pam_x.so @3/0\nauth [ok] pam_x.so @4/0\nauth much pam_x.so @5/0\n"},
      {"includes in any letters", "@INCLUDE common\n-@include common\nauth Include common\nauth [SUBSTACK] common\n", "auth required pam_c.so\n", State::kRead,
       "auth required pam_c.so @1/0\nauth required pam_c.so @1/0\nauth required pam_c.so @1/0\nauth required pam_c.so @1/1\n"},
      {"silent and loud", "-session optional pam_x.so\nACCOUNT required pam_y.so\n", "", State::kRead,
       "session optional pam_x.so @1/0\naccount required pam_y.so @2/0\n"},
      {"a line that goes on", "auth required \\\n  pam_x.so \\\n  a\nauth required pam_y.so\n", "", State::kRead,
       "auth required pam_x.so <a> @1/0\nauth required pam_y.so @4/0\n"},
      {"no newline at the end", "auth required pam_x.so", "", State::kRead, "auth required pam_x.so @1/0\n"},
      {"@include", "auth required pam_a.so\n@include common\nauth required pam_z.so\n", "account required pam_b.so\nauth required pam_c.so\n", State::kRead,
       "auth required pam_a.so @1/0\naccount required pam_b.so @1/0\nauth required pam_c.so @2/0\nauth required pam_z.so @3/0\n"},
      {"include takes one type", "auth include common\n", "account required pam_b.so\nauth required pam_c.so\n", State::kRead, "auth required pam_c.so @2/0\n"},
      {"substack is a stack of its own", "auth substack common\nauth required pam_z.so\nauth substack common\n", "auth required pam_c.so\n", State::kRead,
       "auth required pam_c.so @1/1\nauth required pam_z.so @2/0\nauth required pam_c.so @1/2\n"},
      {"a type within an include", "session include common\n", "@include other\n", State::kUnknown, ""},
      {"a circle", "@include login\n", "", State::kUnknown, ""},
      {"half a line", "auth required\n", "", State::kUnknown, ""},
      {"no type", "auht required pam_x.so\n", "", State::kUnknown, ""},
      {"an include that is not there", "@include none\n", "", State::kUnknown, ""},
      {"an include of nothing", "@include\n", "", State::kUnknown, ""},
      {"too large", std::string(1024 * 1024 + 1, '#'), "", State::kUnknown, ""},
      {"empty", "", "", State::kRead, ""},
  };
  for (const auto& row : table) {
    INFO(row.what);
    const test::TemporaryFolder folder;
    folder.put("pam.d/login", row.login);
    folder.put("pam.d/common", row.common);
    const auto service = host::read_service({{folder.at("pam.d")}}, "login");
    CHECK(service.state == row.state);
    CHECK(text_of(service) == row.lines);
  }
}

TEST_CASE("the first folder that has a service counts; none, and it is absent") {
  const test::TemporaryFolder folder;
  const host::PamFolders folders{{folder.at("etc"), folder.at("usr")}};
  CHECK(host::read_service(folders, "login").state == State::kAbsent);
  folder.put("usr/login", "auth required pam_usr.so\n");
  CHECK(text_of(host::read_service(folders, "login")) == "auth required pam_usr.so @1/0\n");
  folder.put("etc/login", "auth required pam_etc.so\n");
  CHECK(text_of(host::read_service(folders, "login")) == "auth required pam_etc.so @1/0\n");
  std::filesystem::remove(folder.at("etc/login"));
  std::filesystem::create_directory(folder.at("etc/login"));
  CHECK(host::read_service(folders, "login").state == State::kUnknown);
}

TEST_CASE("a line knows its file, and when that was changed") {
  const test::TemporaryFolder folder;
  folder.put("login", "@include common\n");
  folder.put("common", "auth required pam_x.so\n");
  timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
  REQUIRE(utimensat(AT_FDCWD, folder.at("common").c_str(), times, 0) == 0);
  const auto service = host::read_service({{folder.path}}, "login");
  REQUIRE(service.lines.size() == 1);
  CHECK(service.lines[0].file == folder.at("common"));
  CHECK(service.lines[0].changed == 1'700'000'000);
}
