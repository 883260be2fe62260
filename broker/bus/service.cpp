// SPDX-License-Identifier: Apache-2.0
#include "broker/bus/bus.h"
#include "broker/bus/handlers.h"

namespace jit::bus {

struct Service::Impl {
  std::shared_ptr<Handlers> handlers;
  std::shared_ptr<Link> link;
};

Service::Service(core::Post post, core::Core& core, directory::Directory& directory,
                 std::function<store::Database*()> database, Host host, Admin admin)
    : impl_(std::make_unique<Impl>()) {
  impl_->handlers = std::make_shared<Handlers>(core, directory, std::move(database), std::move(host), std::move(admin));
  impl_->link = std::make_shared<Link>(std::move(post), impl_->handlers);
  impl_->handlers->tell(impl_->link);
}

Service::~Service() { impl_->link->stop(); }

void Service::start() { impl_->link->start(); }

void Service::request_changed(const core::Request& request) { impl_->handlers->request_changed(request); }

void Service::fact_changed(const std::string& name) { impl_->handlers->fact_changed(name); }

void Service::logged(const core::AuditEntry& entry) { impl_->handlers->logged(entry); }

void Service::use_host(Host host) { impl_->handlers->use_host(std::move(host)); }

void Service::grant_changed(const core::Grant& grant) { impl_->handlers->grant_changed(grant); }

}  // namespace jit::bus
