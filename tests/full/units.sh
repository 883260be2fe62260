#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The broker as systemd runs it: started by its units, in its sandbox, watched, restarted under a wait.
set -euo pipefail
. "$(dirname "$0")/unit.bash"
cat >/etc/jit/policy.d/test.toml <<'TOML'
schema = 1
[settings]
covers = ["sudo"]
rescue = ["tty[0-9]*"]
[approval]
bob = { need = [{ from = "user:bob" }] }
[[permit]]
id = "root"
who = ["user:alice"]
door = ["sudo"]
as = ["user:root"]
approval = "bob"
max = "10m"
TOML
# Bob comes by runuser and has no login session here: logind runs, so only what he signs counts as a yes.
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
chmod 640 /etc/jit/people.d/test.toml
chmod 640 /etc/jit/policy.d/test.toml
sed -i '0,/^@include common-account/s//account required pam_jit.so\n@include common-account/' /etc/pam.d/sudo
sed -i '0,/^@include common-session-noninteractive/s//session required pam_jit.so\n@include common-session-noninteractive/' /etc/pam.d/sudo
echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/alice

verified=$(systemd-analyze verify --man=no jit-broker.service jit-broker.socket 2>&1 | grep jit- || true)
[ -z "$verified" ] || fail "systemd-analyze verify: $verified"
systemctl start jit-broker.socket jit-enforcer.socket
[ "$(stat -c '%U %a' /run/jit/gate)" = "root 600" ] || fail "the gate is $(stat -c '%U %a' /run/jit/gate)"
systemctl start jit-broker.service
systemctl is-active --quiet jit-broker.service || fail "jit-broker.service is not active"
pid=$(systemctl show -p MainPID --value jit-broker)
[ "$(stat -c %U "/proc/$pid")" = _jit ] || fail "the broker does not run as _jit"
grep -q '^CapEff:[[:space:]]*0000000000000000$' "/proc/$pid/status" || fail "the broker has capabilities"
[ "$(nsenter -t "$pid" -n ip -o link | wc -l)" = 1 ] || fail "the broker has a network"
grep -q 'state: *running' <<<"$(jitctl status)" || fail "jitctl status: $(jitctl status 2>&1)"
echo "the units start: active, as _jit, no capabilities, no network"

# Who asks from another mount namespace than the host's is told of, though the broker may not look at PID 1.
[ "$(cat /run/jit/mount-namespace)" = "$(stat -Lc %d:%i /proc/1/ns/mnt)" ] || fail "the mount namespace of PID 1 is not written down"
setpriv --reuid alice --regid alice --init-groups sudo -n id >/tmp/out 2>&1 && fail "sudo -n passed"
grep -q 'another mount namespace' <<<"$(journalctl -b --no-pager -u jit-broker)" && fail "the host's own namespace is called another one"
unshare --mount setpriv --reuid alice --regid alice --init-groups sudo -n id >/tmp/out 2>&1 && fail "sudo -n passed"
until_true "a foreign mount namespace is not told of" bash -c 'grep -q "another mount namespace" <<<"$(journalctl -b --no-pager -u jit-broker)"'
echo "another mount namespace: told of"

# Root writes nothing into a folder that _jit could lay a link in, and the broker starts where nothing can be written down.
ln -sf /etc/victim /run/jit-broker/mount-namespace
chown -h _jit: /run/jit-broker/mount-namespace
rm /run/jit/mount-namespace
mkdir /run/jit/mount-namespace
systemctl restart jit-broker.service || fail "the broker does not start where the mount namespace cannot be written down"
[ ! -e /etc/victim ] || fail "root writes where a link of _jit leads"
rm /run/jit-broker/mount-namespace
rmdir /run/jit/mount-namespace
systemctl restart jit-broker.service
[ "$(stat -c '%U %a' /run/jit /run/jit/mount-namespace | xargs)" = "root 755 root 644" ] || fail "the mount namespace is not written down by root alone"
pid=$(systemctl show -p MainPID --value jit-broker)
echo "a link in the broker's folder: not followed"

