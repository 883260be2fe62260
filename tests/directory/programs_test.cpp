// SPDX-License-Identifier: Apache-2.0
// Which words of a command line are a file that the requester can change.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "broker/directory/engine.h"
#include "broker/directory/programs.h"
#include "evidence/text.h"
#include "tests/directory/loop.h"

using namespace jit::directory;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

constexpr std::uint32_t kHis = 2001, kHisGroup = 2100, kOther = 2002, kOtherGroup = 2200;

// Folders of root, of him, and of others, as they stand on a machine. Run by root, as whose they are is the point.
struct Tree {
  Tree() {
    REQUIRE(::mkdtemp(top.data()) != nullptr);
    REQUIRE(::chmod(top.c_str(), 0755) == 0);
    folder("root", 0755);
    file("root/x", 0644);
    file("root/group", 0664, 0, kHisGroup);
    file("root/other-group", 0664, 0, kOtherGroup);
    file("root/all", 0666);
    file("root/his", 0400, kHis);
    file("root/a=b", 0666);
    folder("home", 0700, kHis);
    file("home/x", 0644);
    folder("home/deep", 0755);
    file("home/deep/x", 0644);
    folder("team", 0775, 0, kHisGroup);
    file("team/x", 0644);
    folder("sticky", 01777);
    file("sticky/x", 0644);
    file("sticky/his", 0644, kHis);
    folder("sticky/sub", 0755);
    file("sticky/sub/x", 0644);
    folder("own-sticky", 01755, kHis);
    file("own-sticky/x", 0644);
    link("root/x", "root/good");
    link("home/x", "root/to-home");
    link("home", "root/way");
    link("sticky/none", "root/dangling");
    link("root/none", "root/dangling-good");
    link("root/loop", "root/loop");
    link("root/x", "sticky/his-link", kHis);
    link("sticky/his-link", "root/by-his-link");  // from root's folder over his to root's
    REQUIRE(::mkfifo(at("root/pipe").c_str(), 0600) == 0);
    REQUIRE(::chown(at("root/pipe").c_str(), kHis, 0) == 0);
  }
  ~Tree() { fs::remove_all(top); }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  std::string at(const std::string& path) const { return top + "/" + path; }
  void own(const std::string& path, mode_t mode, uid_t uid, gid_t gid) const {
    REQUIRE(::chown(at(path).c_str(), uid, gid) == 0);
    REQUIRE(::chmod(at(path).c_str(), mode) == 0);
  }
  void folder(const std::string& path, mode_t mode, uid_t uid = 0, gid_t gid = 0) const {
    REQUIRE(fs::create_directory(at(path)));
    own(path, mode, uid, gid);
  }
  void file(const std::string& path, mode_t mode, uid_t uid = 0, gid_t gid = 0) const {
    std::ofstream(at(path)) << "x";
    own(path, mode, uid, gid);
  }
  void link(const std::string& to, const std::string& path, uid_t uid = 0) const {
    fs::create_symlink(at(to), at(path));
    REQUIRE(::lchown(at(path).c_str(), uid, 0) == 0);
  }

  // @ is the tree.
  std::string full(std::string word) const {
    for (std::size_t found = word.find('@'); found != std::string::npos; found = word.find('@', found)) word.replace(found, 1, top);
    return word;
  }
  bool can(const std::string& word, const std::string& cwd = "root") const {
    return can_change({kHis, std::vector<std::uint32_t>{kHisGroup}}, "/usr/bin/true", cwd.empty() ? cwd : at(cwd), {full(word)});
  }

  std::string top = "/tmp/jit-programs-XXXXXX";
};

struct Row {
  const char* word;
  bool can;
  const char* cwd = "root";
};

void check(const std::vector<Row>& rows) {
  if (geteuid() != 0) return;
  const Tree tree;
  for (const Row& row : rows) {
    INFO(row.word << " in " << row.cwd);
    CHECK(tree.can(row.word, row.cwd) == row.can);
  }
}

}  // namespace

