// SPDX-License-Identifier: Apache-2.0
#include "cli/fit.h"

#include <wchar.h>

#include <algorithm>

#include "evidence/text.h"

namespace jit::cli {

namespace {

constexpr std::size_t kBothEnds = 48;  // columns from which on a cut text keeps its end, too
constexpr std::size_t kColumnsMax = 4;  // of the grid that facts stand in
constexpr std::size_t kColumnMin = 20;  // how wide each is at least
constexpr std::size_t kCommandLinesMin = 3;  // lines that a long command gets before other facts get any more than they must
constexpr std::string_view kFirst[] = {"command: ", "from: ", "as: ", "reason: ", "risk: "};

// One character, or one whole escape.
std::size_t step_at(std::string_view text, std::size_t at) {
  if (text[at] != '\\' || at + 1 >= text.size()) return 1;
  std::size_t step = 2;
  if (text[at + 1] == 'x') step = 4;
  if (text[at + 1] == 'u') {
    const std::size_t close = text.find('}', at);
    if (close != std::string_view::npos && close - at <= 10) step = close - at + 1;
  }
  return std::min(step, text.size() - at);
}

std::string_view front(std::string_view text, std::size_t room) {
  std::size_t at = 0;
  while (at < text.size() && at + step_at(text, at) <= room) at += step_at(text, at);
  return text.substr(0, at);
}

std::string_view back(std::string_view text, std::size_t room) {
  if (room >= text.size()) return text;
  std::size_t at = 0;
  while (text.size() - at > room) at += step_at(text, at);
  return text.substr(at);
}

std::size_t length_of(std::string_view escaped) {
  const auto plain = evidence::unescape(escaped);
  return plain ? plain->size() : escaped.size();
}

struct Item {
  std::string name;  // "who: "
  std::string value;
  std::size_t bytes = 0;
  bool command = false;
  std::size_t columns = kColumnsMax;  // at most
  std::size_t lines = 1;
  std::size_t size() const { return name.size() + value.size(); }
};

// Where each item stands: the line it begins on and its column there.
class Grid {
 public:
  Grid(std::size_t width, std::size_t height, std::size_t columns) : width_(width), height_(height), columns_(columns) {}

  std::size_t lines(const std::vector<Item>& items) const {
    std::size_t out = 0;
    place(items, [&](const Item& item, std::size_t line, std::size_t) { out = line + item.lines; });
    return out;
  }

  std::size_t room(std::size_t span) const { return span >= columns_ ? width_ : width_ / columns_ * span - 2; }

  std::size_t span(const Item& item) const {
    std::size_t out = 1;
    while (out < std::min(item.columns, columns_) && item.size() > room(out)) ++out;
    return item.lines > 1 || item.command ? columns_ : out;
  }

  template <class Each>
  void place(const std::vector<Item>& items, Each each) const {
    std::size_t line = 0;
    std::size_t column = 0;
    for (const Item& item : items) {
      const std::size_t wide = span(item);
      if (column > 0 && column + wide > columns_) {
        ++line;
        column = 0;
      }
      each(item, line, column * (width_ / columns_));
      column += wide;
      if (item.lines > 1) {
        line += item.lines;
        column = 0;
      }
    }
  }

  std::size_t width() const { return width_; }
  std::size_t height() const { return height_; }

  // Lines that all of the item would take, alone; more than there are is enough to know.
  std::size_t needed(const Item& item) const { return wrap(item.name + item.value.substr(0, width_ * height_), width_).size(); }

