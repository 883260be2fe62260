// SPDX-License-Identifier: Apache-2.0
#include "broker/gate/sudo_argv.h"

#include <getopt.h>

#include "tests/catch.h"
#include <random>
#include <sstream>

using jit::gate::sudo_command;
using jit::gate::sudo_target;
using jit::gate::SudoTarget;

namespace {

std::vector<std::string> split(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word == "''" ? "" : word);
  return out;
}

// "root": the default; "caller"; "name:X"; "uid:N"; "-": none.
std::string shown(const std::optional<SudoTarget>& target) {
  if (!target) return "-";
  switch (target->kind) {
    case SudoTarget::Kind::kDefault: return "root";
    case SudoTarget::Kind::kCaller: return "caller";
    case SudoTarget::Kind::kName: return "name:" + target->name;
    case SudoTarget::Kind::kUid: return "uid:" + std::to_string(target->uid);
  }
  return "?";
}

struct Row {
  const char* line;
  const char* want;
};

}  // namespace

TEST_CASE("whom a sudo line asks to be") {
  const Row rows[] = {
      {"sudo id", "root"},
      {"sudo", "root"},
      {"sudo -i", "root"},
      {"sudo -s", "root"},
      {"sudo -u bob id", "name:bob"},
      {"sudo -ubob id", "name:bob"},
      {"sudo --user=bob id", "name:bob"},
      {"sudo --user bob id", "name:bob"},
      {"sudo --us=bob id", "name:bob"},
      {"sudo --u bob id", "name:bob"},
      {"sudo -nu bob id", "name:bob"},
      {"sudo -nubob id", "name:bob"},
      {"sudo -nEHSu bob id", "name:bob"},
      {"sudo -un id", "name:n"},
      {"sudo -u bob -u alice id", "name:alice"},
      {"sudo -u bob -g adm id", "name:bob"},
      {"sudo -g adm id", "caller"},
      {"sudo --group=adm id", "caller"},
      {"sudo -gadm id", "caller"},
      {"sudo -u #1000 id", "uid:1000"},
      {"sudo -u#1000 id", "uid:1000"},
      {"sudo -u #0 id", "uid:0"},
      {"sudo -u #4294967294 id", "uid:4294967294"},
      {"sudo -u #2147483648 id", "uid:2147483648"},
      {"sudo -u #-1 id", "-"},
      {"sudo -u#-1 id", "-"},
      {"sudo -u #4294967295 id", "-"},
      {"sudo -u #4294967296 id", "-"},
      {"sudo -u # id", "-"},
      {"sudo -u #0x0 id", "-"},
      {"sudo -u #1e3 id", "-"},
      {"sudo -u #+1 id", "-"},
      {"sudo -u 0 id", "name:0"},
      {"sudo -u toor id", "name:toor"},
      {"sudo -u '' id", "-"},
      {"sudo --user= id", "-"},
      {"sudo -u", "-"},
      {"sudo --user", "-"},
      {"sudo id -u bob", "root"},
      {"sudo id --user=bob", "root"},
      {"sudo -- id -u bob", "root"},
      {"sudo -u bob -- id -u alice", "name:bob"},
      {"sudo A=1 -u bob id", "name:bob"},
      {"sudo -u bob A=1 -u alice B=2 id", "name:alice"},
      {"sudo -- A=1 -u bob id", "root"},
      {"sudo -p -- A=1 -u bob id", "root"},
      {"sudo -p -- -u bob id", "name:bob"},
      {"sudo =x -u bob", "root"},
      {"sudo /a=b -u bob", "root"},
      {"sudo - -u bob", "root"},
      {"sudo '' -u bob", "root"},
      {"sudo -e /etc/hosts", "root"},
      {"sudoedit -u bob /etc/hosts", "name:bob"},
      {"sudo -p prompt -u bob id", "name:bob"},
      {"sudo -p -l id -u", "root"},
      {"sudo -p '' -u bob id", "name:bob"},
      {"sudo -C 3 -D /tmp -R /srv -r role -t type -T 5m -U carol -u bob id", "name:bob"},
      {"sudo -C3 -D/tmp -R/srv -rrole -ttype -T5m -Ucarol -ubob id", "name:bob"},
      {"sudo -D -u bob id", "root"},
      {"sudo -U bob -l", "root"},
      {"sudo -l -U alice -u bob", "name:bob"},
      {"sudo -h web1 -u bob id", "name:bob"},
      {"sudo -hweb1 -u bob id", "name:bob"},
      {"sudo --host=web1 -u bob id", "name:bob"},
      {"sudo --host web1 -u bob id", "name:bob"},
      {"sudo -nh web1 -u bob id", "-"},
      {"sudo -h", "-"},
      {"sudo -h -u bob id", "-"},
      {"sudo -h A=1 -u bob id", "-"},
      {"sudo --help", "-"},
      {"sudo --h -u bob id", "-"},
      {"sudo --preserve-env -u bob id", "name:bob"},
      {"sudo --preserve-env=A,B -u bob id", "name:bob"},
      {"sudo --preserve-env A=1 -u bob id", "name:bob"},
      {"sudo -EA -u bob id", "name:bob"},
      {"sudo --pre -u bob id", "-"},
      {"sudo --login=x id", "-"},
      {"sudo --login -u bob", "name:bob"},
      {"sudo --log -u bob", "-"},
      {"sudo --no -u bob id", "-"},
      {"sudo --non -u bob id", "name:bob"},
      {"sudo -Z id", "-"},
      {"sudo -a style id", "-"},
      {"sudo -c class id", "-"},
      {"sudo --nonsense id", "-"},
      {"sudo -u=bob id", "name:=bob"},
      {"sudo -g '' id", "-"},
      {"sudo -K", "root"},
      {"sudo -kN -u bob id", "name:bob"},
      {"sudo -bB -P -u bob id", "name:bob"},
  };
  static_assert(std::size(rows) >= 60);
  for (const auto& row : rows) {
    CAPTURE(row.line);
    CHECK(shown(sudo_target(split(row.line))) == row.want);
  }
  CHECK(shown(sudo_target({})) == "-");
  CHECK(shown(sudo_target(std::vector<std::string>{"sudo", "-u", "a b\n"})) == "name:a b\n");
}

