// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/engine.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "broker/core/limits.h"
#include "broker/directory/programs.h"
#include "policy/policy.h"

namespace jit::directory {
namespace {

constexpr std::size_t kKeptMost = 16384;
constexpr int kPatience = 80;  // a call that takes this part of the timeout counts as hung: a spare thread takes over

User absent() {
  User user;
  user.status = Status::kAbsent;
  return user;
}

bool changes(std::uint32_t uid, std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  Requester asker{uid, std::nullopt};
  if (parts[0] != "?") {
    asker.gids.emplace();
    std::uint32_t gid = 0;
    for (const char c : parts[0]) {
      if (c == ',') {
        asker.gids->push_back(std::exchange(gid, 0));
      } else {
        gid = gid * 10 + static_cast<std::uint32_t>(c - '0');
      }
    }
  }
  return can_change(asker, parts[1], parts[2], {parts.begin() + 3, parts.end()});
}

}  // namespace

Engine::Engine(Options options, std::shared_ptr<Resolver> resolver, Now now)
    : options_(options), resolver_(std::move(resolver)), now_(std::move(now)) {}

std::shared_ptr<Engine> Engine::make(core::Post post, Options options, std::shared_ptr<Resolver> resolver, Now now) {
  std::shared_ptr<Engine> engine(new Engine(options, std::move(resolver), std::move(now)));
  const auto pool = [&](std::size_t threads, std::size_t most) {
    return std::make_unique<Pool>(post, threads, most, options.timeout / kPatience, [weak = engine->weak_from_this()] {
      if (const auto self = weak.lock()) self->expire();
    });
  };
  engine->people_ = pool(options.threads, options.most);
  engine->files_ = pool(options.file_threads, options.file_most);
  return engine;
}

void Engine::by_name(const std::string& name, Found found) {
  if (!possible_name(name)) return found(absent());
  ask({Kind::kName, 0, name}, std::move(found));
}

void Engine::by_uid(std::uint32_t uid, Found found) {
  if (uid == policy::kNoUid) return found(absent());
  ask({Kind::kUid, uid, {}}, std::move(found));
}

void Engine::account(std::uint32_t uid, const std::string& name, Found found) {
  by_uid(uid, [weak = weak_from_this(), uid, name, found = std::move(found)](const User& first) {
    const auto self = weak.lock();
    if (!self || first.status == Status::kUnknown || name.empty() || first.name == name) return found(first);
    self->by_name(name, [first, uid, found](const User& named) {
      found(named.status == Status::kUnknown || named.uid == uid ? named : first);
    });
  });
}

void Engine::group_name(std::uint32_t gid, std::function<void(std::string)> found) {
  if (gid == policy::kNoUid) return found(std::to_string(gid));
  ask({Kind::kGroup, gid, {}}, [found = std::move(found)](const User& group) { found(group.name); });
}

void Engine::program(const std::string& word, std::function<void(std::string)> found) {
  if (word.empty() || word.size() > core::kPathMax) return found({});
  ask({Kind::kProgram, 0, word}, [found = std::move(found)](const User& program) { found(program.name); });
}

// The question as one text: gids, program, cwd and words, each ended by a zero byte, which none of them holds.
void Engine::can_change(const Asked& asked, std::function<void(bool)> found) {
  // One more than is looked at says that there are more, and a byte more than a path may have that it is none.
  constexpr std::size_t kWords = kWordsLookedAt + 1;
  std::string text = asked.gids ? "" : "?";
  if (asked.gids) {
    for (const std::uint32_t gid : *asked.gids) text += std::to_string(gid) + ",";
  }
  const auto add = [&](const std::string& part) { (text += '\0') += part; };
  add(asked.program);
  add(asked.cwd);
  for (std::size_t i = 0; i < std::min(asked.words.size(), kWords); ++i) add(asked.words[i].substr(0, core::kPathMax + 1));
  ask({Kind::kChange, asked.uid, std::move(text)}, [found = std::move(found)](const User& answer) {
    // No answer in time: then nobody can say that he cannot.
    found(answer.status != Status::kAbsent);
  });
}

void Engine::digest(int program, const std::string& path, std::function<void(std::string)> found) {
  const int own = path.size() > core::kPathMax ? -1 : ::fcntl(program, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return found({});
  std::shared_ptr<const int> file(new int(own), [](const int* fd) {
    ::close(*fd);
    delete fd;
  });
  ask({Kind::kDigest, static_cast<std::uint32_t>(own), path}, [found = std::move(found)](const User& answer) { found(answer.name); },
      std::move(file));
}

void Engine::forget() {
  kept_.clear();
  ++generation_;  // what is on its way answers its askers, and is not kept
}

void Engine::forget(std::uint32_t uid) { forget(Key{Kind::kUid, uid, {}}); }

void Engine::forget(const std::string& name) { forget(Key{Kind::kName, 0, name}); }

void Engine::forget(const Key& key) {
  kept_.erase(key);
  if (const auto it = running_.find(key); it != running_.end()) it->second.generation = generation_ - 1;
}

void Engine::ask(Key key, Found found, std::shared_ptr<const int> file) {
  if (const auto kept = kept_.find(key); kept != kept_.end()) {
    if (now_() < kept->second.until) {
      const User user = kept->second.user;  // a copy: the asker may call forget()
      return found(user);
    }
    kept_.erase(kept);
  }
  const auto deadline = Pool::Steady::now() + options_.timeout;
  const auto [running, is_new] = running_.try_emplace(key);
  if (is_new && pool_of(key).queued() >= options_.queue) {
    running_.erase(running);
    return found({});
  }
  if (is_new) running->second.file = std::move(file);
  running->second.askers.push_back({deadline, std::move(found)});
  if (!is_new) *running->second.unwanted = false;
  if (deadlines_.empty() || deadlines_.back().first < deadline || deadlines_.back().second != key) {
    deadlines_.emplace_back(deadline, key);
    if (deadlines_.size() == 1) people_->wake(deadline);
  }
  if (is_new) begin(key);
}

Pool& Engine::pool_of(const Key& key) { return std::get<Kind>(key) < Kind::kProgram ? *people_ : *files_; }

void Engine::begin(const Key& key) {
  Running& running = running_.at(key);
  running.generation = generation_;
  running.unwanted = std::make_shared<std::atomic<bool>>(false);
  pool_of(key).run([weak = weak_from_this(), resolver = resolver_, key, file = running.file,
              unwanted = running.unwanted]() -> std::function<void()> {
    if (*unwanted) {
      return [weak, key] {
        if (const auto self = weak.lock()) self->skipped(key);
      };
    }
    User user;
    switch (std::get<Kind>(key)) {
      case Kind::kName:
        user = resolver->by_name(std::get<std::string>(key));
        break;
      case Kind::kUid:
        user = resolver->by_uid(std::get<std::uint32_t>(key));
        break;
      case Kind::kGroup: {
        Group group = resolver->group(std::get<std::uint32_t>(key));
        user.status = group.status;
        user.name = std::move(group.name);
        break;
      }
      case Kind::kChange:
        user.status = changes(std::get<std::uint32_t>(key), std::get<std::string>(key)) ? Status::kUnknown : Status::kAbsent;
        break;
      case Kind::kProgram:
        user.name = program_path(std::get<std::string>(key));
        break;
      case Kind::kDigest:
        user.name = bound_digest(*file, std::get<std::string>(key));
        break;
    }
    return [weak, key, user = std::move(user)] {
      if (const auto self = weak.lock()) self->answered(key, user);
    };
  });
}

// Everybody had timed out before it began; somebody may have come since.
void Engine::skipped(const Key& key) {
  const auto it = running_.find(key);
  if (it == running_.end()) return;
  if (it->second.askers.empty()) {
    running_.erase(it);
  } else {
    begin(key);
  }
}

void Engine::answered(const Key& key, const User& user) {
  const auto it = running_.find(key);
  if (it == running_.end()) return;
  Running running = std::move(it->second);
  running_.erase(it);
  const bool kept = user.status != Status::kUnknown && std::get<Kind>(key) != Kind::kChange;
  if (kept && running.generation == generation_ && !lent(key, user)) keep(key, user);
  for (auto& asker : running.askers) asker.found(user);
}

// A user of DynamicUser= has his number while the service runs only, and then another may have it (systemd,
// docs/UIDS-GIDS.md: 61184 to 65519).
bool Engine::lent(const Key& key, const User& user) {
  const auto within = [](std::uint32_t uid) { return uid >= 61184 && uid <= 65519; };
  return std::get<Kind>(key) != Kind::kGroup && (within(std::get<std::uint32_t>(key)) || within(user.uid));
}

// A group without a name is known by its number: kAbsent is an answer, and kept.
void Engine::keep(const Key& key, const User& user) {
  if (kept_.size() >= kKeptMost) {
    std::erase_if(kept_, [now = now_()](const auto& entry) { return entry.second.until <= now; });
    if (kept_.size() >= kKeptMost) kept_.clear();
  }
  kept_[key] = {now_() + options_.keep, user};
}

void Engine::expire() {
  const auto now = Pool::Steady::now();
  std::vector<Found> late;
  while (!deadlines_.empty() && deadlines_.front().first <= now) {
    if (const auto it = running_.find(deadlines_.front().second); it != running_.end()) {
      auto& askers = it->second.askers;
      const auto first_in_time =
          std::find_if(askers.begin(), askers.end(), [&](const Asker& asker) { return asker.deadline > now; });
      std::for_each(askers.begin(), first_in_time, [&](Asker& asker) { late.push_back(std::move(asker.found)); });
      askers.erase(askers.begin(), first_in_time);
      if (askers.empty()) *it->second.unwanted = true;
    }
    deadlines_.pop_front();
  }
  if (!deadlines_.empty()) people_->wake(deadlines_.front().first);
  for (auto& found : late) found({});
}

}  // namespace jit::directory
