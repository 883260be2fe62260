// SPDX-License-Identifier: Apache-2.0
// jit-notify: see notifier.h. Its channels are the files of /etc/jit/notify.d. "jit-notify test CHANNEL", which `jitctl notify test`
// runs, sends one message and says what came of it.
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string_view>

#include "courier/process.h"
#include "evidence/at_exit.h"
#include "evidence/text.h"
#include "notify/notifier.h"

namespace {

using jit::courier::failed;

constexpr char kFolder[] = "/etc/jit/notify.d";
constexpr char kProgress[] = "/var/lib/jit-notify/delivered";

int serve() {
  return jit::courier::run([](sd_event* event) {
    auto notifier = std::make_shared<jit::notify::Notifier>(event, kFolder, kProgress);
    const int code = notifier->start();
    return std::pair(code, std::shared_ptr<void>(std::move(notifier)));
  });
}

int wrong(const std::string& why) {
  std::fprintf(stderr, "%s\n", jit::evidence::escape(why).c_str());
  return 1;
}

int test(const std::string& name, const std::string& host) {
  const jit::notify::Folder folder = jit::notify::read_folder(kFolder);
  const auto found = folder.channels.find(name);
  if (found == folder.channels.end()) {
    const auto broken = folder.broken.find(name);
    return wrong(broken != folder.broken.end() ? broken->second : "there is no channel " + name + ": its file would be " + kFolder + "/" + name + ".toml, see jit-notify(8)");
  }
  sd_event* event = nullptr;
  if (sd_event_new(&event) < 0) return wrong("there is no event loop");
  jit::notify::Attempted how;
  {
    jit::notify::Web web(event);
    const jit::notify::Notice notice = jit::notify::test_notice(host, name, jit::courier::unix_ms());
    const auto one = jit::notify::attempt(event, web, found->second, notice, [&](const jit::notify::Attempted& attempted) {
      how = attempted;
      sd_event_exit(event, 0);
    });
    if (sd_event_loop(event) < 0) how.why = "the event loop ended";
  }
  sd_event_unref(event);
  if (!how.delivered) return wrong("channel " + name + " was not told: " + how.why);
  std::printf("channel %s was told: look there for \"this is a test of channel %s\"\n", name.c_str(), name.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (!jit::courier::standard_files_open()) return 1;
  const bool tests = argc == 4 && std::string_view(argv[1]) == "test";
  if (argc != 1 && !tests) return failed("jit-notify takes no argument: see jit-notify(8)");
  jit::evidence::keep_crypto_at_exit();
  jit::courier::keep_to_itself();
  try {
    return tests ? test(argv[2], argv[3]) : serve();
  } catch (const std::exception& error) {
    return failed(error.what());
  }
}
