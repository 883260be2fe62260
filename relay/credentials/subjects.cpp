// SPDX-License-Identifier: Apache-2.0
#include "relay/credentials/subjects.h"

#include <algorithm>

namespace jit::relay {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEF";
constexpr std::size_t kTokenMax = 768;  // a name of 256 bytes, every one of them written as %HH

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' || c == '@';
}

std::vector<std::string_view> parts_of(std::string_view subject) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0;;) {
    const std::size_t end = subject.find('.', at);
    out.push_back(subject.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) return out;
    at = end + 1;
  }
}

bool is_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// "jit.v1.KIND." and so many tokens behind it; nothing: it is not that.
std::optional<std::vector<std::string_view>> tokens_behind(std::string_view kind, std::string_view subject, std::size_t count) {
  auto parts = parts_of(subject);
  if (parts.size() != 3 + count || parts[0] != "jit" || parts[1] != "v1" || parts[2] != kind) return std::nullopt;
  parts.erase(parts.begin(), parts.begin() + 3);
  return parts;
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out += '.';
    out += part;
  }
  return out;
}

constexpr std::string_view kGet = "$JS.API.DIRECT.GET";

}  // namespace

std::string token_of(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (plain(c)) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::optional<std::string> name_of_token(std::string_view token) {
  if (token.empty() || token.size() > kTokenMax) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '%') {
      out += token[i];
      continue;
    }
    if (i + 2 >= token.size()) return std::nullopt;
    const std::size_t high = kDigits.find(token[i + 1]);
    const std::size_t low = kDigits.find(token[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    out += static_cast<char>(high << 4U | low);
    i += 2;
  }
  return token_of(out) == token ? std::optional(std::move(out)) : std::nullopt;
}

std::string request_subject(std::string_view set, std::string_view host, std::string_view request) {
  return joined({"jit.v1.req", token_of(set), host, request});
}
std::string end_subject(std::string_view host, std::string_view request) { return joined({"jit.v1.end", host, request}); }
std::string vote_subject(std::string_view host, std::string_view request, std::string_view person) {
  return joined({"jit.v1.vote", host, request, token_of(person)});
}
std::string here_subject(std::string_view host) { return joined({"jit.v1.here", host}); }
std::string renewal_subject(std::string_view user) { return joined({"jit.v1.renew", user}); }
std::string votes_of(std::string_view host) { return joined({"jit.v1.vote", host, "*", "*"}); }
std::string requests_of(std::string_view set) { return joined({"jit.v1.req", token_of(set), "*", "*"}); }

std::optional<RequestSubject> read_request_subject(std::string_view subject) {
  const auto parts = tokens_behind("req", subject, 3);
  const auto set = parts ? name_of_token((*parts)[0]) : std::nullopt;
  if (!set || !is_id((*parts)[1]) || !is_id((*parts)[2])) return std::nullopt;
  return RequestSubject{*set, std::string((*parts)[1]), std::string((*parts)[2])};
}

std::optional<EndSubject> read_end_subject(std::string_view subject) {
  const auto parts = tokens_behind("end", subject, 2);
  if (!parts || !is_id((*parts)[0]) || !is_id((*parts)[1])) return std::nullopt;
  return EndSubject{std::string((*parts)[0]), std::string((*parts)[1])};
}

std::optional<VoteSubject> read_vote_subject(std::string_view subject) {
  const auto parts = tokens_behind("vote", subject, 3);
  const auto person = parts ? name_of_token((*parts)[2]) : std::nullopt;
  if (!person || !is_id((*parts)[0]) || !is_id((*parts)[1])) return std::nullopt;
  return VoteSubject{std::string((*parts)[0]), std::string((*parts)[1]), *person};
}

std::string request_stream(std::string_view set) { return "REQ-" + token_of(set); }

std::string last_of(std::string_view stream, std::string_view subject) { return joined({kGet, stream, subject}); }
std::string any_of(std::string_view stream) { return joined({kGet, stream}); }

std::string host_client(std::string_view host) { return "host-" + std::string(host); }
std::string approver_client(std::string_view person) { return "person-" + token_of(person); }
std::string inbox_of(std::string_view client) { return joined({"_INBOX", client}); }

Permissions host_permissions(std::string_view host) {
  Permissions out;
  out.publish = {joined({"jit.v1.req.*", host, "*"}), joined({"jit.v1.end", host, "*"}), here_subject(host),
                 last_of(kVoteStream, votes_of(host))};
  out.subscribe = {votes_of(host), inbox_of(host_client(host)) + ".>"};
  return out;
}

Permissions approver_permissions(std::string_view person, const std::vector<std::string>& sets) {
  Permissions out;
  out.publish = {joined({"jit.v1.vote.*.*", token_of(person)}), last_of(kEndStream, kEnds)};
  out.subscribe = {std::string(kEnds), inbox_of(approver_client(person)) + ".>"};
  for (const std::string& set : sets) {
    out.publish.push_back(any_of(request_stream(set)));
    out.subscribe.push_back(requests_of(set));
  }
  return out;
}

const std::vector<Shared>& shared_subjects() {
  static const std::vector<Shared> all = {
      {"requests", "jit.v1.req.*.*.*", true, true, false},
      {"ends", "jit.v1.end.*.*", true, true, false},
      {"presence", "jit.v1.here.*", true, true, false},
      {"kept-votes", "$JS.API.DIRECT.GET.VOTE.jit.v1.vote.*.*.*", true, true, false},
      {"renewals", "$JS.API.DIRECT.GET.RENEW.jit.v1.renew.*", true, true, true},
      {"votes", "jit.v1.vote.*.*.*", true, false, true},
      {"kept-ends", "$JS.API.DIRECT.GET.END.jit.v1.end.*.*", true, false, true},
      {"kept-requests", "$JS.API.DIRECT.GET.*", true, false, true},
      {"votes-seen", "jit.v1.live.vote.*.*.*", false, true, false, "jit.v1.vote.$1.$2.$3"},
      {"requests-seen", "jit.v1.live.req.*.*.*", false, false, true, "jit.v1.req.$1.$2.$3"},
      {"ends-seen", "jit.v1.live.end.*.*", false, false, true, "jit.v1.end.$1.$2"},
  };
  return all;
}

}  // namespace jit::relay
