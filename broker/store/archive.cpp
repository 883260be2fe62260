// SPDX-License-Identifier: Apache-2.0
#include "broker/store/archive.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "broker/store/leaves.h"
#include "broker/store/write_all.h"
#include "evidence/text.h"

namespace jit::store {
namespace {

constexpr off_t kPartMost = 256 * 1024 * 1024;  // bytes of one file
constexpr std::string_view kNew = ".new";
constexpr std::string_view kOther = "other-";
constexpr unsigned kOthersMost = 1000;
constexpr std::string_view kEntry = "{\"hash\":\"";  // its members are sorted: so begins an entry, and no other line

struct CloseFolder {
  void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};

bool is_no_safe_file(const struct stat& st) { return !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != ::geteuid() || (st.st_mode & 0137) != 0; }

// The lines of a part without what they tell of this person.
std::string erased_text(std::string_view text, const std::string& person, std::uint64_t& erased) {
  std::string out;
  out.reserve(text.size());
  bool drop_document = false;  // that the entry in front named, and that names him
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    const auto read = evidence::read_line(line.substr(0, line.find('\n')));
    if (read && std::holds_alternative<evidence::EvidenceLine>(*read) && std::exchange(drop_document, false)) continue;
    const auto* const entry = read ? std::get_if<evidence::EntryLine>(&*read) : nullptr;
    const auto less = entry != nullptr ? without(*entry, person) : std::nullopt;
    if (entry != nullptr) drop_document = less.has_value();
    if (less) {
      ++erased;
      out.append(evidence::to_line(*less)).append("\n");
    } else {
      out += line;
    }
  }
  return out;
}

// Where several people did it, all stand in one text: "bob, carol", "eve (uid:1003)".
bool is_among(const std::string& others, const std::string& person) {
  return (", " + others + ", ").find(", " + person + ", ") != std::string::npos || others.find(" (" + person + ")") != std::string::npos;
}

}  // namespace

std::optional<evidence::EntryLine> without(const evidence::EntryLine& entry, const std::string& person) {
  const Tellings told = tellings_of(entry.personal);
  const bool about = told.about == person;
  const bool other = !told.other.empty() && is_among(told.other, person);
  if (!about && !other) return std::nullopt;
  evidence::EntryLine out = entry;
  std::erase_if(out.personal, [&](const auto& field) { return told.is_of_other(field.first) ? other : about; });
  return out;
}

std::optional<Page> page_of(std::string_view text, std::uint64_t first, std::uint64_t from, std::size_t most) {
  constexpr std::string_view kEnd = "{\"kind\":\"end\"";
  const auto header = evidence::read_line(text.substr(0, text.find('\n')));
  const auto* const log = header ? std::get_if<evidence::LogLine>(&*header) : nullptr;
  auto tree = log != nullptr && log->first == first ? evidence::Frontier::from(first - 1, log->frontier) : std::nullopt;
  if (!tree) return std::nullopt;
  text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
  Page page;
  std::uint64_t next = first;  // the entry that comes
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end);
    if (line.starts_with(kEntry)) {
      if (next < from) {
        const auto hash = evidence::hash_from_hex(line.substr(kEntry.size(), 64));
        if (!hash) return std::nullopt;
        tree->add(*hash);
      } else if (page.lines.size() >= most) {
        page.next = next;
        break;
      }
      ++next;
    }
    if (next > from && !line.starts_with(kEnd)) page.lines += line;
  }
  page.frontier = tree->subtrees();
  return next > from ? std::optional(std::move(page)) : std::nullopt;
}

std::vector<core::AuditEntry> entries_in(std::string_view text, const AuditFilter& filter) {
  std::vector<core::AuditEntry> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const auto line = evidence::read_line(text.substr(0, text.find('\n')));
    text.remove_prefix(end);
    const auto* const stored = line ? std::get_if<evidence::EntryLine>(&*line) : nullptr;
    auto entry = stored != nullptr ? entry_of(stored->leaf, stored->personal) : std::nullopt;
    if (!entry || entry->sequence <= filter.after || entry->wall < filter.since || (filter.request && entry->request != *filter.request)) continue;
    if ((!filter.person.empty() && entry->person != filter.person) || (!filter.type.empty() && entry->type != filter.type)) continue;
    out.push_back(std::move(*entry));
  }
  return out;
}

std::string Archive::name_of(std::uint64_t first) {
  const std::string digits = std::to_string(first);
  return "log-" + std::string(20 - digits.size(), '0') + digits + ".jsonl";
}

bool Archive::fail(const std::string& name) {
  problem_ = folder_ + (name.empty() ? "" : "/" + name) + ": " + std::strerror(errno);
  return false;
}

bool Archive::open_folder(bool make) {
  problem_.clear();
  if (make && ::mkdir(folder_.c_str(), 0750) != 0 && errno != EEXIST) return fail("");
  fd_.reset(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd_) return fail("");
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0) return fail("");
  if (st.st_uid == ::geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0) return true;
  problem_ = folder_ + " can be written by others; type: chown " + std::to_string(::geteuid()) + " " + folder_ + " && chmod go-w " + folder_;
  return false;
}

bool Archive::write(std::uint64_t first, std::string_view text) { return put(first, text, RENAME_NOREPLACE); }

