// SPDX-License-Identifier: Apache-2.0
// The relay's admin: keys, credentials, the servers' configuration, streams. All of it comes from one folder that he keeps.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>

#include "cli/commands.h"
#include "cli/policy_files.h"
#include "cli/relay_client.h"
#include "cli/replace_file.h"
#include "evidence/canonical.h"
#include "evidence/text.h"
#include "policy/policy.h"
#include "relay/credentials/authority.h"

namespace jit::cli {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;  // as JetStream counts
constexpr char kAuthority[] = "authority.json";
constexpr std::size_t kAuthorityMax = 128 * 1024 * 1024;  // to be read
constexpr std::size_t kIssuedMost = kAuthorityMax / 2;    // of 200 bytes for each credential: its revocation takes 75 more
constexpr std::array kAccounts = {"relay", "host", "approver", "system"};  // as account_claims() has them
constexpr std::size_t kHostsMost = 100'000;
constexpr std::chrono::minutes kReadingMost{5};
constexpr std::int64_t kOnLineS = 11 * 60;  // of two signs of life, one may be lost

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::stringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

std::string file_in(const std::string& folder, const std::string& name) { return folder + "/" + name; }

Result<relay::Authority> authority_in(const std::string& folder) {
  const std::string path = file_in(folder, kAuthority);
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return Failure{Exit::kUsage, path + ": " + std::strerror(errno) + "; jitctl relay init makes it"};
  if ((about.st_mode & 077) != 0) return Failure{Exit::kNo, path + " holds secrets and others may read it: chmod 600"};
  const auto text = read_policy_file(path, kAuthorityMax);
  if (!text) return text.failure();
  auto authority = relay::Authority::read(*text);
  if (!authority) return Failure{Exit::kUsage, path + " is not what jitctl relay init makes"};
  return std::move(*authority);
}

// To be changed: from before it is read until this ends, nobody else changes it.
struct Held {
  FileLock lock;
  relay::Authority authority;
};

Result<Held> authority_to_change(const std::string& folder) {
  FileLock lock(file_in(folder, kAuthority));
  auto authority = authority_in(folder);
  if (!authority) return authority.failure();
  if (!lock.wrong().empty()) return Failure{Exit::kNo, file_in(folder, kAuthority) + " cannot be locked: " + lock.wrong()};
  return Held{std::move(lock), std::move(*authority)};
}

// As nobody is changing it.
Result<relay::Authority> settled_authority(const std::string& folder) {
  auto held = authority_to_change(folder);
  if (!held) return held.failure();
  return std::move(held->authority);
}

Result<Nothing> write_secret(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Failure{Exit::kNo, path + " cannot be made: " + std::strerror(errno)};
  const bool whole = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  close(fd);
  if (!whole) return Failure{Exit::kNo, path + " cannot be written"};
  return Nothing{};
}

Result<Nothing> keep(const std::string& folder, const Held& held, std::size_t most = kAuthorityMax) {
  const std::string document = held.authority.document();
  if (document.size() > most) {
    return Failure{Exit::kNo, file_in(folder, kAuthority) + " holds as much as it may: jitctl relay init makes another folder, for another relay"};
  }
  const std::string why = held.lock.replace(document);
  if (!why.empty()) return Failure{Exit::kNo, file_in(folder, kAuthority) + ": cannot be replaced: " + why};
  return Nothing{};
}

Result<std::unique_ptr<RelayClient>> reach(const relay::Authority& authority, const std::string& credentials, const std::string& client, const std::string& ca) {
  const auto login = relay::read_login(credentials);
  return RelayClient::connect({authority.urls, login->jwt, login->sign, ca, client});
}

// What the server says to a question of its own API; an error in it is a failure.
Result<Json> asked_api(RelayClient& client, const std::string& subject, const Json& question) {
  const auto answer = client.ask(subject, question.dump());
  if (!answer) return answer.failure();
  Json read = evidence::parse_foreign(answer->data);
  if (!read.is_object()) return Failure{Exit::kNo, "the relay answers what this jitctl does not understand"};
  if (const std::string why = text_of(read, "error.description"); !why.empty()) return Failure{Exit::kNo, "the relay says: " + evidence::escape_to(why, 300)};
  return read;
}

Json stream(const std::string& name, const std::string& subject, const std::string& live, std::int64_t age_s, std::int64_t size, unsigned replicas) {
  return Json{{"name", name}, {"subjects", Json::array({subject})}, {"retention", "limits"}, {"storage", "file"}, {"discard", "old"}, {"num_replicas", replicas},
              {"max_age", age_s * kSecond}, {"max_msgs_per_subject", 1}, {"max_msg_size", size}, {"duplicate_window", std::min<std::int64_t>(age_s, 120) * kSecond},
              {"allow_direct", true}, {"deny_delete", true}, {"republish", {{"src", "jit.v1." + live + ".>"}, {"dest", std::string(relay::kLive) + live + ".>"}}}};
}

Result<Nothing> make_stream(RelayClient& client, const Json& config) {
  const std::string name = config.at("name").get<std::string>();
  const auto made = asked_api(client, "$JS.API.STREAM.CREATE." + name, config);
  if (made) return Nothing{};
  const auto changed = asked_api(client, "$JS.API.STREAM.UPDATE." + name, config);
  if (!changed) return made.failure().code == Exit::kNo ? changed.failure() : made.failure();
  return Nothing{};
}

std::size_t longest(const std::vector<std::string>& texts) {
  return std::ranges::max_element(texts, {}, &std::string::size)->size();
}

Failure to_repeat(Failure failure) {
  failure.message += std::string("; what is revoked is written down: repeat this ") + (failure.code == Exit::kUnreachable ? "when the servers are there" : "once they take it");
  return failure;
}

Result<Nothing> tell_account(RelayClient& client, const std::string& kind, const std::string& claims) {
  if (claims.size() > relay::kClaimsMax) {
    return Failure{Exit::kNo, "more " + kind + "s are revoked than the servers can be told of: make another relay (jitctl relay init), and issue --for a while there: what "
                              "has ended is told no more; what is revoked is written down"};
  }
  const auto answer = client.ask("$SYS.REQ.CLAIMS.UPDATE", claims);
  if (!answer) return to_repeat(answer.failure());
  if (number_of(evidence::parse_foreign(answer->data), "data.code") == 200) return Nothing{};
  return to_repeat({Exit::kNo, "the servers did not take it: " + evidence::escape_to(answer->data, 200)});
}

// Claims of the accounts go to the servers, which drop whom they name at once. Whose they have not, and why: one kind's trouble is not the others'.
std::map<std::string, Failure> tell_servers(const relay::Authority& authority, std::int64_t now, const std::string& ca) {
  std::map<std::string, Failure> untold;
  auto client = reach(authority, authority.system_credentials(now), "system", ca);
  std::optional<Failure> gone;
  if (!client) gone = to_repeat(client.failure());
  const auto accounts = authority.account_claims(now);
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const auto told = gone ? Result<Nothing>(*gone) : tell_account(**client, kAccounts.at(i), accounts[i]);
    if (told) continue;
    if (told.failure().code == Exit::kUnreachable) gone = told.failure();
    untold.emplace(kAccounts.at(i), told.failure());
  }
  return untold;
}

