// SPDX-License-Identifier: Apache-2.0
#include "evidence/prover.h"

#include <sstream>

#include "tests/catch.h"

#include "log_maker.h"

using namespace jit;
using jit::test::id_of;
using jit::test::LogMaker;

namespace {

LogMaker two_requests() {
  LogMaker log;
  log.add("broker.started", "", "", {{"boot", "b0"}});
  auto ask = log.ask("first", "alice", 1);
  log.vote(ask, "bob", true, true);
  log.checkpoint();
  log.approved(ask, id_of("g"));
  log.grant(ask, "g", "alice");
  auto other = log.ask("second", "carol", 0);
  log.grant(other, "h", "carol");
  log.use("g", ask, "grant.claimed");
  log.checkpoint();
  log.end();
  return log;
}

// Why there is none, or the proof.
std::string proven(const std::vector<std::string>& texts, const std::string& prefix) {
  evidence::Prover prover(prefix);
  const auto each = [&](auto take) {
    for (const std::string& text : texts) {
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        take(std::string_view(text).substr(at, end - at));
        at = end + 1;
      }
    }
  };
  each([&](std::string_view line) { prover.find(line); });
  if (std::string why = prover.found(); !why.empty()) return why;
  each([&](std::string_view line) { prover.take(line); });
  std::string text;
  const std::string why = prover.proof(text);
  return why.empty() ? text : why;
}

// Its lines from an entry to another, with what stands behind them, as a part.
std::string part_of(const LogMaker& log, std::uint64_t first, std::uint64_t last) {
  std::istringstream in(log.text_from(first));
  std::string out;
  std::uint64_t sequence = first - 1;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("{\"hash\":") && ++sequence > last) break;
    if (!line.starts_with("{\"kind\":\"end\"")) out += line + "\n";
  }
  return out + evidence::to_line(evidence::EndLine{last}) + "\n";
}

}  // namespace

TEST_CASE("a proof out of files is the one that the host gives", "[prover]") {
  const LogMaker log = two_requests();
  const std::string whole = log.text();
  CHECK(proven({whole}, id_of("first")) == log.proof(id_of("first")));
  CHECK(proven({whole}, id_of("first").substr(0, 8)) == log.proof(id_of("first")));
  CHECK(proven({whole}, id_of("second")) == log.proof(id_of("second")));
  // A grant's proof is that of its request.
  CHECK(proven({whole}, id_of("g")) == log.proof(id_of("first")));
  // In parts, as the archive and what is left; the first ends behind the first signed head, which is of four entries.
  const std::string rest = log.text_from(5);
  const std::size_t cut = whole.find("\\\"sequence\\\":5,");
  const std::string part = whole.substr(0, whole.rfind('\n', cut) + 1) + evidence::to_line(evidence::EndLine{4}) + "\n";
  CHECK(proven({part, rest}, id_of("first")) == log.proof(id_of("first")));
}

TEST_CASE("where parts are missing, twice or out of order there is no proof", "[prover]") {
  LogMaker log;
  auto ask = log.ask("first", "alice", 0);
  for (int part = 0; part < 3; ++part) {
    log.add("broker.started", "", "", {{"boot", "b0"}});
    log.checkpoint();
  }
  log.grant(ask, "g", "alice");
  log.checkpoint();
  log.end();
  const std::string one = part_of(log, 1, 2);
  const std::string two = part_of(log, 3, 3);
  const std::string three = part_of(log, 4, 4);
  const std::string rest = log.text_from(5);
  const std::string id = id_of("first");
  REQUIRE(proven({one, two, three, rest}, id) == log.proof(id));
  CHECK(proven({one, three, rest}, id).find("entry 3 must come next") != std::string::npos);
  CHECK(proven({one, two, two, three, rest}, id).find("entry 4 must come next") != std::string::npos);
  CHECK(proven({one, three, two, rest}, id).find("entry 3 must come next") != std::string::npos);
  CHECK(proven({one, two, three, log.text_from(4)}, id).find("entry 5 must come next") != std::string::npos);  // an export of before the last cut
  CHECK(proven({two, one, three, rest}, id).find("from the first on") != std::string::npos);
  CHECK(proven({one, two, three, rest, rest}, id).find("entry 6 must come next") != std::string::npos);
  // Of another host, and one that lacks a line or has one twice.
  LogMaker other(2);
  other.ask("other", "carol", 0);
  other.add("broker.started", "", "", {{"boot", "b0"}});
  other.add("broker.started", "", "", {{"boot", "b0"}});
  other.checkpoint();
  other.end();
  CHECK(proven({one, other.text_from(3)}, id).find("entry 3 must come next") != std::string::npos);
  const std::string whole = log.text();
  const std::size_t begin = whole.rfind('\n', whole.find("\\\"sequence\\\":3,")) + 1;
  const std::string line = whole.substr(begin, whole.find('\n', begin) + 1 - begin);
  std::string less = whole;
  less.erase(begin, line.size());
  std::string more = whole;
  more.insert(begin, line);
  for (const std::string& bad : {less, more}) CHECK(proven({bad}, id).find("jit-verify says") != std::string::npos);
}

TEST_CASE("where there is no proof, it is said why", "[prover]") {
  const LogMaker log = two_requests();
  CHECK(proven({log.text()}, std::string(32, '0')).find("nothing of") == 0);
  CHECK(proven({log.text_from(5)}, id_of("second")).find("needs the whole log") != std::string::npos);
  CHECK(proven({log.text()}, "").find("more than one id") != std::string::npos);
  CHECK(proven({}, id_of("first")).find("nothing of") == 0);
  LogMaker headless;
  headless.ask("first", "alice", 1);
  headless.end();
  CHECK(proven({headless.text()}, id_of("first")).find("no signed head") != std::string::npos);
}
