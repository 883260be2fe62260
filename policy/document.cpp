// SPDX-License-Identifier: Apache-2.0
#include "policy/document.h"

#include <toml++/toml.h>

#include <algorithm>
#include <chrono>
#include <tuple>

#include "policy/text_scan.h"

namespace jit::policy {
namespace {

std::int64_t unix_of(const toml::date_time& time) {
  const std::chrono::year_month_day date(std::chrono::year(time.date.year), std::chrono::month(time.date.month),
                                         std::chrono::day(time.date.day));
  const std::int64_t minutes = std::int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * 1440 +
                               time.time.hour * 60 + time.time.minute - time.offset->minutes;
  return minutes * 60 + time.time.second;
}

class Converter {
 public:
  Converter(std::uint32_t file, Report& report) : file_(file), report_(report) {}

  Node node(const toml::node& from) {
    Node out;
    out.place = place(from.source());
    switch (from.type()) {
      case toml::node_type::table: fill(out, *from.as_table()); break;
      case toml::node_type::array:
        out.kind = Node::Kind::kArray;
        out.items.reserve(from.as_array()->size());
        for (const toml::node& item : *from.as_array()) out.items.push_back(node(item));
        break;
      case toml::node_type::string:
        out.kind = Node::Kind::kString;
        out.text = checked(from.as_string()->get(), out.place);
        break;
      case toml::node_type::integer:
        out.kind = Node::Kind::kInteger;
        out.integer = from.as_integer()->get();
        break;
      case toml::node_type::boolean:
        out.kind = Node::Kind::kBool;
        out.boolean = from.as_boolean()->get();
        break;
      case toml::node_type::floating_point:
        out.kind = Node::Kind::kFloat;
        out.decimal = from.as_floating_point()->get();
        break;
      case toml::node_type::date_time:
        out.kind = Node::Kind::kTime;
        out.zoned = from.as_date_time()->get().offset.has_value();
        if (out.zoned) out.unix_s = unix_of(from.as_date_time()->get());
        break;
      default: out.kind = Node::Kind::kTime; break;
    }
    return out;
  }

 private:
  void fill(Node& out, const toml::table& table) {
    out.kind = Node::Kind::kTable;
    out.entries.reserve(table.size());
    for (const auto& [key, value] : table) {
      const Place at = place(key.source());
      out.entries.push_back({checked(std::string(key.str()), at), at, node(value)});
    }
    std::ranges::stable_sort(out.entries, {}, [](const Entry& e) { return std::tuple(e.place.line, e.place.column); });
  }

  std::string checked(std::string text, const Place& at) {
    if (text.find('\0') != std::string::npos) report_.add("E01", at, "a NUL in a text; leave it out");
    return text;
  }

  Place place(const toml::source_region& source) const { return {file_, source.begin.line, source.begin.column}; }

  std::uint32_t file_;
  Report& report_;
};

}  // namespace

std::string_view name_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kString: return "a string";
    case Node::Kind::kInteger: return "an integer";
    case Node::Kind::kFloat: return "a decimal";
    case Node::Kind::kBool: return "true or false";
    case Node::Kind::kTime: return "a date or time";
    case Node::Kind::kArray: return "a list";
    case Node::Kind::kTable: break;
  }
  return "a table";
}

std::optional<Node> parse_document(std::uint32_t file, std::string_view text, Report& report) {
  if (const auto fault = scan_text(text)) {
    report.add("E01", {file, fault->line, fault->column}, fault->message);
    return std::nullopt;
  }
  try {
    const toml::table table = toml::parse(text);
    return Converter(file, report).node(table);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    report.add("E01", {file, at.line, at.column}, "not TOML: " + std::string(error.description()));
  } catch (const std::bad_alloc&) {
    report.add("E01", {file, 0, 0}, "out of memory while reading");
  } catch (const std::exception& error) {
    report.add("E01", {file, 0, 0}, "not TOML: " + std::string(error.what()));
  }
  return std::nullopt;
}

}  // namespace jit::policy
