// SPDX-License-Identifier: Apache-2.0
#include "notify/webhook.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>

namespace jit::notify {
namespace {

constexpr std::size_t kAnswerMax = 64 * 1024;  // bytes of an answer; more is not read
constexpr std::size_t kHeaderLines = 200;
constexpr long kConnectMs = 10'000;
constexpr std::string_view kRetryAfter = "retry-after:";

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

}  // namespace

class Web::Transfer final : public Attempt {
 public:
  Transfer(Web::Impl& web, Post post, AttemptDone done);
  ~Transfer() override;
  void ended(CURLcode code);

 private:
  static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self);
  template <class T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) throw std::runtime_error("libcurl lacks what is needed: option " + std::to_string(option));
  }

  Web::Impl& web_;
  Post post_;
  AttemptDone done_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::string refused_;
  std::size_t got_ = 0, lines_ = 0;
  courier::Ms wait_ = 0;
};

struct Web::Impl {
  sd_event* event;
  CURLM* multi = nullptr;
  sd_event_source* timer = nullptr;
  sd_event_source* ends = nullptr;
  std::set<sd_event_source*> sockets;
  std::set<Transfer*> transfers;

  void act(curl_socket_t fd, int what) {
    int running = 0;
    curl_multi_socket_action(multi, fd, what, &running);
    // What has ended is told from the loop, not from within libcurl.
    sd_event_source_set_enabled(ends, SD_EVENT_ONESHOT);
  }

  void tell_ends() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      const CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      if (transfer != nullptr && transfers.contains(transfer)) transfer->ended(code);
    }
  }

  static int on_ends(sd_event_source*, void* self) {
    static_cast<Impl*>(self)->tell_ends();
    return 0;
  }
  static int on_io(sd_event_source*, int fd, std::uint32_t events, void* self) {
    const int what = ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                     ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
    static_cast<Impl*>(self)->act(fd, what);
    return 0;
  }
  static int on_time(sd_event_source*, std::uint64_t, void* self) {
    static_cast<Impl*>(self)->act(CURL_SOCKET_TIMEOUT, 0);
    return 0;
  }
  static int on_timer(CURLM*, long ms, void* raw) {
    auto* const self = static_cast<Impl*>(raw);
    if (ms < 0) return sd_event_source_set_enabled(self->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
    if (sd_event_source_set_time_relative(self->timer, static_cast<std::uint64_t>(ms) * 1000) < 0) return -1;
    return sd_event_source_set_enabled(self->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
  }
  static int on_socket(CURL*, curl_socket_t fd, int what, void* raw, void* kept) {
    auto* const self = static_cast<Impl*>(raw);
    auto* source = static_cast<sd_event_source*>(kept);
    if (what == CURL_POLL_REMOVE) {
      self->sockets.erase(source);
      sd_event_source_disable_unref(source);
      curl_multi_assign(self->multi, fd, nullptr);
      return 0;
    }
    const std::uint32_t events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0U) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0U);
    if (source != nullptr) return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
    if (sd_event_add_io(self->event, &source, fd, events, on_io, self) < 0) return -1;
    self->sockets.insert(source);
    curl_multi_assign(self->multi, fd, source);
    return 0;
  }
};

Web::Transfer::Transfer(Web::Impl& web, Post post, AttemptDone done) : web_(web), post_(std::move(post)), done_(std::move(done)), easy_(curl_easy_init()) {
  if (!easy_) throw std::runtime_error("libcurl cannot be used");
  const Channel& channel = post_.channel;
  curl_slist* list = nullptr;
  for (const std::string& header : post_.headers) list = curl_slist_append(list, header.c_str());
  headers_.reset(list);
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_URL, channel.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");  // whatever the environment says
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // else the loop would wait for a look-up that hangs
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!channel.ca.empty()) {
    set(CURLOPT_CAINFO, channel.ca.c_str());
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // that one, and none besides
  }
  // A connection that another channel was permitted is not used again: the address is judged when it is opened.
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_CONNECTTIMEOUT_MS, std::min<long>(kConnectMs, static_cast<long>(channel.timeout_s) * 1000));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(channel.timeout_s) * 1000);
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post_.body.size()));
  set(CURLOPT_POSTFIELDS, post_.body.c_str());
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, "jit-notify/" JIT_VERSION);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  if (curl_multi_add_handle(web_.multi, easy_.get()) != CURLM_OK) throw std::runtime_error("libcurl takes no transfer");
  web_.transfers.insert(this);
}

