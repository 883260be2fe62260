// SPDX-License-Identifier: Apache-2.0
// Users and groups from NSS, in threads of their own, so that a directory that hangs delays only its own askers. The limit:
// with the defaults 256 different look-ups may hang at once, and a 257th is unknown (denied) until one of them comes back.
// All 256 may begin at the same moment: 32 are replaced every 25 ms (an 80th of the timeout), so who comes behind them has an
// answer after 0.2 s. Equal look-ups share one call, however many ask, and what is kept is answered in any case.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/core/ports.h"

namespace jit::directory {

enum class Status : std::uint8_t { kFound, kAbsent, kUnknown };  // kUnknown: error, or no answer in time

struct User {
  Status status = Status::kUnknown;
  std::uint32_t uid = 4294967295U;
  std::string name;
  bool local = false;  // /etc/passwd has him
  bool groups_known = false;
  std::vector<std::string> groups;  // names of all groups that he is in; a gid without a name is its number
  std::vector<std::string> groups_claimed;  // local ones besides, where only another source puts him
};

// For what can only close: the groups that he is in, and those that anybody says he is in.
inline std::vector<std::string> groups_any(const User& user) {
  std::vector<std::string> out = user.groups;
  out.insert(out.end(), user.groups_claimed.begin(), user.groups_claimed.end());
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

// The uids below this belong to the machine (system accounts). A user of another source who has one asks for nothing.
inline constexpr std::uint32_t kFirstOfPeople = 1000;
inline bool outside_his_range(const User& user) { return !user.local && user.uid < kFirstOfPeople; }

struct Options {
  std::size_t threads = 32;  // that do not hang; begun when they are needed
  std::size_t most = 256;    // with the hung ones
  std::size_t file_threads = 8;  // the same for files, whose paths a requester chooses: what hangs there is not who he is
  std::size_t file_most = 32;
  std::chrono::milliseconds timeout{2000};  // of one look-up; then kUnknown
  std::chrono::milliseconds keep{30000};    // an answer is reused this long; kUnknown never is, nor a user of DynamicUser=
  std::size_t queue = 4096;                 // waiting look-ups; past it: kUnknown at once
};

// A command and who asks for it.
struct Asked {
  std::uint32_t uid = 4294967295U;
  std::optional<std::vector<std::uint32_t>> gids;  // of the process; none: not known
  std::string program, cwd;
  std::vector<std::string> words;
};

using Found = std::function<void(const User&)>;

// All calls and all answers on the core's thread. On a fresh cache entry the answer comes before the call returns.
class Directory {
 public:
  Directory(core::Post post, Options options = {});
  ~Directory();
  void by_name(const std::string& name, Found found);
  void by_uid(std::uint32_t uid, Found found);
  // The account of this uid and name, as it is now. A uid may have several names (root and toor), and by_uid knows the first one
  // only. Where they do not belong together any more: whose the uid is.
  void account(std::uint32_t uid, const std::string& name, Found found);
  // Its number where the directory has no name for it; empty where the directory did not answer.
  void group_name(std::uint32_t gid, std::function<void(std::string)> found);
  // The path of the program that sudo would run for this word: an absolute path with its folder resolved, or the first
  // hit of a bare name in sudo's default secure_path. Empty: it cannot be told. Never kept.
  void program(const std::string& word, std::function<void(std::string)> found);
  // Can this user change a file that the command runs or reads? True also where it cannot be told. Never kept.
  void can_change(const Asked& asked, std::function<void(bool)> found);
  // The SHA-256 (hex) of the file that this descriptor is open on, where only root can change what the path means; else, or where
  // it takes too long, empty. The descriptor is the caller's. Never kept.
  void digest(int program, const std::string& path, std::function<void(std::string)> found);
  void forget();                   // the cache, on a reload
  void forget(std::uint32_t uid);  // what is known of this one
  void forget(const std::string& name);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace jit::directory
