#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# jit-relay as systemd runs it: in its sandbox, against a real server with TLS.
set -euo pipefail
. "$(dirname "$0")/unit.bash"
verified=$(systemd-analyze verify --man=no jit-relay.service 2>&1 | grep jit- || true)
[ -z "$verified" ] || fail "systemd-analyze verify: $verified"
systemctl start jit-broker.socket jit-enforcer.socket jit-broker.service

# Without its file it is not started, and nothing has failed.
systemctl start jit-relay.service
[ "$(systemctl show -p ConditionResult --value jit-relay)" = no ] || fail "it starts without relay.toml"
echo 'transport = "none"' >/etc/jit/relay.toml
chgrp _jit-relay /etc/jit/relay.toml
systemctl start jit-relay.service || fail "none is a failure"
until_true "it does not end" bash -c '[ "$(systemctl show -p ActiveState,Result --value jit-relay | xargs)" = "success inactive" ]'
grep -q 'nothing to do' <<<"$(journalctl -b --no-pager -u jit-relay)" || fail "none is not told of"
echo "no relay: not started"

data=/var/lib/nats-test
mkdir -p $data
key=(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2)
"${key[@]}" -subj '/CN=test CA' -addext keyUsage=critical,keyCertSign -keyout $data/ca.key -out $data/ca.crt 2>/dev/null
"${key[@]}" -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE -CA $data/ca.crt -CAkey $data/ca.key \
  -keyout $data/server.key -out $data/server.crt 2>/dev/null
jitctl relay init /root/relay --server tls://localhost:4222 --data $data
systemd-run --quiet --unit=test-nats nats-server -c /root/relay/node-1.conf
until_true "the server does not start" jitctl relay streams /root/relay user:bob --ca $data/ca.crt
id=$(jitctl status --json | grep -o '"id":"[0-9a-f]*"' | head -n1 | cut -d'"' -f4)
jitctl relay issue-host /root/relay "$id" >/etc/jit/relay.creds
cp $data/ca.crt /etc/jit/relay-ca.crt
printf 'transport = "nats"\nservers = ["tls://localhost:4222"]\ncredentials = "/etc/jit/relay.creds"\nca = "/etc/jit/relay-ca.crt"\n' >/etc/jit/relay.toml
chgrp _jit-relay /etc/jit/relay.toml /etc/jit/relay.creds
chmod 640 /etc/jit/relay.toml /etc/jit/relay.creds
systemctl restart jit-relay.service
until_true "it does not connect" jitctl relay status
pid=$(systemctl show -p MainPID --value jit-relay)
[ "$(stat -c %U "/proc/$pid")" = _jit-relay ] || fail "it does not run as _jit-relay"
grep -q '^CapEff:[[:space:]]*0000000000000000$' "/proc/$pid/status" || fail "it has capabilities"
# sd-event is woken at half of it, and nothing is to wake it more often than its pings do.
[ "$(systemctl show -p WatchdogUSec --value jit-relay)" = "1min 30s" ] || fail "the watchdog wakes it too often"
[ -e "/proc/$pid/root/var/lib/jit/jit.db" ] && fail "it sees the database"
until_true "the relay's admin does not see it" bash -c 'jitctl relay status /root/relay --ca /var/lib/nats-test/ca.crt | grep -q "on line"'
echo "jit-relay: active, as _jit-relay, no capabilities, connected"

kill -9 "$pid"
until_true "it does not come back" bash -c 'p=$(systemctl show -p MainPID --value jit-relay); [ "$p" != 0 ] && [ "$p" != '"$pid"' ] && jitctl relay status'
watched jit-relay
until_true "it does not connect again" jitctl relay status
systemctl restart jit-broker.service
until_true "it is not connected after the broker's restart" jitctl relay status
systemctl stop test-nats
until_true "nobody is told that the server is away" bash -c '! jitctl relay status'
grep -q 'not connected' <<<"$(jitctl relay status || true)" || fail "jitctl relay status: $(jitctl relay status)"
echo "killed, the broker restarted, the server away: all told"
