// SPDX-License-Identifier: Apache-2.0
// `jitctl watch` on a terminal, as a machine: requests and keys go in, lines for the screen and wishes come out. No I/O and no
// clock; times are CLOCK_MONOTONIC ms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/client.h"

namespace jit::cli {

struct Press {
  enum class Key : std::uint8_t { kText, kUp, kDown, kPageUp, kPageDown, kHome, kEnd, kEnter, kEscape, kBackspace, kErase, kRedraw };
  Key key = Key::kRedraw;
  std::string text = {};  // kText: one character, UTF-8
};

// What a line means; the screen has a colour for it, or none.
enum class Look : std::uint8_t { kPlain, kTitle, kChosen, kHurry, kGood, kBad };
struct ScreenLine {
  std::string text;  // of one screen line, no control characters; ASCII but for what is typed here
  Look look = Look::kPlain;
};
struct Picture {
  std::vector<ScreenLine> lines;             // as many as the screen has
  std::optional<std::size_t> cursor;   // its column on the last line, while something is typed
};

struct Ballot {
  std::string id;
  bool approve = false;
  std::string reason = {};
  std::string typed = {};  // the code, where the rule asks for one
};
// What a key asks of the loop.
struct Wish {
  enum class Kind : std::uint8_t { kNothing, kLeave, kWhole, kVote } kind = Kind::kNothing;
  Ballot ballot = {};  // kVote; kWhole: its id names the request that is to be read whole
};

class Inbox {
 public:
  void resize(std::size_t width, std::size_t height);

  // What waits when the watch begins, or the broker is back: no news. The ids that waited here and are not in it.
  std::vector<std::string> fill(const Json& requests, std::int64_t now_ms);
  // A request as it is now; grant: that of an approval that was taken back, else null.
  void put(const Json& request, const Json& grant, std::int64_t now_ms);
  void put_whole(const Json& request, std::int64_t now_ms);  // the same request with all of its text: no news
  void remove(const std::string& id);                        // gone from our sight
  std::string detailed() const { return details_ ? chosen_ : ""; }  // whose details are shown; "": nobody's
  void say(std::string note) { note_ = std::move(note); }

  Wish press(const Press& press);
  void voted() { prompt_.reset(); }
  void refused(std::string why);  // the vote did not count: what was typed stands there again

  Picture draw(std::int64_t now_ms) const;

 private:
  struct Entry {  // NOLINT(bugprone-exception-escape): moving a Json asserts, and does not throw
    Json request;
    Json grant;
    std::int64_t deadline_ms = 0;
    bool open = false;
    std::string order = {};  // newest first: what was asked, or decided, when
    std::string news = {};
  };
  enum class Stage : std::uint8_t { kCode, kReason, kSure };
  struct Prompt {
    Ballot ballot;
    Stage stage = Stage::kReason;
    bool wants_code = false;
    bool wants_reason = false;
  };

  Entry* find(const std::string& id);
  const Entry* find(const std::string& id) const;
  const Entry* chosen() const { return find(chosen_); }
  static Entry made(const Json& request, const Json& grant, std::int64_t now_ms);
  void keep(Entry entry);
  void keep_prompt();
  void move(std::int64_t by);
  Wish choose(std::size_t index);
  void ask(bool approve);
  Wish type(const Press& press);
  Wish next_stage();

  ScreenLine row(const Entry& entry, const std::vector<std::size_t>& widths, std::int64_t now_ms) const;
  static std::vector<std::string> cells(const Entry& entry, std::int64_t now_ms);
  std::vector<ScreenLine> list(std::size_t height, std::int64_t now_ms) const;
  std::vector<ScreenLine> details(std::size_t height, std::int64_t now_ms, bool& not_whole) const;
  ScreenLine foot(std::optional<std::size_t>& cursor) const;

  std::size_t width_ = 80;
  std::size_t height_ = 24;
  std::vector<Entry> entries_;  // those that wait, then those that are decided; each newest first
  std::string chosen_;          // an id: the choice stays with the request wherever it goes
  bool details_ = false;
  std::optional<Prompt> prompt_;
  std::string note_;
};

}  // namespace jit::cli
