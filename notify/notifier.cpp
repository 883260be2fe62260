// SPDX-License-Identifier: Apache-2.0
#include "notify/notifier.h"

#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <utility>

#include "courier/document.h"
#include "courier/process.h"
#include "evidence/text.h"
#include "notify/exec.h"
#include "notify/message/templates.h"

namespace jit::notify {
namespace {

using courier::boottime;
using courier::log;
using courier::unix_ms;
using Json = nlohmann::json;

constexpr Ms kDone = 500;
constexpr Ms kFetchAgain = 5000;  // after the broker could not answer
constexpr std::size_t kWhyMax = 400;
constexpr std::string_view kEmergency = "break-glass";  // somebody waits until it is told

}  // namespace

std::unique_ptr<Attempt> attempt(sd_event* event, Web& web, const Defined& defined, const Notice& notice, AttemptDone done) {
  const Channel& channel = defined.channel;
  std::string body = render(channel, notice);
  if (channel.kind == Kind::kExec) return std::make_unique<Exec>(event, channel.command, std::move(body), channel.timeout_s, std::move(done));
  Post post{channel, std::move(body), {"Content-Type: " + content_type(channel.form), "Expect:", "webhook-id: " + notice.key}};
  if (!defined.secret.empty()) {
    for (std::string& header : signature_headers(defined.secret, notice.key, unix_ms() / 1000, post.body)) post.headers.push_back(std::move(header));
  }
  return web.post(std::move(post), std::move(done));
}

Notifier::Notifier(sd_event* event, std::string folder, std::string progress)
    : event_(event), folder_(std::move(folder)), broker_(event, {[this](bool is) { there(is); }, [this] {
        news_ = true;
        fetch();
      }}),
      web_(event), progress_(std::move(progress)) {}

Notifier::~Notifier() {
  sd_event_source_disable_unref(timer_);
  sd_event_source_disable_unref(reload_);
  sd_event_source_disable_unref(again_);
}

int Notifier::start() {
  progress_.load();
  read_files();
  sigset_t hangup;
  sigemptyset(&hangup);
  sigaddset(&hangup, SIGHUP);
  sigprocmask(SIG_BLOCK, &hangup, nullptr);
  int code = sd_event_add_time(event_, &timer_, CLOCK_BOOTTIME, UINT64_MAX, 50'000, on_timer, this);
  if (code >= 0) code = sd_event_add_signal(event_, &reload_, SIGHUP, on_reload, this);
  if (code >= 0) code = sd_event_add_defer(event_, &again_, on_again, this);
  if (code >= 0) code = broker_.start();
  tick();
  return code;
}

// A file that is broken, or was taken away, leaves what waits for its channel where it is.
void Notifier::read_files() {
  Folder folder = read_folder(folder_);
  for (const std::string& error : folder.errors) log(SD_ERR, error);
  for (auto& [name, line] : lines_) {
    if (folder.channels.contains(name)) continue;
    line.defined.reset();
    line.broken = false;
    line.trouble = "no file " + folder_ + "/" + name + ".toml defines it";
    if (!folder.broken.contains(name)) line.queue.keep_named(name);
  }
  for (const auto& [name, why] : folder.broken) {
    Line& one = line(name, head_);
    one.trouble = why;
    one.broken = true;
  }
  for (auto& [name, defined] : folder.channels) {
    Line& one = line(name, head_);
    one.defined = std::move(defined);
    one.broken = false;
    one.trouble.clear();
    one.queue.hurry();
  }
  forget();
  log(SD_INFO, std::to_string(folder.channels.size()) + " channels can be used" + (folder.broken.empty() ? std::string() : ", " + std::to_string(folder.broken.size()) + " cannot"));
}

// What nobody defines and nothing waits for.
void Notifier::forget() {
  std::erase_if(lines_, [](const auto& each) { return !each.second.defined && !each.second.broken && each.second.queue.empty(); });
}

int Notifier::on_reload(sd_event_source*, const signalfd_siginfo*, void* self) {
  auto* const notifier = static_cast<Notifier*>(self);
  notifier->read_files();
  notifier->news_ = true;
  notifier->fetch();
  notifier->tick();
  return 0;
}

Notifier::Line& Notifier::line(const std::string& channel, std::uint64_t cursor) {
  const auto [at, fresh] = lines_.try_emplace(channel);
  if (fresh) at->second.cursor = cursor;
  return at->second;
}

// Another broker may have another log: all is looked at again from where it was done, and what is known of is not taken twice.
void Notifier::there(bool there) {
  log(there ? SD_INFO : SD_WARNING, there ? "the broker is there" : "the broker has left");
  fetching_ = false;
  told_.reset();
  if (!there) return;
  head_ = done_ = 0;
  for (auto& [name, line] : lines_) line.cursor = 0;
  news_ = true;
  fetch();
  tick();
}

// At the log's end first: there everybody hears who can. Then for one that was full when it passed.
void Notifier::fetch() {
  if (fetching_ || !broker_.is_there()) return;
  std::uint64_t from = head_;
  if (!news_) {
    const Line* behind = nullptr;
    for (const auto& [name, line] : lines_) {
      if (line.cursor < head_ && line.queue.has_room() && (behind == nullptr || line.cursor < behind->cursor)) behind = &line;
    }
    if (behind == nullptr) return;
    from = behind->cursor;
  }
  fetching_ = true;
  news_ = false;
  broker_.next(from, [this, from](const courier::BusAnswer& answer) {
    fetching_ = false;
    if (answer.error.empty()) {
      take_page(from, answer.text);
      fetch();
    } else {
      log(SD_WARNING, "nothing can be had from the broker: " + answer.text);
      news_ = true;
      fetch_again_ = boottime() + kFetchAgain;
    }
    tick();
  });
}

void Notifier::take_page(std::uint64_t after, const std::string& document) {
  const Json page = Json::parse(document, nullptr, false);
  const auto next = static_cast<std::uint64_t>(std::max<std::int64_t>(courier::number(page, "next"), 0));
  const Json host = page.is_object() ? page.value("host", Json::object()) : Json::object();
  const Json entries = page.is_object() ? page.value("entries", Json::array()) : Json::array();
  for (const Json& entry : entries) {
    if (const auto notice = read_notice(host, entry, boottime())) hand_out(after, std::make_shared<const Notice>(*notice));
  }
  // Whoever was full at one of them has not seen it: it is read again for him.
  for (auto& [name, line] : lines_) {
    if (line.cursor >= after && line.cursor < next && line.queue.has_room()) line.cursor = next;
  }
  // Only who has read up to the log's end is told of more.
  news_ = news_ || courier::truth(page, "more");
  head_ = std::max(head_, next);
  if (tell_done_ == 0) tell_done_ = boottime() + kDone;
}

void Notifier::hand_out(std::uint64_t after, const NoticePtr& notice) {
  std::size_t unknown = 0;
  for (const auto& [name, each] : lines_) unknown += each.defined ? 0 : 1;
  for (const std::string& channel : notice->channels) {
    if (lines_.contains(channel)) continue;
    if (unknown >= kUnknown) continue;
    ++unknown;
    line(channel, after).trouble = "no file " + folder_ + "/" + channel + ".toml defines it";
    log(SD_ERR, "the policy names channel " + channel + ", and " + lines_.at(channel).trouble + ": messages wait for it");
  }
  for (auto& [name, line] : lines_) {
    const bool named = std::ranges::find(notice->channels, name) != notice->channels.end();
    const bool wanted = named || (line.defined && line.defined->channel.wants(notice->event));
    if (line.cursor < after || line.cursor >= notice->sequence || !line.queue.has_room()) continue;
    line.cursor = notice->sequence;
    if (!wanted) continue;
    if (progress_.has(name, notice->key)) {
      if (notice->event == kEmergency) broker_.acknowledged(notice->sequence, name);  // the broker may not have heard it
      continue;
    }
    std::vector<NoticePtr> overtaken;
    line.queue.add(notice, overtaken);
  }
}

void Notifier::send(const std::string& name, Line& line) {
  const NoticePtr notice = line.queue.take();
  try {
    line.attempt = attempt(event_, web_, *line.defined, *notice, [this, name, notice](const Attempted& attempted) { ended(name, notice, attempted); });
  } catch (const std::exception& error) {
    // What calls this is C.
    ended(name, notice, {false, error.what(), 0});
  }
}

// Called from within the attempt: it is put away in the next turn of the loop.
void Notifier::ended(const std::string& name, const NoticePtr& notice, const Attempted& attempted) {
  Line& line = lines_.at(name);
  if (attempted.delivered) {
    if (!line.trouble.empty() && line.defined) {
      log(SD_NOTICE, "channel " + name + " takes messages again");
      line.trouble.clear();
    }
    progress_.add(name, notice->key, notice->sequence);
    if (notice->event == kEmergency) broker_.acknowledged(notice->sequence, name);
    line.queue.delivered();
    log(SD_INFO, "channel " + name + " was told: " + notice->event + (notice->request.empty() ? "" : " " + notice->request));
    if (tell_done_ == 0) tell_done_ = boottime() + kDone;
  } else {
    const std::string why = evidence::escape_to(attempted.why, kWhyMax);
    // Once for each kind of trouble.
    if (line.defined && line.trouble != why) {
      log(SD_WARNING, "channel " + name + " was not told: " + why + "; trying again");
      line.trouble = why;
    }
    line.queue.failed(boottime(), std::uniform_real_distribution<double>(0, 1)(chance_), attempted.wait);
  }
  sd_event_source_set_enabled(again_, SD_EVENT_ONESHOT);
}

int Notifier::on_again(sd_event_source*, void* self) {
  static_cast<Notifier*>(self)->tick();
  return 0;
}

void Notifier::drop_late(const std::string& name, Line& line) {
  const auto late = line.queue.expire(boottime());
  if (late.empty()) return;
  log(SD_ERR, "channel " + name + ": it is too late for " + std::to_string(late.size()) + " messages, the last about " +
                  (late.back()->request.empty() ? late.back()->grant : late.back()->request) + ": " + (line.trouble.empty() ? "the channel is slow" : line.trouble));
  if (tell_done_ == 0) tell_done_ = boottime() + kDone;
}

// Nothing up to here waits for anybody.
std::uint64_t Notifier::carried() const {
  std::uint64_t out = head_;
  for (const auto& [name, line] : lines_) {
    out = std::min(out, line.cursor);
    if (const auto oldest = line.queue.oldest()) out = std::min(out, *oldest - 1);
  }
  return out;
}

void Notifier::say() {
  std::string why;
  for (const auto& [name, line] : lines_) {
    if (!line.trouble.empty()) why += (why.empty() ? "" : "; ") + std::string("channel ") + name + ": " + line.trouble;
  }
  why = evidence::escape_to(why, kWhyMax);
  if (progress_.problem() != told_progress_) {
    told_progress_ = progress_.problem();
    if (!told_progress_.empty()) log(SD_ERR, "what was delivered cannot be written down, and is told again after a restart: " + told_progress_);
  }
  if (told_ == why || !broker_.is_there()) return;
  told_ = why;
  broker_.reachable(why.empty(), why);
  sd_notify(0, ("STATUS=" + (why.empty() ? std::to_string(lines_.size()) + " channels, all of them take messages" : why)).c_str());
}

int Notifier::on_timer(sd_event_source*, std::uint64_t, void* self) {
  static_cast<Notifier*>(self)->tick();
  return 0;
}

void Notifier::tick() {
  const Ms now = boottime();
  Ms next = INT64_MAX;
  for (auto& [name, line] : lines_) {
    const auto due = line.queue.due();
    // No attempt is on its way any more, whatever it was: it has told its end.
    if (due || line.queue.empty()) line.attempt.reset();
    drop_late(name, line);
    if (const auto expires = line.queue.expires()) next = std::min(next, std::max(*expires, now));
    if (!line.defined || !line.queue.due()) continue;
    if (*line.queue.due() <= now) {
      send(name, line);
    } else {
      next = std::min(next, *line.queue.due());
    }
  }
  forget();
  if (fetch_again_ != 0 && fetch_again_ <= now) {
    fetch_again_ = 0;
    fetch();
  } else if (fetch_again_ != 0) {
    next = std::min(next, fetch_again_);
  } else {
    fetch();
  }
  if (tell_done_ != 0 && tell_done_ <= now) {
    tell_done_ = 0;
    const std::uint64_t upto = carried();
    if (upto > done_ && broker_.is_there()) {
      // One step behind: the broker writes it down when it writes something else.
      progress_.settle(done_);
      done_ = upto;
      broker_.done(upto);
    }
  } else if (tell_done_ != 0) {
    next = std::min(next, tell_done_);
  }
  say();
  sd_event_source_set_time(timer_, next == INT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(next) * 1000);
  sd_event_source_set_enabled(timer_, next == INT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

}  // namespace jit::notify
