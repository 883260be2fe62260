// SPDX-License-Identifier: Apache-2.0
#include "evidence/audit.h"

#include <algorithm>

#include "evidence/host_key.h"

namespace jit::evidence {
namespace {

constexpr std::size_t kNotesMost = 20;

std::string count(std::uint64_t number) { return std::to_string(number); }

}  // namespace

struct Audit::Impl {
  enum class Form : std::uint8_t { kNothing, kLog, kProof };

  Trust trust;
  Audited out;
  Form form = Form::kNothing;
  std::uint64_t lines = 0;
  bool ended = false;
  Frontier tree;
  std::uint64_t proven = 0;  // entries up to here are under a good head
  std::uint64_t next = 1;    // the sequence that must come
  std::optional<Ledger> ledger;
  std::optional<Checkpoint> head;  // the newest
  std::string of;                  // of a proof
  std::uint64_t entries = 0;
  std::string boot;
  std::int64_t boottime = 0;
  std::uint64_t back = 0;          // times that went back

  bool bad(std::uint64_t first, std::uint64_t last, std::string what) {
    out.problem = Problem{first, last, lines, std::move(what)};
    return false;
  }
  bool bad(std::uint64_t entry, std::string what) { return bad(entry, entry, std::move(what)); }

  bool begin(const ExportHost& host) {
    const PublicKey key{"ssh", host.key, false};
    out.host = host;
    out.fingerprint = fingerprint(key);
    if (out.fingerprint.empty() || host_id_of(key) != host.id) return bad(0, "the host's id is not that of its key");
    const bool by_print = trust.host_key.starts_with("SHA256:");
    const std::string given = by_print ? trust.host_key : fingerprint({"ssh", trust.host_key, false});
    if (!trust.host_key.empty() && given != out.fingerprint) return bad(0, "it is of another host: its key is " + out.fingerprint + ", the one that was given " + given);
    for (const KeptHead& kept : trust.heads) {
      if (kept.envelope && !signed_head(*kept.envelope)) return bad(0, "a head that was kept is not one of this host");
    }
    std::ranges::stable_sort(trust.heads, {}, &KeptHead::size);
    return true;
  }

  // Nothing: not this host's.
  std::optional<Checkpoint> signed_head(const Envelope& envelope) const {
    if (envelope.type != kCheckpointType || envelope.signatures.size() != 1) return std::nullopt;
    const Signature& signature = envelope.signatures.front();
    if (signature.key_id != out.fingerprint) return std::nullopt;
    if (verify({"ssh", out.host.key, false}, signature.kind, kCheckpointNamespace, pae(envelope.type, envelope.payload), signature.bytes) != Flaw::kNone) return std::nullopt;
    auto read = read_checkpoint(envelope.payload);
    if (!read || read->host_id != out.host.id) return std::nullopt;
    return read;
  }

  bool operator()(const LogLine& line) {
    if (form == Form::kLog && ended) return go_on(line);
    if (form != Form::kNothing) return bad(next, "a second log begins here");
    form = Form::kLog;
    auto frontier = Frontier::from(line.first - 1, line.frontier);
    if (!frontier) return bad(0, "the log's first line does not fit");
    tree = std::move(*frontier);
    next = line.first;
    proven = line.first - 1;
    out.first = line.first;
    out.last = line.first - 1;
    ledger.emplace(line.first == 1 ? Reach::kWhole : Reach::kLate, line.host, std::move(trust.signers));
    return begin(line.host) && compare_heads();
  }

  // An older part ends where the archive was cut, and the rest begins there.
  bool go_on(const LogLine& line) {
    const bool same = line.host.id == out.host.id && line.host.key == out.host.key;
    if (!same || line.first != next || line.frontier != tree.subtrees()) return bad(next, "what follows is not the rest of this log");
    ended = false;
    return true;
  }

