// SPDX-License-Identifier: Apache-2.0
// What sudo_jit reads of sudo's lists, of sudo.conf and of the file system, and how it draws its line.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sudo_jit/command_info.h"
#include "sudo_jit/program.h"
#include "sudo_jit/recorder.h"
#include "sudo_jit/voice.h"

using namespace jit;
using namespace jit::sudo;
namespace fs = std::filesystem;

namespace {

// A list as sudo hands it over.
class List {
 public:
  explicit List(std::vector<std::string> entries) : entries_(std::move(entries)) {
    for (std::string& entry : entries_) pointers_.push_back(entry.data());
    pointers_.push_back(nullptr);
  }
  char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> entries_;
  std::vector<char*> pointers_;
};

std::string said;  // by the conversation under test
int said_types = 0;

int converse(int count, const sudo_conv_message messages[], sudo_conv_reply replies[], sudo_conv_callback*) {
  for (int i = 0; i < count; ++i) {
    said += messages[i].msg;
    said_types |= messages[i].msg_type;
    if ((messages[i].msg_type & 0xff) == SUDO_CONV_PROMPT_ECHO_ON) replies[i].reply = strdup("typed");
  }
  return 0;
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("sudo_jit." + std::to_string(getpid()));
  Folder() {
    fs::create_directories(path / "bin");
    std::ofstream(path / "bin/tool") << "x";
    fs::create_directory_symlink(path / "bin", path / "link");
    fs::create_symlink("tool", path / "bin/name");
    fs::create_directory(path / "bin/folder");
    REQUIRE(mkfifo((path / "bin/fifo").c_str(), 0600) == 0);
  }
  ~Folder() { fs::remove_all(path); }
};

}  // namespace

TEST_CASE("values of sudo's lists") {
  const List list({"command=/bin/x=y", "command_other=1", "empty=", "=odd", "twice=1", "plain", "twice=2"});
  CHECK(value_of(list.get(), "command") == "/bin/x=y");
  CHECK(value_of(list.get(), "twice") == "2");
  CHECK(value_of(list.get(), "empty").empty());
  CHECK(value_of(list.get(), "empty").data() != nullptr);
  CHECK(value_of(list.get(), "plain").data() == nullptr);
  CHECK(value_of(list.get(), "comm").data() == nullptr);
  CHECK(value_of(nullptr, "command").data() == nullptr);
}

TEST_CASE("what sudo will run") {
  const auto read = [](std::vector<std::string> entries, CommandInfo& out) { return read_command_info(List(std::move(entries)).get(), out); };
  CommandInfo info;
  CHECK(read({"command=/usr/bin/id", "runas_user=root", "runas_uid=0", "iolog_path=/var/log/sudo-io/00/00/01"}, info));
  CHECK(info.uid == 0);
  CHECK(info.group.empty());
  CHECK_FALSE(info.child);
  CHECK(info.recording.empty());  // a path, and no stream goes there
  SECTION("the effective uid is the one") {
    CHECK(read({"runas_user=x", "runas_uid=5", "runas_euid=6"}, info));
    CHECK(info.uid == 6);
  }
  SECTION("the group of -g") {
    const List list({"runas_user=root", "runas_uid=0", "runas_gid=27", "runas_group=adm"});
    CHECK(read_command_info(list.get(), info));
    CHECK(info.group == "adm");
  }
  SECTION("no user, no number") {
    for (const char* uid : {"runas_uid=", "runas_uid=-1", "runas_uid=4294967295", "runas_uid=0x0", "runas_uid=1 ", "other=1"}) {
      INFO(uid);
      CHECK_FALSE(read({"runas_user=root", uid}, info));
    }
    CHECK_FALSE(read({"runas_uid=0"}, info));
  }
  SECTION("children, editors, a chroot, a recording") {
    const List list({"runas_user=root", "runas_uid=0", "iolog_path=/io/1", "iolog_ttyout=true", "cwd=/a", "runcwd=/b", "sudoedit=true", "chroot=/c"});
    CHECK(read_command_info(list.get(), info));
    CHECK((info.child && info.edits && info.chroot));
    CHECK(info.folder == "/b");
    CHECK(info.recording == "/io/1");
  }
}

