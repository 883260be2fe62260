// SPDX-License-Identifier: Apache-2.0
// The audit log for people, and what of it others can check.
#include <charconv>
#include <ctime>
#include <utility>

#include "cli/commands.h"
#include "cli/local_proof.h"
#include "cli/ocsf.h"
#include "cli/story.h"
#include "evidence/export.h"
#include "verify/check.h"

namespace jit::cli {

namespace {

constexpr std::uint32_t kEntriesAPage = 200;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Where a head stands: "SIZE:ROOT".
std::uint64_t size_in(const std::string& head) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(head.data(), head.data() + head.size(), size);
  return error == std::errc() && end != head.data() + head.size() && *end == ':' ? size : 0;
}

Failure no_head() { return {Exit::kUnreachable, "the broker's reply is broken: is jitctl as new as jit-broker?"}; }

// The pages of an export, one behind the other.
class Pages {
 public:
  Pages(Client& client, std::uint64_t from, std::uint64_t to) : client_(client), next_(from), to_(to) {}

  // The next lines; empty: the end.
  Result<std::string> more() {
    if (done_) return std::string();
    auto page = client_.export_log(next_, to_);
    if (!page) return page.failure();
    if (page->next != 0 && page->next <= next_) return no_head();  // it would never end
    // Each page says whose log it is; of the first alone it is needed.
    if (!first_) page->text.erase(0, page->text.find('\n') + 1);
    first_ = false;
    next_ = page->next;
    done_ = next_ == 0;
    return std::move(page->text);
  }

 private:
  Client& client_;
  std::uint64_t next_, to_;
  bool first_ = true;
  bool done_ = false;
};

Json entries_in(std::string_view proof) {
  Json out = Json::array();
  while (!proof.empty()) {
    const std::size_t end = std::min(proof.find('\n'), proof.size());
    const auto line = evidence::read_line(proof.substr(0, end));
    const auto* const entry = line ? std::get_if<evidence::EntryLine>(&*line) : nullptr;
    const auto read = entry != nullptr ? evidence::read_leaf(entry->leaf, entry->personal) : std::nullopt;
    if (read) out.push_back(entry_document(*read));
    proof.remove_prefix(std::min(end + 1, proof.size()));
  }
  return out;
}

}  // namespace

Result<Dict> Verbs::audit_filter() const {
  auto filter = filter_of(args);
  if (!filter) return filter;
  if (args.has(Option::kRequest)) {
    const auto id = id_of(args.value(Option::kRequest));
    if (!id) return id.failure();
    filter->emplace("request", sdbus::Variant(*id));
  }
  if (args.has(Option::kPerson)) filter->emplace("person", sdbus::Variant(args.value(Option::kPerson)));
  if (args.has(Option::kType)) filter->emplace("type", sdbus::Variant(args.value(Option::kType)));
  filter->emplace("limit", sdbus::Variant(kEntriesAPage));
  return filter;
}

Result<Nothing> Verbs::each_entry(Client& client, Dict filter, const std::function<void(const Json&)>& take) {
  for (;;) {
    const auto page = client.query(filter);
    if (!page) return page.failure();
    for (const Json& entry : page->entries) take(entry);
    if (filter.contains("newest") || !go_on(filter, *page)) return Nothing{};
  }
}

Exit Verbs::log() {
  auto filter = audit_filter();
  if (!filter) return out.fail(filter.failure());
  if (args.has(Option::kLimit)) {
    std::uint64_t left = 0;
    const std::string text = args.value(Option::kLimit);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), left);
    if (error != std::errc() || end != text.data() + text.size() || left == 0 || left > kEntriesAPage) {
      return out.fail({Exit::kUsage, "--limit: give how many of the newest entries, from 1 to " + std::to_string(kEntriesAPage)});
    }
    filter->emplace("newest", sdbus::Variant(true));
    (*filter)["limit"] = sdbus::Variant(static_cast<std::uint32_t>(left));
  }
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  Json all = Json::array();
  const auto read = each_entry(**client, std::move(*filter), [&](const Json& entry) {
    if (json()) {
      all.push_back(entry);
    } else {
      out.line(out.style().terminal ? story_line(entry) : entry_line(entry));
    }
  });
  if (!read) return out.fail(read.failure());
  if (json()) out.line(all.dump());
  return Exit::kDone;
}

// Of files, where they are given: what is in the archive, the broker cannot prove alone.
Result<std::string> Verbs::proof_of(std::string& id) const {
  const auto given = id_of(args.words[0]);
  if (!given) return given.failure();
  id = *given;
  if (args.words.size() > 1) return proof_in(std::vector<std::string>(args.words.begin() + 1, args.words.end()), id);
  const auto client = Client::connect();
  if (!client) return client.failure();
  auto proof = (*client)->proof(id);
  if (!proof) return proof.failure();
  return std::move(proof->text);
}