  bool operator()(const ProofLine& line) {
    if (form != Form::kNothing) return bad(0, "a proof begins inside of something else");
    form = Form::kProof;
    of = line.of;
    out.proof_of = line.of;
    ledger.emplace(Reach::kProof, line.host, std::move(trust.signers));
    if (!begin(line.host)) return false;
    head = signed_head(line.checkpoint);
    if (!head) return bad(0, "the signed head is not one of this host");
    ++out.checkpoints;
    for (const KeptHead& kept : trust.heads) {
      if (kept.size == head->size && kept.root != head->root) return bad(0, "a head kept elsewhere has another root for the same number of entries");
      if (kept.size != head->size) note_head("a head kept elsewhere counts " + count(kept.size) + " entries and the proof's " + count(head->size) + ": an export of the log can be compared with it, this proof cannot");
    }
    return true;
  }

  bool operator()(const EntryLine& line) {
    if (form == Form::kNothing) return bad(0, "the first line does not say whose log it is");
    if (!settle()) return false;
    return form == Form::kLog ? log_entry(line) : proof_entry(line);
  }

  // The entry; nothing: it is bad, and that is written down.
  std::optional<Read> read(const EntryLine& line, std::uint64_t at) {
    if (leaf_hash(line.leaf) != line.hash) {
      bad(at, "its text is not the one that was hashed: it was edited");
      return std::nullopt;
    }
    auto read = read_leaf(line.leaf, line.personal);
    if (!read) bad(at, read_leaf(line.leaf, {}) ? "a personal field is not the one that was hashed: it was edited" : "it is no entry of a log");
    return read;
  }

  bool log_entry(const EntryLine& line) {
    const auto read = this->read(line, next);
    if (!read) return false;
    const std::uint64_t sequence = read->entry.sequence;
    if (line.path) return bad(next, "an entry of a proof stands in a log");
    if (sequence > next) return bad(next, "it is missing here: entry " + count(sequence) + " stands in its place");
    if (sequence < next) return bad(next, "entry " + count(sequence) + " stands in its place: repeated, or out of order");
    tree.add(line.hash);
    ++next;
    ++entries;
    out.last = sequence;
    watch(read->entry);
    if (std::string wrong = ledger->entry(*read); !wrong.empty()) return bad(sequence, std::move(wrong));
    return compare_heads();
  }

  bool proof_entry(const EntryLine& line) {
    const auto read = this->read(line, 0);
    if (!read) return false;
    const Entry& entry = read->entry;
    if (entry.sequence <= out.last) return bad(entry.sequence, "it stands out of order");
    if (!line.path || !included(line.hash, entry.sequence - 1, head->size, *line.path, head->root)) return bad(entry.sequence, "its proof is not one of this entry: it is not in the log that was signed");
    if (entry.request != of && entry.grant != of) return bad(entry.sequence, "it tells of something else than " + of);
    if (out.first == 0) out.first = entry.sequence;
    out.last = entry.sequence;
    ++entries;
    if (std::string wrong = ledger->entry(*read); !wrong.empty()) return bad(entry.sequence, std::move(wrong));
    return true;
  }

  // A clock that is set back is nothing that people did to the log.
  void watch(const Entry& entry) {
    if (entry.boot_id == boot && entry.boottime_ms < boottime && ++back <= kNotesMost) {
      out.notes.push_back("entry " + count(entry.sequence) + " is earlier than the one in front of it, in the same boot");
    }
    boot = entry.boot_id;
    boottime = entry.boottime_ms;
  }

  bool operator()(const EvidenceLine& line) {
    if (!ledger || entries == 0) return bad(0, "a signed document stands in front of all entries");
    if (std::string wrong = ledger->document(line); !wrong.empty()) return bad(out.last, std::move(wrong));
    return true;
  }

  bool settle() {
    if (!ledger) return true;
    if (std::string wrong = ledger->settle(); !wrong.empty()) return bad(out.last, std::move(wrong));
    return true;
  }

