// SPDX-License-Identifier: Apache-2.0
// Of the logs for the two verifiers those in which a grant, or a request, is another one than was asked, offered and voted for.
#pragma once

#include <functional>
#include <string>

#include "log_maker.h"

namespace jit::test {

void write_terms(const std::function<void(LogMaker& log, const std::string& name)>& finish);  // finish: under that name

}  // namespace jit::test
