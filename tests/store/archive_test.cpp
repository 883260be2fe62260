// SPDX-License-Identifier: Apache-2.0
// Old entries go into files, and nothing that was signed is lost, doubled or changed by it.
#include "broker/store/archive.h"

#include <sys/stat.h>

#include <algorithm>
#include "tests/catch.h"
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/store/archive_host.h"

using namespace jit;
using namespace jit::test;

namespace {

std::string file_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string shown(const evidence::Audited& audited) { return evidence::text_of(audited); }

}  // namespace

TEST_CASE("old entries go into files that are verified with what is left", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(100, 10);
  CHECK_FALSE(host.ready(kBegin).has_value());
  CHECK_FALSE(host.ready(kBegin + 1000).has_value());  // the first is not older than that
  const auto root = host.db().root_at(100);
  REQUIRE(host.archive_before(kBegin + 36'000));
  REQUIRE(host.archive_before(kBegin + 71'000));
  CHECK_FALSE(host.archive_before(kBegin + 71'000));
  const auto parts = host.db().archived();
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].first == 1);
  CHECK(parts[0].last == 30);
  CHECK(parts[0].until == kBegin + 30'000);
  CHECK(parts[1].first == 31);
  CHECK(parts[1].last == 70);
  CHECK(host.db().cut()->size == 70);
  CHECK(host.db().root_at(100) == root);
  CHECK(host.db().log(0, 1).front().sequence == 71);
  struct stat st {};
  REQUIRE(stat((host.archive + "/log-00000000000000000031.jsonl").c_str(), &st) == 0);
  CHECK((st.st_mode & 07777) == 0640);
  const auto whole = host.audited_whole();
  INFO(shown(whole));
  CHECK_FALSE(whole.problem);
  CHECK(whole.first == 1);
  CHECK(whole.last == 102);  // two entries tell of the archive
  for (const std::string& part : host.parts()) CHECK_FALSE(host.audited({part}).problem);
  // And it goes on so after a restart.
  host.open();
  CHECK(host.db().root_at(100) == root);
  host.write(5, 5);
  CHECK_FALSE(host.audited_whole().problem);
}

TEST_CASE("of what the archive took nothing is counted, and that is told", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(100, 10);
  CHECK(host.db().past().cut.empty());
  REQUIRE(host.archive_before(kBegin + 36'000));
  core::WallMs newest = 0;
  for (const auto& done : host.db().past().cut) newest = std::max(newest, done.wall);
  CHECK(newest >= kBegin + 30'000);  // the last one that is there no more
  CHECK(newest <= kBegin + 31'000);
}

TEST_CASE("who had power in this boot is known although the archive took his grant, or he was erased", "[archive]") {
  for (const bool erased : {false, true}) {
    INFO(erased);
    const Folder folder;
    ArchiveHost host(folder.path);
    host.write(10, 1);
    core::Batch all;
    for (const std::uint64_t number : {80U, 81U, 82U}) {
      core::Grant over = grant(number);
      over.request = {};
      over.state = core::GrantState::kEnded;
      over.end = core::GrantEnd::kExpired;
      over.ended_wall = kBegin + 1000;
      over.starts = number == 81 ? 0 : 5;  // 0: never used
      if (number == 82) over.boot_id = "one of before";
      if (number != 80) over.subject.loginuid = 4000;
      all.grants.push_back(over);
    }
    must(host.store->commit(all));
    if (erased) {
      core::Batch erase = batch(entry("log.erased", ""));
      erase.erased.push_back(all.grants[0].subject.identity->person);
      must(host.store->commit(erase));
    } else {
      REQUIRE(host.archive_before(kBegin + 6500, kBegin + 100'000));
    }
    for (const core::Grant& over : all.grants) CHECK_FALSE(host.db().grant(over.id));
    host.open();
    const auto held = host.db().load_live().held;
    REQUIRE(held.size() == 1);
    CHECK(held[0].uid == all.grants[0].subject.identity->uid);
    CHECK(held[0].loginuid == all.grants[0].subject.loginuid);
    CHECK(held[0].target == all.grants[0].target->uid);
    CHECK(held[0].boot_id == all.grants[0].boot_id);
  }
}

TEST_CASE("a part that is cut, edited, missing, doubled or out of order is named with its first bad entry", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(90, 10);
  for (const core::WallMs before : {31'000, 51'000, 71'000}) REQUIRE(host.archive_before(kBegin + before));
  const std::vector<std::string> parts = host.parts();
  REQUIRE(parts.size() == 3);
  const std::string rest = host.rest();
  CHECK_FALSE(host.audited({parts[0], parts[1], parts[2], rest}).problem);
  CHECK_FALSE(host.audited({parts[1], parts[2], rest}).problem);  // the end of it alone is one, and begins later
  const auto first_bad = [&](const std::vector<std::string>& texts) {
    const auto audited = host.audited(texts);
    INFO(shown(audited));
    REQUIRE(audited.problem);
    return audited.problem->first;
  };
  CHECK(first_bad({parts[0], parts[2], rest}) == 31);
  CHECK(first_bad({parts[0], parts[1], rest}) == 51);
  CHECK(first_bad({parts[1], parts[0], parts[2], rest}) == 51);
  CHECK(first_bad({parts[0], parts[0], parts[1]}) == 31);
  CHECK(first_bad({parts[0], parts[1].substr(0, parts[1].size() / 2)}) > 30);
  const std::size_t entry_40 = parts[1].find("\\\"sequence\\\":40,");
  std::string edited = parts[1];
  edited.replace(edited.find("\\\"door\\\":\\\"su", entry_40 - 600), 12, "\\\"door\\\":\\\"xx");
  CHECK(first_bad({parts[0], edited, parts[2], rest}) >= 38);
  // A whole line that was taken out.
  const std::size_t begin = parts[1].rfind('\n', entry_40) + 1;
  std::string less = parts[1];
  less.erase(begin, less.find('\n', begin) + 1 - begin);
  CHECK(first_bad({parts[0], less, parts[2], rest}) == 40);
}

TEST_CASE("who is erased is erased in the archive, and every proof holds", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(90, 10);
  for (const core::WallMs before : {31'000, 61'000}) REQUIRE(host.archive_before(kBegin + before));
  CHECK(tells_of_bob(host.parts().front()));
  // One that a crash left: its entries are in the database, too.
  {
    store::PartMaker maker(host.db(), host.host(), host.seal(), *host.ready(kBegin + 81'000));
    while (maker.step() == store::PartMaker::Step::kMore) {
    }
    const std::string left = host.archive + "/log-00000000000000000061.jsonl";
    std::ofstream(left) << maker.take();
    REQUIRE(chmod(left.c_str(), 0640) == 0);
    std::ofstream(host.archive + "/log-00000000000000000061.jsonl.new") << "words of bob\n";
  }
  core::Batch erase = batch(entry("log.erased", ""));
  erase.erased.push_back("bob");
  REQUIRE(host.store->commit(erase));
  CHECK(host.db().erased_in_archive() > 10);
  for (const auto& file : std::filesystem::directory_iterator(host.archive)) {
    std::ifstream in(file.path());
    std::stringstream text;
    text << in.rdbuf();
    CHECK_FALSE(tells_of_bob(text.str()));
    CHECK(text.str().find("alice") != std::string::npos);
  }
  CHECK(std::distance(std::filesystem::directory_iterator(host.archive), {}) == 2);
  const auto whole = host.audited_whole();
  INFO(shown(whole));
  CHECK_FALSE(whole.problem);
  CHECK(whole.counts.erased > 30);
}

TEST_CASE("an entry whose clock was ahead goes with its neighbours", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  const auto add = [&host](core::WallMs wall) {
    core::AuditEntry one = entry("access.denied", "alice");
    one.wall = wall;
    must(host.store->commit(batch(one)));
    must(host.store->seal());
  };
  constexpr core::WallMs kAhead = kBegin + 3'000'000'000'000;
  constexpr core::WallMs kOld = kBegin + 500'000;
  host.write(10, 5);
  for (int i = 0; i < 3; ++i) add(kAhead);
  REQUIRE(host.ready(kOld));
  CHECK(host.ready(kOld)->last == 10);  // nothing behind them says how old they are
  add(kOld + 1000);
  CHECK(host.ready(kOld)->last == 10);  // they are no older than that
  REQUIRE(host.archive_before(kOld));
  CHECK_FALSE(host.ready(kOld));
  REQUIRE(host.archive_before(kOld + 2000));
  CHECK(host.db().archived().back().last == 14);
  CHECK(host.db().archived().back().until == kOld + 1000);  // the rest is not unknown until then
  CHECK_FALSE(host.audited_whole().problem);
  // All of what is there says a later time than this clock: this one may be the wrong one.
  CHECK_FALSE(host.db().ready_for_archive(kBegin - 2'000'000, kBegin - 1'000'000));
}

TEST_CASE("parts of another log are put aside, none is replaced or removed", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(90, 10);
  for (const core::WallMs before : {31'000, 61'000}) REQUIRE(host.archive_before(kBegin + before));
  const std::vector<std::string> old = host.parts();
  REQUIRE(old.size() == 2);
  // As the recovery page has it: the database is put elsewhere, and a new log begins.
  host.store.reset();
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(host.path + end);
  host.open();
  CHECK(host.db().other_archives() == std::vector<std::string>{"other-1"});
  host.written = 0;
  host.write(40, 10);
  REQUIRE(host.archive_before(kBegin + 31'000));
  core::Batch erase;
  erase.erased.push_back("bob");
  REQUIRE(host.store->commit(erase));
  CHECK(file_text(host.archive + "/other-1/log-00000000000000000001.jsonl") == old[0]);
  CHECK(file_text(host.archive + "/other-1/log-00000000000000000031.jsonl") == old[1]);
  CHECK_FALSE(host.audited_whole().problem);
  CHECK_FALSE(host.audited(old).problem);
}

TEST_CASE("a copy of the database that is put back deletes no part that was written since", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(40, 10);
  REQUIRE(host.archive_before(kBegin + 31'000));
  host.store.reset();
  std::filesystem::copy_file(host.path, host.path + ".copy");
  host.open();
  host.write(40, 10);
  constexpr core::WallMs kLate = kBegin + 900'000'001;
  REQUIRE(host.archive_before(kLate));
  const std::vector<std::string> since = host.parts();
  REQUIRE(since.size() == 2);
  host.store.reset();
  std::filesystem::rename(host.path + ".copy", host.path);
  host.open();
  CHECK_FALSE(host.audited_whole().problem);
  core::Batch erase;
  erase.erased.push_back("bob");
  REQUIRE(host.store->commit(erase));
  CHECK(file_text(host.archive + "/other-1/log-00000000000000000031.jsonl") == since[1]);
  CHECK(host.parts().size() == 1);
  // What was put there while the broker runs is not replaced, either.
  const std::string next = host.archive + "/log-00000000000000000031.jsonl";
  std::ofstream(next) << "words of another\n";
  host.write(20, 10);
  REQUIRE(host.archive_before(kLate));
  CHECK(file_text(host.archive + "/other-2/log-00000000000000000031.jsonl") == "words of another\n");
  CHECK_FALSE(host.audited_whole().problem);
}

TEST_CASE("a part is not handed over with what was erased while it was made", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(120, 120);
  store::PartMaker maker(host.db(), host.host(), host.seal(), *host.ready(kBegin + 900'000));
  CHECK(maker.step() == store::PartMaker::Step::kMore);
  core::Batch erase;
  erase.erased.push_back("bob");
  REQUIRE(host.store->commit(erase));
  CHECK(maker.step() == store::PartMaker::Step::kFailed);
}

TEST_CASE("an archive that cannot be written or read leaves the log as it is", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(30, 10);
  std::ofstream(host.archive) << "no folder";
  CHECK_FALSE(host.archive_before(kBegin + 900'000));
  CHECK(host.db().last_error().find("archive") != std::string::npos);
  CHECK_FALSE(host.db().failing());
  CHECK(host.db().log(0, 100).size() == 30);
  std::filesystem::remove(host.archive);
  REQUIRE(host.archive_before(kBegin + 900'000));
  const std::string file = host.archive + "/log-00000000000000000001.jsonl";
  std::filesystem::rename(file, file + ".away");
  CHECK_FALSE(host.db().read_archive(host.db().archived().front()));
  CHECK(host.db().last_error().find("entries 1 to 30") != std::string::npos);
  core::Batch erase;
  erase.erased.push_back("bob");
  CHECK_FALSE(host.store->commit(erase));
  CHECK_FALSE(host.db().failing());
  std::filesystem::rename(file + ".away", file);
  CHECK(host.store->commit(erase));
}

TEST_CASE("what ended long ago stays until no entry that stays names it", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(5, 5);
  core::Batch both;
  core::Request over = request(70);
  over.state = core::RequestState::kDenied;
  over.review_due = 0;
  over.ended_wall = kBegin + 1000;
  both.requests.push_back(over);
  core::Grant free = grant(80);
  free.request = {};
  free.state = core::GrantState::kEnded;
  free.end = core::GrantEnd::kRevoked;
  free.ended_wall = kBegin + 1000;
  both.grants.push_back(free);
  for (const char* type : {"request.created", "grant.created"}) {
    core::AuditEntry one = entry(type, "alice");
    one.request = std::string_view(type) == "request.created" ? over.id : core::Id();
    one.grant = one.request.empty() ? free.id : core::Id();
    one.wall = kBegin + 6000;
    both.entries.push_back(one);
  }
  must(host.store->commit(both));
  must(host.store->seal());
  const core::WallMs ended = kBegin + 100'000;  // both did before that
  REQUIRE(host.archive_before(kBegin + 5500, ended));
  CHECK(host.db().request(over.id));
  CHECK(host.db().grant(free.id));
  REQUIRE(host.archive_before(kBegin + 6500, ended));
  CHECK_FALSE(host.db().request(over.id));
  CHECK_FALSE(host.db().grant(free.id));
}

TEST_CASE("a cut has so many of those that ended, and the next one has the rest", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(10, 5);
  core::Batch all;
  for (std::uint64_t number = 1; number <= store::kPartEntries + 50; ++number) {
    core::Request over = request(number);
    over.state = core::RequestState::kDenied;
    over.nonce = std::to_string(number);
    over.review_due = 0;
    over.ended_wall = kBegin + static_cast<core::WallMs>(number);
    all.requests.push_back(std::move(over));
    core::Grant free = grant(10'000 + number);
    free.request = {};
    free.state = core::GrantState::kEnded;
    free.end = core::GrantEnd::kRevoked;
    free.ended_wall = kBegin + static_cast<core::WallMs>(number);
    all.grants.push_back(std::move(free));
  }
  must(host.store->commit(all));
  const core::WallMs ended = kBegin + 100'000;
  const auto left = [&host] {
    store::RequestFilter requests;
    store::GrantFilter grants;
    requests.limit = grants.limit = 10'000;
    requests.ended = grants.ended = true;
    return std::pair(host.db().requests(requests).size(), host.db().grants(grants).size());
  };
  REQUIRE(host.archive_before(kBegin + 5500, ended));
  CHECK(left() == std::pair<std::size_t, std::size_t>(50, 50));
  CHECK_FALSE(host.db().request(id_of(1)));  // the first to end are the first to go
  REQUIRE(host.archive_before(kBegin + 10'500, ended));
  CHECK(left() == std::pair<std::size_t, std::size_t>(0, 0));
}

TEST_CASE("what is given of a part begins at any entry, and is verified", "[archive]") {
  const Folder folder;
  ArchiveHost host(folder.path);
  host.write(60, 10);
  REQUIRE(host.archive_before(kBegin + 51'000));
  const std::string part = host.parts().front();
  for (const std::uint64_t from : {1U, 2U, 17U, 31U, 49U, 50U}) {
    INFO(from);
    std::string text;
    std::uint64_t next = from;
    std::optional<std::vector<evidence::Hash>> frontier;
    while (next != 0) {
      const auto page = store::page_of(part, 1, next, 3000);
      REQUIRE(page.has_value());
      if (!frontier) frontier = page->frontier;
      text += page->lines;
      next = page->next;
    }
    text = evidence::to_line(evidence::LogLine{host.host(), from, *frontier}) + "\n" + text + evidence::to_line(evidence::EndLine{50}) + "\n";
    const auto audited = host.audited({text, host.rest()});
    INFO(shown(audited));
    CHECK_FALSE(audited.problem);
    CHECK(audited.first == from);
  }
  CHECK_FALSE(store::page_of(part, 1, 51, 3000));
  CHECK_FALSE(store::page_of(part, 2, 2, 3000));
  CHECK_FALSE(store::page_of("", 1, 1, 3000));
}