TEST_CASE("a file counts by owner, mode and groups, its own and of all above it") {
  check({{"@/root/x", false},
         {"@/root/group", true},
         {"@/root/other-group", false},
         {"@/root/all", true},
         {"@/root/his", true},
         {"@/home/x", true},
         {"@/home/deep/x", true},
         {"@/team/x", true},
         {"@/sticky/x", false},
         {"@/sticky/his", true},
         {"@/sticky/sub/x", false},
         {"@/own-sticky/x", true},
         {"@/root/pipe", true},
         {"/dev/null", false},
         {"@//root/./x", false},
         {"@/home/../root/x", false},
         {"@/root/../root/x", false},
         {"/../../etc/passwd", false}});
}

TEST_CASE("links count where he can turn one of them") {
  check({{"@/root/good", false},
         {"@/root/to-home", true},
         {"@/root/way/x", true},
         {"@/root/way/none", true},
         {"@/root/dangling", true},
         {"@/root/dangling-good", false},
         {"@/root/loop", true},
         {"@/sticky/his-link", true},
         {"@/root/by-his-link", true}});
}

TEST_CASE("what is not there counts where he can make it") {
  check({{"@/root/none", false},
         {"@/root/none/none", false},
         {"@/root/x/none", false},
         {"@/home/none", true},
         {"@/home/none/none/none", true},
         {"@/team/none", true},
         {"@/sticky/none", true},
         {"@/sticky/none/x", true},
         {"@/sticky/sub/none", false},
         {"none/x", false},
         {"none/x", true, "home"},
         {"./none", true, "sticky"}});
}

TEST_CASE("a folder counts where he can change it or anything above it") {
  check({{"@/root", false},
         {"@/root/", false},
         {"@/home", true},
         {"@/home/deep/", true},
         {"@/sticky", true},
         {"@/sticky/sub", false},
         {"@/team", true},
         {"./", true, "home"},
         {"../home", true}});
}

TEST_CASE("a word without a slash counts for a file in the working directory only") {
  check({{"x", false},
         {"all", true},
         {"x", true, "home"},
         {"none", false, "home"},
         {"deep", false, "home"},
         {".", false, "home"},
         {"-x", false, "home"},
         {"", false, "home"},
         {"good", false},
         {"to-home", true},
         {"x", false, ""},
         {"./x", true, ""}});  // nobody can tell where that is
}

TEST_CASE("paths are found behind an equals sign and behind short options") {
  check({{"if=@/home/x", true},
         {"if=@/root/x", false},
         {"--file=@/home/x", true},
         {"--file=@/root/x", false},
         {"--file=x", true, "home"},
         {"--file=none", false, "home"},
         {"--mount=type=bind,source=@/home/x", true},
         {"--mount=type=bind,source=@/root/x", false},
         {"a=b", true},
         {"-f@/home/x", true},
         {"-f@/root/x", false},
         {"-xvf@/home/x", true},
         {"-f../home/x", true},
         {"-f../root/x", false},
         {"-xvf../home/x", true},
         {"-f=@/home/x", true},
         {"-fx", false, "home"},
         {"--file@/home/x", false},
         {"-", false},
         {"--", false},
         {"-/", false},
         {"=", false}});
}

TEST_CASE("what nobody looks at counts") {
  if (geteuid() != 0) return;
  const Tree tree;
  const Requester he{kHis, std::vector<std::uint32_t>{kHisGroup}};
  const auto can = [&](const Words& words) { return can_change(he, "/usr/bin/true", tree.at("root"), words); };
  CHECK_FALSE(can(Words(kWordsLookedAt, "x")));
  CHECK(can(Words(kWordsLookedAt + 1, "x")));
  CHECK_FALSE(can({std::string(4095, 'x')}));
  CHECK(can({std::string(4096, 'x')}));
  CHECK_FALSE(can({"/" + std::string(256, 'x') + "/y"}));
  std::string far = tree.at("root");
  while (far.size() < 4000) far += "/.././root";
  CHECK_FALSE(can({far + "/x"}));
  // Each is looked at, until that is too much.
  CHECK(can(Words(kWordsLookedAt, far + "/x")));
  CHECK(can_change({kOther, std::nullopt}, "", "/", {tree.at("root/group")}));
  CHECK_FALSE(can_change({kOther, std::vector<std::uint32_t>{}}, "", "/", {tree.at("root/group")}));
}

