// SPDX-License-Identifier: Apache-2.0
// bench_pause APPROVER: many programs paused at the gate, and how soon one of them runs on. One command a line, one line of JSON
// as answer; ends with its input, and all paused programs with it.
//   hold UID USERS EACH     that many users from UID on pause, each with EACH connections in one process: {"seconds": s}
//   approve UID USERS EACH  the same with one process a connection; then approves each of them, one after the other:
//                           {"commit": [ns...], "vote": [...], "answer": [...]}: from the commit, and from the sending of the
//                           vote, until its program has read Decided; and until the approver has his answer
//   vote REQUEST            one approval of somebody else's: {"sent": ns, "commit": ns}, CLOCK_MONOTONIC
#include <cstdio>
#include <iostream>
#include <sstream>

#include "bench/commits.h"
#include "bench/crowd.h"
#include "bench/voter.h"

namespace {

using namespace jit::bench;

void hold(Crowd& crowd, uid_t uid, std::size_t users, std::size_t each) {
  const Ns begin = now_ns();
  crowd.pause(uid, users, 1, each);
  std::printf("{\"seconds\": %.3f}\n", static_cast<double>(now_ns() - begin) / 1e9);
}

void approve(Crowd& crowd, Voter& voter, Commits& commits, uid_t uid, std::size_t users, std::size_t each) {
  std::vector<Ns> commit, vote, answer;
  for (const std::string& request : crowd.pause(uid, users, each, 1)) {
    voter.approve(request);
    const Report report = crowd.decided();
    if (request != report.request) fail("%s was approved, %s decided", request.c_str(), report.request);
    const Voter::Times times = voter.done();
    commit.push_back(report.when - commits.approved(request));
    vote.push_back(report.when - times.sent);
    answer.push_back(times.answered - times.sent);
  }
  std::printf("{\"commit\": %s, \"vote\": %s, \"answer\": %s}\n", list_of(commit).c_str(), list_of(vote).c_str(),
              list_of(answer).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) fail("APPROVER");
  Crowd crowd;
  Voter voter(argv[1]);
  Commits commits;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream in(line);
    std::string word, request;
    uid_t uid = 0;
    std::size_t users = 0, each = 0;
    in >> word;
    crowd.check();
    if (word == "vote" && in >> request) {
      voter.approve(request);
      const Voter::Times times = voter.done();
      std::printf("{\"sent\": %lld, \"commit\": %lld}\n", static_cast<long long>(times.sent),
                  static_cast<long long>(commits.approved(request)));
    } else if (word == "hold" && in >> uid >> users >> each) {
      hold(crowd, uid, users, each);
    } else if (word == "approve" && in >> uid >> users >> each) {
      approve(crowd, voter, commits, uid, users, each);
    } else {
      fail("unknown command: %s", line.c_str());
    }
    std::fflush(stdout);
  }
  return 0;
}
