// SPDX-License-Identifier: Apache-2.0
// sudo's plugin interface. From 1.9.14 on its header says "restrict", which C++ does not know.
#pragma once

#define restrict __restrict
#include <sudo_plugin.h>
#undef restrict