bool is_host_id(const std::string& text) { return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos; }

}  // namespace

Exit Verbs::relay_init() {
  const std::string& folder = args.words[0];
  const auto urls = split(args.value(Option::kServer));
  if (urls.size() != 1 && urls.size() != 3) return out.fail({Exit::kUsage, "name the server, or the three of a cluster: --server tls://HOST:PORT"});
  std::vector<relay::Server> servers;
  for (const std::string& url : urls) {
    const std::size_t colon = url.rfind(':');
    int port = 0;
    const char* const end = url.data() + url.size();
    const auto read = url.starts_with("tls://") && colon != std::string::npos && colon > 6 ? std::from_chars(url.data() + colon + 1, end, port) : std::from_chars_result{};
    if (read.ptr != end || read.ec != std::errc() || port < 1 || port > 63'000) return out.fail({Exit::kUsage, "--server: give tls://HOST:PORT, with a port below 63000"});
    servers.push_back({"node-" + std::to_string(servers.size() + 1), url.substr(6, colon - 6) + ":" + std::to_string(port + 2000), port});
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return out.fail({Exit::kNo, folder + ": " + error.message()});
  relay::Authority authority = relay::Authority::make();
  authority.urls = urls;
  authority.replicas = static_cast<unsigned>(urls.size());
  if (const auto kept = write_secret(file_in(folder, kAuthority), authority.document()); !kept) return out.fail(kept.failure());
  const std::string data = args.has(Option::kData) ? args.value(Option::kData) : "/var/lib/nats";
  for (const relay::Server& server : servers) {
    const std::string path = file_in(folder, server.name + ".conf");
    const std::string where = servers.size() == 1 ? data : data + "/" + server.name;
    if (const auto kept = write_secret(path, authority.server_config(server, servers, where, std::time(nullptr))); !kept) return out.fail(kept.failure());
    out.line("made: " + path + " for nats-server, which keeps its data and certificate in " + where);
  }
  out.line("made: " + file_in(folder, kAuthority) + ": it names everybody; keep it secret, and away from the servers");
  out.note("next: start the servers, then jitctl relay streams " + folder + " SET..., once for each set that your policy asks");
  return Exit::kDone;
}

Exit Verbs::relay_streams() {
  const std::string& folder = args.words[0];
  const auto authority = authority_in(folder);
  if (!authority) return out.fail(authority.failure());
  const std::int64_t now = std::time(nullptr);
  // A server that was built anew has its configuration's claims, which are older.
  std::map<std::string, Failure> untold;
  if (!authority->revoked().empty()) {
    const auto held = authority_to_change(folder);
    if (!held) return out.fail(held.failure());
    untold = tell_servers(held->authority, now, args.value(Option::kCa));
  }
  auto client = reach(*authority, authority->keeper_credentials(now), "keeper", args.value(Option::kCa));
  if (!client) return out.fail(client.failure());
  const unsigned replicas = authority->replicas;
  std::vector<Json> all = {
      stream(std::string(relay::kVoteStream), "jit.v1.vote.*.*.*", "vote", 7 * 86400, 68 * 1024, replicas),
      stream(std::string(relay::kEndStream), "jit.v1.end.*.*", "end", 86400, 32 * 1024, replicas),
      stream(std::string(relay::kHereStream), "jit.v1.here.*", "here", 7 * 86400, 4096, replicas),
      stream(std::string(relay::kRenewStream), "jit.v1.renew.*", "renew", 400 * 86400, 16 * 1024, replicas)};
  for (std::size_t i = 1; i < args.words.size(); ++i) {
    const std::string& set = args.words[i];
    all.push_back(stream(relay::request_stream(set), relay::requests_of(set), "req", 3600,
                         static_cast<std::int64_t>(relay::kMessageMax), replicas));
  }
  for (const Json& each : all) {
    if (const auto made = make_stream(**client, each); !made) return out.fail(made.failure());
    out.line("stream " + each.at("name").get<std::string>() + " is there");
  }
  return untold.empty() ? Exit::kDone : out.fail(untold.begin()->second);
}

Exit Verbs::relay_issue(bool host) {
  const std::string& folder = args.words[0];
  const std::string& name = args.words[1];
  if (host && !is_host_id(name)) return out.fail({Exit::kUsage, "give the host's id: 32 digits of 0-9 and a-f; jitctl status on that host shows it"});
  const auto sets = split(args.value(Option::kSet));
  if (!host && sets.empty()) return out.fail({Exit::kUsage, "whose requests does he read? --set group:sre, as the policy names it"});
  if (!host && (name.empty() || name.size() > 256)) return out.fail({Exit::kUsage, "give the person's name as people.d has it"});
  const auto lasts = duration_of(args);
  if (!lasts) return out.fail(lasts.failure());
  const std::int64_t seconds = lasts->value_or(0);
  auto held = authority_to_change(folder);
  if (!held) return out.fail(held.failure());
  const std::int64_t now = std::time(nullptr);
  const std::string credentials = host ? held->authority.issue_host(name, now, seconds) : held->authority.issue_approver(name, sets, now, seconds);
  if (const auto kept = keep(folder, *held, kIssuedMost); !kept) return out.fail(kept.failure());
  out.text(credentials);
  struct stat about {};
  if (fstat(STDOUT_FILENO, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 077) != 0) {
    out.aside("others may read the file that this was written to, and it holds a secret key: chmod 600, and umask 077 before the next one");
  }
  return Exit::kDone;
}

// Written down once they lie there: what is brought twice, or brought and not written down, is one key's all the same. Nobody waits for
// the servers meanwhile: who is revoked then is so from a later moment than that of his new words, which are void with it.
Exit Verbs::relay_renew() {
  const std::string& folder = args.words[0];
  const std::int64_t now = std::time(nullptr);
  auto authority = settled_authority(folder);
  if (!authority) return out.fail(authority.failure());
  const auto due = authority->renew(now);
  if (!due.empty()) {
    auto client = reach(*authority, authority->keeper_credentials(now), "keeper", args.value(Option::kCa));
    if (!client) return out.fail(client.failure());
    for (const relay::Renewal& each : due) {
      if (const auto kept = (*client)->keep(relay::renewal_subject(each.user), each.jwt); !kept) {
        return out.fail({kept.failure().code, kept.failure().message + "; does jitctl relay streams say that all is there?"});
      }
      out.line("renewed: " + each.kind + " " + evidence::escape_to(each.name, 64) + ", for " + policy::format_duration(static_cast<std::uint32_t>(each.expires - now)));
    }
    auto held = authority_to_change(folder);
    if (!held) return out.fail(held.failure());
    held->authority.renew(now);  // the same ones, but for who was revoked meanwhile
    if (const auto kept = keep(folder, *held); !kept) return out.fail(kept.failure());
    authority = std::move(held->authority);
  }
  for (const relay::Issued& each : authority->issued()) {
    if (each.expires != 0 && each.expires <= now && !authority->revoked().contains(each.user)) {
      out.note(each.kind + " " + evidence::escape_to(each.name, 64) + ": credentials have ended; jitctl relay issue-" + each.kind + " makes new ones");
    }
  }
  if (due.empty()) out.line("nothing is due");
  return Exit::kDone;
}

// Held until the servers were told: claims of before would take back what another one revoked.
Exit Verbs::relay_revoke() {
  const std::string& folder = args.words[0];
  auto held = authority_to_change(folder);
  if (!held) return out.fail(held.failure());
  const std::int64_t now = std::time(nullptr);
  const std::string& name = args.words[1];
  const std::string kind = is_host_id(name) ? "host" : "approver";
  const std::size_t count = held->authority.revoke(kind, name, now);
  if (count == 0) return out.fail({Exit::kNotAllowed, "nothing was issued to " + evidence::escape_to(name, 64)});
  if (const auto kept = keep(folder, *held); !kept) return out.fail(kept.failure());
  const auto untold = tell_servers(held->authority, now, args.value(Option::kCa));
  if (const auto why = untold.find(kind); why != untold.end()) return out.fail(why->second);
  out.line("revoked: " + std::to_string(count) + " of " + evidence::escape_to(name, 64) + "; connections with it have ended" +
           (held->authority.replicas > 1 ? ", and a server that is away hears of it some seconds after it has come back" : ""));
  if (!untold.empty()) return out.fail(untold.begin()->second);
  if (longest(held->authority.account_claims(now)) > relay::kClaimsMax / 4 * 3) {
    out.aside("the servers can be told of a third more that is revoked, and then of no more; what was issued --for a while is not told when it has ended");
  }
  return Exit::kDone;
}

Exit Verbs::relay_status() {
  if (args.words.empty()) return courier_status("relay", "no relay runs on this host: see jit-relay(8)");
  const auto authority = authority_in(args.words[0]);
  if (!authority) return out.fail(authority.failure());
  auto client = reach(*authority, authority->keeper_credentials(std::time(nullptr)), "keeper", args.value(Option::kCa));
  if (!client) return out.fail(client.failure());
  Json hosts = Json::array();
  const auto whole = (*client)->read_each(relay::kHereStream, "jit.v1.here.*", 1, kHostsMost, std::chrono::steady_clock::now() + kReadingMost, [&](const relay::Event& kept) {
    const std::string host = kept.kept_subject.substr(kept.kept_subject.rfind('.') + 1);
    if (!is_host_id(host)) return;
    const Json here = evidence::parse_foreign(kept.data);
    const std::int64_t ago = std::time(nullptr) - kept.kept_s;  // by the server's clock: a host's may be off
    hosts.push_back({{"host", host}, {"name", evidence::escape_to(text_of(here, "name"), 253)}, {"on_line", std::abs(ago) < kOnLineS},
                     {"last_seen_s", static_cast<std::uint64_t>(std::max<std::int64_t>(ago, 0))}, {"version", evidence::escape_to(text_of(here, "version"), 32)},
                     {"policy", evidence::escape_to(text_of(here, "policy"), 64)}});
  });
  if (!whole) return out.fail(whole.failure());
  if (!*whole) out.aside("not all is shown: the relay keeps more hosts than are read at once, or is slow");
  return list(hosts, [](const Json& host, bool) -> std::vector<std::string> {
    if (host.is_null()) return {"HOST", "NAME", "STATE", "SEEN", "VERSION", "POLICY"};
    const Json& on = member(host, "on_line");
    return {text_of(host, "host"), text_of(host, "name"), on.is_boolean() && on.get<bool>() ? "on line" : "away",
            policy::format_duration(static_cast<std::uint32_t>(number_of(host, "last_seen_s"))) + " ago", text_of(host, "version"), text_of(host, "policy").substr(0, 12)};
  }, "no host has ever been here");
}

}  // namespace jit::cli
