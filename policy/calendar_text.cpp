// SPDX-License-Identifier: Apache-2.0
#include "policy/calendar_text.h"

#include <algorithm>

namespace jit::policy {
namespace {

constexpr std::size_t kDeepest = 16;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

bool name_char(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  CalendarText read() {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    CalendarLine line;
    while (out_.why.empty() && next(line)) take(std::move(line));
    if (out_.why.empty() && !open_.empty()) fail(number_, "BEGIN:" + open_.back() + " without its END");
    if (out_.why.empty() && !calendar_) fail(0, "no calendar; the file begins with BEGIN:VCALENDAR");
    if (!out_.why.empty()) out_.events.clear();
    return std::move(out_);
  }

 private:
  void fail(std::uint32_t line, std::string why) {
    out_.line = line;
    out_.why = std::move(why);
  }

  std::string_view physical() {
    const std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return line;
  }

  // A line that begins with a blank continues the one before.
  bool next(CalendarLine& out) {
    while (!rest_.empty()) {
      out.text = physical();
      out.line = number_;
      while (rest_.starts_with(' ') || rest_.starts_with('\t')) out.text += physical().substr(1);
      if (!out.text.empty()) return true;
    }
    return false;
  }

  void take(CalendarLine line) {
    const auto end = std::ranges::find_if_not(line.text, name_char);
    line.name = upper(std::string_view(line.text.begin(), end));
    if (line.name.empty() || end == line.text.end() || (*end != ':' && *end != ';')) {
      return fail(line.line, "no line of a calendar; each is NAME:value");
    }
    if (line.text.find('\0') != std::string::npos) return fail(line.line, "a NUL in a calendar");
    if (line.name == "BEGIN" || line.name == "END") {
      const std::string what = upper(std::string_view(end + 1, line.text.end()));
      return line.name == "BEGIN" ? begin(line.line, what) : finish(line.line, what);
    }
    if (open_.empty()) return fail(line.line, "a line outside of BEGIN:VCALENDAR and END:VCALENDAR");
    if (in_event()) out_.events.back().lines.push_back(std::move(line));
  }

  bool in_event() const { return open_.size() == 2 && open_.back() == "VEVENT"; }

  void begin(std::uint32_t line, const std::string& what) {
    if (open_.empty() != (what == "VCALENDAR")) return fail(line, "BEGIN:" + what + " does not belong here");
    if (what == "VEVENT" && open_.size() != 1) return fail(line, "an event inside of " + open_.back());
    if (open_.size() == kDeepest) return fail(line, "components nested too deep");
    open_.push_back(what);
    calendar_ = true;
    if (in_event()) out_.events.push_back({line, {}});
  }

  void finish(std::uint32_t line, const std::string& what) {
    if (open_.empty() || open_.back() != what) {
      return fail(line, "END:" + what + (open_.empty() ? " without its BEGIN" : " where END:" + open_.back() + " is due"));
    }
    open_.pop_back();
  }

  std::string_view rest_;
  std::uint32_t number_ = 0;
  std::vector<std::string> open_;
  bool calendar_ = false;
  CalendarText out_;
};

}  // namespace

CalendarText read_calendar_text(std::string_view text) { return Reader(text).read(); }

}  // namespace jit::policy
