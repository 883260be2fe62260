// SPDX-License-Identifier: Apache-2.0
// The six interfaces at /org/pamjit/Broker1: reads the arguments, hands the call to the link. Bus thread only.
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <memory>
#include <string>

namespace jit::bus {

class Link;

class Objects {
 public:
  Objects(sdbus::IConnection& connection, Link& link);
  ~Objects();
  void changed(const std::string& to, const std::string& id);  // Requests.Changed, to this connection only
  void fact_changed(const std::string& to, const std::string& name);  // Facts.Changed, likewise
  void more(const std::string& to);  // Courier.Waiting, likewise
  sdbus::Signal any_message();  // one of this connection, to be looked at and dropped

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jit::bus
