#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sessions that really end: scopes of sudo and su, login sessions of ssh; by their time, by revocation, with broker and enforcer
# dead; what lives on is the person's own shell.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
set_up <<'TOML'
schema = 1
[settings]
covers = ["sudo", "su", "ssh"]
rescue = ["tty[0-9]*"]
[approval]
bob = { need = [{ from = "user:bob" }] }
[[permit]]
id = "root"
who = ["user:alice"]
door = ["sudo", "su"]
as = ["user:root"]
approval = "bob"
max = "10m"
scope = "tty"
warn-before = ["5m"]
[[permit]]
id = "login"
who = ["user:dora"]
door = ["ssh"]
as = ["user:dora"]
approval = "bob"
max = "10m"
[[permit]]
id = "free-login"
who = ["user:alice"]
door = ["ssh"]
as = ["user:alice"]
max = "1d"
TOML

# --- sudo from a real ssh session with a terminal, ended by its time
mkfifo /root/in
to_alice -tt alice@127.0.0.1 >/tmp/ssh.out 2>&1 </root/in &
ssh_pid=$!
exec 9>/root/in
until_true 20 "alice's shell" grep -q 'alice@' /tmp/ssh.out
echo 'echo shell-is $$' >&9
until_true 10 "the shell's pid" grep -q 'shell-is [0-9]' /tmp/ssh.out
shell=$(grep -ao 'shell-is [0-9]*' /tmp/ssh.out | tail -n1 | tr -dc 0-9)
echo 'sudo -s' >&9
approve_next --for 8s
until_true 10 "a root shell" pgrep -u root -P "$(pgrep -x sudo | head -n1)" -x bash
grant=$(grant_id)
[ -n "$grant" ] || fail "no grant"
scope=jit-$grant.scope
systemctl is-active --quiet "$scope" || fail "no scope $scope: $(systemctl list-units 'jit-*' --no-pager)"
[ "$(systemctl show -p Slice --value "$scope")" = user-"$(id -u alice)".slice ] || fail "the scope is in $(systemctl show -p Slice --value "$scope")"
echo 'setsid sleep 1001 & nohup sleep 1002 & (trap "" TERM HUP; sleep 1003) & ( ( sleep 1004 & ) & )' >&9
for n in 1001 1002 1003 1004; do until_true 10 "sleep $n" pgrep -f "^sleep $n"; done
end=$(( $(date -d "$(jitctl grants --json | grep -o '"expires": *"[^"]*"' | cut -d'"' -f4 | tail -n1)" +%s) ))
until_true 20 "the sudo session does not end" bash -c '! systemctl is-active --quiet '"$scope"
late=$(( $(date +%s) - end ))
[ $late -le 3 ] || fail "it ended $late s after its time"
for n in 1001 1002 1003 1004; do pgrep -f "^sleep $n" >/dev/null && fail "sleep $n lives on"; done
alive "$shell" || fail "the person's own shell was ended"
until_true 10 "no entry" bash -c 'jitctl audit log --json | grep -q grant.enforced'
echo "sudo: ended by its time, with what had left its terminal; the person's own shell lives on"

# --- revoked
echo 'sudo -s' >&9
approve_next
until_true 10 "a root shell" pgrep -x sudo
root=$(pgrep -x sudo | head -n1)
grant=$(grant_id)
echo '(trap "" TERM HUP; sleep 1005) &' >&9
until_true 10 "sleep 1005" pgrep -f '^sleep 1005'
start=$(now_ms)
jitctl revoke "$grant" -m test >/dev/null
until_true 10 "a revoked session goes on" bash -c '! pgrep -f "^sleep 1005" && ! kill -0 '"$root"' 2>/dev/null'
took=$(( $(now_ms) - start ))
[ $took -le 2000 ] || fail "revoked: took $took ms"
echo "revoked: ended after $took ms"
echo 'exit' >&9
exec 9>&-
wait $ssh_pid || true
TOML_DONE=1
echo ok
