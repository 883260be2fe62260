// SPDX-License-Identifier: Apache-2.0
#include "evidence/audit.h"

#include "tests/catch.h"

#include "log_maker.h"

using namespace jit;
using jit::test::id_of;
using jit::test::LogMaker;

namespace {

evidence::Trust trust(const std::vector<std::string>& heads = {}) {
  evidence::Trust out;
  out.host_key = LogMaker().host().key;
  out.signers = evidence::parse_allowed_signers(test::allowed_signers()).all;
  for (const std::string& head : heads) {
    const auto parsed = evidence::parse_heads(head);
    REQUIRE(parsed.bad_line == 0);
    for (const auto& each : parsed.all) out.heads.push_back(each);
  }
  return out;
}

evidence::Audited audited(const std::string& text, evidence::Trust given) {
  evidence::Audit audit(std::move(given));
  std::string_view left = text;
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    if (!audit.line(left.substr(0, end))) break;
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  return audit.finish();
}
evidence::Audited audited(const std::string& text) { return audited(text, trust()); }

// One request with two votes (one signed), its grant, and an emergency.
LogMaker story() {
  LogMaker log;
  log.add("broker.started", "", "", {{"boot", "b0"}});
  auto ask = log.ask("first", "alice", 2);
  log.vote(ask, "bob", true, true);
  log.vote(ask, "carol", true);
  log.approved(ask, id_of("g"));
  log.grant(ask, "g", "alice");
  log.checkpoint();
  auto other = log.ask("second", "alice", 0);
  log.grant(other, "h", "alice");
  log.checkpoint();
  log.end();
  return log;
}

bool says(const evidence::Audited& audited, std::uint64_t first, std::string_view word) {
  INFO(evidence::text_of(audited));
  CHECK(audited.problem);
  if (!audited.problem) return false;
  CHECK(audited.problem->first == first);
  return audited.problem->what.find(word) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) out.push_back(text.substr(at, text.find('\n', at) - at + 1));
  return out;
}
std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

}  // namespace

TEST_CASE("A log as a host writes it is verified", "[audit]") {
  const auto found = audited(story().text());
  INFO(evidence::text_of(found));
  REQUIRE_FALSE(found.problem);
  CHECK(found.first == 1);
  CHECK(found.last == 8);
  CHECK(found.checkpoints == 2);
  CHECK(found.counts.signed_votes == 1);
  CHECK(found.counts.grants == 2);
  CHECK(found.notes.empty());
  CHECK(evidence::text_of(found).starts_with("verified: entries 1 to 8 of web1"));
}

TEST_CASE("An export that begins later is verified from there on", "[audit]") {
  const LogMaker log = story();
  for (std::uint64_t first = 1; first <= log.size(); ++first) {
    const auto found = audited(log.text_from(first));
    INFO(first << " " << evidence::text_of(found));
    CHECK_FALSE(found.problem);
    CHECK(found.last == log.size());
  }
}

TEST_CASE("What was done to a log is named with its entry", "[audit]") {
  const LogMaker log = story();
  const std::vector<std::string> good = lines_of(log.text());
  // 0 log, 1 started, 2 created, 3 its document, 4 signed vote, 5 its document, 6 vote, 7 approved, 8 grant, 9 its document, 10 head
  REQUIRE(good.size() == 17);
  const auto without = [&](std::size_t at) {
    auto lines = good;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
    return joined(lines);
  };
  CHECK(says(audited(without(6)), 4, "missing"));
  CHECK(says(audited(without(9)), 6, "signed document that it names is missing"));
  CHECK(says(audited(without(0)), 0, "whose log"));
  CHECK(says(audited(without(16)), 9, "cut"));
  CHECK(says(audited(without(15)), 7, "no signed head"));
  auto swapped = good;
  std::swap(swapped[6], swapped[7]);
  CHECK(says(audited(joined(swapped)), 4, "entry 5 stands in its place"));
  auto twice = good;
  twice.insert(twice.begin() + 6, good[6]);
  CHECK(says(audited(joined(twice)), 5, "repeated"));

  auto edited = good;
  const std::size_t at = edited[7].find("approved");
  edited[7].replace(at, 8, "approvet");
  CHECK(says(audited(joined(edited)), 5, "edited"));
  auto personal = good;
  const std::size_t voter = personal[6].find("\"carol\"");
  REQUIRE(voter != std::string::npos);
  personal[6].replace(voter, 7, "\"mallo\"");
  CHECK(says(audited(joined(personal)), 4, "personal field"));

  // The hash changed with the text: then only the head tells, and names where it may be.
  auto line = std::get<evidence::EntryLine>(*evidence::read_line(std::string_view(good[7]).substr(0, good[7].size() - 1)));
  line.leaf.replace(line.leaf.find("\"boottime\":4000"), 15, "\"boottime\":4001");
  line.hash = evidence::leaf_hash(line.leaf);
  auto rehashed = good;
  rehashed[7] = to_line(line) + "\n";
  const auto found = audited(joined(rehashed));
  CHECK(says(found, 1, "another root"));
  CHECK(found.problem->last == 6);
}