TEST_CASE("the program counts as a file does") {
  if (geteuid() != 0) return;
  const Tree tree;
  const Requester he{kHis, std::vector<std::uint32_t>{kHisGroup}};
  CHECK(can_change(he, tree.at("home/x"), "/", {}));
  CHECK(can_change(he, tree.at("home/none"), "/", {}));
  CHECK_FALSE(can_change(he, tree.at("root/x"), "/", {}));
  CHECK_FALSE(can_change(he, "", "/", {}));
}

TEST_CASE("the directory is asked about many words, and about long ones") {
  jit::test::Loop loop;
  const auto engine = Engine::make(loop.post(), {}, nullptr, [] { return Pool::Steady::now(); });
  const auto can = [&](Words words) {
    std::optional<bool> out;
    engine->can_change({kHis, std::vector<std::uint32_t>{kHisGroup, kOtherGroup}, "/usr/bin/true", "/usr", std::move(words)}, [&](bool is) { out = is; });
    REQUIRE(loop.until([&] { return out.has_value(); }));
    return *out;
  };
  CHECK_FALSE(can({"/usr/bin/true", "-n", "", "share"}));
  CHECK(can({"/usr/bin/true", "/tmp/jit-not-there/x"}));
  CHECK_FALSE(can(Words(kWordsLookedAt, "x")));
  CHECK(can(Words(kWordsLookedAt + 1, "x")));
  CHECK(can({std::string(5000, 'x')}));
}

TEST_CASE("a digest is bound only where root alone can change the file") {
  const auto digest = [](const std::string& file, const std::string& path) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    const std::string out = bound_digest(fd, path);
    if (fd >= 0) ::close(fd);
    return out;
  };
  std::ifstream in("/usr/bin/id", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const std::string id = jit::evidence::sha256_hex(bytes);
  CHECK(digest("/usr/bin/id", "/usr/bin/id") == id);
  CHECK(digest("/usr/bin/id", "/usr/lib/../bin/id") == id);

  jit::test::Loop loop;
  const auto engine = Engine::make(loop.post(), {}, nullptr, [] { return Pool::Steady::now(); });
  std::optional<std::string> found;
  const int fd = ::open("/usr/bin/id", O_RDONLY | O_CLOEXEC);
  engine->digest(fd, "/usr/bin/id", [&](const std::string& is) { found = is; });
  ::close(fd);  // the directory has its own
  REQUIRE(loop.until([&] { return found.has_value(); }));
  CHECK(*found == id);

  std::string name = "/tmp/digest.XXXXXX";  // root's, and in a folder that all may write
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  const std::string copy = name + "/id";
  std::ofstream(copy, std::ios::binary) << bytes;
  REQUIRE(::symlink("/usr/bin/id", (name + "/link").c_str()) == 0);
  CHECK(digest(copy, copy).empty());
  CHECK(digest("/usr/bin/id", name + "/link").empty());
  CHECK(digest("/usr/bin/id", "/usr/bin/env").empty());  // the path means another file here
  CHECK(digest(copy, "/usr/bin/id").empty());
  CHECK(digest("/usr/bin/id", "/usr/bin/none").empty());
  CHECK(digest("/usr/bin", "/usr/bin").empty());
  CHECK(digest("/dev/null", "/dev/null").empty());
  CHECK(digest("/usr/bin/none", "/usr/bin/id").empty());
  CHECK(digest("/usr/bin/id", "usr/bin/id").empty());
  CHECK(digest("/usr/bin/id", std::string("/usr/bin/id\0x", 13)).empty());
  CHECK(digest("/usr/bin/id", "/" + std::string(PATH_MAX, 'x')).empty());
  REQUIRE((::unlink(copy.c_str()) == 0 && ::unlink((name + "/link").c_str()) == 0 && ::rmdir(name.c_str()) == 0));
}
