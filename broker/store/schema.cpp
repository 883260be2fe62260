// SPDX-License-Identifier: Apache-2.0
#include "broker/store/schema.h"

#include "broker/store/schema_segments.h"
#include "broker/store/schema_tree.h"

namespace jit::store {
namespace {

// What never changes stands apart from what does, so that a use of a grant rewrites a short row, not its argv. Small
// columns come first: a look at them reads no overflow page. Times are milliseconds; enums are numbered as in model.h.
constexpr const char* kFirst = R"sql(
CREATE TABLE requests (
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
  door INTEGER NOT NULL CHECK (door BETWEEN 0 AND 4),
  subject_uid INTEGER NOT NULL CHECK (subject_uid BETWEEN 0 AND 4294967295),
  subject_groups_known INTEGER NOT NULL CHECK (subject_groups_known IN (0, 1)),
  target_uid INTEGER NOT NULL CHECK (target_uid BETWEEN 0 AND 4294967295),
  target_groups_known INTEGER NOT NULL CHECK (target_groups_known IN (0, 1)),
  target_verified INTEGER NOT NULL CHECK (target_verified IN (0, 1)),
  loginuid INTEGER NOT NULL CHECK (loginuid BETWEEN 0 AND 4294967295),
  audit_session INTEGER NOT NULL CHECK (audit_session BETWEEN 0 AND 4294967295),
  origin INTEGER NOT NULL CHECK (origin BETWEEN 0 AND 2),
  origin_v4 INTEGER NOT NULL CHECK (origin_v4 IN (0, 1)),
  origin_address BLOB NOT NULL CHECK (length(origin_address) = 16),
  terminal INTEGER NOT NULL CHECK (terminal BETWEEN 0 AND 4294967295),
  terminal_leader INTEGER NOT NULL,
  terminal_leader_start INTEGER NOT NULL,
  process INTEGER NOT NULL,
  process_start INTEGER NOT NULL,
  parent INTEGER NOT NULL,
  parent_start INTEGER NOT NULL,
  created INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  created_wall INTEGER NOT NULL,
  deadline_wall INTEGER NOT NULL,
  asked_s INTEGER CHECK (asked_s BETWEEN 0 AND 4294967295),
  reason_from INTEGER NOT NULL CHECK (reason_from BETWEEN 0 AND 3),
  offer_reason_required INTEGER NOT NULL CHECK (offer_reason_required IN (0, 1)),
  offer_reason_min INTEGER NOT NULL,
  offer_give_s INTEGER NOT NULL,
  offer_max_s INTEGER NOT NULL,
  offer_wait_s INTEGER NOT NULL,
  offer_claim_s INTEGER NOT NULL,
  offer_scope INTEGER NOT NULL CHECK (offer_scope BETWEEN 0 AND 3),
  offer_shortened INTEGER NOT NULL CHECK (offer_shortened IN (0, 1)),
  offer_rule TEXT NOT NULL,
  offer_fingerprint TEXT NOT NULL,
  policy_hash TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  secret_hash TEXT NOT NULL,
  service BLOB NOT NULL,
  subject_user BLOB NOT NULL,
  subject_person BLOB NOT NULL,
  target_user BLOB NOT NULL,
  target_person BLOB NOT NULL,
  tty BLOB NOT NULL,
  ticket BLOB NOT NULL,
  via BLOB NOT NULL,
  reason BLOB NOT NULL,
  cwd BLOB NOT NULL,
  subject_groups_all BLOB NOT NULL,
  subject_groups_any BLOB NOT NULL,
  target_groups_all BLOB NOT NULL,
  target_groups_any BLOB NOT NULL,
  argv BLOB NOT NULL
) STRICT;
CREATE INDEX requests_by_subject ON requests (subject_uid);
CREATE TRIGGER requests_never_change BEFORE UPDATE ON requests BEGIN
  SELECT RAISE(ABORT, 'a request is immutable');
END;

CREATE TABLE seats (
  request BLOB NOT NULL REFERENCES requests (id),
  position INTEGER NOT NULL,
  people BLOB NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (request, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER seats_never_change BEFORE UPDATE ON seats BEGIN
  SELECT RAISE(ABORT, 'a request is immutable');
END;

CREATE TABLE request_states (
  request BLOB NOT NULL PRIMARY KEY REFERENCES requests (id),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
  ended_wall INTEGER NOT NULL,
  granted BLOB CHECK (length(granted) = 16),
  ended_by TEXT NOT NULL,
  ended_why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX live_requests ON request_states (state) WHERE state <= 1;

CREATE TABLE votes (
  sequence INTEGER PRIMARY KEY,
  request BLOB NOT NULL REFERENCES requests (id),
  approve INTEGER NOT NULL CHECK (approve IN (0, 1)),
  uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
  duration_s INTEGER CHECK (duration_s BETWEEN 0 AND 4294967295),
  scope INTEGER CHECK (scope BETWEEN 0 AND 3),
  time INTEGER NOT NULL,
  digest TEXT NOT NULL,
  person BLOB NOT NULL,
  reason BLOB NOT NULL,
  UNIQUE (request, person, approve)
) STRICT;
CREATE TRIGGER votes_never_change BEFORE UPDATE ON votes BEGIN
  SELECT RAISE(ABORT, 'a vote is immutable');
END;

CREATE TABLE grants (
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  request BLOB REFERENCES requests (id),
  door INTEGER NOT NULL CHECK (door BETWEEN 0 AND 4),
  subject_uid INTEGER NOT NULL CHECK (subject_uid BETWEEN 0 AND 4294967295),
  subject_groups_known INTEGER NOT NULL CHECK (subject_groups_known IN (0, 1)),
  target_uid INTEGER NOT NULL CHECK (target_uid BETWEEN 0 AND 4294967295),
  target_groups_known INTEGER NOT NULL CHECK (target_groups_known IN (0, 1)),
  loginuid INTEGER NOT NULL CHECK (loginuid BETWEEN 0 AND 4294967295),
  audit_session INTEGER NOT NULL CHECK (audit_session BETWEEN 0 AND 4294967295),
  origin INTEGER NOT NULL CHECK (origin BETWEEN 0 AND 2),
  origin_v4 INTEGER NOT NULL CHECK (origin_v4 IN (0, 1)),
  origin_address BLOB NOT NULL CHECK (length(origin_address) = 16),
  terminal INTEGER NOT NULL CHECK (terminal BETWEEN 0 AND 4294967295),
  terminal_leader INTEGER NOT NULL,
  terminal_leader_start INTEGER NOT NULL,
  scope INTEGER NOT NULL CHECK (scope BETWEEN 0 AND 3),
  lifetime_s INTEGER NOT NULL,
  max_s INTEGER NOT NULL,
  created INTEGER NOT NULL,
  claim_until INTEGER NOT NULL,
  created_wall INTEGER NOT NULL,
  claim_until_wall INTEGER NOT NULL,
  rule TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  policy_hash TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  subject_user BLOB NOT NULL,
  subject_person BLOB NOT NULL,
  target_user BLOB NOT NULL,
  target_person BLOB NOT NULL,
  tty BLOB NOT NULL,
  cwd BLOB NOT NULL,
  subject_groups_all BLOB NOT NULL,
  subject_groups_any BLOB NOT NULL,
  target_groups_all BLOB NOT NULL,
  target_groups_any BLOB NOT NULL,
  argv BLOB NOT NULL
) STRICT;
CREATE INDEX grants_by_subject ON grants (subject_uid);
CREATE TRIGGER grants_never_change BEFORE UPDATE ON grants BEGIN
  SELECT RAISE(ABORT, 'the terms of a grant are immutable');
END;

CREATE TABLE grant_states (
  issued BLOB NOT NULL PRIMARY KEY REFERENCES grants (id),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
  ending INTEGER NOT NULL CHECK (ending BETWEEN 0 AND 4),
  starts INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  starts_wall INTEGER NOT NULL,
  expires_wall INTEGER NOT NULL,
  bound_terminal INTEGER NOT NULL,
  bound_leader INTEGER NOT NULL,
  bound_leader_start INTEGER NOT NULL,
  bound_audit_session INTEGER NOT NULL,
  connection INTEGER NOT NULL,
  connection_start INTEGER NOT NULL,
  uses INTEGER NOT NULL,
  ended_wall INTEGER NOT NULL,
  ended_by TEXT NOT NULL,
  ended_why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX live_grants ON grant_states (state) WHERE state <= 1;

CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  boottime INTEGER NOT NULL,
  wall INTEGER NOT NULL,
  uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
  request BLOB CHECK (length(request) = 16),
  issued BLOB CHECK (length(issued) = 16),
  boot_id TEXT NOT NULL,
  type TEXT NOT NULL,
  person TEXT NOT NULL,
  fields TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_request ON audit (request) WHERE request IS NOT NULL;
CREATE INDEX audit_by_person ON audit (person);
CREATE INDEX audit_by_type ON audit (type);
CREATE TRIGGER audit_has_no_gap BEFORE INSERT ON audit
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM audit) BEGIN
  SELECT RAISE(ABORT, 'the log is append-only: not the next sequence');
END;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;

CREATE TABLE kept_policy (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  hash TEXT NOT NULL
) STRICT;
CREATE TABLE kept_sources (
  kind TEXT NOT NULL CHECK (kind IN ('rules', 'people')),
  position INTEGER NOT NULL,
  name BLOB NOT NULL,
  text BLOB NOT NULL,
  PRIMARY KEY (kind, position)
) STRICT;
)sql";

// The rest of the language: what an offer demands beside seats, a reason and times. Lists are stored as words.
constexpr const char* kWholeOffer = R"sql(
ALTER TABLE requests ADD COLUMN offer_record INTEGER NOT NULL DEFAULT 0 CHECK (offer_record IN (0, 1));
ALTER TABLE requests ADD COLUMN offer_review_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN offer_votes INTEGER NOT NULL DEFAULT 0 CHECK (offer_votes BETWEEN 0 AND 2);
ALTER TABLE requests ADD COLUMN offer_machines INTEGER NOT NULL DEFAULT 0 CHECK (offer_machines IN (0, 1));
ALTER TABLE requests ADD COLUMN offer_match INTEGER NOT NULL DEFAULT 0 CHECK (offer_match IN (0, 1));
ALTER TABLE requests ADD COLUMN offer_self INTEGER NOT NULL DEFAULT 0 CHECK (offer_self IN (0, 1));
ALTER TABLE requests ADD COLUMN offer_break_glass INTEGER NOT NULL DEFAULT 0 CHECK (offer_break_glass IN (0, 1));
ALTER TABLE requests ADD COLUMN offer_on_expiry INTEGER NOT NULL DEFAULT 0 CHECK (offer_on_expiry BETWEEN 0 AND 2);
ALTER TABLE requests ADD COLUMN offer_run_max_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN offer_tickets BLOB NOT NULL DEFAULT x'';
ALTER TABLE requests ADD COLUMN offer_notify BLOB NOT NULL DEFAULT x'';
ALTER TABLE requests ADD COLUMN offer_ladder BLOB NOT NULL DEFAULT x'';
ALTER TABLE requests ADD COLUMN offer_warn_before BLOB NOT NULL DEFAULT x'';
)sql";

// What runs and how urgent it is, beside a request; facts that were set; networks from which people came.
constexpr const char* kFacts = R"sql(
ALTER TABLE requests ADD COLUMN urgency INTEGER NOT NULL DEFAULT 1 CHECK (urgency BETWEEN 0 AND 3);
ALTER TABLE requests ADD COLUMN command_known INTEGER NOT NULL DEFAULT 0 CHECK (command_known IN (0, 1));
ALTER TABLE requests ADD COLUMN command_verified INTEGER NOT NULL DEFAULT 0 CHECK (command_verified IN (0, 1));
ALTER TABLE requests ADD COLUMN command_bound INTEGER NOT NULL DEFAULT 0 CHECK (command_bound IN (0, 1));
ALTER TABLE requests ADD COLUMN command_words_at INTEGER NOT NULL DEFAULT 0 CHECK (command_words_at BETWEEN 0 AND 4294967295);
ALTER TABLE requests ADD COLUMN command_path BLOB NOT NULL DEFAULT x'';
ALTER TABLE requests ADD COLUMN command_options BLOB NOT NULL DEFAULT x'';
ALTER TABLE requests ADD COLUMN command_env BLOB NOT NULL DEFAULT x'';

CREATE TABLE facts (
  name TEXT NOT NULL PRIMARY KEY,
  type INTEGER NOT NULL CHECK (type BETWEEN 0 AND 3),
  value ANY NOT NULL CHECK (typeof(value) = CASE type WHEN 2 THEN 'real' WHEN 3 THEN 'blob' ELSE 'integer' END),
  uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
  set_boottime INTEGER NOT NULL,
  set_wall INTEGER NOT NULL,
  for_s INTEGER CHECK (for_s BETWEEN 0 AND 4294967295),
  boot_id TEXT NOT NULL,
  set_by BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE seen_networks (
  person BLOB NOT NULL,
  v4 INTEGER NOT NULL CHECK (v4 IN (0, 1)),
  network BLOB NOT NULL CHECK (length(network) = 16),
  last_wall INTEGER NOT NULL,
  PRIMARY KEY (person, v4, network)
) STRICT, WITHOUT ROWID;
)sql";

// A policy also names calendars and rosters: the last good set is whole with them only.
constexpr const char* kWholePolicy = R"sql(
ALTER TABLE kept_sources RENAME TO kept_sources_before;
CREATE TABLE kept_sources (
  kind TEXT NOT NULL CHECK (kind IN ('rules', 'people', 'calendars', 'rosters')),
  position INTEGER NOT NULL,
  name BLOB NOT NULL,
  text BLOB NOT NULL,
  PRIMARY KEY (kind, position)
) STRICT;
INSERT INTO kept_sources SELECT kind, position, name, text FROM kept_sources_before;
DROP TABLE kept_sources_before;
)sql";


// Which key a login was asked for, and used, with.
constexpr const char* kSshKeys = R"sql(
ALTER TABLE requests ADD COLUMN ssh_key TEXT NOT NULL DEFAULT '';
ALTER TABLE grant_states ADD COLUMN ssh_key TEXT NOT NULL DEFAULT '';
)sql";

// What has ended last is found without a look at all that ever was.
constexpr const char* kEnds = R"sql(
CREATE INDEX ended_requests ON request_states (ended_wall) WHERE state > 1;
CREATE INDEX ended_grants ON grant_states (ended_wall) WHERE state > 1;
)sql";

