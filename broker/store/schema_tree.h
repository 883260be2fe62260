// SPDX-License-Identifier: Apache-2.0
// The migration that made the log a tree.
#pragma once

namespace jit::store {

// The log becomes a tree. What tells of a person stands apart, so that it can be erased; log.cut is the last entry that is in the
// archive and no longer here, and log.subtrees what the tree of those needs.
inline constexpr const char* kTree = R"sql(
DROP TRIGGER audit_has_no_gap;
DROP TRIGGER audit_never_changes;
DROP TRIGGER audit_is_kept;
DROP INDEX audit_by_request;
DROP INDEX audit_by_person;
DROP INDEX audit_by_type;
ALTER TABLE audit RENAME TO audit_before;

CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  wall INTEGER NOT NULL,
  request BLOB CHECK (length(request) = 16),
  issued BLOB CHECK (length(issued) = 16),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  type TEXT NOT NULL,
  leaf TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_request ON audit (request) WHERE request IS NOT NULL;
CREATE INDEX audit_by_grant ON audit (issued) WHERE issued IS NOT NULL;
CREATE INDEX audit_by_type ON audit (type);

CREATE TABLE personal (
  id INTEGER PRIMARY KEY,  -- twice the sequence, and one more where it is of somebody else than whom the entry is about
  person TEXT NOT NULL,
  fields TEXT NOT NULL
) STRICT;
CREATE INDEX personal_by_person ON personal (person) WHERE person <> '';

CREATE TABLE subtrees (
  level INTEGER NOT NULL,
  position INTEGER NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  size INTEGER PRIMARY KEY,
  subtrees BLOB NOT NULL,
  envelope TEXT NOT NULL
) STRICT;

CREATE TABLE log (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  cut INTEGER NOT NULL,
  subtrees BLOB NOT NULL
) STRICT;
INSERT INTO log VALUES (1, 1, 0, x'');

CREATE TRIGGER audit_has_no_gap BEFORE INSERT ON audit
WHEN NEW.sequence IS NOT coalesce((SELECT max(sequence) FROM audit), (SELECT cut FROM log)) + 1 BEGIN
  SELECT RAISE(ABORT, 'the log is append-only: not the next sequence');
END;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN OLD.sequence > (SELECT cut FROM log) BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER personal_never_changes BEFORE UPDATE ON personal BEGIN
  SELECT RAISE(ABORT, 'what is told of a person can be erased only');
END;
CREATE TRIGGER personal_has_an_entry BEFORE INSERT ON personal
WHEN NEW.id / 2 IS NOT (SELECT max(sequence) FROM audit) BEGIN
  SELECT RAISE(ABORT, 'what is told of a person can be erased only');
END;
CREATE TRIGGER subtrees_never_change BEFORE UPDATE ON subtrees BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER subtrees_are_kept BEFORE DELETE ON subtrees BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER checkpoints_never_change BEFORE UPDATE ON checkpoints BEGIN
  SELECT RAISE(ABORT, 'a signed head is immutable');
END;
CREATE TRIGGER checkpoints_are_kept BEFORE DELETE ON checkpoints
WHEN OLD.size > (SELECT cut FROM log) AND OLD.size < (SELECT max(sequence) FROM audit) BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER log_goes_on BEFORE UPDATE ON log
WHEN NEW.epoch < OLD.epoch OR NEW.cut < OLD.cut OR NEW.one <> OLD.one
  OR (NEW.cut > OLD.cut AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE size = NEW.cut AND subtrees = NEW.subtrees)) BEGIN
  SELECT RAISE(ABORT, 'the log goes forward only');
END;
CREATE TRIGGER log_is_kept BEFORE DELETE ON log BEGIN
  SELECT RAISE(ABORT, 'the log goes forward only');
END;
)sql";

}  // namespace jit::store
