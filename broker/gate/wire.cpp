// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/wire.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "broker/core/limits.h"
#include "dbus/contract.h"

namespace jit::gate {
namespace {

namespace gate1 = dbus::gate1;

constexpr std::size_t kHandshakeMax = 256;  // what sd-bus reads at once
constexpr int kSendBuffer = 64 * 1024;      // a peer that does not read costs this much, then it is dropped

std::uint32_t number_at(const std::array<unsigned char, 16>& header, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t place = header[0] == 'l' ? at + 3 - i : at + i;
    value = value << 8 | header[place];
  }
  return value;
}

// A call that looks like the one that came, to reply to.
MessagePtr reply(sd_bus* bus, std::uint64_t cookie, const char* member) {
  sd_bus_message* made = nullptr;
  if (sd_bus_message_new_method_call(bus, &made, nullptr, gate1::kPath, gate1::kInterface, member) < 0) return nullptr;
  const MessagePtr call(made);
  if (sd_bus_message_seal(call.get(), cookie, 0) < 0) return nullptr;
  made = nullptr;
  if (sd_bus_message_new_method_return(call.get(), &made) < 0) return nullptr;
  return MessagePtr(made);
}

MessagePtr signal(sd_bus* bus, const char* member) {
  sd_bus_message* made = nullptr;
  if (sd_bus_message_new_signal(bus, &made, gate1::kPath, gate1::kInterface, member) < 0) return nullptr;
  return MessagePtr(made);
}

bool add_texts(sd_bus_message* message, const std::vector<std::string>& items) {
  for (const auto& item : items) {
    if (sd_bus_message_append(message, "s", item.c_str()) < 0) return false;
  }
  return true;
}

bool add_list(sd_bus_message* message, const char* key, const std::vector<std::string>& items) {
  if (items.empty()) return true;
  if (sd_bus_message_open_container(message, 'e', "sv") < 0 || sd_bus_message_append(message, "s", key) < 0 ||
      sd_bus_message_open_container(message, 'v', "as") < 0 || sd_bus_message_open_container(message, 'a', "s") < 0) {
    return false;
  }
  return add_texts(message, items) && sd_bus_message_close_container(message) >= 0 &&
         sd_bus_message_close_container(message) >= 0 && sd_bus_message_close_container(message) >= 0;
}

bool add_choices(sd_bus_message* message, const std::vector<core::Choice>& choices) {
  if (choices.empty()) return true;
  if (sd_bus_message_open_container(message, 'e', "sv") < 0 || sd_bus_message_append(message, "s", "choices") < 0 ||
      sd_bus_message_open_container(message, 'v', "aas") < 0 || sd_bus_message_open_container(message, 'a', "as") < 0) {
    return false;
  }
  for (const core::Choice& choice : choices) {
    if (sd_bus_message_open_container(message, 'a', "s") < 0 ||
        !add_texts(message, {choice.permit, choice.break_glass ? "break-glass" : "permit", choice.text}) ||
        !add_texts(message, choice.needs) || sd_bus_message_close_container(message) < 0) {
      return false;
    }
  }
  return sd_bus_message_close_container(message) >= 0 && sd_bus_message_close_container(message) >= 0 &&
         sd_bus_message_close_container(message) >= 0;
}

bool add_detail(sd_bus_message* message, const core::Answer& answer) {
  if (sd_bus_message_open_container(message, 'a', "{sv}") < 0 || !add_list(message, "text", answer.text) ||
      !add_list(message, "needs", answer.needs) || !add_choices(message, answer.choices)) {
    return false;
  }
  if (!answer.cause.empty() && sd_bus_message_append(message, "{sv}", "cause", "s", answer.cause.c_str()) < 0) return false;
  if (answer.verdict == core::Verdict::kPending &&
      (sd_bus_message_append(message, "{sv}", "deadline-s", "u", answer.deadline_s) < 0 ||
       (answer.takes_code && sd_bus_message_append(message, "{sv}", "takes-code", "b", 1) < 0))) {
    return false;
  }
  return sd_bus_message_close_container(message) >= 0;
}

bool add_string(sd_bus_message* message, std::string_view text) {
  return sd_bus_message_append(message, "s", std::string(text).c_str()) >= 0;
}

}  // namespace

