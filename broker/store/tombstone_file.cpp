// SPDX-License-Identifier: Apache-2.0
#include "broker/store/tombstone_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "broker/store/write_all.h"

namespace jit::store {
namespace {

constexpr off_t kMost = 64 * 1024 * 1024;  // bytes; more than a million ends
constexpr std::string_view kTitle = "jit-ends-1 ";

// Against damage, not against people: who can write here is the broker.
std::string checksum(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out.push_back("0123456789abcdef"[(hash >> shift) & 15]);
  return out;
}

std::optional<std::string> read_all(int fd, off_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t n = ::pread(fd, text.data() + got, text.size() - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    got += static_cast<std::size_t>(n);
  }
  return text;
}

}  // namespace

TombstoneFile::TombstoneFile(std::string path, std::string boot) : path_(std::move(path)), boot_(std::move(boot)) {}

std::optional<std::vector<core::Tombstone>> TombstoneFile::refuse(const std::string& why) {
  problem_ = path_ + ": " + why;
  return std::nullopt;
}

std::string TombstoneFile::header() const {
  const std::string title = std::string(kTitle) + boot_;
  return title + ' ' + checksum(title) + '\n';
}

// "g 2 ID SUM": the letter for grant or request, the number of how it ended.
std::string TombstoneFile::line(const core::Tombstone& end) const {
  const auto how = std::visit([](auto value) { return static_cast<int>(value); }, end.how);
  const std::string text = std::string(end.how.index() == 0 ? "g " : "r ") + std::to_string(how) + ' ' + end.id.text();
  return text + ' ' + checksum(boot_ + text) + '\n';
}

bool TombstoneFile::parse(std::string_view text, std::vector<core::Tombstone>& found) const {
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find('\n'));
    if (one.size() < 5 || one.size() == text.size()) return false;
    text.remove_prefix(one.size() + 1);
    core::Tombstone end;
    const int how = one[2] - '0';
    if (one[0] == 'g' && how > 0 && how <= static_cast<int>(core::GrantEnd::kVoid)) {
      end.how = static_cast<core::GrantEnd>(how);
    } else if (one[0] == 'r' && how > static_cast<int>(core::RequestState::kApproved) && how <= static_cast<int>(core::RequestState::kCancelled)) {
      end.how = static_cast<core::RequestState>(how);
    } else {
      return false;
    }
    const auto id = core::Id::parse(one.substr(4, 32));
    if (!id) return false;
    end.id = *id;
    if (line(end) != std::string(one) + '\n') return false;
    found.push_back(end);
  }
  return true;
}

std::optional<std::vector<core::Tombstone>> TombstoneFile::load() {
  problem_.clear();
  // For writing too: a record that takes no more ends is not one.
  file_.reset(::open(path_.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file_) return errno == ENOENT ? std::nullopt : refuse(std::strerror(errno));
  struct stat st {};
  std::vector<core::Tombstone> found;
  const auto bad = [&](const std::string& why) {
    file_.reset(-1);
    return refuse(why);
  };
  if (::fstat(file_.get(), &st) != 0) return bad(std::strerror(errno));
  if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_uid != ::geteuid() || (st.st_mode & 077) != 0) {
    return bad("others may have a hand in it");
  }
  if (st.st_size > kMost) return bad("it is too large");
  const auto text = read_all(file_.get(), st.st_size);
  if (!text) return bad("it cannot be read");
  const std::string title = header();
  if (text->size() < title.size() || text->compare(0, kTitle.size(), kTitle) != 0) return bad("it is damaged");
  if (text->compare(0, title.size(), title) != 0) {
    // Whole, and of another boot: nothing of ours was lost.
    const std::string first = text->substr(0, title.size() - 1);
    const std::size_t sum = kTitle.size() + boot_.size();
    const bool whole = (*text)[title.size() - 1] == '\n' && first[sum] == ' ' && first.substr(sum + 1) == checksum(first.substr(0, sum));
    if (!whole) return bad("it is damaged");
    file_.reset(-1);
    return std::nullopt;
  }
  if (!parse(std::string_view(*text).substr(title.size()), found)) return bad("it is damaged");
  return found;
}

bool TombstoneFile::add(std::span<const core::Tombstone> more) {
  if (!file_) return false;
  std::string text;
  for (const core::Tombstone& end : more) text += line(end);
  struct stat st {};
  const bool room = ::fstat(file_.get(), &st) == 0 && st.st_size + static_cast<off_t>(text.size()) <= kMost;
  if (room && write_all(file_.get(), text)) return true;
  spoil();
  return false;
}

void TombstoneFile::spoil() {
  // Either is enough; and where neither can be done (read-only), load() cannot open it for writing.
  [[maybe_unused]] const int emptied = ::ftruncate(file_.get(), 0);
  ::unlink(path_.c_str());
  file_.reset(-1);
}

bool TombstoneFile::replace(std::span<const core::Tombstone> all) {
  const std::string fresh = path_ + ".new";
  std::string text = header();
  for (const core::Tombstone& end : all) text += line(end);
  if (static_cast<off_t>(text.size()) > kMost) return false;
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  if (!write_all(fd, text) || ::rename(fresh.c_str(), path_.c_str()) != 0) {
    ::unlink(fresh.c_str());
    ::close(fd);
    return false;
  }
  file_.reset(fd);
  const Fd folder(::open(path_.substr(0, path_.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder && ::fsync(folder.get()) == 0;
}

}  // namespace jit::store