// Approvals among people: a later start, an extension, the risk card, the typed code, escalation, reviews, blocks, absence.
constexpr const char* kPeople = R"sql(
ALTER TABLE requests ADD COLUMN login_user BLOB NOT NULL DEFAULT x'';
ALTER TABLE grants ADD COLUMN login_user BLOB NOT NULL DEFAULT x'';
ALTER TABLE requests ADD COLUMN command_changeable INTEGER NOT NULL DEFAULT 0 CHECK (command_changeable IN (0, 1));
ALTER TABLE requests ADD COLUMN asked_scope INTEGER CHECK (asked_scope BETWEEN 0 AND 3);
ALTER TABLE requests ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN not_before_wall INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN extends BLOB CHECK (length(extends) = 16);
ALTER TABLE requests ADD COLUMN risk INTEGER NOT NULL DEFAULT 0;
ALTER TABLE requests ADD COLUMN risk_signs BLOB NOT NULL DEFAULT x'';
ALTER TABLE requests ADD COLUMN typed_code TEXT NOT NULL DEFAULT '';
ALTER TABLE request_states ADD COLUMN steps INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request_states ADD COLUMN wrong_codes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request_states ADD COLUMN review_due INTEGER NOT NULL DEFAULT 0;
ALTER TABLE request_states ADD COLUMN reviewed_by TEXT NOT NULL DEFAULT '';
ALTER TABLE request_states ADD COLUMN reviewed_why TEXT NOT NULL DEFAULT '';
ALTER TABLE request_states ADD COLUMN reviewed_wall INTEGER NOT NULL DEFAULT 0;
ALTER TABLE votes ADD COLUMN block_s INTEGER CHECK (block_s BETWEEN 1 AND 4294967295);
ALTER TABLE grants ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;
CREATE INDEX owed_reviews ON request_states (review_due) WHERE review_due <> 0 AND reviewed_wall = 0;
CREATE INDEX blocking_votes ON votes (time) WHERE block_s IS NOT NULL;

