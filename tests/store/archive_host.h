// SPDX-License-Identifier: Apache-2.0
// A log whose heads are signed by a key, and what the broker does to bring its old entries into the archive.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "broker/store/archive.h"
#include "broker/store/log_keeper.h"
#include "broker/store/part_maker.h"
#include "evidence/audit.h"
#include "tests/store/samples.h"

namespace jit::test {

// Not inside of a word: three letters stand in base64 by chance.
inline bool tells_of_bob(const std::string& text) { return text.find("\"bob\"") != std::string::npos || text.find(" bob") != std::string::npos; }

inline void must(bool good) {
  if (!good) throw std::runtime_error("the log cannot be written");
}

inline constexpr core::WallMs kBegin = 1'790'000'000'000;

struct ArchiveClock final : core::Clock {
  core::BootMs boottime() const override { return 5000; }
  core::WallMs wall() const override { return kBegin + 1'000'000'000; }
};

struct ArchiveHost {
  explicit ArchiveHost(const std::string& folder, std::optional<evidence::HostKey> of = evidence::HostKey::generate())
      : path(folder + "/jit.db"),
        archive(folder + "/archive"),
        key(std::make_shared<const evidence::HostKey>(std::move(*of))),
        keeper(folder + "/head", "b1", clock, [](const core::Head&, const std::string&) {}) {
    keeper.use_key(key);
    open();
  }
  void open() {
    store.reset();
    store = std::make_unique<Opened>(path, store::Database::kPatience, keeper.log());
  }
  store::Database& db() const { return *store->db; }
  evidence::ExportHost host() const { return {key->id(), key->public_key().text, "host"}; }
  store::Database::Seal seal() const {
    return [this](std::string_view type, const std::string& payload, std::string_view purpose) { return std::optional(key->seal(type, payload, purpose)); };
  }
  // `count` entries, one a second, with a signed head behind each `head`.
  void write(std::uint64_t count, std::uint64_t head) {
    for (std::uint64_t i = 0; i < count; ++i) {
      core::AuditEntry one = entry("access.denied", i % 3 == 0 ? "bob" : "alice");
      one.request = {};
      one.grant = {};
      one.wall = kBegin + static_cast<core::WallMs>(++written) * 1000;
      one.fields = i % 5 == 0 ? R"({"by":"carol, bob","why":"words of bob","door":"su"})" : R"({"argv":["id"],"door":"sudo"})";
      must(store->commit(batch(one)));
      if (written % head == 0) must(store->seal());
    }
  }
  std::optional<store::ArchivePart> ready(core::WallMs before) const { return db().ready_for_archive(before, clock.wall()); }
  // What the broker does with one part; false: there is none, or it was not written.
  bool archive_before(core::WallMs before, core::WallMs ended = 0) {
    const auto part = ready(before);
    if (!part) return false;
    store::PartMaker maker(db(), host(), seal(), *part);
    auto step = maker.step();
    while (step == store::PartMaker::Step::kMore) step = maker.step();
    must(step == store::PartMaker::Step::kMade);
    core::Batch told = batch(entry("log.archived", ""));
    told.entries[0].wall = kBegin + 900'000'000;
    return hand_over(maker, told, ended);
  }
  bool hand_over(store::PartMaker& maker, const core::Batch& told, core::WallMs ended = 0) {
    bool good = false;
    const store::ArchivePart part = maker.part();
    db().archive(part, maker.take(), ended, told, [&good](bool ok) { good = ok; });
    store->mail.run_one();
    return good;
  }
  std::vector<std::string> parts() const {
    std::vector<std::string> out;
    for (const store::ArchivePart& part : db().archived()) {
      std::ifstream in(archive + "/" + store::Archive::name_of(part.first));
      std::stringstream text;
      text << in.rdbuf();
      out.push_back(text.str());
    }
    return out;
  }
  // What is left in the database, up to a head that is signed now.
  std::string rest() {
    must(store->seal());
    const std::uint64_t cut = db().cut()->size;
    std::uint64_t last = cut;
    std::string out = evidence::to_line(evidence::LogLine{host(), cut + 1, *db().frontier_at(cut)}) + "\n";
    for (std::uint64_t after = cut; after < db().last_sequence(); after = last) {
      const auto lines = db().lines(after, db().last_sequence(), 500, seal(), last);
      must(lines.has_value());
      for (const auto& line : *lines) out += evidence::to_line(line) + "\n";
    }
    return out + evidence::to_line(evidence::EndLine{db().last_sequence()}) + "\n";
  }
  evidence::Audited audited(const std::vector<std::string>& texts) const {
    evidence::Audit audit({host().key, {}, {}});
    for (const std::string& text : texts) {
      std::istringstream in(text);
      for (std::string line; std::getline(in, line);) audit.line(line);
    }
    return audit.finish();
  }
  evidence::Audited audited_whole() {
    std::vector<std::string> all = parts();
    all.push_back(rest());
    return audited(all);
  }

  const std::string path, archive;
  ArchiveClock clock;
  const std::shared_ptr<const evidence::HostKey> key;
  store::LogKeeper keeper;
  std::unique_ptr<Opened> store;
  std::uint64_t written = 0;
};

}  // namespace jit::test