TEST_CASE("which words are the command") {
  struct Same {
    const char *line, *words;
  };
  const Same cut[] = {
      {"sudo id", "id"},
      {"/usr/bin/sudo id -u", "id -u"},
      {"sudo -n id", "id"},
      {"sudo -nS -p x -u bob id a b", "id a b"},
      {"sudo --user=bob --non-interactive -- id", "id"},
      {"sudo -A -b -B -H -k -N -S id", "id"},
      {"sudo -- -x", "-x"},
      {"sudo '' x", "'' x"},
  };
  for (const auto& row : cut) {
    CAPTURE(row.line);
    const auto line = split(row.line);
    const auto words = sudo_command(line);
    CHECK(std::vector<std::string>(words.begin(), words.end()) == split(row.words));
  }
  // Whatever may change what it means stays in view, and differs from the plain command.
  for (const char* text :
       {"sudo -e id", "sudo --edit id", "sudo -i id", "sudo -s id", "sudo -g adm id", "sudo -h web1 id", "sudo -hweb1 id",
        "sudo --host=web1 id", "sudo -C 3 id", "sudo -D /tmp id", "sudo -E id", "sudo --preserve-env=A id", "sudo -R / id",
        "sudo -T 5 id", "sudo -P id", "sudo -r a id", "sudo -t a id", "sudo -l id", "sudo -ll id", "sudo -v", "sudo -U bob id",
        "sudo A=1 id", "sudo -u bob A=1 id", "sudo -- A=1 id", "sudo -p -- A=1 id", "sudo -Z id", "sudo", "sudo -n", "sudo --",
        "sudoedit id", "/usr/bin/sudoedit id", "sudoedit -u bob id", "pseudo id", "xedit id", "'' id", "-sudo id"}) {
    CAPTURE(text);
    const auto line = split(text);
    CHECK(sudo_command(line).size() == line.size());
  }
  CHECK(sudo_command({}).empty());
}