CREATE TABLE absences (
  person BLOB NOT NULL PRIMARY KEY,
  user_name BLOB NOT NULL,
  until_wall INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// The version of each file of people.d that was taken last: an older one is not taken unasked.
constexpr const char* kPeopleVersions = R"sql(
CREATE TABLE people_versions (
  file BLOB NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL CHECK (version > 0)
) STRICT, WITHOUT ROWID;
)sql";

// What is signed, as it was signed. A signed vote is taken once, whatever it is carried for.
constexpr const char* kEvidence = R"sql(
ALTER TABLE requests ADD COLUMN nonce TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN payload TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN payload TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE votes ADD COLUMN kind INTEGER NOT NULL DEFAULT 0 CHECK (kind BETWEEN 0 AND 3);
ALTER TABLE votes ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE votes ADD COLUMN signed_text TEXT NOT NULL DEFAULT '';
ALTER TABLE votes ADD COLUMN signed_digest TEXT NOT NULL DEFAULT '';
ALTER TABLE votes ADD COLUMN host_in_doubt INTEGER NOT NULL DEFAULT 0 CHECK (host_in_doubt IN (0, 1));
CREATE UNIQUE INDEX signed_votes ON votes (signed_digest) WHERE signed_digest <> '';
)sql";

// Of what was granted before, everything that runs ends with it.
constexpr const char* kExpiry = R"sql(
ALTER TABLE grants ADD COLUMN on_expiry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN run_max_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE grants ADD COLUMN warn_before BLOB NOT NULL DEFAULT x'';
)sql";

