// SPDX-License-Identifier: Apache-2.0
#include "cli/format.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "evidence/text.h"

namespace jit::cli {

namespace {

// A sheet computes a cell that begins so (CWE-1236); such a character is written as escape() writes a control byte.
std::string inert(const std::string& cell) {
  if (cell.size() < 2 || std::string_view("=+-@").find(cell.front()) == std::string_view::npos) return cell;
  const auto first = static_cast<std::uint8_t>(cell.front());
  return "\\x" + evidence::hex({&first, 1}) + cell.substr(1);
}

}  // namespace

Style Style::detect() {
  Style style;
  style.terminal = isatty(STDOUT_FILENO) == 1;
  const char* const off = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  style.colour = style.terminal && (off == nullptr || *off == '\0') && term != nullptr &&
                 std::string_view(term) != "dumb";
  return style;
}

void Output::line(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void Output::text(std::string_view lines) {
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  std::fflush(stdout);
}

void Output::note(std::string_view text) { style_.terminal ? line(text) : aside(text); }

void Output::aside(std::string_view text) { std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data()); }

Exit Output::fail(const Failure& failure) {
  std::fflush(stdout);
  std::fprintf(stderr, "jitctl: %s\n", failure.message.c_str());
  return failure.code;
}

void Output::table(const std::vector<std::vector<std::string>>& rows) {
  if (!style_.terminal) {
    for (std::size_t i = 1; i < rows.size(); ++i) {
      std::string text;
      for (std::size_t c = 0; c < rows[i].size(); ++c) text += (c == 0 ? "" : "\t") + inert(rows[i][c]);
      line(text);
    }
    return;
  }
  std::vector<std::size_t> width(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string text;
    for (std::size_t c = 0; c < rows[i].size(); ++c) {
      const std::size_t fill = c + 1 == rows[i].size() ? 0 : width[c] - rows[i][c].size() + 2;
      text += (i == 0 ? rows[i][c] : coloured(style_, rows[i][c])) + std::string(fill, ' ');
    }
    line(i == 0 && style_.colour ? "\x1b[1m" + text + "\x1b[0m" : text);
  }
}

void Output::facts(const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, name.size());
  for (const auto& [name, value] : facts) line(name + ":" + std::string(width - name.size() + 1, ' ') + value);
}

Exit Output::finish(Exit code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  const Exit lost = fail({Exit::kNo, "the output could not be written: is the disk full?"});
  return code == Exit::kDone ? lost : code;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + evidence::escape(word);
  return out;
}

std::string coloured(const Style& style, std::string_view state) {
  const auto paint = [&](const char* code) { return std::string(code) + std::string(state) + "\x1b[0m"; };
  if (!style.colour) return std::string(state);
  if (state == "approved" || state == "active") return paint("\x1b[32m");
  if (state == "denied") return paint("\x1b[31m");
  if (state == "pending" || state == "detached") return paint("\x1b[33m");
  return std::string(state);
}

}  // namespace jit::cli
