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
watched() { # UNIT: one that hangs is replaced
  local pid drop_in=/run/systemd/system/$1.service.d
  mkdir -p "$drop_in"
  printf '[Service]\nWatchdogSec=4s\n' >"$drop_in/test.conf"
  systemctl daemon-reload
  systemctl restart "$1.service"
  pid=$(systemctl show -p MainPID --value "$1")
  kill -STOP "$pid"
  until_true "the watchdog does not act" bash -c 'p=$(systemctl show -p MainPID --value '"$1"'); [ "$p" != 0 ] && [ "$p" != '"$pid"' ] && systemctl is-active --quiet '"$1"'.service'
  grep -q 'atchdog timeout' <<<"$(journalctl -b --no-pager -u "$1")" || fail "it was not the watchdog"
}

systemctl daemon-reload
systemd-sysusers
systemd-tmpfiles --create
busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig >/dev/null