# A broker that dies under a wait, and one that hangs, are replaced; the paused sudo goes on.
script -qefc "setpriv --reuid alice --regid alice --init-groups sudo id -un" /tmp/typescript </dev/null >/tmp/out 2>&1 &
waiting=$!
until_true "no request appears" bash -c 'grep -q pending <<<"$(runuser -u bob -- jitctl requests)"'
kill -9 "$pid"
until_true "no new broker" bash -c 'p=$(systemctl show -p MainPID --value jit-broker); [ "$p" != 0 ] && [ "$p" != '"$pid"' ]'
until_true "the broker does not answer after the restart" bash -c 'grep -q pending <<<"$(runuser -u bob -- jitctl requests)"'
id=$(runuser -u bob -- jitctl requests | cut -f1 | head -n1)
runuser -u bob -- jitctl approve "$id" -m ok >/tmp/approve 2>&1 && fail "a vote by uid from outside a login session counts"
grep -q 'login session' /tmp/approve || fail "jitctl approve: $(cat /tmp/approve)"
runuser -u bob -- jitctl approve "$id" -m ok --key /home/bob/vote || fail "bob cannot approve after the restart"
wait "$waiting" || fail "the paused sudo did not go on: $(cat /tmp/out)"
grep -aq 'approved by bob for.*root$' <<<"$(tr -d '\0\r\n' </tmp/out)" || fail "the paused sudo printed: $(cat /tmp/out)"
echo "kill -9 under a wait: restarted, resumed, approved"

# More often than systemd's own limit of five in ten seconds.
for kill in 1 2 3 4 5 6 7; do
  pid=$(systemctl show -p MainPID --value jit-broker)
  kill -9 "$pid"
  until_true "no new broker after $kill kills in a row" bash -c '
    p=$(systemctl show -p MainPID --value jit-broker); [ "$p" != 0 ] && [ "$p" != '"$pid"' ] && systemctl is-active --quiet jit-broker'
done
systemctl is-active --quiet jit-broker.socket || fail "the socket gave up"
echo "kill -9 seven times in a row: still there"

watched jit-broker
echo "stopped: the watchdog replaced it"

# So is the enforcer, which knows then what it held, and ends it.
script -qefc "setpriv --reuid alice --regid alice --init-groups sudo sleep 1001" /dev/null </dev/null >/tmp/out 2>&1 &
until_true "no request appears" bash -c 'grep -q pending <<<"$(runuser -u bob -- jitctl requests)"'
runuser -u bob -- jitctl approve "$(runuser -u bob -- jitctl requests | cut -f1 | head -n1)" -m ok --key /home/bob/vote
until_true "nothing runs under the grant" pgrep -f '^sleep 1001'
watched jit-enforcer
pgrep -f '^sleep 1001' >/dev/null || fail "what runs under a grant ended with the enforcer"
jitctl revoke --all -m "the end of it"
until_true "what ran under the grant goes on" bash -c '! pgrep -f "^sleep 1001"'
echo "the enforcer stopped: replaced, and what it held ends"

was=$(jitctl status | grep policy)
sed -i 's/max = "10m"/max = "9m"/' /etc/jit/policy.d/test.toml
systemctl reload jit-broker.service
until_true "the reload did not take the new policy" bash -c '[ "$(jitctl status | grep policy)" != "$1" ]' - "$was"
grep -q '"JIT_PERSON":"uid:' <<<"$(journalctl -b JIT_TYPE=grant.created -o json --no-pager)" || fail "journald has no grant with JIT_ fields"
grep -q 'cwd\|argv' <<<"$(journalctl -b SYSLOG_IDENTIFIER=jit-broker -o json --no-pager)" && fail "something private in journald"
echo "reload, and the journal's JIT_ fields"

systemctl stop jit-broker.socket jit-broker.service
for try in 1 2 3; do # a machine that is busy may be slow once
  start=$SECONDS
  if script -qefc "setpriv --reuid alice --regid alice --init-groups sudo id -un" /dev/null </dev/null >/tmp/out 2>&1; then
    fail "sudo went through without a broker"
  fi
  took=$((SECONDS - start))
  grep -q 'cannot be reached' /tmp/out || fail "without a broker sudo said: $(cat /tmp/out)"
  [ $took -gt 5 ] || break
  [ $try -lt 3 ] || fail "the denial took $took s"
done
echo "no broker: denied at once"