  bool operator()(const CheckpointLine& line) {
    if (form != Form::kLog) return bad(0, "a signed head stands where none can be");
    if (!settle()) return false;
    const auto read = signed_head(line.envelope);
    if (!read) return bad(out.last, "the signed head behind it is forged, or of another host");
    if (read->size > tree.size()) return bad(next, "it is missing: the signed head here counts " + count(read->size) + " entries");
    if (read->size < tree.size()) return bad(read->size + 1, out.last, "the signed head behind it is of " + count(read->size) + " entries: it stands in the wrong place, or the log was rolled back");
    if (head && read->epoch < head->epoch) return bad(out.last, "the signed head behind it is of an older database: the log was rolled back");
    if (read->root != tree.root()) {
      return bad(std::min(proven + 1, out.last), out.last, "the signed head of " + count(read->size) + " entries has another root: an entry was edited, removed or put in");
    }
    proven = read->size;
    head = read;
    out.newest_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(read->wall_ms, 0));
    ++out.checkpoints;
    return true;
  }

  // They are sorted, and the log only grows.
  bool compare_heads() {
    while (heads_passed < trust.heads.size() && trust.heads[heads_passed].size <= tree.size()) {
      const KeptHead& kept = trust.heads[heads_passed++];
      if (kept.size == tree.size() && kept.root != tree.root()) {
        return bad(std::min(proven + 1, out.last), out.last, "a head kept elsewhere has another root for " + count(kept.size) + " entries: the log was rewritten since");
      }
    }
    return true;
  }
  std::size_t heads_passed = 0;
  void note_head(std::string note) {
    if (++heads_noted <= kNotesMost) out.notes.push_back(std::move(note));
  }
  std::uint64_t heads_noted = 0;

  bool operator()(const EndLine& line) {
    if (form == Form::kNothing) return bad(0, "the first line does not say whose log it is");
    if (!settle()) return false;
    ended = true;
    if (form == Form::kProof) return line.size == entries ? true : bad(0, "the proof has " + count(entries) + " entries, and " + count(line.size) + " when it was made");
    if (line.size != out.last) return bad(next, "it is missing: the log had " + count(line.size) + " entries when it was written");
    return true;
  }

  void close() {
    if (out.problem) return;
    lines = 0;
    if (form == Form::kNothing) {
      bad(0, "there is nothing in it");
    } else if (!ended) {
      bad(form == Form::kLog ? next : 0, "its last line is missing: it was cut");
    } else if (form == Form::kProof) {
      if (entries == 0) bad(0, "it proves nothing: no entry is in it");
    } else if (!head) {
      bad(out.first <= out.last ? out.first : 0, out.last, "no signed head is in it");
    } else if (proven < out.last) {
      bad(proven + 1, out.last, "under no signed head");
    } else {
      close_heads();
    }
  }

  void close_heads() {
    for (const KeptHead& kept : trust.heads) {
      if (kept.size > out.last) return void(bad(next, kept.size, "it is missing: a head kept elsewhere counts " + count(kept.size) + " entries; the log was cut or rolled back"));
      if (kept.size < out.first - 1) note_head("a head kept elsewhere, of " + count(kept.size) + " entries, is older than what is here");
    }
  }
};

Audit::Audit(Trust trust) : impl_(std::make_unique<Impl>()) { impl_->trust = std::move(trust); }
Audit::~Audit() = default;

bool Audit::line(std::string_view text) {
  Impl& impl = *impl_;
  if (impl.out.problem) return false;
  ++impl.lines;
  const auto read = read_line(text);
  if (impl.ended && !(read && std::holds_alternative<LogLine>(*read))) return impl.bad(0, "something stands behind the last line");
  if (!read) return impl.bad(impl.form == Impl::Form::kLog ? impl.next : 0, "line " + count(impl.lines) + " is no line of an export");
  return std::visit(impl, *read);
}

Audited Audit::finish() {
  impl_->close();
  if (impl_->ledger) impl_->out.counts = impl_->ledger->counts();
  if (impl_->heads_noted > kNotesMost) impl_->out.notes.push_back("and " + count(impl_->heads_noted - kNotesMost) + " more heads kept elsewhere that nothing here can be compared with");
  if (impl_->back > kNotesMost) impl_->out.notes.push_back("and " + count(impl_->back - kNotesMost) + " more entries that are earlier than the one in front");
  return std::move(impl_->out);
}

}  // namespace jit::evidence