Exit Verbs::show_audit() {
  std::string id;
  const auto proof = proof_of(id);
  if (!proof) return out.fail(proof.failure());
  verify::Wish wish;
  wish.host_key = args.value(Option::kHostKey);
  std::string_view unread = *proof;
  verify::Checked checked = verify::check(wish, [&unread](std::string& to) {
    to += std::exchange(unread, {});
    return std::string();
  });
  checked.text.pop_back();
  if (checked.result == verify::Result::kUsage) return out.fail({Exit::kUsage, checked.text});
  const bool good = checked.result == verify::Result::kVerified;
  const std::string verdict = checked.text.substr(0, checked.text.find('\n'));
  // Of what is not verified nothing is told: anybody may have written it.
  const Json entries = good ? entries_in(*proof) : Json::array();
  if (json()) {
    out.line(Json{{"entries", entries}, {"verified", good}, {"problem", good ? Json(nullptr) : Json(verdict)}}.dump());
    return good ? Exit::kDone : Exit::kNo;
  }
  if (!good) return out.fail({Exit::kNo, verdict + "; nothing of it is shown"});
  for (const Json& entry : entries) out.line(story_line(entry));
  const bool by_others = args.words.size() > 1;
  out.note(by_others ? checked.text : "all of it stands in the signed log; for others: jitctl audit prove " + id + " > FILE");
  return Exit::kDone;
}

Exit Verbs::checkpoint() {
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto head = (*client)->checkpoint();
  if (!head) return out.fail(head.failure());
  out.line(head->dump());
  out.note("keep it on another machine: jitctl audit verify --head FILE tells whether the log was cut or rewritten since");
  return Exit::kDone;
}

Exit Verbs::erase() {
  const std::string person = args.value(Option::kPerson);
  if (person.empty()) return out.fail({Exit::kUsage, "say of whom: --person PERSON, as the log names him"});
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  const auto done = (*client)->erase(person);
  if (!done) return out.fail(done.failure());
  const std::uint64_t erased = number_of(*done, "erased");
  if (json()) return print(*done, {});
  out.line(erased == 0 ? "nothing was told of this person" : "erased: what " + std::to_string(erased) + (erased == 1 ? " place" : " places") + " told of this person; the log still proves all else");
  return Exit::kDone;
}

Exit Verbs::prove_entry() {
  std::string id;
  const auto proof = proof_of(id);
  if (!proof) return out.fail(proof.failure());
  out.text(*proof);
  return Exit::kDone;
}

Exit Verbs::export_log() {
  const std::string format = args.has(Option::kFormat) ? args.value(Option::kFormat) : "jsonl";
  if (format != "jsonl" && format != "ocsf") return out.fail({Exit::kUsage, "--format: jsonl, which jit-verify checks, or ocsf"});
  auto filter = audit_filter();
  if (!filter) return out.fail(filter.failure());
  const auto client = Client::connect();
  if (!client) return out.fail(client.failure());
  if (format == "ocsf") {
    const auto status = (*client)->status();
    if (!status) return out.fail(status.failure());
    const auto read = each_entry(**client, std::move(*filter), [&](const Json& entry) { out.line(ocsf_event(entry, member(*status, "host")).dump()); });
    return read ? Exit::kDone : out.fail(read.failure());
  }
  std::uint64_t from = 0;
  if (args.has(Option::kSince)) {
    (*filter)["limit"] = sdbus::Variant(std::uint32_t{1});
    for (bool more = true; more && from == 0;) {
      const auto page = (*client)->query(*filter);
      if (!page) return out.fail(page.failure());
      if (!page->entries.empty()) from = number_of(page->entries.front(), "sequence");
      more = go_on(*filter, *page);
    }
    if (from == 0) return out.fail({Exit::kNo, "nothing was logged since then"});
  }
  const auto head = (*client)->checkpoint();
  if (!head) return out.fail(head.failure());
  Pages pages(**client, from, size_in(text_of(*head, "head")));
  for (;;) {
    const auto lines = pages.more();
    if (!lines) return out.fail(lines.failure());
    if (lines->empty()) return Exit::kDone;
    out.text(*lines);
  }
}

Exit Verbs::verify() {
  verify::Wish wish;
  wish.host_key = args.value(Option::kHostKey);
  wish.allowed_signers = split(args.value(Option::kAllowedSigners));
  wish.heads = split(args.value(Option::kHead));
  verify::Checked checked;
  if (!args.words.empty()) {
    wish.files = args.words;
    checked = verify::check(wish);
  } else {
    const auto client = Client::connect();
    if (!client) return out.fail(client.failure());
    const auto head = (*client)->checkpoint();
    if (!head) return out.fail(head.failure());
    Pages pages(**client, 1, size_in(text_of(*head, "head")));  // with all that is in the archive
    std::optional<Failure> failed;
    checked = verify::check(wish, [&](std::string& to) {
      const auto lines = pages.more();
      if (!lines) {
        failed = lines.failure();
        return failed->message;
      }
      to += *lines;
      return std::string();
    });
    if (failed) return out.fail(*failed);
    const auto status = (*client)->status();
    if (!status) return out.fail(status.failure());
    if (const std::uint64_t entry = number_of(member(*status, "log"), "misfiled"); entry != 0 && checked.result == verify::Result::kVerified) {
      out.text("NOT verified: entry " + std::to_string(entry) + ": jit.db was changed, and finds it by something else than it says: jitctl audit log may miss it\n"
               "  what is signed is whole: look through jitctl audit export\n");
      return Exit::kNo;
    }
  }
  if (checked.result == verify::Result::kUsage) {
    checked.text.pop_back();
    return out.fail({Exit::kUsage, checked.text});
  }
  out.text(checked.text);
  return checked.result == verify::Result::kVerified ? Exit::kDone : Exit::kNo;
}

}  // namespace jit::cli