namespace {

// sudo's own loop around glibc's getopt_long (parse_args.c), kept as the oracle.
std::string oracle(const std::vector<std::string>& words) {
  static const option options[] = {
      {"askpass", no_argument, nullptr, 'A'},       {"auth-type", required_argument, nullptr, 'a'},
      {"background", no_argument, nullptr, 'b'},    {"bell", no_argument, nullptr, 'B'},
      {"close-from", required_argument, nullptr, 'C'}, {"login-class", required_argument, nullptr, 'c'},
      {"chdir", required_argument, nullptr, 'D'},   {"preserve-env", optional_argument, nullptr, 'E'},
      {"edit", no_argument, nullptr, 'e'},          {"group", required_argument, nullptr, 'g'},
      {"set-home", no_argument, nullptr, 'H'},      {"help", no_argument, nullptr, 'h'},
      {"host", required_argument, nullptr, 256},    {"login", no_argument, nullptr, 'i'},
      {"remove-timestamp", no_argument, nullptr, 'K'}, {"reset-timestamp", no_argument, nullptr, 'k'},
      {"list", no_argument, nullptr, 'l'},          {"no-update", no_argument, nullptr, 'N'},
      {"non-interactive", no_argument, nullptr, 'n'}, {"preserve-groups", no_argument, nullptr, 'P'},
      {"prompt", required_argument, nullptr, 'p'},  {"chroot", required_argument, nullptr, 'R'},
      {"role", required_argument, nullptr, 'r'},    {"stdin", no_argument, nullptr, 'S'},
      {"shell", no_argument, nullptr, 's'},         {"type", required_argument, nullptr, 't'},
      {"command-timeout", required_argument, nullptr, 'T'}, {"other-user", required_argument, nullptr, 'U'},
      {"user", required_argument, nullptr, 'u'},    {"version", no_argument, nullptr, 'V'},
      {"validate", no_argument, nullptr, 'v'},      {nullptr, 0, nullptr, 0}};
  std::vector<std::string> copy = words;
  std::vector<char*> argv;
  for (auto& word : copy) argv.push_back(word.data());
  const int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  optind = 0;
  opterr = 0;
  std::optional<std::string> user;
  bool group = false;
  for (;;) {
    const int ch = getopt_long(argc, argv.data(), "+Aa:BbC:c:D:Eeg:Hh::iKklNnPp:R:r:SsT:t:U:u:Vv", options, nullptr);
    const auto previous = [&] { return optind > 1 ? std::string(argv[static_cast<std::size_t>(optind) - 1]) : ""; };
    const char* next = optind < argc ? argv[static_cast<std::size_t>(optind)] : nullptr;
    const bool assignment = next != nullptr && next[0] != '/' && next[0] != '=' && std::string(next).find('=') != std::string::npos;
    if (ch == -1) {
      if (previous() == "--" || !assignment) break;
      ++optind;
      continue;
    }
    switch (ch) {
      case '?': case 'a': case 'c': return "-";
      case 'u':
        if (*optarg == '\0') return "-";
        user = optarg;
        break;
      case 'g':
        if (*optarg == '\0') return "-";
        group = true;
        break;
      case 'C': case 'D': case 'R': case 'r': case 't': case 'U': case 256:
        if (*optarg == '\0') return "-";
        break;
      case 'h':
        if (optarg != nullptr) break;
        if (previous() == "-h" && !assignment && next != nullptr && next[0] != '-') {
          ++optind;
          break;
        }
        return "-";
      default: break;
    }
  }
  if (!user) return group ? "caller" : "root";
  if (user->front() == '#') {
    const std::string digits = user->substr(1);
    if (digits.empty() || digits.size() > 10 || digits.find_first_not_of("0123456789") != std::string::npos ||
        std::stoull(digits) >= 4294967295ULL) {
      return "-";
    }
    return "uid:" + std::to_string(std::stoull(digits));
  }
  return "name:" + *user;
}

}  // namespace

TEST_CASE("what policy sees of a sudo line") {
  struct Case {
    const char* line;
    std::size_t at;
    std::vector<std::string> options, env;
  };
  const Case cases[] = {
      {"sudo id", 1, {}, {}},
      {"sudo -n -u bob id -u", 4, {}, {}},
      {"sudo -D /x -g adm id", 5, {"-D", "-g"}, {}},
      {"sudo --chdir=/x --gr adm id", 4, {"-D", "-g"}, {}},
      {"sudo -hhost id", 2, {"-h"}, {}},
      {"sudo --host=x id", 2, {"-h"}, {}},
      {"sudo B=2 A=1 id", 3, {}, {"A", "B"}},
      {"sudo A=1 A=2 -- C=3 id", 5, {}, {"A", "C"}},
      {"sudo -i", 2, {"-i"}, {}},
      {"sudo -is", 2, {"-i", "-s"}, {}},
      {"sudo", 1, {}, {}},
      {"sudoedit /etc/hosts", 1, {"-e"}, {}},
      {"sudo -E -T 3 id", 4, {"-E", "-T"}, {}},
  };
  for (const Case& each : cases) {
    INFO(each.line);
    const auto parts = jit::gate::sudo_parts(split(each.line));
    REQUIRE(parts);
    CHECK(*parts == jit::gate::SudoCommand{each.at, each.options, each.env});
  }
  CHECK_FALSE(jit::gate::sudo_parts(split("sudo --nothing id")));
}

TEST_CASE("sudo lines at random, against getopt_long") {
  const std::vector<std::string> pieces = {
      "-u", "-ubob", "-u#0", "-u#-1", "bob", "#1000", "--", "-", "", "A=1", "=x", "/bin/a=b", "-n", "-nE", "-nu", "-p", "-h", "-hx",
      "-nh", "--user", "--user=", "--user=al", "--us", "--host", "--ho=x", "--h", "--he", "-g", "-gadm", "--group=x", "--pre",
      "--preserve-env", "--preserve-env=A", "--preserve-g", "-E", "-i", "-s", "-e", "-l", "-U", "-C", "3", "-T", "-Z", "--x", "--=",
      "-b-", "--login", "--login-class", "--logi", "--login=1", "-Eu", "-kK", "--no-u", "--n", "--chdir=/", "--ch", "-D/", "-R", "-r", "-t"};
  std::mt19937 random(20261122);
  for (int n = 0; n < 100'000; ++n) {
    std::vector<std::string> line{"sudo"};
    for (auto words = random() % 7; words > 0; --words) line.push_back(pieces[random() % pieces.size()]);
    const auto want = oracle(line);
    const auto got = shown(sudo_target(line));
    if (got != want) {
      std::string text;
      for (const auto& word : line) text += "[" + word + "] ";
      CAPTURE(text);
      REQUIRE(got == want);
    }
  }
  SUCCEED();
}
