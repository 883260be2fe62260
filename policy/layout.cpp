// SPDX-License-Identifier: Apache-2.0
#include "policy/layout.h"

#include <algorithm>

#include "policy/document.h"

namespace jit::policy {
namespace {

// A value as it is written. `comments` stand on lines of their own before it, `after` on its line.
struct Written {
  enum class Kind : std::uint8_t { kScalar, kList, kTable } kind = Kind::kScalar;
  std::string key;   // in a table, laid out
  std::string text;  // of a scalar, verbatim
  std::vector<Written> items;
  std::vector<std::string> comments;
  std::string after;
  std::vector<std::string> closing;  // comments before the closing bracket
};

bool has_comment(const Written& value) {
  return !value.comments.empty() || !value.after.empty() || !value.closing.empty() ||
         std::ranges::any_of(value.items, has_comment);
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

// The text is TOML, so what opens is closed; every loop still ends with the text.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  void skip() { ++at_; }
  void blanks() {
    while (!done() && (peek() == ' ' || peek() == '\t' || peek() == '\r')) skip();
  }
  bool take(char c) {
    if (peek() != c || done()) return false;
    skip();
    return true;
  }

  // From # to the end of the line, without blanks at its end.
  std::string comment() {
    const std::size_t from = at_;
    while (!done() && peek() != '\n') skip();
    std::string_view out = text_.substr(from, at_ - from);
    while (out.ends_with(' ') || out.ends_with('\t') || out.ends_with('\r')) out.remove_suffix(1);
    return std::string(out);
  }

  // A key, or what stands between the brackets of a header: dots without blanks around them.
  std::string key() {
    std::string out;
    for (blanks(); !done(); blanks()) {
      if (peek() == '"' || peek() == '\'') {
        out += string();
      } else if (peek() == '=' || peek() == ']' || peek() == '\n') {
        break;
      } else {
        out += peek();
        skip();
      }
    }
    return out;
  }

  Written value() {
    Written out;
    blanks();
    if (take('[')) {
      out.kind = Written::Kind::kList;
      items(out, ']');
    } else if (take('{')) {
      out.kind = Written::Kind::kTable;
      items(out, '}');
    } else if (peek() == '"' || peek() == '\'') {
      out.text = string();
    } else {
      while (!done() && std::string_view(",]}#\n\r").find(peek()) == std::string_view::npos) {
        out.text += peek();
        skip();
      }
      while (out.text.ends_with(' ') || out.text.ends_with('\t')) out.text.pop_back();
    }
    return out;
  }

 private:
  std::string string() {
    const std::size_t from = at_;
    const char quote = peek();
    const bool triple = text_.substr(at_).starts_with(std::string(3, quote));
    at_ += triple ? 3 : 1;
    while (!done()) {
      if (peek() == '\\' && quote == '"') {
        at_ += 2;
      } else if (!triple && take(quote)) {
        break;
      } else if (triple && text_.substr(at_).starts_with(std::string(3, quote))) {
        while (take(quote)) {}
        break;
      } else {
        skip();
      }
    }
    at_ = std::min(at_, text_.size());
    return std::string(text_.substr(from, at_ - from));
  }

  void items(Written& out, char close) {
    std::vector<std::string> comments;
    bool same_line = false;  // a comment here belongs to the item before it
    while (!done()) {
      blanks();
      if (take(close)) break;
      if (take('\n')) {
        same_line = false;
      } else if (peek() == '#') {
        if (same_line && !out.items.empty() && out.items.back().after.empty()) {
          out.items.back().after = comment();
        } else {
          comments.push_back(comment());
        }
      } else if (!take(',')) {
        std::string name;
        if (out.kind == Written::Kind::kTable) {
          name = key();
          take('=');
        }
        Written item = value();
        item.key = std::move(name);
        item.comments = std::move(comments);
        comments.clear();
        out.items.push_back(std::move(item));
        same_line = true;
      }
    }
    out.closing = std::move(comments);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string on_one_line(const Written& value) {
  if (value.kind == Written::Kind::kScalar) return value.text;
  const bool table = value.kind == Written::Kind::kTable;
  if (value.items.empty()) return table ? "{}" : "[]";
  std::string out = table ? "{ " : "[";
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ", ";
    if (table) out += value.items[i].key + " = ";
    out += on_one_line(value.items[i]);
  }
  return out + (table ? " }" : "]");
}

// Only a list may be broken: TOML wants an inline table on one line.
std::string laid(const Written& value, std::size_t indent, std::size_t used) {
  const std::string flat = has_comment(value) ? std::string() : on_one_line(value);
  if (value.kind != Written::Kind::kList || (!flat.empty() && (used + columns(flat) <= kLineWidth || value.items.empty()))) {
    return flat.empty() ? on_one_line(value) : flat;
  }
  const std::string margin(indent + 2, ' ');
  std::string out = "[\n";
  for (const Written& item : value.items) {
    for (const std::string& comment : item.comments) out += margin + comment + '\n';
    out += margin + laid(item, indent + 2, indent + 3) + ',';
    if (!item.after.empty()) out += "  " + item.after;
    out += '\n';
  }
  for (const std::string& comment : value.closing) out += margin + comment + '\n';
  return out + std::string(indent, ' ') + ']';
}

class Layout {
 public:
  explicit Layout(std::string_view text) : in_(text) {}

  std::string run() {
    while (!in_.done()) {
      in_.blanks();
      if (in_.take('\n')) {
        gap_ = gap_ || fresh_;
        fresh_ = true;
      } else if (in_.peek() == '#') {
        waiting_.push_back(in_.comment());
        end_of_line();
        gap_waits_ = gap_waits_ || (gap_ && waiting_.size() == 1);
        if (waiting_.size() > 1 && gap_) waiting_.insert(waiting_.end() - 1, "");
        gap_ = false;
      } else if (in_.peek() == '[') {
        header();
      } else {
        pair();
      }
    }
    flush(gap_waits_);
    return std::move(out_);
  }

 private:
  void end_of_line() {
    in_.blanks();
    in_.take('\n');
    fresh_ = true;
  }

  // Comments that stand before what comes now; a gap before the first of them is kept.
  void flush(bool gap) {
    if (gap && !out_.empty()) out_ += '\n';
    for (const std::string& comment : waiting_) out_ += comment + '\n';
    if (!waiting_.empty() && gap_) out_ += '\n';
    waiting_.clear();
    gap_ = gap_waits_ = false;
  }

  void tail() {
    in_.blanks();
    if (in_.peek() == '#') out_ += "  " + in_.comment();
    out_ += '\n';
    end_of_line();
  }

  void header() {
    flush(true);
    in_.skip();
    const bool list = in_.take('[');
    out_ += list ? "[[" : "[";
    out_ += in_.key();
    out_ += list ? "]]" : "]";
    in_.take(']');
    if (list) in_.take(']');
    tail();
  }

  void pair() {
    const bool gap = waiting_.empty() ? gap_ : gap_waits_;
    if (waiting_.empty()) gap_ = false;
    flush(gap);
    const std::string key = in_.key();
    in_.take('=');
    const Written value = in_.value();
    out_ += key + " = " + laid(value, 0, columns(key) + 3);
    tail();
  }

  Reader in_;
  std::string out_;
  std::vector<std::string> waiting_;  // comments; an empty one is a blank line between them
  bool gap_ = false;        // a blank line came just now
  bool gap_waits_ = false;  // one came before the waiting comments
  bool fresh_ = false;      // at the begin of a line
};

bool same(const Node& a, const Node& b) {
  if (a.kind != b.kind || a.text != b.text || a.integer != b.integer || a.boolean != b.boolean) return false;
  return std::ranges::equal(a.items, b.items, same) &&
         std::ranges::equal(a.entries, b.entries, [](const Entry& x, const Entry& y) { return x.key == y.key && same(x.value, y.value); });
}

}  // namespace

std::optional<std::string> lay_out(std::uint32_t file, std::string_view text, Report& report) {
  const auto before = parse_document(file, text, report);
  if (!before) return std::nullopt;
  std::string out = Layout(text).run();
  Report again;
  const std::uint32_t copy = again.add_file("the laid out text");
  const auto after = parse_document(copy, out, again);
  if (!after || !same(*before, *after)) {
    report.add("E01", {file, 0, 0}, "cannot be laid out without a change of meaning; please report this file");
    return std::nullopt;
  }
  return out;
}

}  // namespace jit::policy
