// SPDX-License-Identifier: Apache-2.0
// The files of pam.d that jitctl setup changes, what they were before, and what nobody has confirmed yet. Only root can have written
// any of it; one jitctl at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit.h"
#include "host/pam_files.h"
#include "setup/services.h"

namespace jit::cli {

inline constexpr std::string_view kPamFolder = "/etc/pam.d";
inline constexpr std::string_view kSetupFolder = "/etc/jit/setup";

struct PamFile {
  std::string path;   // in /etc/pam.d
  bool there = false;
  std::string text;   // there
  std::string other;  // not there: the file that PAM takes instead; empty: none
};

// What nobody has confirmed.
struct Unconfirmed {
  std::string boot;                // boot id
  std::uint64_t since_ms = 0;      // CLOCK_BOOTTIME
  std::vector<std::string> services;  // those of which it is kept what was before
};

// How a file came back.
struct Restored {
  std::string path;
  enum class How : std::uint8_t { kAsItWas, kRemoved, kLinesTaken, kNothing } how = How::kNothing;
  std::uint32_t by_hand = 0;             // with kLinesTaken: the first line that was changed by hand since
  std::vector<std::string> changed;      // lines of ours that were changed by hand, and are gone
  std::vector<std::uint32_t> left;       // lines of pam_jit.so that somebody else put there
};

// Does a program of this host ask PAM for it? As "remote" only a login of util-linux does, with -h (a telnet daemon); what is not known
// counts as asked for.
bool is_asked_for(const setup::Service& service);

// May this file stay without a line of ours, whatever the door? A main one never: of the others, one that nobody asks for, or that lets
// nobody through; where lines of ours stand they are wanted.
bool needs_no_line(const setup::Service& service, const host::PamService& read);

class SetupFiles {
 public:
  // Waits for another jitctl; `make`: the folder, where there is none.
  static Result<SetupFiles> open(bool make);
  SetupFiles(SetupFiles&& other) noexcept : lock_(other.lock_) { other.lock_ = -1; }
  SetupFiles(const SetupFiles&) = delete;
  SetupFiles& operator=(const SetupFiles&) = delete;
  ~SetupFiles();

  static Result<PamFile> read(const setup::Service& service);
  // Before the first change of a file: what it is now. `original`: its text without any line of ours.
  Result<Nothing> keep(const setup::Service& service, const PamFile& file, std::string_view original);
  static Result<Nothing> replace(const PamFile& file, std::string_view text);
  // As it was before what is not confirmed, or before any setup; what was edited by hand since stays.
  Result<Restored> restore(const setup::Service& service, bool only_unconfirmed);

  std::optional<Unconfirmed> unconfirmed() const;
  Result<Nothing> note_unconfirmed(const Unconfirmed& what);
  void confirm();  // what was before it is forgotten
  static void settle(const setup::Service& service);  // of this one alone: it waits no longer
  bool knows(const setup::Service& service) const;  // it is kept what it was

 private:
  explicit SetupFiles(int lock) : lock_(lock) {}
  int lock_;
};

std::string boot_id();
std::uint64_t boottime_ms();

}  // namespace jit::cli