Web::Transfer::~Transfer() {
  web_.transfers.erase(this);
  curl_multi_remove_handle(web_.multi, easy_.get());
}

curl_socket_t Web::Transfer::on_open(void* raw, curlsocktype, curl_sockaddr* address) {
  auto* const self = static_cast<Transfer*>(raw);
  if (auto why = notify::refused(&address->addr, static_cast<socklen_t>(address->addrlen), self->post_.channel.allow)) {
    self->refused_ = std::move(*why);
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t Web::Transfer::on_body(char*, std::size_t size, std::size_t count, void* raw) {
  auto* const self = static_cast<Transfer*>(raw);
  self->got_ += size * count;
  return self->got_ <= kAnswerMax ? size * count : 0;
}

std::size_t Web::Transfer::on_header(char* bytes, std::size_t size, std::size_t count, void* raw) {
  auto* const self = static_cast<Transfer*>(raw);
  const std::string_view line(bytes, size * count);
  if (++self->lines_ > kHeaderLines) return 0;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  if (line.size() > kRetryAfter.size() && std::ranges::equal(line.substr(0, kRetryAfter.size()), kRetryAfter, {}, lower)) {
    std::string_view value = line.substr(kRetryAfter.size());
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    std::uint32_t seconds = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), seconds).ec == std::errc()) self->wait_ = courier::Ms{seconds} * 1000;
  }
  return size * count;
}

void Web::Transfer::ended(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  Attempted out;
  const bool longer = code == CURLE_WRITE_ERROR && got_ > kAnswerMax;  // it answered, and does not come to an end
  out.delivered = (code == CURLE_OK || longer) && status >= 200 && status < 300;
  out.wait = out.delivered ? 0 : wait_;
  if (out.delivered) {
  } else if (code == CURLE_COULDNT_CONNECT && !refused_.empty()) {
    out.why = refused_ + ", and not among those that the channel allows";
  } else if (code != CURLE_OK && !longer) {
    out.why = curl_easy_strerror(code);
  } else if (status >= 300 && status < 400) {
    out.why = "the server answers " + std::to_string(status) + ", a redirect, which is not followed: the url must be the last one";
  } else {
    out.why = "the server answers " + std::to_string(status);
  }
  const AttemptDone done = std::move(done_);
  done_ = nullptr;
  if (done) done(out);  // last: it may delete this
}

Web::Web(sd_event* event) : impl_(std::make_unique<Impl>()) {
  impl_->event = event;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl cannot be used");
  impl_->multi = curl_multi_init();
  if (impl_->multi == nullptr) throw std::runtime_error("libcurl cannot be used");
  int code = sd_event_add_time(event, &impl_->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, Impl::on_time, impl_.get());
  if (code >= 0) code = sd_event_add_defer(event, &impl_->ends, Impl::on_ends, impl_.get());
  if (code >= 0) code = sd_event_source_set_enabled(impl_->ends, SD_EVENT_OFF);
  if (code < 0) throw std::runtime_error("the event loop takes no more");
  curl_multi_setopt(impl_->multi, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket);
  curl_multi_setopt(impl_->multi, CURLMOPT_SOCKETDATA, impl_.get());
  curl_multi_setopt(impl_->multi, CURLMOPT_TIMERFUNCTION, &Impl::on_timer);
  curl_multi_setopt(impl_->multi, CURLMOPT_TIMERDATA, impl_.get());
}

Web::~Web() {
  curl_multi_cleanup(impl_->multi);
  for (sd_event_source* const source : impl_->sockets) sd_event_source_disable_unref(source);
  sd_event_source_disable_unref(impl_->timer);
  sd_event_source_disable_unref(impl_->ends);
  curl_global_cleanup();
}

std::unique_ptr<Attempt> Web::post(Post post, AttemptDone done) { return std::make_unique<Transfer>(*impl_, std::move(post), std::move(done)); }

}  // namespace jit::notify
