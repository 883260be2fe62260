// SPDX-License-Identifier: Apache-2.0
#include "setup/edit.h"

#include <algorithm>
#include <optional>

#include "host/pam_text.h"
#include "setup/lines.h"

namespace jit::setup {
namespace {

using host::PamEntry;

bool is_marked(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  const std::string_view mark = kMark.substr(2);
  return line.ends_with(mark);
}

std::string base_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }
bool is_ours(const PamEntry& entry) { return !entry.includes() && base_of(entry.module) == kModule; }

bool is_include(std::string_view line) { return line.starts_with("@include /") && is_marked(line); }  // of a new file

std::string our_line(std::string_view type, Mode mode, std::string_view options = {}) {
  std::string out(type);
  out += mode == Mode::kGate ? ' ' + std::string(kGates) + ' ' + std::string(kModule) : " optional " + std::string(kModule) + " observe";
  return out + std::string(options) + std::string(kMark) + '\n';
}

bool says_observe(const PamEntry& entry) { return std::ranges::find(entry.arguments, "observe") != entry.arguments.end(); }

bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && std::string_view("[]#\\").find(c) == std::string_view::npos; });
}

// What somebody gave to setup's line of this type, each after a blank; whether it observes is not his to say.
std::string options_in(std::string_view text, std::string_view type) {
  const auto lines = lines_of(text);
  std::string out;
  for (const PamEntry& entry : host::read_pam_text(text)) {
    if (entry.type != type || !is_ours(entry) || !is_marked(lines[entry.line - 1])) continue;
    for (const std::string& word : entry.arguments) {
      if (word != "observe" && is_word(word)) out += ' ' + word;
    }
    if (!out.empty()) break;
  }
  return out;
}

bool is_rescue(const PamEntry& entry) {
  static const std::vector<PamEntry> wanted = host::read_pam_text("auth " + std::string(kRescue));
  return entry.control == wanted[0].control && entry.module == wanted[0].module && entry.arguments == wanted[0].arguments;
}

// Of those of one type: is each of ours as this mode wants it, with its rescue line directly before it; and where one is wanted, is it there?
bool are_right(const std::vector<PamEntry>& entries, std::string_view type, const Service& service, Mode mode, bool is_wanted) {
  const PamEntry* before = nullptr;
  bool found = !is_wanted;
  for (const PamEntry& entry : entries) {
    if (entry.type != type && entry.type != "@include") continue;
    if (is_ours(entry)) {
      const bool right = mode == Mode::kGate ? entry.control == kGates && !says_observe(entry) : entry.control == "optional" && says_observe(entry);
      if (!right || (service.rescue && (before == nullptr || !is_rescue(*before)))) return false;
      found = true;
    }
    before = &entry;
  }
  return found;
}

bool bears(const PamEntry& entry, std::string_view type, const Holds& holds) {
  if (entry.type == type) return !entry.includes() || holds(entry.module, type);
  return entry.type == "@include" && holds(entry.module, type);
}

// Root passes there without us, as the file wants it.
bool lets_root_pass(const PamEntry& entry, const Service& service) { return service.root_is_who_asks() && base_of(entry.module) == kRootOk; }

// Does this file take the type from the door's main service, where ours stands?
bool from_main(const std::vector<PamEntry>& entries, std::string_view type, const Service& service) {
  if (service.main) return false;
  return std::ranges::any_of(entries, [&](const PamEntry& entry) {
    if (!entry.includes() || (entry.type != "@include" && entry.type != type)) return false;
    const Service* const other = service_named(base_of(entry.module));
    return other != nullptr && other->main && other->door == service.door;
  });
}

struct Insertion {
  std::size_t before = 0;  // index of a line; as many as there are: at the end
  std::string text;
};

// The types that want a line in this file, and where.
std::vector<std::pair<std::string_view, Place>> places(const std::vector<PamEntry>& entries, const Service& service, Wanted wanted) {
  std::vector<std::pair<std::string_view, Place>> out;
  if (wanted.auth && service.door == policy::Door::kSsh) out.emplace_back("auth", Place::kLast);
  out.emplace_back("account", Place::kFirst);
  if (service.session != Place::kNone) out.emplace_back("session", service.session);
  std::erase_if(out, [&](const auto& one) { return from_main(entries, one.first, service); });
  return out;
}

bool jumps(const PamEntry& entry) {
  const std::string& control = entry.control;
  for (std::size_t at = control.find('='); at != std::string::npos; at = control.find('=', at + 1)) {
    if (at + 1 < control.size() && control[at + 1] >= '0' && control[at + 1] <= '9') return true;
  }
  return false;
}

// The line after which the session has its number, if ours can stand there: before whatever holds pam_systemd or may hold it, and
// where no line before it jumps.
std::optional<std::size_t> after_loginuid(const std::vector<PamEntry>& entries, const Holds& holds) {
  for (const PamEntry& entry : entries) {
    if (!bears(entry, "session", holds) || is_rescue(entry)) continue;
    if (entry.includes() || base_of(entry.module) == "pam_systemd.so" || jumps(entry)) break;
    if (base_of(entry.module) == "pam_loginuid.so") return entry.last;
  }
  return std::nullopt;
}

