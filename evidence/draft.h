// SPDX-License-Identifier: Apache-2.0
// A leaf of the log before it has its place there: all but its sequence is written, so that whoever appends it has little to do.
#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "evidence/leaf.h"

namespace jit::evidence {

struct Member {
  std::string_view name;
  std::string_view value;  // canonical JSON
};
// The members of an object, sorted by name; each value is what a leaf can hold (one that it cannot stands as its text).
class Fields {
 public:
  // Nothing: it is no object of JSON. What is in the canonical form already is not taken apart, for that is most of what a leaf
  // costs: `object` must live as long as what is made of it.
  static std::optional<Fields> of(std::string_view object);
  static Fields of(const Json& object);
  void put(std::string_view name, std::string value);  // in its place, or instead of the one there; the name must live as long
  const std::vector<Member>& all() const { return all_; }
  const Member* find(std::string_view name) const;

 private:
  std::string_view keep(std::string text) { return *kept_.emplace(kept_.end(), std::move(text)); }
  std::vector<Member> all_;
  std::list<std::string> kept_;  // what was not there
};

bool is_fit(const Json& value);             // a leaf can hold it as it is
std::string quote(std::string_view text);   // JSON of it, escaped first where it is not printable ASCII

// What is taken out of a leaf: {"salt":..,"value":..}.
using Hide = std::function<void(std::string_view name, std::string_view value)>;

struct Draft {
  std::string before, after;  // the leaf's text in front of its sequence and behind it
  std::string text(std::uint64_t sequence) const;  // throws std::length_error where it were longer than kLeafMax
};
// entry.fields and entry.sequence are not looked at. Throws std::exception where a field's name cannot be written.
Draft draft_of(const Entry& entry, const Fields& fields, const Salt& salt, const Hide& hide);

}  // namespace jit::evidence