TEST_CASE("A cut tail and a rollback do not match a head kept elsewhere", "[audit]") {
  LogMaker longer = story();
  longer.lines.pop_back();
  longer.add("broker.started", "", "", {{"boot", "b1"}});
  longer.checkpoint();
  const std::string envelope = to_json(std::get<evidence::CheckpointLine>(longer.lines.back()).envelope);
  longer.end();
  for (const std::string& head : {longer.head(), envelope, "{\"envelope\":" + envelope + ",\"epoch\":1}"}) {
    CHECK_FALSE(audited(longer.text(), trust({head})).problem);
    CHECK(says(audited(story().text(), trust({head})), 9, "cut or rolled back"));
  }
  LogMaker other = story();
  other.lines.pop_back();
  other.add("policy.loaded", "", "", {{"policy", "p"}});
  other.checkpoint();
  other.end();
  CHECK(says(audited(other.text(), trust({story().head(), longer.head()})), 9, "rewritten"));
  // One of a host that is another one proves nothing, and is not taken for proof.
  LogMaker foreign(9);
  foreign.add("broker.started", "", "", {{"boot", "b1"}});
  foreign.checkpoint();
  CHECK(says(audited(longer.text(), trust({to_json(std::get<evidence::CheckpointLine>(foreign.lines.back()).envelope)})), 0, "not one of this host"));
}

TEST_CASE("Erased fields leave a log verified, and what they hid is not made up", "[audit]") {
  std::vector<std::string> lines = lines_of(story().text());
  for (std::string& line : lines) {
    auto read = evidence::read_line(std::string_view(line).substr(0, line.size() - 1));
    if (auto* entry = std::get_if<evidence::EntryLine>(&*read)) {
      entry->personal.clear();
      line = to_line(*entry) + "\n";
    }
  }
  // The documents of who was erased go with the fields.
  const auto gone = [](const std::string& line) { return line.find("\"kind\":\"evidence\"") != std::string::npos; };
  lines.erase(std::remove_if(lines.begin(), lines.end(), gone), lines.end());
  const auto found = audited(joined(lines));
  INFO(evidence::text_of(found));
  CHECK_FALSE(found.problem);
  CHECK(found.counts.erased == 7);
  CHECK(found.counts.unproven == 2);
}

TEST_CASE("What was signed and is not there any more is no proof", "[audit]") {
  for (const char* field : {"vote", "reason"}) {
    std::vector<std::string> lines = lines_of(story().text());
    auto vote = std::get<evidence::EntryLine>(*evidence::read_line(std::string_view(lines[4]).substr(0, lines[4].size() - 1)));
    REQUIRE(vote.personal.erase(field) == 1);
    lines[4] = to_line(vote) + "\n";
    lines.erase(lines.begin() + 5);
    const auto found = audited(joined(lines));
    INFO(evidence::text_of(found));
    CHECK_FALSE(found.problem);
    CHECK(found.counts.unproven == 1);
    CHECK(evidence::text_of(found).find("each grant has") == std::string::npos);
  }
  // Nor is what a permit asked for, without the request.
  std::vector<std::string> lines = lines_of(story().text());
  lines.erase(lines.begin() + 3);
  const std::string said = evidence::text_of(audited(joined(lines)));
  CHECK(said.find("1 request without the signed document") != std::string::npos);
  CHECK(said.find("each grant has") == std::string::npos);
}

TEST_CASE("How many votes are the host's word is said", "[audit]") {
  const std::string said = evidence::text_of(audited(story().text()));
  INFO(said);
  CHECK(said.find("2 requests, 2 votes, 2 grants; each grant has its request and its votes\n") != std::string::npos);
  CHECK(said.find("  1 vote checked with people's keys\n") != std::string::npos);
  CHECK(said.find("  1 vote is the host's word: no key signed it\n") != std::string::npos);
}

TEST_CASE("A vote that a permit does not take is none, whatever the host says", "[audit]") {
  for (const char* votes : {"signed", "hardware"}) {
    LogMaker log;
    log.votes = votes;
    auto ask = log.ask("first", "alice", 1);
    const bool by_key = std::string_view(votes) == "hardware";
    log.vote(ask, "bob", true, by_key);
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", "alice");
    log.checkpoint();
    log.end();
    CHECK(says(audited(log.text()), 2, by_key ? "not signed with a hardware key of that person" : "asked for signed ones"));
  }
}