Ahead handshake_ahead(int fd) {
  std::array<char, kHandshakeMax + 1> bytes{};
  const ssize_t got = recv(fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Ahead::kNothing : Ahead::kGone;
  if (got == 0) return Ahead::kGone;
  const std::string_view seen(bytes.data(), static_cast<std::size_t>(got));
  const bool whole = seen.size() <= kHandshakeMax && seen.starts_with(std::string_view("\0AUTH ", 6)) &&
                     seen.ends_with("\r\nBEGIN\r\n") && seen.find("BEGIN") == seen.size() - 7;
  return whole ? Ahead::kWhole : Ahead::kBad;
}

BusPtr greet(int fd) {
  sd_bus* made = nullptr;
  if (sd_bus_new(&made) < 0) {
    close(fd);
    return nullptr;
  }
  BusPtr bus(made);
  if (sd_bus_set_fd(made, fd, fd) < 0) {
    close(fd);
    return nullptr;
  }
  // It names the server, not the connection, and nothing hangs on it.
  static const std::optional<sd_id128_t> id = [] {
    sd_id128_t fresh;
    return sd_id128_randomize(&fresh) < 0 ? std::nullopt : std::optional(fresh);
  }();
  if (!id || sd_bus_set_server(made, 1, *id) < 0 || sd_bus_negotiate_fds(made, 1) < 0 ||
      sd_bus_set_anonymous(made, 0) < 0 || sd_bus_start(made) < 0) {
    return nullptr;
  }
  // All that it needs is there already, so it is ready after a few steps or never.
  for (int step = 0; step < 8 && sd_bus_is_ready(made) == 0; ++step) {
    if (sd_bus_process(made, nullptr) <= 0) break;
  }
  if (sd_bus_is_ready(made) <= 0) return nullptr;
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer) < 0) return nullptr;
  return bus;
}

Ahead next_frame(int fd, std::uint32_t& length) {
  std::array<unsigned char, 16> header{};
  const ssize_t got = recv(fd, header.data(), header.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Ahead::kNothing : Ahead::kGone;
  if (got == 0) return Ahead::kGone;
  // sd-bus writes a message at once, and a socket does not cut within its first bytes.
  if (static_cast<std::size_t>(got) < header.size()) return Ahead::kBad;
  if ((header[0] != 'l' && header[0] != 'B') || header[3] != 1) return Ahead::kBad;
  const std::uint64_t total =
      16 + ((std::uint64_t{number_at(header, 12)} + 7) & ~std::uint64_t{7}) + number_at(header, 4);
  if (total > core::kFrameMax) return Ahead::kBad;
  length = static_cast<std::uint32_t>(total);
  return Ahead::kWhole;
}

std::uint32_t waiting(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCINQ, &bytes) < 0 || bytes < 0 ? 0 : static_cast<std::uint32_t>(bytes);
}

MessagePtr reply_to_submit(sd_bus* bus, std::uint64_t cookie, const core::Answer& answer) {
  MessagePtr out = reply(bus, cookie, gate1::kSubmit);
  const bool pending = answer.verdict == core::Verdict::kPending;
  const bool names_id = pending || (answer.verdict == core::Verdict::kDeny && !answer.id.empty());
  const bool built = out && add_string(out.get(), core::name_of(answer.verdict)) &&
                     add_string(out.get(), names_id ? answer.id.text() : std::string()) &&
                     add_string(out.get(), pending ? answer.secret : std::string()) && add_detail(out.get(), answer);
  return built ? std::move(out) : nullptr;
}

MessagePtr reply_to_resume(sd_bus* bus, std::uint64_t cookie, const core::Answer& answer) {
  MessagePtr out = reply(bus, cookie, gate1::kResume);
  const bool built = out && add_string(out.get(), core::name_of(answer.verdict)) && add_detail(out.get(), answer);
  return built ? std::move(out) : nullptr;
}

MessagePtr reply_to_bind(sd_bus* bus, std::uint64_t cookie, const core::BindAnswer& answer) {
  MessagePtr out = reply(bus, cookie, gate1::kBind);
  std::string_view word = core::name_of(answer.allow ? core::Verdict::kAllow : core::Verdict::kDeny);
  if (!answer.allow && answer.cause == "other-key") word = answer.cause;
  const bool built =
      out && add_string(out.get(), word) &&
      add_string(out.get(), answer.grant.empty() || !answer.allow ? std::string() : answer.grant.text()) &&
      sd_bus_message_append(out.get(), "tt", static_cast<std::uint64_t>(answer.end),
                            static_cast<std::uint64_t>(answer.hard)) >= 0;
  return built ? std::move(out) : nullptr;
}

MessagePtr reply_to_vote(sd_bus* bus, std::uint64_t cookie, bool taken, const std::string& text) {
  MessagePtr out = reply(bus, cookie, gate1::kVote);
  const bool built = out && sd_bus_message_append(out.get(), "b", taken ? 1 : 0) >= 0 &&
                     sd_bus_message_append(out.get(), "as", 1, text.c_str()) >= 0;
  return built ? std::move(out) : nullptr;
}

MessagePtr signal_progress(sd_bus* bus, const std::vector<std::string>& text) {
  MessagePtr out = signal(bus, gate1::kProgress);
  core::Answer detail;
  detail.text = text;
  return out && add_detail(out.get(), detail) ? std::move(out) : nullptr;
}

MessagePtr signal_decided(sd_bus* bus, const core::Answer& answer) {
  MessagePtr out = signal(bus, gate1::kDecided);
  const bool built = out && add_string(out.get(), core::name_of(answer.verdict)) && add_detail(out.get(), answer) &&
                     add_string(out.get(), answer.head);
  return built ? std::move(out) : nullptr;
}

}  // namespace jit::gate
