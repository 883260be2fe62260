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

std::string our_line(std::string_view type, Mode mode) {
  std::string out(type);
  out += mode == Mode::kGate ? ' ' + std::string(kGates) + ' ' + std::string(kModule) : " optional " + std::string(kModule) + " observe";
  return out + std::string(kMark) + '\n';
}

std::string lines_for(std::string_view type, const Service& service, Mode mode) {
  std::string out;
  if (service.rescue) out = std::string(type) + ' ' + std::string(kRescue) + std::string(kMark) + '\n';
  return out + our_line(type, mode);
}

bool bears(const PamEntry& entry, std::string_view type, const Holds& holds) {
  if (entry.type == type) return !entry.includes() || holds(entry.module, type);
  return entry.type == "@include" && holds(entry.module, type);
}

// Root passes there without us, as the file wants it.
bool lets_root_pass(const PamEntry& entry) { return base_of(entry.module) == "pam_rootok.so"; }

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

std::optional<Insertion> insertion(const std::vector<PamEntry>& entries, std::string_view type, Place place, const Service& service, Mode mode, const Holds& holds) {
  const PamEntry* first = nullptr;
  const PamEntry* last = nullptr;
  for (const PamEntry& entry : entries) {
    if (!bears(entry, type, holds)) continue;
    last = &entry;
    if (first == nullptr && !lets_root_pass(entry)) first = &entry;
  }
  if (last == nullptr) return std::nullopt;
  const std::size_t before = place == Place::kLast || first == nullptr ? last->last : first->line - 1;
  return Insertion{before, lines_for(type, service, mode)};
}

}  // namespace

bool is_own_line(std::string_view line) {
  if (line.starts_with("@include /") && line.ends_with(kMark)) return true;
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

std::optional<Mode> mode_of(std::string_view text) {
  bool gates = false, observes = false;
  const auto lines = lines_of(text);
  for (const PamEntry& entry : host::read_pam_text(text)) {
    if (!is_ours(entry) || !is_marked(lines[entry.line - 1])) continue;
    (entry.control == "optional" ? observes : gates) = true;
  }
  if (gates == observes) return std::nullopt;
  return gates ? Mode::kGate : Mode::kObserve;
}

Edited with_lines(const Service& service, std::string_view text, Wanted wanted, const Holds& holds) {
  const Left left = without_lines(text);
  if (!left.by_hand.empty()) return {{}, "a line of pam_jit.so stands there that jitctl setup did not write", left.by_hand.front()};
  const std::vector<PamEntry> entries = host::read_pam_text(left.text);
  for (const PamEntry& entry : entries) {
    if (!entry.whole()) return {{}, "PAM would not take this line", entry.line};
  }
  std::vector<Insertion> all;
  const auto add = [&](std::string_view type, Place place) {
    if (place == Place::kNone || from_main(entries, type, service)) return true;
    auto one = insertion(entries, type, place, service, wanted.mode, holds);
    if (one) all.push_back(std::move(*one));
    return one.has_value();
  };
  if (wanted.auth && service.door == policy::Door::kSsh && !add("auth", Place::kLast)) return {{}, "it has no auth line, so what PAM does there is in another file", 0};
  if (!add("account", Place::kFirst)) return {{}, "it has no account line, so what PAM does there is in another file", 0};
  if (!add("session", service.session)) return {{}, "it has no session line, so what PAM does there is in another file", 0};
  std::ranges::stable_sort(all, {}, &Insertion::before);
  const auto lines = lines_of(left.text);
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
  const std::string text = "@include " + std::string(includes) + std::string(kMark) + '\n';
  // Its own mark is put back: with_lines would take the line for an old one of ours.
  Edited out = with_lines(service, "@include " + std::string(includes) + '\n', wanted, holds);
  const std::size_t at = out.text.find("@include ");
  if (at != std::string::npos) out.text.replace(at, out.text.find('\n', at) + 1 - at, text);
  return out;
}

std::uint32_t first_difference(std::string_view a, std::string_view b) {
  const auto left = lines_of(a);
  const auto right = lines_of(b);
  std::uint32_t at = 0;
  while (at < left.size() && at < right.size() && left[at] == right[at]) ++at;
  return at == left.size() && at == right.size() ? 0 : at + 1;
}

}  // namespace jit::setup