TEST_CASE("A vote that somebody else signed is not his", "[audit]") {
  evidence::Trust given = trust();
  given.signers = evidence::parse_allowed_signers("bob " + test::key_of(77).public_key().text).all;
  CHECK(says(audited(story().text(), std::move(given)), 3, "not signed with a key of that person"));
  given = trust();
  given.signers.clear();
  const auto found = audited(story().text(), std::move(given));
  CHECK_FALSE(found.problem);
  CHECK(found.counts.unknown_keys == 1);
}

TEST_CASE("A host that is not the one that was asked for is refused", "[audit]") {
  evidence::Trust given = trust();
  given.host_key = LogMaker(5).host().key;
  CHECK(says(audited(story().text(), std::move(given)), 0, "another host"));
  given = trust();
  given.host_key = LogMaker().key().fingerprint();
  CHECK_FALSE(audited(story().text(), std::move(given)).problem);
}

TEST_CASE("A clock that goes back is told and proves nothing", "[audit]") {
  LogMaker log;
  evidence::Frontier tree;
  std::string text = to_line(evidence::LogLine{log.host(), 1, {}}) + "\n";
  for (const auto& [sequence, boottime] : std::vector<std::pair<std::uint64_t, std::int64_t>>{{1, 5000}, {2, 4000}}) {
    evidence::Entry entry;
    entry.sequence = sequence;
    entry.boottime_ms = boottime;
    entry.boot_id = "one";
    entry.type = "policy.loaded";
    const auto leaf = evidence::leaf_of(entry, [] { return std::array<std::uint8_t, 16>{}; });
    tree.add(evidence::leaf_hash(leaf.text));
    text += to_line(evidence::EntryLine{evidence::leaf_hash(leaf.text), leaf.text, leaf.personal, std::nullopt}) + "\n";
  }
  log.checkpoint(log.key(), 2, tree.root(), 1);
  text += to_line(log.lines.back()) + "\n" + to_line(evidence::EndLine{2}) + "\n";
  const auto found = audited(text);
  INFO(evidence::text_of(found));
  CHECK_FALSE(found.problem);
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0].find("entry 2") != std::string::npos);
}

TEST_CASE("A proof of one request is verified alone", "[audit]") {
  const auto found = audited(story().proof(id_of("first")));
  INFO(evidence::text_of(found));
  CHECK_FALSE(found.problem);
  CHECK(found.counts.grants == 1);
  CHECK(found.counts.signed_votes == 1);
  CHECK(found.proof_of == id_of("first"));
}

TEST_CASE("A head that a proof cannot be compared with is named", "[audit]") {
  const auto log = story();
  const std::string first = lines_of(log.proof(id_of("first")))[0];
  const auto under = std::get<evidence::ProofLine>(*evidence::read_line(std::string_view(first).substr(0, first.size() - 1)));
  const auto size = evidence::read_checkpoint(under.checkpoint.payload)->size;
  const std::string root(64, 'a');
  for (const auto& kept : {size - 1, size + 1}) {
    const auto found = audited(log.proof(id_of("first")), trust({std::to_string(kept) + ":" + root}));
    CHECK_FALSE(found.problem);
    REQUIRE(found.notes.size() == 1);
    CHECK(found.notes[0].find("a head kept elsewhere counts " + std::to_string(kept)) == 0);
  }
  CHECK(audited(log.proof(id_of("first")), trust({std::to_string(size) + ":" + root})).problem);
}