// What sudo said it would run. What was given before that was given for a claim.
constexpr const char* kCommands = R"sql(
ALTER TABLE requests ADD COLUMN command_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE requests ADD COLUMN recording BLOB NOT NULL DEFAULT x'';
ALTER TABLE grants ADD COLUMN command_known INTEGER NOT NULL DEFAULT 0 CHECK (command_known IN (0, 1));
ALTER TABLE grants ADD COLUMN command_verified INTEGER NOT NULL DEFAULT 0 CHECK (command_verified IN (0, 1));
ALTER TABLE grants ADD COLUMN command_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN command_path BLOB NOT NULL DEFAULT x'';
ALTER TABLE grants ADD COLUMN command_options BLOB NOT NULL DEFAULT x'';
ALTER TABLE grants ADD COLUMN command_env BLOB NOT NULL DEFAULT x'';
)sql";

// How far each courier has carried the log. Behind what it says, a courier only carries again.
constexpr const char* kCouriers = R"sql(
CREATE TABLE couriers (
  name TEXT NOT NULL PRIMARY KEY,
  carried INTEGER NOT NULL CHECK (carried >= 0)
) STRICT, WITHOUT ROWID;
)sql";

// Whom another became can be forgotten as a person; the account that it was stays.
constexpr const char* kTargets = R"sql(
ALTER TABLE requests ADD COLUMN target_group BLOB NOT NULL DEFAULT x'';
DROP TRIGGER requests_never_change;
CREATE TRIGGER requests_never_change BEFORE UPDATE ON requests
WHEN NOT (OLD.target_person <> x'' AND NEW.target_person = x'' AND NEW.id = OLD.id AND NEW.digest = OLD.digest AND NEW.payload = OLD.payload
  AND NEW.subject_uid = OLD.subject_uid AND NEW.target_uid = OLD.target_uid AND NEW.target_user = OLD.target_user AND NEW.argv = OLD.argv) BEGIN
  SELECT RAISE(ABORT, 'a request is immutable');
