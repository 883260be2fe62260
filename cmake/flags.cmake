# SPDX-License-Identifier: Apache-2.0
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(JIT_BENCH "build the benchmarks" OFF)
option(JIT_FUZZ "build the fuzz targets (clang)" OFF)
set(JIT_SANITIZE "" CACHE STRING "value for -fsanitize=, or empty")
# asan goes without the checks at which AddressSanitizer or the processor stops anyway: a third of its compile time. fuzz has them all.
set(JIT_SANITIZE_LESS "" CACHE STRING "value for -fno-sanitize=, or empty")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# One place for the flags of everything that we compile.
add_library(jit_flags INTERFACE)
target_include_directories(jit_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(jit_flags INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wformat=2
  -fstack-protector-strong -fno-omit-frame-pointer
  $<$<AND:$<CONFIG:Release,RelWithDebInfo>,$<NOT:$<BOOL:$<TARGET_PROPERTY:JIT_UNOPTIMISED>>>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>
  $<$<CXX_COMPILER_ID:GNU>:-fstack-clash-protection -fcf-protection>
  # A pimpl may hold types of its own source file; gcc cannot tell that file inside a batch of CMAKE_UNITY_BUILD.
  $<$<AND:$<BOOL:${CMAKE_UNITY_BUILD}>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>
  # False alarms of gcc 12 in its own <string> and <regex> (GCC bugs 105329 and 105562).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict -Wno-maybe-uninitialized>
  # The same of gcc 13 and 14 in its own <vector> (GCC bugs 107852 and 110498).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread>)
target_compile_definitions(jit_flags INTERFACE _GNU_SOURCE)
target_link_options(jit_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
if(JIT_SANITIZE)
  target_compile_options(jit_flags INTERFACE -fsanitize=${JIT_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(jit_flags INTERFACE -fsanitize=${JIT_SANITIZE})
  if(JIT_SANITIZE_LESS)
    target_compile_options(jit_flags INTERFACE -fno-sanitize=${JIT_SANITIZE_LESS})
  endif()
endif()
