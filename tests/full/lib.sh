# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# For scripts in the full bed: the installed product with a policy, people who sign, real sshd.
fail() { echo "NOT AS EXPECTED: $*"; cat /tmp/out 2>/dev/null || true; journalctl -b --no-pager -n 60; exit 1; }
until_true() { # SECONDS WHAT COMMAND...: at most so long
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "$what"
    read -r -t 0.05 _ <> <(:) || true
  done
}
now_ms() { awk '{printf "%d\n", $1 * 1000}' /proc/uptime; }
rm -f /etc/pam.d/*.dpkg-*

# set_up: units installed and started, doors gated, bob signs with /home/bob/vote, alice logs in with a key
set_up() {
  systemctl daemon-reload
  systemd-sysusers
  systemd-tmpfiles --create
  busctl call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig >/dev/null
  cat >/etc/jit/policy.d/test.toml
  runuser -u bob -- ssh-keygen -q -N '' -t ed25519 -f /home/bob/vote
  cat >/etc/jit/people.d/test.toml <<TOML
version = 1
[[person]]
name = "bob"
users = ["bob"]
[[person.key]]
id = "one"
kind = "ssh"
public = "$(cut -d' ' -f1,2 </home/bob/vote.pub)"
TOML
  chgrp _jit /etc/jit/policy.d/test.toml /etc/jit/people.d/test.toml
  chmod 640 /etc/jit/policy.d/test.toml /etc/jit/people.d/test.toml
  gate sudo common-session-noninteractive
  gate sudo-i common-session
  gate su common-session
  gate sshd common-session
  gate login common-session
  echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice
  echo 'dora ALL=(ALL) NOPASSWD: ALL' >>/etc/sudoers.d/alice
  for u in alice dora; do
    id $u >/dev/null 2>&1 || useradd -m -s /bin/bash $u
    install -d -m 700 -o $u -g $u /home/$u/.ssh
    [ -f /root/key ] || ssh-keygen -q -N '' -t ed25519 -f /root/key
    install -m 600 -o $u -g $u /root/key.pub /home/$u/.ssh/authorized_keys
  done
  mkdir -p /run/sshd
  cat >/etc/ssh/sshd_config <<'SSHD'
Port 22
UsePAM yes
PasswordAuthentication no
KbdInteractiveAuthentication no
AllowTcpForwarding yes
Subsystem sftp internal-sftp
SSHD
  ssh-keygen -A >/dev/null
  systemctl start jit-broker.socket jit-enforcer.socket jit-broker.service
  systemctl restart ssh
  grep -q 'state: *running' <<<"$(jitctl status)" || fail "jitctl status: $(jitctl status 2>&1)"
}
# Our lines before the first of their kind, as the snippets say.
gate() {
  sed -i "0,/^@include common-account/s//account [success=ok default=die] pam_jit.so\n@include common-account/" "/etc/pam.d/$1"
  sed -i "0,/^@include $2\$/s//session [success=ok default=die] pam_jit.so\n@include $2/" "/etc/pam.d/$1"
  grep -q '^session.*pam_jit' "/etc/pam.d/$1" || fail "/etc/pam.d/$1 is not gated: $(cat "/etc/pam.d/$1")"
}
to_alice() { ssh -q -i /root/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$@"; }
pending() { runuser -u bob -- jitctl requests 2>/dev/null | grep -w pending | cut -f1 | head -n1; }
approve_next() { # the request that appears, signed; more words go to jitctl approve
  until_true 30 "no request appears" test_pending
  runuser -u bob -- jitctl approve "$(pending)" -m ok --key /home/bob/vote "$@" >/tmp/approve 2>&1 || fail "bob cannot approve: $(cat /tmp/approve)"
}
test_pending() { [ -n "$(pending)" ]; }
grant_id() { jitctl grants --json | python3 -c 'import json,sys; g=json.load(sys.stdin); g=g if isinstance(g,list) else g["grants"]; print(g[-1]["id"] if g else "")'; }
alive() { kill -0 "$1" 2>/dev/null; }
gone() { ! alive "$1"; }
