// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.h"

#define NCURSES_NOMACROS 1  // no macros named move, erase, timeout
#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <sys/ioctl.h>
#include <wchar.h>

#include <algorithm>
#include <climits>
#include <clocale>

namespace jit::cli {

namespace {

constexpr int kEscapeMs = 25;  // how long the rest of an arrow key may take to arrive
constexpr short kYellow = 1, kGreen = 2, kRed = 3;

attr_t look_of(Look look, bool colour) {
  if (look == Look::kChosen) return A_REVERSE;
  if (!colour) return A_NORMAL;
  switch (look) {
    case Look::kTitle: return A_BOLD;
    case Look::kHurry: return static_cast<attr_t>(COLOR_PAIR(kYellow));
    case Look::kGood: return static_cast<attr_t>(COLOR_PAIR(kGreen));
    case Look::kBad: return static_cast<attr_t>(COLOR_PAIR(kRed));
    case Look::kPlain:
    case Look::kChosen: break;
  }
  return A_NORMAL;
}

// All text is escaped long before; this is the last door, and it holds by itself.
std::wstring drawable(const std::string& text) {
  std::wstring out;
  mbstate_t state{};
  for (std::size_t at = 0; at < text.size();) {
    wchar_t wide = 0;
    const std::size_t got = mbrtowc(&wide, text.data() + at, text.size() - at, &state);
    const bool known = got > 0 && got <= text.size() - at;
    if (!known) state = mbstate_t{};
    out += known && wcwidth(wide) > 0 ? wide : L'?';
    at += known ? got : 1;
  }
  return out;
}

std::string utf8_of(wint_t wide) {
  std::string out(MB_LEN_MAX, '\0');
  mbstate_t state{};
  const std::size_t got = wcrtomb(out.data(), static_cast<wchar_t>(wide), &state);
  out.resize(got <= out.size() ? got : 0);
  return out;
}

std::optional<Press> special(wint_t code) {
  switch (code) {
    case KEY_UP: return Press{Press::Key::kUp};
    case KEY_DOWN: return Press{Press::Key::kDown};
    case KEY_PPAGE: return Press{Press::Key::kPageUp};
    case KEY_NPAGE: return Press{Press::Key::kPageDown};
    case KEY_HOME: return Press{Press::Key::kHome};
    case KEY_END: return Press{Press::Key::kEnd};
    case KEY_ENTER: return Press{Press::Key::kEnter};
    case KEY_BACKSPACE:
    case KEY_DC: return Press{Press::Key::kBackspace};
    default: return std::nullopt;
  }
}

std::optional<Press> control(wint_t code) {
  switch (code) {
    case '\r':
    case '\n': return Press{Press::Key::kEnter};
    case 0x1B: return Press{Press::Key::kEscape};
    case 0x7F:
    case '\b': return Press{Press::Key::kBackspace};
    case 0x15: return Press{Press::Key::kErase};   // ^U
    case 0x0C: return Press{Press::Key::kRedraw};  // ^L
    default: return std::nullopt;
  }
}

}  // namespace

struct Screen::Impl {
  SCREEN* screen = nullptr;
  int fd = -1;
  bool colour = false;
};

Screen::Screen(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

std::unique_ptr<Screen> Screen::open(FILE* out, FILE* in, const char* terminal, bool colour) {
  std::setlocale(LC_CTYPE, "");
  auto impl = std::make_unique<Impl>();
  impl->fd = fileno(out);
  impl->screen = newterm(terminal, out, in);
  if (impl->screen == nullptr) return nullptr;
  set_term(impl->screen);
  set_escdelay(kEscapeMs);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  leaveok(stdscr, FALSE);
  scrollok(stdscr, FALSE);
  impl->colour = colour && has_colors() && start_color() == OK;
  if (impl->colour) {
    use_default_colors();
    init_pair(kYellow, COLOR_YELLOW, -1);
    init_pair(kGreen, COLOR_GREEN, -1);
    init_pair(kRed, COLOR_RED, -1);
  }
  return std::unique_ptr<Screen>(new Screen(std::move(impl)));
}

Screen::~Screen() {
  curs_set(1);
  endwin();
  delscreen(impl_->screen);
}

Screen::Size Screen::measure() {
  winsize size{};
  if (ioctl(impl_->fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    resize_term(size.ws_row, size.ws_col);
    clearok(curscr, TRUE);  // what a terminal keeps of its lines when its size changes is its own affair
  }
  return {static_cast<std::size_t>(getmaxx(stdscr)), static_cast<std::size_t>(getmaxy(stdscr))};
}

void Screen::draw(const Picture& picture) {
  const int height = getmaxy(stdscr);
  const int width = getmaxx(stdscr);
  for (int y = 0; y < height; ++y) {
    const bool given = static_cast<std::size_t>(y) < picture.lines.size();
    const ScreenLine line = given ? picture.lines[static_cast<std::size_t>(y)] : ScreenLine{};
    std::wstring text = drawable(line.text);
    // To the edge, as reverse video shows it; what is drawn in the last column of the last line stays there, and no more comes.
    if (line.look == Look::kChosen && text.size() < static_cast<std::size_t>(width)) text.resize(static_cast<std::size_t>(width), L' ');
    attrset(static_cast<NCURSES_ATTR_T>(look_of(line.look, impl_->colour)));
    ::move(y, 0);
    addnwstr(text.c_str(), -1);
    attrset(A_NORMAL);
    int row = 0;
    int column = 0;
    getyx(stdscr, row, column);
    // A text that fills its line has taken the cursor to the next one, or left it on its own last column.
    if (row == y && static_cast<int>(text.size()) < width) clrtoeol();
  }
  curs_set(picture.cursor ? 1 : 0);
  ::move(height - 1, picture.cursor ? std::min(static_cast<int>(*picture.cursor), width - 1) : 0);
  refresh();
}

void Screen::leave() {
  curs_set(1);
  endwin();
}

void Screen::enter() {
  flushinp();
  clearok(curscr, TRUE);  // the next picture takes the terminal back
}

std::optional<Press> Screen::key() {
  for (;;) {
    wint_t code = 0;
    const int kind = get_wch(&code);
    if (kind == ERR) return std::nullopt;
    auto press = kind == KEY_CODE_YES ? special(code) : control(code);
    if (!press && kind != KEY_CODE_YES && wcwidth(static_cast<wchar_t>(code)) > 0) press = Press{Press::Key::kText, utf8_of(code)};
    if (!press) continue;  // a key that means nothing here
    if (press->key == Press::Key::kRedraw) clearok(curscr, TRUE);
    return press;
  }
}

}  // namespace jit::cli
