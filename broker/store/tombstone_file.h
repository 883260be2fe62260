// SPDX-License-Identifier: Apache-2.0
// The ends that the database could not take, in a small file of the runtime directory: another file system, in memory, so
// it is gone with the boot and not full when the disk is. One line each, with a checksum; anything unexpected in it, even
// half a line, means that the whole is not known.
#pragma once

#include <string>

#include "broker/core/ports.h"
#include "broker/store/place.h"

namespace jit::store {

class TombstoneFile final : public core::Tombstones {
 public:
  // boot: of 32 hex digits; a record of another boot counts as missing.
  TombstoneFile(std::string path, std::string boot);

  // Nothing, without a problem(): the file is missing, as it is at the first start of a boot.
  std::optional<std::vector<core::Tombstone>> load() override;
  // Appended and synced. Where that fails the file is emptied and removed, which needs no room: what it held is void then.
  bool add(std::span<const core::Tombstone> more) override;
  bool replace(std::span<const core::Tombstone> all) override;

  const std::string& problem() const { return problem_; }  // of the last load(); for people: what, and why

 private:
  std::optional<std::vector<core::Tombstone>> refuse(const std::string& why);
  std::string line(const core::Tombstone& end) const;
  std::string header() const;
  bool parse(std::string_view text, std::vector<core::Tombstone>& found) const;
  void spoil();

  std::string path_;
  std::string boot_;
  std::string problem_;
  Fd file_;  // open for appending while the record is good
};

}  // namespace jit::store
