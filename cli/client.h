// SPDX-License-Identifier: Apache-2.0
// The broker as jitctl sees it: the owner of org.pamjit.Broker1 on the system bus, believed only where the bus says that
// it runs as _jit. One thread; nothing of the environment is used.
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/exit.h"

namespace jit::cli {

using Json = nlohmann::ordered_json;
using Dict = std::map<std::string, sdbus::Variant>;
using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(std::string_view text);

// A reply is printed by people's terminals: anything but printable ASCII in it is a broken reply.
Result<Json> read_document(std::string_view text);
// The exit code and message for an error of the bus or the broker.
Failure failure_of(const std::string& name, const std::string& message);

// Asks for what comes behind the page. False: it was the last. An empty one may not be: it was a part of the archive.
struct AuditPage;
bool go_on(Dict& filter, const AuditPage& page);

struct AuditPage {  // NOLINT(bugprone-exception-escape): moving a Json asserts, and does not throw
  Json entries;
  std::uint64_t next = 0;
};

class Client {
 public:
  // timeout: of each call.
  static Result<std::unique_ptr<Client>> connect(std::chrono::milliseconds timeout = std::chrono::seconds(30));
  ~Client();
  void set_timeout(std::chrono::milliseconds timeout);  // from now on

  Result<Json> list_requests(const Dict& filter);
  Result<Json> get_request(const std::string& id);
  Result<Json> create(const Dict& ask);
  Result<Json> cancel(const std::string& id);
  Result<Json> vote(const std::string& id, bool approve, const Dict& options);
  Result<std::string> envelope(const std::string& id);  // of a request, as the host signed it
  Result<Json> submit_vote(const std::string& vote);    // an envelope or a vote code
  Result<Json> review(const std::string& id, const std::string& text);
  Result<Json> away(std::int64_t until_ms);  // 0: back
  Result<Json> list_grants(const Dict& filter);
  Result<Json> get_grant(const std::string& id);
  Result<Json> revoke(const Dict& which, const std::string& reason);
  Result<Json> extend(const std::string& grant, const Dict& ask);
  Result<Json> end(const std::string& grant);
  Result<Json> status();
  Result<Json> reload();
  Result<Json> accept_people();
  Result<Json> explain(const Dict& ask);
  Result<Json> set_fact(const std::string& name, const sdbus::Variant& value, std::uint32_t fresh_for);
  Result<Json> clear_fact(const std::string& name);
  Result<Json> list_facts();
  Result<AuditPage> query(const Dict& filter);
  Result<Json> checkpoint();
  struct Lines {
    std::string text;
    std::uint64_t next = 0;  // 0: this was all
  };
  Result<Lines> export_log(std::uint64_t from, std::uint64_t to);
  Result<Lines> proof(const std::string& id);
  Result<Json> erase(const std::string& person);
  bool polkit_there();  // running, or to be started when it is asked

  // From now on next() tells what changed.
  Result<Nothing> watch();

  enum class Event : std::uint8_t { kChanged, kStopped, kTimedOut, kGone, kBack };
  struct Next {
    Event event = Event::kTimedOut;
    std::string id;  // of the request that changed
  };
  // Waits for a change, the deadline (CLOCK_MONOTONIC ms; none: for ever), a byte on stop_fd (< 0: none), the
  // broker's leaving (kGone) or return (kBack: verified, and watched again). A bus that has gone is a failure.
  Result<Next> next(std::optional<std::int64_t> deadline_ms, int stop_fd);

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

std::int64_t monotonic_ms();

}  // namespace jit::cli
