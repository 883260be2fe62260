// SPDX-License-Identifier: Apache-2.0
// Requests for the tests of the inbox, as the broker writes them.
#pragma once

#include <string>

#include "cli/inbox.h"
#include "evidence/text.h"

namespace inbox_test {

using jit::cli::Json;
using jit::evidence::escape;

// A request of alice that waits; n: which one, the higher the newer.
inline Json waiting(int n = 0) {
  const std::string two = std::to_string(10 + n % 90);
  Json out = Json::parse(R"({"kind":"elevation","state":"pending",
    "subject":{"name":"alice","uid":1000,"loginuid":1000,"person":"alice","origin":"local","tty":"pts/1"},
    "door":"sudo","service":"sudo","target":{"name":"root","uid":0},"target_verified":false,"host":{"id":"00","name":"web1"},
    "command":{"argv":["id","-un"],"text":"id -un","length":7,"verified":false,"cut":false},
    "cwd":"/home/alice","reason":"disk full","reason_from":"prompt","ticket":"","asked":{"duration_s":null},
    "offer":{"rule":"admin-root","give_s":900,"max_s":3600,"scope":"tty","match":false,
      "seats":[{"set":"group:sre","count":1,"filled_by":[]}],"require":[]},
    "deadline":"2026-11-18T11:16:40.123Z","deadline_in_s":300,"votes":[],"grant":null,"grant_state":null,"ended":null})");
  out["id"] = two + "23456789abcdef0123456789abcdef";
  out["created"] = "2026-11-18T11:06:" + two + ".123Z";
  return out;
}

inline Json decided(Json request, const char* state, const char* by, const char* why) {
  request["state"] = state;
  request.erase("deadline_in_s");
  request["ended"] = {{"by", by}, {"why", why}, {"time", "2026-11-18T11:08:00.000Z"}};
  if (std::string(state) == "approved") {
    request["grant"] = "aa000000000000000000000000000000";
    request["grant_state"] = "active";
  }
  return request;
}

inline Json revoked_grant(const char* by, const char* why) {
  return {{"id", "aa000000000000000000000000000000"}, {"ended", {{"by", by}, {"why", why}, {"how", "revoked"}, {"time", "2026-11-18T11:09:00.000Z"}}}};
}

// Everything that can be long is, and says something else at its end; what can hold escapes holds them.
inline Json hostile(int seats = 2, int votes = 2) {
  const std::string red = "\x1b[31m\x07";
  const std::string turn = "\xe2\x80\xae";
  const std::string blanks(4096, ' ');
  Json out = waiting();
  out["kind"] = "elevation";
  out["subject"] = {{"name", escape("al" + red + "ice" + turn + std::string(200, 'n'))}, {"uid", 4294967294U}, {"loginuid", 4294967294U},
                    {"person", escape("Al\nice" + turn + std::string(180, 'p'))}, {"origin", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
                    {"tty", escape("pts/" + red)}};
  out["target"] = {{"name", escape("ro" + red + "ot")}, {"uid", 0}};
  out["host"]["name"] = escape("web1" + turn + "." + std::string(200, 'h') + ".example");
  Json argv = Json::array({"sh", "-c", escape("true" + blanks + "; cat /etc/shadow" + red)});
  for (int i = 0; i < 4000; ++i) argv.push_back(escape("word-" + std::to_string(i) + turn));
  argv.push_back("--the-end");
  out["command"] = {{"argv", argv}, {"text", "sh..."}, {"length", 70000}, {"verified", false}, {"path", "/opt/" + std::string(4000, 'x') + "/sh"},
                    {"words_at", 1}, {"options", {"-D", "/"}}, {"env", {"LD_PRELOAD", escape(std::string(2000, 'e') + red)}}};
  out["cwd"] = "/home/" + std::string(4000, 'd');
  out["reason"] = escape(std::string(500, '\x1b') + std::string(500, ' ') + turn + "and the tail of it");
  out["ticket"] = escape("CHG-1 " + red + std::string(200, '7'));
  out["asked"]["duration_s"] = 86400;
  out["not_before"] = "2026-11-19T11:06:40.123Z";
  out["display_code"] = "calm otter";
  out["risk"] = {{"score", 85}, {"signs", {"never root here before", "outside hours", "the same as a shell", "a file that they can change"}}};
  out["offer"]["rule"] = std::string(64, 'r');
  out["offer"]["require"] = {"reason:10"};
  out["offer"]["match"] = true;
  out["offer"]["seats"] = Json::array();
  for (int i = 0; i < seats; ++i) {
    out["offer"]["seats"].push_back({{"set", "set:" + std::string(60, static_cast<char>('a' + i))}, {"count", 2}, {"filled_by", {escape("bob" + turn)}}});
  }
  for (int i = 0; i < votes; ++i) {
    out["votes"].push_back({{"person", escape("b" + red + std::to_string(i))}, {"uid", 1001 + i}, {"kind", "local"}, {"approve", true}, {"duration_s", 300},
                            {"scope", "command"}, {"reason", escape(std::string(1000, 'v') + turn)}, {"time", "2026-11-18T11:06:41.000Z"}});
  }
  return Json::parse(out.dump());  // numbers as they are read
}

}  // namespace inbox_test
