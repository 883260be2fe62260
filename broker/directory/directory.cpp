// SPDX-License-Identifier: Apache-2.0
#include "broker/directory/directory.h"

#include <utility>

#include "broker/directory/engine.h"

namespace jit::directory {

struct Directory::Impl {
  std::shared_ptr<Engine> engine;
};

Directory::Directory(core::Post post, Options options)
    : impl_(std::make_shared<Impl>(
          Impl{Engine::make(std::move(post), options, nss_resolver(), [] { return Pool::Steady::now(); })})) {}

Directory::~Directory() = default;

void Directory::by_name(const std::string& name, Found found) { impl_->engine->by_name(name, std::move(found)); }
void Directory::by_uid(std::uint32_t uid, Found found) { impl_->engine->by_uid(uid, std::move(found)); }
void Directory::account(std::uint32_t uid, const std::string& name, Found found) {
  impl_->engine->account(uid, name, std::move(found));
}
void Directory::group_name(std::uint32_t gid, std::function<void(std::string)> found) {
  impl_->engine->group_name(gid, std::move(found));
}
void Directory::program(const std::string& word, std::function<void(std::string)> found) {
  impl_->engine->program(word, std::move(found));
}
void Directory::can_change(const Asked& asked, std::function<void(bool)> found) {
  impl_->engine->can_change(asked, std::move(found));
}
void Directory::digest(int program, const std::string& path, std::function<void(std::string)> found) {
  impl_->engine->digest(program, path, std::move(found));
}
void Directory::forget() { impl_->engine->forget(); }
void Directory::forget(std::uint32_t uid) { impl_->engine->forget(uid); }
void Directory::forget(const std::string& name) { impl_->engine->forget(name); }

}  // namespace jit::directory
