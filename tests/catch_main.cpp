// SPDX-License-Identifier: Apache-2.0
// Catch2 3 has its main in a library of its own: Catch2::Catch2WithMain.
#define CATCH_CONFIG_MAIN
#include "tests/catch.h"
