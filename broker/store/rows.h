// SPDX-License-Identifier: Apache-2.0
// The values of broker/core/model.h as rows, and back.
#pragma once

#include <string>

#include "broker/store/sqlite.h"

namespace jit::store {

// Columns in the order in which the functions below take them.
extern const char* const kRequestColumns;
extern const char* const kRequestStateColumns;  // without the key
extern const char* const kGrantColumns;
extern const char* const kGrantStateColumns;  // without the key
extern const char* const kVoteColumns;
extern const char* const kFactColumns;
extern const char* const kNetworkColumns;
extern const char* const kAbsenceColumns;

std::string insert_into(const char* table, const std::string& columns);  // "INSERT INTO t (c) VALUES (?, ...)"
std::string update_of(const char* table, const char* columns, const char* key);  // the key is the last parameter

// All columns of kRequestColumns; kUnstorable where an identity is missing or a word holds a NUL.
int bind_request(Bind& bind, const core::Request& request);
void bind_state(Bind& bind, const core::Request& request);
int bind_grant(Bind& bind, const core::Grant& grant);
void bind_state(Bind& bind, const core::Grant& grant);
void bind_vote(Bind& bind, const core::Vote& vote);
void bind_fact(Bind& bind, const core::Fact& fact);
void bind_network(Bind& bind, const core::SeenNet& seen);
void bind_absence(Bind& bind, const core::Absence& absence);

core::Request read_request(Row& row);  // columns, then state columns; without the seats
core::Grant read_grant(Row& row);
core::Vote read_vote(Row& row);
core::Fact read_fact(Row& row);
core::SeenNet read_network(Row& row);
core::Absence read_absence(Row& row);

}  // namespace jit::store