TEST_CASE("does sudo have a plugin that records") {
  CHECK(records(""));
  CHECK(records("# Plugin sudoers_policy sudoers.so\nPlugin sudo_jit sudo_jit.so budget=5\nPath askpass /x\n"));
  CHECK(records("Plugin sudoers_policy sudoers.so\n plugin\tsudoers_io sudoers.so\nPlugin sudo_jit sudo_jit.so"));
  CHECK_FALSE(records("Plugin sudoers_policy sudoers.so\nPlugin sudo_jit sudo_jit.so\n"));
  CHECK_FALSE(records("PLUGIN python_policy python_plugin.so"));
  CHECK_FALSE(records("Plugin \\\nsudoers_policy sudoers.so\n"));
}

TEST_CASE("the program's path and file") {
  const Folder folder;
  const std::string bin = fs::canonical(folder.path / "bin").string();
  const auto path = [](const Program& program) { return std::string(program.path.data()); };
  const auto find = [&](const std::string& command, const std::string& from = "") { return find_program(command, from); };
  for (const auto& [command, from] : std::vector<std::pair<std::string, std::string>>{{bin + "/tool", ""},
                                                                                      {folder.path.string() + "/link/tool", "/"},
                                                                                      {"./tool", bin},
                                                                                      {"../link/tool", bin},
                                                                                      {"link/tool", folder.path.string()}}) {
    INFO(command << " from " << from);
    const Program program = find(command, from);
    CHECK(path(program) == bin + "/tool");
    CHECK(program.file);
  }
  CHECK(path(find(bin + "/name")) == bin + "/name");  // a link's name is the name; what it leads to is in the file
  CHECK(find(bin + "/name").file);
  for (const char* other : {"/none", "/folder", "/fifo"}) {
    INFO(other);
    CHECK(path(find(bin + other)) == bin + other);
    CHECK_FALSE(find(bin + other).file);
  }
  for (const std::string& odd : std::vector<std::string>{"", "tool", "/", bin + "/", bin + "/..", bin + "/.", bin + "/none/tool", "/" + std::string(PATH_MAX, 'x') + "/y",
                                                         bin + "/" + std::string(PATH_MAX - 2, 'x')}) {
    INFO(odd.substr(0, 60));
    CHECK(path(find(odd)).empty());
    CHECK_FALSE(find(odd).file);
  }
  CHECK(path(find("./tool", "/none")).empty());
  CHECK(path(find("/sh")) == "/sh");
}

TEST_CASE("a wait stands in one line") {
  said.clear();
  said_types = 0;
  Conversation conversation(converse);
  const pam::Voice voice = conversation.voice(true, 20);
  REQUIRE(voice.redraw != nullptr);
  voice.redraw(voice.self, "one of two answered");
  voice.redraw(voice.self, "a minute left");
  CHECK(said == "\rone of two answered\ra minute left      ");
  said.clear();
  voice.show(voice.self, false, "approved");
  CHECK(said == "\napproved\n");
  said.clear();
  voice.redraw(voice.self, std::string(100, 'x').c_str());
  CHECK(said == "\r" + std::string(19, 'x'));
  said.clear();
  conversation.end_line();
  conversation.end_line();
  CHECK(said == "\n");
  CHECK((said_types & SUDO_CONV_PREFER_TTY) != 0);
  CHECK(conversation.voice(false, 80).redraw == nullptr);
  pam::Bytes answer;
  CHECK(voice.ask(voice.self, "Reason: ", answer));
  CHECK(std::string(answer.get()) == "typed");
  Conversation none(nullptr);
  const pam::Voice mute = none.voice(true, 0);
  mute.redraw(mute.self, "x");
  mute.show(mute.self, true, "x");
  CHECK_FALSE(mute.ask(mute.self, "x", answer));
}