bool Archive::put(std::uint64_t first, std::string_view text, unsigned flags) {
  if (!open_folder(true)) return false;
  const std::string name = name_of(first);
  const std::string fresh = name + std::string(kNew);
  ::unlinkat(fd_.get(), fresh.c_str(), 0);
  {
    const Fd file(::openat(fd_.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file && ::fchmod(file.get(), 0640) == 0 && write_all(file.get(), text) &&
        ::renameat2(fd_.get(), fresh.c_str(), fd_.get(), name.c_str(), flags) == 0 && ::fsync(fd_.get()) == 0) {
      return true;
    }
  }
  fail(name);
  ::unlinkat(fd_.get(), fresh.c_str(), 0);
  return false;
}

std::optional<std::string> Archive::read(std::uint64_t first) {
  const std::string name = name_of(first);
  if (!open_folder(false)) return std::nullopt;
  const Fd file(::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  if (!file || ::fstat(file.get(), &st) != 0) return fail(name) ? std::nullopt : std::optional<std::string>();
  if (is_no_safe_file(st) || st.st_size > kPartMost) {
    problem_ = folder_ + "/" + name + ": others may have a hand in it, or it is too large";
    return std::nullopt;
  }
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = ::pread(file.get(), text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  text.resize(got);
  return text;
}

std::optional<std::vector<std::string>> Archive::names() {
  const int again = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseFolder> folder(again >= 0 ? ::fdopendir(again) : nullptr);
  std::vector<std::string> found;
  errno = 0;
  while (const dirent* const each = folder ? ::readdir(folder.get()) : nullptr) found.emplace_back(each->d_name);
  if (!folder || errno != 0) return fail("") ? std::nullopt : std::optional<std::vector<std::string>>();
  std::ranges::sort(found);
  return found;
}

// The file behind the last part: are all its entries those that stand in the database, too?
bool Archive::repeats(const LogFiles& log) {
  const auto text = read(log.cut.size + 1);
  if (!text) return false;
  std::string_view rest = *text;
  const auto header = evidence::read_line(rest.substr(0, rest.find('\n')));
  const auto* const begins = header ? std::get_if<evidence::LogLine>(&*header) : nullptr;
  if (begins == nullptr || begins->first != log.cut.size + 1 || begins->frontier != log.cut.frontier) return false;
  std::uint64_t sequence = log.cut.size;
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!line.starts_with(kEntry)) continue;
    const auto hash = evidence::hash_from_hex(line.substr(kEntry.size(), 64));
    if (!hash || hash != log.hash_of(++sequence)) return false;
  }
  return true;
}

// Its name; empty: it cannot be made.
std::string Archive::make_other() {
  for (unsigned number = 1; number <= kOthersMost; ++number) {
    std::string name = std::string(kOther) + std::to_string(number);
    if (::mkdirat(fd_.get(), name.c_str(), 0750) == 0) return name;
    if (errno != EEXIST) break;
  }
  fail(std::string(kOther) + "N");
  return {};
}

bool Archive::put_aside(const std::vector<std::string>& strays) {
  if (strays.empty()) return true;
  const std::string other = make_other();
  if (other.empty()) return false;
  const Fd to(::openat(fd_.get(), other.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!to) return fail(other);
  for (const std::string& name : strays) {
    if (::renameat2(fd_.get(), name.c_str(), to.get(), name.c_str(), RENAME_NOREPLACE) != 0) return fail(name);
  }
  return (::fsync(to.get()) == 0 && ::fsync(fd_.get()) == 0) || fail(other);
}

bool Archive::settle(const LogFiles& log) {
  struct stat st {};
  if (::lstat(folder_.c_str(), &st) != 0 && errno == ENOENT) return true;
  if (!open_folder(false)) return false;
  const auto found = names();
  if (!found) return false;
  std::vector<std::string> strays;
  for (const std::string& name : *found) {
    const bool unfinished = name.ends_with(kNew);
    if (!name.starts_with("log-") || !(unfinished || name.ends_with(".jsonl"))) continue;
    if (std::ranges::any_of(log.parts, [&](const ArchivePart& part) { return name_of(part.first) == name; })) continue;
    if (!unfinished && !(name == name_of(log.cut.size + 1) && repeats(log))) {
      strays.push_back(name);
    } else if (::unlinkat(fd_.get(), name.c_str(), 0) != 0) {
      return fail(name);
    }
  }
  return put_aside(strays);
}

std::vector<std::string> Archive::others() {
  if (!open_folder(false)) return {};
  auto found = names().value_or(std::vector<std::string>());
  std::erase_if(found, [](const std::string& name) { return !name.starts_with(kOther); });
  return found;
}

bool Archive::erase(const std::string& person, const std::vector<ArchivePart>& parts, std::uint64_t& erased) {
  if (parts.empty()) return true;
  if (!open_folder(false)) return false;
  // As it stands in a line: escaped, and once more as JSON. A part in which that is nowhere is not taken apart.
  const std::string quoted = evidence::quote(evidence::escape(person));
  const std::string_view shown = std::string_view(quoted).substr(1, quoted.size() - 2);
  for (const ArchivePart& part : parts) {
    const auto text = read(part.first);
    if (!text) return false;
    if (text->find(shown) == std::string::npos) continue;
    const std::uint64_t before = erased;
    const std::string less = erased_text(*text, person, erased);
    if (erased != before && !put(part.first, less, 0)) return false;
  }
  return true;
}

}  // namespace jit::store
