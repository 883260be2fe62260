// SPDX-License-Identifier: Apache-2.0
// Writes logs for the two verifiers: NAME.good.jsonl is to be accepted, NAME.bad.jsonl is not. NAME.*.args has the options of a file.
#include <fstream>
#include <iostream>

#include "corpus_terms.h"
#include "log_maker.h"

namespace {

using jit::evidence::Json;
using jit::test::Hand;
using jit::test::id_of;
using jit::test::LogMaker;
using jit::test::Voter;

std::string folder;

void write(const std::string& name, const std::string& text, const Json& args = Json()) {
  std::ofstream(folder + "/" + name + ".jsonl", std::ios::binary) << text;
  if (!args.is_null()) std::ofstream(folder + "/" + name + ".args") << args.dump();
}

// The end of each: a head, and the last line.
void finish(LogMaker& log, const std::string& name, const Json& args = Json()) {
  log.checkpoint();
  log.end();
  write(name, log.text(), args);
}

LogMaker story(const std::string& boot = "b0") {
  LogMaker log;
  log.add("broker.started", "", "", {{"boot", boot}});
  log.add("policy.loaded", "", "", {{"policy", "p"}});
  log.checkpoint();
  auto first = log.ask("first", "alice", 2);
  log.vote(first, "bob", true, true);
  log.vote(first, "carol", true);
  log.approved(first, id_of("first grant"));
  const std::string grant = log.grant(first, "first grant", "alice");
  log.checkpoint();
  log.use(grant, first, "grant.claimed");
  log.use(grant, first, "grant.used");
  auto more = log.ask("more", "alice", 1, grant);
  log.vote(more, "bob", true);
  log.approved(more, grant);
  log.use(grant, first, "grant.extended", 600);
  auto denied = log.ask("denied", "alice", 1);
  log.vote(denied, "dave", false, true);
  log.end_of(denied, "request.denied");
  auto emergency = log.ask("emergency", "bob", 0);
  log.grant(emergency, "emergency grant", "bob");
  log.checkpoint();
  log.vote(first, "carol", false);  // after the use: it ends the grant
  log.use(grant, first, "grant.ended");
  auto by_hand = log.ask("by hand", "alice", 1);
  log.vote_by_code(by_hand, "bob");
  log.approved(by_hand, id_of("by hand grant"));
  log.grant(by_hand, "by hand grant", "alice");
  log.add("grant.created", "", id_of("free"), {{"door", "sudo"}, {"rule", "free"}, {"person", "alice"}, {"grant_digest", ""}, {"request_digest", ""}});
  log.add("fact.set", "", "", {{"fact", "load"}, {"value", 0.5}, {"person", "alice"}});
  return log;
}

LogMaker tiny() {
  LogMaker log;
  log.add("broker.started", "", "", {{"boot", "b0"}});
  log.add("fact.set", "", "", {{"fact", "load"}, {"value", 7}, {"person", "alice"}});
  return log;
}

LogMaker small() {
  LogMaker log;
  log.add("broker.started", "", "", {{"boot", "b0"}});
  log.checkpoint();
  auto ask = log.ask("small", "alice", 1);
  log.vote(ask, "bob", true, true);
  log.approved(ask, id_of("small grant"));
  log.grant(ask, "small grant", "alice");
  return log;
}

void lies() {
  const auto begun = [] {
    LogMaker log;
    log.add("broker.started", "", "", {{"boot", "b0"}});
    return log;
  };
  {
    LogMaker log = begun();
    const LogMaker::Ask none{id_of("none"), std::string(64, '1'), 0, {}};
    log.grant(none, "g", "alice");
    finish(log, "no-request.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 2);
    log.vote(ask, "bob", true);
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", "alice");
    finish(log, "one-of-two.bad");
  }
  // The rule lets the requester's hardware key answer: erin's is not given, alice's is none.
  for (const auto& [name, person, is_signed] : {std::tuple("self-unknown.good", "erin", true), {"self-soft-key.bad", "alice", true}, {"self-local.bad", "erin", false}}) {
    LogMaker log = begun();
    auto ask = log.ask("a", person, 1, "", true);
    log.vote(ask, person, true, is_signed);
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", person);
    finish(log, name);
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", true);
    log.approved(ask, id_of("g"));
    const std::string grant = log.grant(ask, "g", "alice");
    auto more = log.ask("more", "alice", 1, grant);
    log.use(grant, ask, "grant.claimed");
    log.vote(more, "bob", true, true);
    log.approved(more, grant);
    log.use(grant, ask, "grant.extended", 600);
    log.vote(more, "carol", false, true);  // after it was given: it ends the grant
    log.use(grant, ask, "grant.ended");
    finish(log, "denied-extension.good");
    write("denied-extension-proof.good", log.proof(more.id));
    log.vote(more, "dave", true);
    finish(log, "after-extension.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.grant(ask, "g", "alice");
    finish(log, "not-approved.bad");
  }
  for (const auto& [name, voters] : std::vector<std::pair<std::string, std::vector<std::string>>>{{"himself", {"alice"}}, {"twice", {"bob", "bob"}}}) {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", static_cast<std::uint32_t>(voters.size()));
    for (const std::string& voter : voters) log.vote(ask, voter, true);
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", "alice");
    finish(log, name + ".bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", true);
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", "alice");
    log.grant(ask, "h", "alice");
    finish(log, "used-twice.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", false);
    log.end_of(ask, "request.denied");
    log.vote(ask, "carol", true);
    finish(log, "after-denial.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", false);
    log.approved(ask, id_of("g"));
    finish(log, "denied-approved.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", true);
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", "mallory");
    finish(log, "other-person.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    auto other = log.ask("b", "alice", 1);
    ask.digest = other.digest;
    log.vote(ask, "bob", true);
    finish(log, "other-digest.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", true, true);
    auto other = log.ask("b", "alice", 1);
    // The same signed vote again, as a host would that wants to spend it twice.
    const auto again = std::get<jit::evidence::EntryLine>(log.lines[4]);
    Json fields = jit::evidence::read_leaf(again.leaf, again.personal)->entry.fields;
    fields["digest"] = other.digest;
    log.add("vote.cast", other.id, "", fields);
    finish(log, "same-vote.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", true);
    log.approved(ask, id_of("g"));
    ask.signed_votes = {std::string(64, '2')};
    log.grant(ask, "g", "alice");
    finish(log, "other-votes.bad");
  }
  for (const auto& [votes, verdict] : {std::pair("any", ".good"), {"signed", ".bad"}, {"hardware", ".bad"}}) {
    for (const bool approve : {true, false}) {
      LogMaker log = begun();
      log.votes = votes;
      auto ask = log.ask("a", "alice", 1);
      log.vote(ask, "bob", approve);
      approve ? log.approved(ask, id_of("g")) : log.end_of(ask, "request.denied");
      if (approve) log.grant(ask, "g", "alice");
      finish(log, votes + std::string(approve ? "-rule-by-uid" + std::string(verdict) : "-rule-denied-by-uid.good"));
    }
  }
  {
    LogMaker log = begun();
    log.votes = "hardware";
    auto ask = log.ask("a", "alice", 1);
    log.vote(ask, "bob", false, true);  // a denial counts with any key
    log.end_of(ask, "request.denied");
    finish(log, "hardware-rule-denied.good");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.add("vote.cast", ask.id, "", {{"voter", "bob"}, {"kind", "sshsig"}, {"approve", true}, {"reason", ""}, {"digest", ask.digest}, {"person", "alice"}});
    log.approved(ask, id_of("g"));
    log.grant(ask, "g", "alice");
    finish(log, "signed-nothing.bad");
  }
  const Json logged[] = {nullptr, {{"duration_s", 7200}}, {{"duration_s", nullptr}}, {{"scope", "session"}}, {{"scope", nullptr}}, {{"block_s", 60}}};
  for (const bool by_code : {false, true}) {
    for (std::size_t i = 0; i < std::size(logged); ++i) {
      LogMaker log = begun();
      log.narrowed = true;
      auto ask = log.ask("a", "alice", 1);
      by_code ? log.vote_by_code(ask, "bob", logged[i]) : log.vote(ask, "bob", true, true, logged[i]);
      finish(log, std::string("narrowed-") + (by_code ? "code-" : "signed-") + std::to_string(i) + (i == 0 ? ".good" : ".bad"));
    }
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "alice", 1);
    log.use(id_of("g"), ask, "grant.used");
    finish(log, "use-of-nothing.bad");
  }
  {
    LogMaker log = begun();
    auto ask = log.ask("a", "bob", 0);
    const std::string grant = log.grant(ask, "g", "bob");
    log.use(grant, ask, "grant.extended");
    finish(log, "more-for-nothing.bad");
  }
}

// One approval with this hand, as an envelope or as a code, and its grant.
void approval(const std::string& name, const Voter& voter, const Hand& hand, bool by_code, bool own = false, const std::string& votes = "any") {
  LogMaker log;
  log.votes = votes;
  log.hands[voter.name] = hand;
  const std::string person = own ? voter.name : "alice";
  auto ask = log.ask("a", person, 1, "", own);
  by_code ? log.vote_by_code(ask, voter.name) : log.vote(ask, voter.name, true, true);
  log.approved(ask, id_of("g"));
  log.grant(ask, "g", person);
  finish(log, name);
}

void keys(const std::vector<Voter>& all) {
  for (const Voter& voter : all) {
    for (const bool by_code : {false, true}) {
      const std::string name = voter.name + (by_code ? "-code" : "");
      const auto each = [&](const std::vector<Hand>& hands, const std::string& verdict) {
        for (std::size_t i = 0; i < hands.size(); ++i) approval(name + "-" + std::to_string(i) + verdict, voter, hands[i], by_code);
      };
      const auto& good = by_code ? voter.good_codes : voter.good;
      each(good, ".good");
      each(by_code ? voter.bad_codes : voter.bad, ".bad");
      if (!good.empty()) approval("self-" + name + (voter.hardware ? ".good" : ".bad"), voter, good.front(), by_code, true);
      if (!good.empty()) approval("hardware-rule-" + name + (voter.hardware ? ".good" : ".bad"), voter, good.front(), by_code, false, "hardware");
      if (!good.empty()) approval("signed-rule-" + name + ".good", voter, good.front(), by_code, false, "signed");
    }
  }
}

void heads() {
  const auto signed_head = [](const LogMaker& log) { return to_json(std::get<jit::evidence::CheckpointLine>(log.lines.back()).envelope); };
  LogMaker log = story();
  log.checkpoint();
  const std::string kept = signed_head(log);
  const std::string kept_root = log.head();
  log.add("broker.started", "", "", {{"boot", "b1"}});
  finish(log, "kept.good", {"--head", kept_root, "--head", kept});
  finish(log, "kept-again.bad");  // two ends

  LogMaker cut = story();
  cut.checkpoint();
  cut.end();
  write("cut.bad", cut.text(), {"--head", log.head()});

  // Rolled back and gone on: another entry where the head kept elsewhere counts one.
  LogMaker other = story();
  other.add("policy.loaded", "", "", {{"policy", "q"}});
  finish(other, "rolled-back.bad", {"--head", log.head()});

  LogMaker epochs = small();
  epochs.checkpoint(epochs.key(), epochs.size(), epochs.root(), 3);
  epochs.add("store.recovered", "", "", {{"after", "x"}});
  epochs.checkpoint(epochs.key(), epochs.size(), epochs.root(), 2);
  epochs.end();
  write("older-epoch.bad", epochs.text());

  LogMaker stale = small();
  const std::uint64_t before = stale.size();
  const auto root = stale.root();
  stale.add("broker.started", "", "", {{"boot", "b1"}});
  stale.checkpoint(stale.key(), before, root, 1);
  stale.checkpoint();
  stale.end();
  write("stale-head.bad", stale.text());

  LogMaker forged = small();
  forged.checkpoint(jit::test::key_of(9), forged.size(), forged.root(), 1);
  forged.end();
  write("forged-head.bad", forged.text());

  LogMaker lying = small();
  lying.checkpoint(lying.key(), lying.size(), jit::evidence::leaf_hash("x"), 1);
  lying.end();
  write("other-root.bad", lying.text());

  LogMaker unsigned_tail = small();
  unsigned_tail.checkpoint();
  unsigned_tail.add("broker.started", "", "", {{"boot", "b1"}});
  unsigned_tail.end();
  write("unsigned-tail.bad", unsigned_tail.text());

  LogMaker headless = small();
  headless.end();
  write("headless.bad", headless.text());

  LogMaker another(7);
  another.add("broker.started", "", "", {{"boot", "b0"}});
  finish(another, "other-host.bad");
  finish(another, "other-host-ended-twice.bad");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  folder = argv[1];
  LogMaker log = story();
  finish(log, "story.good");
  write("late.good", log.text_from(14));
  write("proof.good", log.proof(id_of("first")));
  write("proof-more.good", log.proof(id_of("more")));
  write("proof-free.good", log.proof(id_of("free")));
  write("proof-without-request.bad", log.proof(id_of("first grant")));
  write("proof-of-nothing.bad", log.proof(id_of("nothing")));
  write("proof-by-hand.good", log.proof(id_of("by hand")));
  // In two parts, as the archive and what is left in the database.
  const std::string whole = log.text();
  const auto part = [&](std::uint64_t last) {
    const std::size_t next = whole.find("\\\"sequence\\\":" + std::to_string(last + 1) + ",");
    return whole.substr(0, whole.rfind('\n', next) + 1) + to_line(jit::evidence::EndLine{last}) + "\n";
  };
  write("parts.good", part(13) + log.text_from(14));
  write("parts-swapped.bad", log.text_from(14) + part(13));
  write("parts-gap.bad", part(12) + log.text_from(14));
  write("parts-twice.bad", part(13) + log.text_from(13));
  write("parts-first-only.bad", part(13));
  LogMaker other = story("b9");
  other.checkpoint();
  other.end();
  write("parts-of-two.bad", part(13) + other.text_from(14));
  LogMaker least = tiny();
  finish(least, "tiny.good");
  LogMaker little = small();
  little.checkpoint();
  little.end();
  write("small.good", little.text());
  write("small-proof.good", little.proof(id_of("small")));
  lies();
  jit::test::write_terms([](LogMaker& made, const std::string& name) { finish(made, name); });
  heads();
  const auto all = jit::test::voters();
  keys(all);
  std::ofstream(folder + "/allowed_signers") << jit::test::allowed_signers() << jit::test::signers_of(all);
  std::ofstream(folder + "/host_key") << LogMaker().host().key << "\n";
  std::cout << "written\n";
  return 0;
}
