// SPDX-License-Identifier: Apache-2.0
#include "notify/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include "notify/message/templates.h"

namespace jit::notify {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};

constexpr std::string_view kEnding = ".toml";

std::optional<std::string> read_safe(const std::string& path, std::string& why) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
  struct stat about {};
  if (fd < 0 || fstat(fd, &about) != 0) {
    why = path + ": " + std::strerror(errno);
  } else if (!S_ISREG(about.st_mode) || about.st_size > static_cast<off_t>(kChannelFileMax)) {
    why = path + ": it is no file of at most " + std::to_string(kChannelFileMax) + " bytes";
  } else if (about.st_uid != 0 || (about.st_mode & 0027) != 0) {
    why = path + ": only root may write it, and others may not read it: chown root:_jit-notify " + path + "; chmod 640 " + path;
  }
  std::optional<std::string> out;
  if (why.empty()) {
    std::string text(kChannelFileMax + 1, '\0');
    const ssize_t got = read(fd, text.data(), text.size());
    if (got >= 0) {
      text.resize(static_cast<std::size_t>(got));
      out = std::move(text);
    } else {
      why = path + ": " + std::strerror(errno);
    }
  }
  if (fd >= 0) close(fd);
  return out;
}

std::optional<Defined> read_one(const std::string& path, std::vector<std::string>& errors) {
  std::string why;
  const auto text = read_safe(path, why);
  if (!text) {
    errors.push_back(why);
    return std::nullopt;
  }
  ReadChannel read = read_channel(path, *text);
  if (!read.channel) {
    errors.insert(errors.end(), read.errors.begin(), read.errors.end());
    return std::nullopt;
  }
  Defined out{std::move(*read.channel), {}};
  if (out.channel.secret.empty()) return out;
  const auto secret = read_safe(out.channel.secret, why);
  const auto bytes = secret ? read_secret(*secret) : std::nullopt;
  if (!bytes) {
    errors.push_back(secret ? out.channel.secret + ": it holds no secret; to make one: (printf whsec_; openssl rand -base64 32) >" + out.channel.secret : why);
    return std::nullopt;
  }
  out.secret = *bytes;
  return out;
}

}  // namespace

Folder read_folder(const std::string& path) {
  Folder out;
  const std::unique_ptr<DIR, CloseFolder> folder(opendir(path.c_str()));
  if (!folder) {
    out.errors.push_back(path + ": " + std::strerror(errno));
    return out;
  }
  std::vector<std::string> names;
  while (const dirent* const entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || !name.ends_with(kEnding)) continue;
    names.emplace_back(name.substr(0, name.size() - kEnding.size()));
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    const std::string file = path + "/" + name + std::string(kEnding);
    std::vector<std::string> errors;
    if (!valid_channel_name(name)) {
      errors.push_back(file + ": a channel's name has letters, digits, - and _, at most 64");
    } else if (out.channels.size() + out.broken.size() >= kChannels) {
      errors.push_back(file + ": there are more than " + std::to_string(kChannels) + " channels");
    } else if (auto one = read_one(file, errors)) {
      out.channels.emplace(name, std::move(*one));
    } else {
      out.broken.emplace(name, errors.front());
    }
    out.errors.insert(out.errors.end(), errors.begin(), errors.end());
  }
  return out;
}

}  // namespace jit::notify