TEST_CASE("A proof of another entry is none of this grant", "[audit][D14]") {
  const LogMaker log = story();
  const std::vector<std::string> ours = lines_of(log.proof(id_of("first")));
  const std::vector<std::string> theirs = lines_of(log.proof(id_of("second")));
  REQUIRE(ours.size() == 10);    // head, created, document, vote, document, vote, approved, grant, document, end
  REQUIRE(theirs.size() == 6);  // head, created, document, grant, document, end
  REQUIRE_FALSE(audited(joined(ours)).problem);
  REQUIRE_FALSE(audited(joined(theirs)).problem);

  SECTION("their entry, with its own good proof, under our id") {
    auto lines = ours;
    lines[7] = theirs[3];
    CHECK(says(audited(joined(lines)), 8, "something else"));
  }
  SECTION("our entry with the proof of theirs") {
    auto lines = ours;
    auto mine = std::get<evidence::EntryLine>(*evidence::read_line(std::string_view(ours[7]).substr(0, ours[7].size() - 1)));
    mine.path = std::get<evidence::EntryLine>(*evidence::read_line(std::string_view(theirs[3]).substr(0, theirs[3].size() - 1))).path;
    lines[7] = to_line(mine) + "\n";
    CHECK(says(audited(joined(lines)), 6, "not one of this entry"));
  }
  SECTION("our entry that says it is at their place") {
    auto lines = ours;
    auto mine = std::get<evidence::EntryLine>(*evidence::read_line(std::string_view(ours[7]).substr(0, ours[7].size() - 1)));
    auto other = std::get<evidence::EntryLine>(*evidence::read_line(std::string_view(theirs[3]).substr(0, theirs[3].size() - 1)));
    mine.path = other.path;
    mine.hash = other.hash;
    lines[7] = to_line(mine) + "\n";
    CHECK(says(audited(joined(lines)), 0, "edited"));
  }
  SECTION("the signed document of their grant behind our entry") {
    auto lines = ours;
    lines[8] = theirs[4];
    CHECK(says(audited(joined(lines)), 6, "another one than it names"));
  }
  SECTION("the signed request of theirs behind ours") {
    auto lines = ours;
    lines[2] = theirs[2];
    CHECK(says(audited(joined(lines)), 2, "another one than it names"));
  }
  SECTION("our entries under the head of another log") {
    LogMaker other;
    other.add("broker.started", "", "", {{"boot", "b9"}});
    other.checkpoint();
    auto lines = ours;
    lines[0] = to_line(evidence::ProofLine{other.host(), std::get<evidence::CheckpointLine>(other.lines.back()).envelope, id_of("first")}) + "\n";
    CHECK(says(audited(joined(lines)), 2, "not one of this entry"));
  }
  SECTION("every other path of this log, at every entry") {
    std::vector<std::vector<evidence::Hash>> paths;
    for (const auto& all : {ours, theirs}) {
      for (const std::string& line : all) {
        const auto read = evidence::read_line(std::string_view(line).substr(0, line.size() - 1));
        if (const auto* entry = std::get_if<evidence::EntryLine>(&*read)) paths.push_back(*entry->path);
      }
    }
    for (const std::size_t at : {std::size_t{1}, std::size_t{3}, std::size_t{5}, std::size_t{6}, std::size_t{7}}) {
      auto mine = std::get<evidence::EntryLine>(*evidence::read_line(std::string_view(ours[at]).substr(0, ours[at].size() - 1)));
      for (const auto& path : paths) {
        if (path == *mine.path) continue;
        auto changed = mine;
        changed.path = path;
        auto lines = ours;
        lines[at] = to_line(changed) + "\n";
        CHECK(audited(joined(lines)).problem);
      }
    }
  }
}

TEST_CASE("Heads that people keep are read, and nothing else", "[audit]") {
  const std::string root(64, 'a');
  CHECK(evidence::parse_heads("0:" + root).all.front().size == 0);
  CHECK(evidence::parse_heads("12:" + root + "\n\n13:" + root + "\n").all.size() == 2);
  for (const std::string& bad : {"12" + root, ":" + root, "012:" + root, "12:" + root + "0", "-1:" + root, "99999999999999999:" + root,
                                 std::string("{}"), std::string("{\"envelope\":1}"), std::string("{\"envelope\":\"x\"}"),
                                 "{\"envelope\":{\"a\":" + std::string(120'000, '[') + std::string(120'000, ']') + "}}"}) {
    CHECK(evidence::parse_heads(bad).bad_line == 1);
  }
  for (const char* empty : {"", "\n"}) CHECK((evidence::parse_heads(empty).all.empty() && evidence::parse_heads(empty).bad_line == 0));
}

TEST_CASE("The line of kept heads that is none is named, and so is one too many", "[audit]") {
  const std::string head = "12:" + std::string(64, 'a') + "\n";
  const auto cut = evidence::parse_heads(head + "\n" + head.substr(0, 20) + "\n" + head);  // the disk was full once
  CHECK(cut.all.empty());
  CHECK(cut.bad_line == 3);
  CHECK(cut.error.find("no head, or one that was cut") != std::string::npos);
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += head;
  CHECK(evidence::parse_heads(many).all.size() == 100'000);
  const auto over = evidence::parse_heads(many + head);
  CHECK(over.bad_line == 100'001);
  CHECK(over.error.find("more than 100000 heads") == 0);
}

TEST_CASE("Kept heads in any order are compared, each at its entry", "[audit]") {
  LogMaker log = story();
  const evidence::Hash wrong{};
  const std::string last = log.head();
  const std::string none = "0:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const std::string bad = "5:" + evidence::to_hex(wrong);
  CHECK_FALSE(audited(log.text(), trust({last, none, last})).problem);
  CHECK(says(audited(log.text(), trust({last, bad, none})), 1, "rewritten"));
  CHECK(says(audited(log.text(), trust({none, last, "0:" + evidence::to_hex(wrong)})), 0, "rewritten"));
  // Of many that are older than the export only some are told.
  const auto found = audited(log.text_from(7), trust(std::vector<std::string>(100, none)));
  CHECK_FALSE(found.problem);
  REQUIRE(found.notes.size() == 21);
  CHECK(found.notes.back().find("and 80 more heads") == 0);
}