 private:
  std::size_t width_;
  std::size_t height_;
  std::size_t columns_;
};

bool is_first(const Item& item) { return std::ranges::find(kFirst, item.name) != std::end(kFirst); }

// The last facts give way first: who, from where and how stand before them; and what a vote hangs on after all of them.
bool shrink(std::vector<Item>& items, const Grid& grid) {
  for (const std::size_t to : {std::size_t{2}, std::size_t{1}}) {
    for (const bool first : {false, true}) {
      for (auto item = items.rbegin(); item != items.rend(); ++item) {
        if (item->command || is_first(*item) != first || grid.span(*item) <= to) continue;
        item->columns = to;
        return true;
      }
    }
  }
  return false;
}

// As little as each must have, and the command some lines of its own; then what is left over, to what a vote hangs on first.
void squeeze(std::vector<Item>& items, const Grid& grid) {
  for (Item& item : items) {
    item.lines = item.command ? std::min({grid.needed(item), kCommandLinesMin, std::max<std::size_t>(1, grid.height() / 4)}) : 1;
  }
  while (grid.lines(items) > grid.height() && shrink(items, grid)) {
  }
  const auto grow = [&](Item& item) {
    const Item before = item;
    const std::size_t full = grid.needed(item);
    item.columns = kColumnsMax;
    while (item.lines < full && grid.lines(items) <= grid.height()) ++item.lines;
    while (item.lines > before.lines && grid.lines(items) > grid.height()) --item.lines;
    if (grid.lines(items) > grid.height()) item = before;
  };
  const auto grow_all = [&](const auto& meant) {
    for (Item& item : items) {
      if (item.size() > (item.lines > 1 ? grid.width() * item.lines : grid.room(grid.span(item))) && meant(item)) grow(item);
    }
  };
  for (const std::string_view name : kFirst) {
    grow_all([&](const Item& item) { return item.name == name; });
  }
  grow_all([](const Item&) { return true; });
}

Layout drawn(const std::vector<Item>& items, const Grid& grid) {
  Layout out;
  const std::size_t width = grid.width();
  out.lines.assign(std::min(grid.height(), grid.lines(items)), "");
  grid.place(items, [&](const Item& item, std::size_t line, std::size_t column) {
    const std::size_t room = item.lines > 1 ? width * item.lines : grid.room(grid.span(item));
    // Lines that end before an escape are shorter, so what was cut to fit may take one line more: it is cut again.
    std::vector<std::string> texts;
    std::string shown;
    for (std::size_t less = 0; texts.empty() || texts.size() > item.lines; less += width / 8 + 1) {
      const std::size_t left = room > item.name.size() + less ? room - item.name.size() - less : 0;
      shown = cut(item.value, left, item.bytes);
      texts = wrap(item.name + shown, width);
      if (left == 0) texts.resize(1);
    }
    out.cut = out.cut || shown != item.value;
    for (std::size_t i = 0; i < texts.size() && line + i < out.lines.size(); ++i) {
      std::string& on = out.lines[line + i];
      if (on.size() < column) on.resize(column, ' ');
      on += texts[i];
      if (on.size() > width) on.resize(width);
    }
  });
  if (grid.lines(items) > grid.height()) {
    out.lines.back() = shorten("... and more: make the window larger", width);
    out.cut = true;
  }
  return out;
}

}  // namespace

std::string harmless(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  return plain ? std::string(text) : evidence::escape(text);
}

std::string cut(std::string_view text, std::size_t room, std::size_t bytes) {
  if (text.size() <= room) return std::string(text);
  std::string mark = "... (" + std::to_string(bytes == 0 ? length_of(text) : bytes) + " bytes)";
  if (room < mark.size() + 4) return shorten(text, room);
  if (room < kBothEnds) return std::string(front(text, room - mark.size())) + mark;
  mark += " ...";
  const std::size_t tail = (room - mark.size()) / 3;
  return std::string(front(text, room - mark.size() - tail)) + mark + std::string(back(text, tail));
}

std::string shorten(std::string_view text, std::size_t room) {
  if (text.size() <= room) return std::string(text);
  return room <= 3 ? std::string(front(text, room)) : std::string(front(text, room - 3)) + "...";
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> out;
  while (text.size() > width) {
    std::string_view line = front(text, width);
    if (line.empty()) line = text.substr(0, std::max<std::size_t>(width, 1));  // an escape that is longer than a line
    out.emplace_back(line);
    text.remove_prefix(line.size());
  }
  out.emplace_back(text);
  return out;
}

std::string typed_text(std::string_view utf8, std::size_t room, std::size_t& columns) {
  struct Shown {
    std::string text;
    std::size_t columns;
  };
  std::vector<Shown> all;
  mbstate_t state{};
  while (!utf8.empty()) {
    wchar_t wide = 0;
    const std::size_t got = mbrtowc(&wide, utf8.data(), utf8.size(), &state);
    const bool known = got > 0 && got <= utf8.size();
    // What has no column of its own (a mark that joins the character before it, a sign that turns the line around) is escaped.
    const int width = known ? wcwidth(wide) : -1;
    std::size_t bytes = known ? got : 1;
    if (!known) {
      state = mbstate_t{};
      while (bytes < utf8.size() && (static_cast<unsigned char>(utf8[bytes]) & 0xC0) == 0x80) ++bytes;
    }
    const std::string_view one = utf8.substr(0, bytes);
    std::string text = width > 0 ? std::string(one) : evidence::escape(one);
    const std::size_t takes = width > 0 ? static_cast<std::size_t>(width) : text.size();
    all.push_back({std::move(text), takes});
    utf8.remove_prefix(bytes);
  }
  std::string out;
  columns = 0;
  for (auto shown = all.rbegin(); shown != all.rend() && columns + shown->columns <= room; ++shown) {
    columns += shown->columns;
    out.insert(0, shown->text);
  }
  return out;
}

Layout lay_out(const Facts& facts, std::size_t width, std::size_t height, std::size_t command_bytes) {
  Layout out;
  if (height == 0 || width == 0) return out;
  std::vector<Item> items;
  for (const auto& [name, value] : facts) {
    Item item{.name = name + ": ", .value = harmless(value)};
    item.command = name == "command";
    item.bytes = item.command ? command_bytes : 0;
    items.push_back(std::move(item));
  }
  const std::size_t most = std::clamp<std::size_t>(width / kColumnMin, 1, kColumnsMax);
  for (std::size_t columns = 1; columns <= most; columns *= 2) {
    const Grid grid(width, height, columns);
    for (Item& item : items) item.lines = grid.needed(item);
    if (grid.lines(items) <= height) return drawn(items, grid);
  }
  const Grid grid(width, height, most);
  squeeze(items, grid);
  return drawn(items, grid);
}

}  // namespace jit::cli