END;
DROP TRIGGER grants_never_change;
CREATE TRIGGER grants_never_change BEFORE UPDATE ON grants
WHEN NOT (OLD.target_person <> x'' AND NEW.target_person = x'' AND NEW.id = OLD.id AND NEW.digest = OLD.digest AND NEW.payload = OLD.payload
  AND NEW.subject_uid = OLD.subject_uid AND NEW.target_uid = OLD.target_uid AND NEW.target_user = OLD.target_user AND NEW.argv = OLD.argv) BEGIN
  SELECT RAISE(ABORT, 'the terms of a grant are immutable');
END;
)sql";

// What broker.toml said belongs to the last good set. Null: it was not kept.
constexpr const char* kBrokerFile = R"sql(
ALTER TABLE kept_policy ADD COLUMN broker BLOB;
)sql";

// Whom a grant of this boot made what is known until the boot ends: also where the grant went into the archive, or its person was erased.
constexpr const char* kPowers = R"sql(
CREATE TABLE powers (
  subject_uid INTEGER NOT NULL CHECK (subject_uid BETWEEN 0 AND 4294967295),
  loginuid INTEGER NOT NULL CHECK (loginuid BETWEEN 0 AND 4294967295),
  target_uid INTEGER NOT NULL CHECK (target_uid BETWEEN 0 AND 4294967295),
  boot_id TEXT NOT NULL,
  PRIMARY KEY (subject_uid, loginuid, target_uid, boot_id)
) STRICT, WITHOUT ROWID;
)sql";

// A uid alone may be another account's by the time that the vote counts. Of votes from before nobody knows.
constexpr const char* kVoters = R"sql(
ALTER TABLE votes ADD COLUMN user BLOB NOT NULL DEFAULT x'';
)sql";

constexpr Migration kMigrations[] = {{kFirst},  {kWholeOffer},     {kFacts},    {kWholePolicy},      {kSshKeys}, {kEnds},
                                     {kPeople}, {kPeopleVersions}, {kEvidence}, {kTree, carry_over}, {kExpiry},
                                     {kCommands}, {kSegments, fill_segments}, {kArchive}, {kCouriers}, {kTargets},
                                     {kBrokerFile}, {kPowers}, {kVoters}};

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

}  // namespace jit::store
