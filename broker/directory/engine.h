// SPDX-License-Identifier: Apache-2.0
// The directory with its resolver and its clock as parameters. One thread, that of the core.
#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "broker/directory/pool.h"
#include "broker/directory/resolver.h"

namespace jit::directory {

using Now = std::function<Pool::Steady::time_point()>;  // for the age of what is kept

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  static std::shared_ptr<Engine> make(core::Post post, Options options, std::shared_ptr<Resolver> resolver, Now now);
  void by_name(const std::string& name, Found found);
  void by_uid(std::uint32_t uid, Found found);
  void account(std::uint32_t uid, const std::string& name, Found found);
  void group_name(std::uint32_t gid, std::function<void(std::string)> found);
  void program(const std::string& word, std::function<void(std::string)> found);
  void can_change(const Asked& asked, std::function<void(bool)> found);
  void digest(int program, const std::string& path, std::function<void(std::string)> found);
  void forget();
  void forget(std::uint32_t uid);
  void forget(const std::string& name);

 private:
  enum class Kind : std::uint8_t { kName, kUid, kGroup, kProgram, kChange, kDigest };
  using Key = std::tuple<Kind, std::uint32_t, std::string>;
  struct Asker {
    Pool::Steady::time_point deadline;
    Found found;
  };
  struct Kept {
    Pool::Steady::time_point until;
    User user;
  };
  struct Running {
    std::uint64_t generation = 0;
    std::vector<Asker> askers;                       // empty while the call hangs on after all of them timed out
    std::shared_ptr<std::atomic<bool>> unwanted;     // true: not worth beginning
    std::shared_ptr<const int> file;                 // open as long as the call may read it
  };

  Engine(Options options, std::shared_ptr<Resolver> resolver, Now now);
  void forget(const Key& key);
  void ask(Key key, Found found, std::shared_ptr<const int> file = nullptr);
  void begin(const Key& key);
  void answered(const Key& key, const User& user);
  void skipped(const Key& key);
  void expire();
  static bool lent(const Key& key, const User& user);
  void keep(const Key& key, const User& user);

  Options options_;
  std::shared_ptr<Resolver> resolver_;
  Now now_;
  Pool& pool_of(const Key& key);
  std::unique_ptr<Pool> people_;
  std::unique_ptr<Pool> files_;
  std::map<Key, Kept> kept_;
  std::map<Key, Running> running_;  // asked of the pool; one call for all who ask the same
  std::deque<std::pair<Pool::Steady::time_point, Key>> deadlines_;
  std::uint64_t generation_ = 0;  // of the cache
};

}  // namespace jit::directory
