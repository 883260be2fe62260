// SPDX-License-Identifier: Apache-2.0
// The migration that made the log quick to write.
#pragma once

namespace jit::store {

// One row an entry, with what is told of people beside it: "about" is whom the entry is about, "other" who else acted. Entries are
// found by the filter of their segment: four trees that were written to at random places with each entry are no more.
inline constexpr const char* kSegments = R"sql(
DROP TRIGGER checkpoints_are_kept;
CREATE TABLE audit_after (
  sequence INTEGER PRIMARY KEY,
  wall INTEGER NOT NULL,
  request BLOB CHECK (length(request) = 16),
  issued BLOB CHECK (length(issued) = 16),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  type TEXT NOT NULL,
  leaf TEXT NOT NULL,
  about TEXT NOT NULL,
  told TEXT NOT NULL,
  other TEXT NOT NULL,
  told_other TEXT NOT NULL
) STRICT;
INSERT INTO audit_after SELECT sequence, wall, request, issued, hash, type, leaf, coalesce(his.person, ''), coalesce(his.fields, ''),
  coalesce(another.person, ''), coalesce(another.fields, '') FROM audit
  LEFT JOIN personal AS his ON his.id = 2 * sequence LEFT JOIN personal AS another ON another.id = 2 * sequence + 1 ORDER BY sequence;
DROP TABLE personal;
DROP TABLE audit;
ALTER TABLE audit_after RENAME TO audit;

CREATE TABLE segments (
  number INTEGER PRIMARY KEY,
  until INTEGER NOT NULL,  -- the latest time in it, by the wall clock
  filter BLOB NOT NULL CHECK (length(filter) = 4096)
) STRICT;

CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit
WHEN NEW.sequence IS NOT OLD.sequence OR NEW.wall IS NOT OLD.wall OR NEW.request IS NOT OLD.request OR NEW.issued IS NOT OLD.issued
  OR NEW.hash IS NOT OLD.hash OR NEW.type IS NOT OLD.type OR NEW.leaf IS NOT OLD.leaf BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER told_is_erased_only BEFORE UPDATE ON audit
WHEN NOT ((NEW.about = OLD.about AND NEW.told = OLD.told) OR (NEW.about = '' AND NEW.told = ''))
  OR NOT ((NEW.other = OLD.other AND NEW.told_other = OLD.told_other) OR (NEW.other = '' AND NEW.told_other = '')) BEGIN
  SELECT RAISE(ABORT, 'what is told of a person can be erased only');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN OLD.sequence > (SELECT cut FROM log) BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER checkpoints_are_kept BEFORE DELETE ON checkpoints
WHEN OLD.size > (SELECT cut FROM log) AND OLD.size < (SELECT max(sequence) FROM audit) BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
)sql";

// Which entries are in which file of the archive.
inline constexpr const char* kArchive = R"sql(
CREATE TABLE archive (
  first INTEGER PRIMARY KEY,
  last INTEGER NOT NULL CHECK (last >= first),
  until INTEGER NOT NULL  -- the latest time in it, by the wall clock
) STRICT;
CREATE TRIGGER archive_has_no_gap BEFORE INSERT ON archive
WHEN NEW.first IS NOT coalesce((SELECT max(last) FROM archive), 0) + 1 BEGIN
  SELECT RAISE(ABORT, 'the log is append-only: not the next part');
END;
CREATE TRIGGER archive_never_changes BEFORE UPDATE ON archive BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
CREATE TRIGGER archive_is_kept BEFORE DELETE ON archive BEGIN
  SELECT RAISE(ABORT, 'the log is append-only');
END;
)sql";

}  // namespace jit::store
