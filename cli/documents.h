// SPDX-License-Identifier: Apache-2.0
// The broker's documents as lines for people. Total: a member that is missing or of another type reads as empty.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cli/client.h"

namespace jit::cli {

using Facts = std::vector<std::pair<std::string, std::string>>;

const Json& member(const Json& json, std::string_view path);  // "subject.name"; a null where it is not there
std::string text_of(const Json& json, std::string_view path);
std::uint64_t number_of(const Json& json, std::string_view path);
bool is_open(const Json& request);  // still waits for votes

std::string who(const Json& who);                 // {"name","uid"} -> "alice(1000)"
std::string what(const Json& document);           // "sudo as root(0)", "log in by ssh"
// Words that come escaped, in the quotes of evidence::render_argv: two lists never look the same.
std::string command_line(const Json& argv);
std::string in_quotes(const std::string& escaped);
std::string command_of(const Json& document);     // exactly, whatever its length; "" for none
std::string open_seats(const Json& request);      // "1 of set:sre and 2 of group:dba"; "" where all are filled
std::string revoked_line(const Json& grant);       // as request_line, of an approval that was taken back
// A break-glass use, and what becomes of its review: "BREAK-GLASS, review due 2026-11-19T11:06Z"; "" for any other request.
std::string emergency_text(const Json& request);
std::string left_out_line(const Json& list, const char* name);  // what a list does not show; "" where it shows all
std::string short_time(const std::string& iso);   // without the milliseconds

// What happened to a request between two looks at it, for who waits: its votes, with what is still asked, and its ladder's steps.
std::vector<std::string> progress(const Json& before, const Json& after);

Facts request_facts(const Json& request);
Facts grant_facts(const Json& grant);
std::string request_line(const Json& request);    // for watch
std::vector<std::string> owed_row(const Json& request, bool terminal);  // of a review that is owed
std::vector<std::string> request_row(const Json& request, bool terminal);
std::vector<std::string> grant_row(const Json& grant, bool terminal);

}  // namespace jit::cli
