// SPDX-License-Identifier: Apache-2.0
#include "pam_jit/context.h"

#include <fcntl.h>

namespace jit::pam {
namespace {

// One entry of an a{sv}: key, then what fill appends as a variant of this type.
template <class Fill>
bool entry(sd_bus_message* m, const char* key, const char* type, Fill fill) {
  return sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv") >= 0 &&
         sd_bus_message_append_basic(m, SD_BUS_TYPE_STRING, key) >= 0 &&
         sd_bus_message_open_container(m, SD_BUS_TYPE_VARIANT, type) >= 0 && fill() >= 0 &&
         sd_bus_message_close_container(m) >= 0 && sd_bus_message_close_container(m) >= 0;
}

bool add_bytes(sd_bus_message* m, const char* key, std::string_view value) {
  if (value.data() == nullptr) return true;
  return entry(m, key, "ay", [&] { return sd_bus_message_append_array(m, SD_BUS_TYPE_BYTE, value.data(), value.size()); });
}

// Only for our own words and the service: names that libpam took from a file name. Views of NUL-ended strings.
bool add_word(sd_bus_message* m, const char* key, std::string_view value) {
  if (value.data() == nullptr) return true;
  return entry(m, key, "s", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_STRING, value.data()); });
}

bool add_words(sd_bus_message* m, const char* key, std::string_view words) {
  if (words.data() == nullptr) return true;
  return entry(m, key, "aay", [&] {
    if (const int r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "ay"); r < 0) return r;
    const char* at = words.data();
    const char* const end = at + words.size();
    while (at < end) {
      const char* stop = at;
      while (stop < end && *stop != '\0') ++stop;
      const int r = sd_bus_message_append_array(m, SD_BUS_TYPE_BYTE, at, static_cast<std::size_t>(stop - at));
      if (r < 0) return r;
      at = stop + 1;
    }
    return sd_bus_message_close_container(m);
  });
}

// What only sudo_jit reports.
bool add_command(sd_bus_message* m, const Context& c) {
  const int child = c.child ? 1 : 0;
  return add_words(m, "run", c.run) && add_bytes(m, "run-path", c.run_path) && add_bytes(m, "run-user", c.run_user) &&
         entry(m, "run-uid", "u", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_UINT32, &c.run_uid); }) &&
         add_bytes(m, "run-group", c.run_group) && add_bytes(m, "recording", c.recording) &&
         (!c.child || entry(m, "child", "b", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_BOOLEAN, &child); })) &&
         (c.program < 0 || entry(m, "program", "h", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_UNIX_FD, &c.program); }));
}

}  // namespace

bool Proof::take() {
  pidfd = own_pidfd();
  exe = open_above_stdio("/proc/self/exe", O_PATH);
  mnt_ns = open_above_stdio("/proc/self/ns/mnt", O_RDONLY);
  return pidfd && exe && mnt_ns;
}

bool append_submit(sd_bus_message* m, const Context& c, const Proof& proof) {
  const int can_ask = c.can_ask ? 1 : 0;
  const int observe = c.observe ? 1 : 0;
  const int resolves = c.resolves ? 1 : 0;
  return sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}") >= 0 && add_word(m, "service", c.service) &&
         add_word(m, "phase", c.phase) && add_bytes(m, "user", c.user) && add_bytes(m, "ruser", c.ruser) &&
         add_bytes(m, "rhost", c.rhost) && add_bytes(m, "tty", c.tty) && add_bytes(m, "cwd", c.cwd) &&
         add_words(m, "argv", c.argv) && add_bytes(m, "reason", c.reason) && add_word(m, "reason-from", c.reason_from) &&
         add_bytes(m, "ticket", c.ticket) && add_word(m, "via", c.via) && add_bytes(m, "ssh-auth", c.ssh_auth) &&
         add_bytes(m, "peer", c.peer) && (c.run.data() == nullptr || add_command(m, c)) &&
         (!c.resolves || entry(m, "resolves", "b", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_BOOLEAN, &resolves); })) &&
         (!c.observe || entry(m, "observe", "b", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_BOOLEAN, &observe); })) &&
         entry(m, "can-ask", "b", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_BOOLEAN, &can_ask); }) &&
         entry(m, "budget-s", "u", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_UINT32, &c.budget_s); }) &&
         sd_bus_message_close_container(m) >= 0 &&
         sd_bus_message_append(m, "hhh", proof.pidfd.get(), proof.exe.get(), proof.mnt_ns.get()) >= 0;
}

bool append_bind(sd_bus_message* m, std::string_view service, std::string_view user, std::string_view ssh_auth, int pidfd) {
  return sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}") >= 0 && add_word(m, "service", service) &&
         add_bytes(m, "user", user) && add_bytes(m, "ssh-auth", ssh_auth) &&
         entry(m, "pidfd", "h", [&] { return sd_bus_message_append_basic(m, SD_BUS_TYPE_UNIX_FD, &pidfd); }) &&
         sd_bus_message_close_container(m) >= 0;
}

}  // namespace jit::pam