std::optional<std::size_t> place_in(const std::vector<PamEntry>& entries, std::string_view type, Place place, const Service& service, const Holds& holds) {
  if (place == Place::kAfterLoginuid) {
    if (const auto after = after_loginuid(entries, holds)) return after;
  }
  const PamEntry* first = nullptr;
  const PamEntry* last = nullptr;
  for (const PamEntry& entry : entries) {
    if (!bears(entry, type, holds)) continue;
    last = &entry;
    if (first == nullptr && !lets_root_pass(entry, service)) first = &entry;
  }
  if (last == nullptr) return std::nullopt;
  return place == Place::kLast || first == nullptr ? last->last : first->line - 1;
}

}  // namespace

bool is_own_line(std::string_view line) {
  if (is_include(line)) return true;
  for (const std::string_view type : {"auth", "account", "session"}) {
    for (const Mode mode : {Mode::kGate, Mode::kObserve}) {
      if (our_line(type, mode) == std::string(line) + '\n') return true;
    }
    if (std::string(type) + ' ' + std::string(kRescue) + std::string(kMark) == line) return true;
  }
  return false;
}

bool has_lines(std::string_view text) { return std::ranges::any_of(lines_of(text), is_marked); }

Left without_lines(std::string_view text) {
  Left out;
  for (const std::string_view line : lines_of(text)) {
    if (is_marked(line)) {
      out.taken.emplace_back(line.substr(0, line.find_last_not_of("\r\n") + 1));
    } else {
      out.text += line;
    }
  }
  const auto lines = lines_of(text);
  for (const PamEntry& entry : host::read_pam_text(text)) {
    if (is_ours(entry) && !is_marked(lines[entry.line - 1])) out.by_hand.push_back(entry.line);
  }
  // A file that ended without a newline got one before our last line.
  return out;
}

bool has_all_lines(const Service& service, std::string_view text, Wanted wanted, const Holds& holds) {
  if (!without_lines(text).by_hand.empty()) return false;
  const std::vector<PamEntry> entries = host::read_pam_text(text);
  if (service.session == Place::kAfterLoginuid) {
    const std::size_t after = after_loginuid(entries, holds).value_or(0);
    if (std::ranges::any_of(entries, [&](const PamEntry& entry) { return entry.type == "session" && is_ours(entry) && entry.line <= after; })) return false;
  }
  const auto all = places(entries, service, wanted);
  const auto right = [&](std::string_view type) {
    const bool is_wanted = std::ranges::any_of(all, [&](const auto& one) { return one.first == type; });
    return are_right(entries, type, service, wanted.mode, is_wanted);
  };
  return right("auth") && right("account") && right("session");
}

Edited with_lines(const Service& service, std::string_view text, Wanted wanted, const Holds& holds) {
  const Left left = without_lines(text);
  if (!left.by_hand.empty()) return {{}, "a line of pam_jit.so stands there that jitctl setup did not write", left.by_hand.front()};
  std::string others;  // with what a new file of ours includes
  for (const std::string_view line : lines_of(text)) {
    if (!is_marked(line) || is_include(line)) others += line;
  }
  const std::vector<PamEntry> entries = host::read_pam_text(others);
  for (const PamEntry& entry : entries) {
    if (!entry.whole()) return {{}, "PAM would not take this line", entry.line};
  }
  std::vector<Insertion> all;
  for (const auto& one : places(entries, service, wanted)) {
    const std::string type(one.first);
    const auto before = place_in(entries, type, one.second, service, holds);
    if (!before) return {{}, "it has no " + type + " line, so what PAM does there is in another file", 0};
    const std::string rescue = service.rescue ? type + ' ' + std::string(kRescue) + std::string(kMark) + '\n' : "";
    all.push_back({*before, rescue + our_line(type, wanted.mode, options_in(text, type))});
  }
  std::ranges::stable_sort(all, {}, &Insertion::before);
  const auto lines = lines_of(others);
  Edited out;
  auto next = all.begin();
  for (std::size_t i = 0; i <= lines.size(); ++i) {
    for (; next != all.end() && next->before == i; ++next) {
      if (!out.text.empty() && !out.text.ends_with('\n')) out.text += '\n';
      out.text += next->text;
    }
    if (i < lines.size()) out.text += lines[i];
  }
  // A file whose last line goes on past its end would swallow ours.
  std::size_t ours = 0;
  for (const PamEntry& entry : host::read_pam_text(out.text)) ours += is_ours(entry) ? 1U : 0U;
  if (ours != all.size()) return {{}, "its last line ends in a backslash", static_cast<std::uint32_t>(lines.size())};
  return out;
}

Edited new_file(const Service& service, std::string_view includes, Wanted wanted, const Holds& holds) {
  return with_lines(service, "@include " + std::string(includes) + std::string(kMark) + '\n', wanted, holds);
}

std::uint32_t first_difference(std::string_view a, std::string_view b) {
  const auto left = lines_of(a);
  const auto right = lines_of(b);
  std::uint32_t at = 0;
  while (at < left.size() && at < right.size() && left[at] == right[at]) ++at;
  return at == left.size() && at == right.size() ? 0 : at + 1;
}

}  // namespace jit::setup
