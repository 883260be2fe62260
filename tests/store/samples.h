// SPDX-License-Identifier: Apache-2.0
// Values to store, a thread to be told on, and a folder that goes away.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/store/store.h"

namespace jit::test {

// What the broker's event loop is to the store: Post puts in, the test takes out on its own thread.
class Mailbox {
 public:
  core::Post post();
  void run_one();  // waits for one and runs it
  template <class Done>
  void run_until(const Done& done) {  // the same, until that is so
    while (!done()) run_one();
  }
  std::size_t waiting();

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> letters_;
};

std::string text_in(const std::string& path);

class Folder {  // 0700, gone at the end
 public:
  Folder();
  ~Folder();
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

store::Log words_log();  // a head is signed with "SIZE ROOT EPOCH", and nobody is told

struct Opened {  // must open
  explicit Opened(const std::string& path, std::chrono::milliseconds patience = store::Database::kPatience, store::Log log = words_log());
  bool seal();  // and waits
  bool commit(core::Batch batch);  // and waits
  Mailbox mail;
  std::unique_ptr<store::Database> db;
};

core::Id id_of(std::uint64_t number);  // never empty
core::Request request(std::uint64_t number, std::uint32_t uid = 1000);
core::Vote vote(const core::Request& request, const std::string& person, bool approve = true);
core::Grant grant(std::uint64_t number, std::uint32_t uid = 1000);
core::AuditEntry entry(const std::string& type = "request.created", const std::string& person = "alice");
std::string all_bytes(int first);  // first .. 0xff

core::Batch batch(core::Request request);
core::Batch batch(core::Grant grant);
core::Batch batch(core::Vote vote);
core::Batch batch(core::AuditEntry entry);

// Every field, so that two values are equal where their texts are.
std::string text(const core::Request& request);
std::string text(const core::Grant& grant);
std::string text(const core::Vote& vote);
std::string text(const core::AuditEntry& entry);

template <class T>
std::vector<std::string> texts(const std::vector<T>& values) {
  std::vector<std::string> all;
  for (const T& value : values) all.push_back(text(value));
  return all;
}

}  // namespace jit::test
