// SPDX-License-Identifier: Apache-2.0
// Where the database tells of one person, for what counts it and what erases it. ?1: his name; ?2: now.
#pragma once

// Where several people did it, all stand in one text: "bob, carol", "eve (uid:1003)".
#define JIT_AMONG(column) column " <> '' AND (instr(', ' || " column " || ', ', ', ' || ?1 || ', ') > 0 OR instr(" column ", ' (' || ?1 || ')') > 0)"

// Requests that ended, with whatever they led to, and nothing hangs on them any more: no review is owed, and no denial of one blocks.
#define JIT_OVER                                                                                                              \
  "WHERE state > 1 AND (review_due = 0 OR reviewed_wall <> 0) " \
  "AND NOT EXISTS (SELECT 1 FROM grant_states AS lives CROSS JOIN grants ON grants.id = lives.issued WHERE lives.state <= 1 AND grants.request = requests.id) " \
  "AND NOT EXISTS (SELECT 1 FROM votes WHERE votes.request = requests.id AND block_s IS NOT NULL AND votes.time + 1000 * block_s > ?2) "

#define JIT_HIS_VOTES                                                                                                      \
  "FROM votes WHERE person = CAST(?1 AS BLOB) AND (block_s IS NULL OR time + 1000 * block_s <= ?2) "                       \
  "AND request IN (SELECT request FROM request_states WHERE state > 1) AND request NOT IN (SELECT grants.request FROM grants CROSS JOIN " \
  "grant_states ON issued = id WHERE state <= 1 AND grants.request IS NOT NULL)"
#define JIT_HIS_NETWORKS "FROM seen_networks WHERE person = CAST(?1 AS BLOB)"
#define JIT_ENDED_BY_HIM "WHERE state > 1 AND " JIT_AMONG("ended_by")
#define JIT_REVIEWED_BY_HIM "WHERE state > 1 AND " JIT_AMONG("reviewed_by")
#define JIT_ASKED_TO_BE_HIM "WHERE target_person = CAST(?1 AS BLOB) AND id IN (SELECT request FROM request_states WHERE state > 1)"
#define JIT_WAS_HIM "WHERE target_person = CAST(?1 AS BLOB) AND id IN (SELECT issued FROM grant_states WHERE state > 1)"
#define JIT_HIS_REQUESTS "FROM requests CROSS JOIN request_states ON request_states.request = id " JIT_OVER "AND subject_person = CAST(?1 AS BLOB)"
#define JIT_HIS_GRANTS "FROM grants CROSS JOIN grant_states ON issued = id WHERE request IS NULL AND state > 1 AND subject_person = CAST(?1 AS BLOB)"
