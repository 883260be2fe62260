// SPDX-License-Identifier: Apache-2.0
// What people did on this host before, as far as memory holds it. Bounded; what fell out of it "cannot be told", which
// never opens. One thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/core/model.h"

namespace jit::core {

enum class Deed : std::uint8_t { kRequest, kDenied, kGranted, kBreakGlass };

// A refusal that says something about the person: not that he waits already, lacks a text, or that our disk is full.
bool counts_as_denied(std::string_view cause);

// What the database held, for Core::remember.
struct Past {
  struct Done {
    Deed deed = Deed::kRequest;
    std::string person;
    Id id;  // the request or the grant
    std::string boot_id;
    BootMs boottime = 0;
    WallMs wall = 0;
    std::uint32_t count = 1;
  };
  struct Use {
    std::string person;
    std::uint32_t target = policy::kNoUid;
    WallMs wall = 0;
  };
  std::vector<Done> done;
  std::vector<Done> cut;      // the oldest of each kind of which the log holds more, and where the log begins
  std::vector<Done> erased;   // whose person was erased
  std::vector<Use> uses;      // one for each grant
  std::vector<Fact> facts;
  std::vector<SeenNet> nets;
  std::vector<std::pair<policy::Door, WallMs>> observed;  // the last time that a door only observed
};

class History {
 public:
  static constexpr std::size_t kEach = 512;        // deeds of one kind of one person
  static constexpr std::size_t kPersons = 16'384;
  static constexpr std::size_t kTargets = 256;     // of one person

  void add(std::string_view person, Deed deed, BootMs at, const Id& id, std::uint32_t count = 1);
  void undo(std::string_view person, Deed deed, const Id& id);  // it could not be written
  void used(std::string_view person, std::uint32_t target, WallMs wall);
  void begins_at(BootMs at) { complete_since_ = std::max(complete_since_, at); }  // nothing is known of before
  // Somebody did something then, and was erased since: it may have been anybody of whom nothing is known of before.
  void erased(BootMs at);

  // How often after `since`, but for these two (of the request under evaluation and its grant). Nothing: cannot be told.
  std::optional<std::int64_t> count(std::string_view person, Deed deed, BootMs since, const Id& but_request,
                                    const Id& but_grant) const;
  std::int64_t at_least(std::string_view person, Deed deed, BootMs since) const { return sum(person, deed, since, {}, {}); }  // what is known
  bool has_target(std::string_view person, std::uint32_t target) const;
  // An hour of UTC that is more than one away from all in which he was granted something; false while too little is known.
  bool odd_hour(std::string_view person, WallMs wall) const;

 private:
  static constexpr std::uint32_t kHabit = 10;  // grants, before there is a usual hour
  struct Entry {
    BootMs at = 0;
    Id id;
    std::uint32_t count = 1;
  };
  struct Kind {
    std::deque<Entry> entries;  // by time
    BootMs complete_since = std::numeric_limits<BootMs>::min();
  };
  std::int64_t sum(std::string_view person, Deed deed, BootMs since, const Id& but_request, const Id& but_grant) const;
  struct Person {
    std::array<Kind, 4> kinds;
    std::map<std::uint32_t, WallMs> targets;  // when last
    std::array<std::uint32_t, 24> hours{};
    std::uint32_t uses = 0;
    BootMs first = std::numeric_limits<BootMs>::max();
    BootMs last = std::numeric_limits<BootMs>::min();
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  Person& of(std::string_view person);

  std::unordered_map<std::string, Person, Hash, std::equal_to<>> persons_;
  BootMs complete_since_ = std::numeric_limits<BootMs>::min();
  std::vector<BootMs> erased_;  // by time
};

// Where people came from by ssh: bounded, the longest unseen goes first.
class Networks {
 public:
  static constexpr std::size_t kEach = 256;    // of one person
  static constexpr std::size_t kAll = 65'536;

  static policy::Address net_of(const policy::Address& address);
  // True where this should be written: it is new, or was last written a day ago.
  bool saw(const std::string& person, const policy::Address& net, WallMs now);
  bool knows(std::string_view person, const policy::Address& address) const;

 private:
  static constexpr WallMs kDay = 86'400'000;
  struct Less {
    bool operator()(const policy::Address& a, const policy::Address& b) const { return a.bytes < b.bytes; }
  };
  std::map<std::string, std::map<policy::Address, WallMs, Less>, std::less<>> persons_;
  std::size_t count_ = 0;
};

}  // namespace jit::core
