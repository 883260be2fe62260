// SPDX-License-Identifier: Apache-2.0
// Entries of the audit log for people: what happened, in a sentence; and for programs, one line each.
#pragma once

#include <string>

#include "cli/documents.h"
#include "evidence/leaf.h"

namespace jit::cli {

// One entry, one line: time, number, type, whom it is about, ids, then its fields in order.
std::string entry_line(const Json& entry);
// "2026-11-24 21:10:00  alice asked to be root by sudo: cat /etc/shadow"
std::string story_line(const Json& entry);
// An entry of a proof as Audit.Query has it.
Json entry_document(const evidence::Read& read);

}  // namespace jit::cli
