# SPDX-License-Identifier: Apache-2.0
# What is needed is listed once, in debian/control; this finds it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(sdbus-c++ REQUIRED)  # 1.2 in Debian 12, 2.1 in Debian 13; dbus/sdbus.h says where they differ
find_package(sdbus-c++-tools REQUIRED)
find_package(date 3.0 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.87)  # CURLOPT_QUICK_EXIT
pkg_check_modules(NATS REQUIRED IMPORTED_TARGET libnats)  # its own CMake configuration is broken in Debian 12
pkg_check_modules(NCURSESW REQUIRED IMPORTED_TARGET ncursesw)
pkg_check_modules(FIDO2 REQUIRED IMPORTED_TARGET libfido2)
pkg_check_modules(QRENCODE REQUIRED IMPORTED_TARGET libqrencode)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
# Alone: what pkg-config names beside it, for stores of calendars, would pull in Berkeley DB.
find_library(ICAL_LIBRARY ical REQUIRED)
find_library(PAM_LIBRARY pam REQUIRED)
find_path(SUDO_INCLUDE_DIR sudo_plugin.h REQUIRED)
find_program(PYTHON3 python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
