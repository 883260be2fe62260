#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by what tries a unit under systemd: its words, and the files that a package's scripts would have seen to.
fail() { echo "NOT AS EXPECTED: $*"; cat /tmp/out 2>/dev/null || true; journalctl -b --no-pager -n 40; exit 1; }
until_true() { # at most 60 s
  local end=$((SECONDS + 60)) what=$1
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "$what"
    read -r -t 0.1 _ <> <(:) || true
  done
}

systemctl daemon-reload
systemd-sysusers
systemd-tmpfiles --create
busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig >/dev/null
