#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# jit-notify as systemd runs it: in its sandbox, with a command, and with mail by a real program.
set -euo pipefail
. "$(dirname "$0")/unit.bash"
verified=$(systemd-analyze verify --man=no jit-notify.service 2>&1 | grep jit- || true)
[ -z "$verified" ] || fail "systemd-analyze verify: $verified"
[ "$(stat -c '%U:%G %a' /etc/jit/notify.d)" = "root:_jit-notify 750" ] || fail "the folder is not ours"
systemctl start jit-broker.socket jit-enforcer.socket jit-broker.service

# Without a channel it is not started, and nothing has failed.
systemctl start jit-notify.service
[ "$(systemctl show -p ConditionResult --value jit-notify)" = no ] || fail "it starts without a channel"
echo "no channel: not started"

# A command's message goes where the unit lets it write, and it sees nothing else.
cat >/usr/local/bin/take-message <<'COMMAND'
#!/bin/bash
exec >>/var/lib/jit-notify/taken
cat
for path in /var/lib/jit/jit.db /run/jit/gate; do if [ -e "$path" ]; then echo "it sees $path"; fi; done
if echo x 2>/dev/null >/etc/written; then echo "it writes to /etc"; fi
COMMAND
chmod 755 /usr/local/bin/take-message
cat >/etc/jit/notify.d/pager.toml <<'CHANNEL'
kind = "exec"
command = ["/usr/local/bin/take-message"]
events = ["grant"]
CHANNEL
chgrp _jit-notify /etc/jit/notify.d/pager.toml
chmod 640 /etc/jit/notify.d/pager.toml
systemctl start jit-notify.service
pid=$(systemctl show -p MainPID --value jit-notify)
[ "$(stat -c %U "/proc/$pid")" = _jit-notify ] || fail "it does not run as _jit-notify"
grep -q '^CapEff:[[:space:]]*0000000000000000$' "/proc/$pid/status" || fail "it has capabilities"
[ -e "/proc/$pid/root/var/lib/jit/jit.db" ] && fail "it sees the database"
until_true "the broker does not know of it" jitctl notify status
echo "jit-notify: active, as _jit-notify, no capabilities, known to the broker"

# Something happens: a policy that lets alice have root, and tells.
cat >/etc/jit/policy.d/first.toml <<'POLICY'
schema = 1
[settings]
covers = ["sudo", "su"]
[[permit]]
id = "alice"
who = ["user:alice"]
door = ["sudo", "su"]
as = ["user:root"]
require = ["notify:pager"]
max = "10m"
POLICY
chgrp _jit /etc/jit/policy.d/first.toml
chmod 640 /etc/jit/policy.d/first.toml
jitctl policy reload >/dev/null
setpriv --reuid=alice --regid=alice --init-groups jitctl request -m "to be told of" -- id >/dev/null || fail "no grant"
until_true "the command was not run" grep -q '"event":"grant"' /var/lib/jit-notify/taken
grep -E 'it (sees|writes)' /var/lib/jit-notify/taken && fail "the command has more than it should"
echo "told: $(grep -c '"event":"grant"' /var/lib/jit-notify/taken)"

# Killed, it comes back, and repeats nothing.
kill -9 "$pid"
until_true "it does not come back" bash -c 'p=$(systemctl show -p MainPID --value jit-notify); [ "$p" != 0 ] && [ "$p" != '"$pid"' ] && jitctl notify status'
setpriv --reuid=alice --regid=alice --init-groups jitctl request -m "another" --for 5m -- true >/dev/null || fail "no second grant"
until_true "the second was not told" bash -c '[ "$(grep -c "\"event\":\"grant\"" /var/lib/jit-notify/taken)" -ge 2 ]'
[ "$(grep -c '"event":"grant"' /var/lib/jit-notify/taken)" = 2 ] || fail "something was told twice"

watched jit-notify
until_true "it does not come back" jitctl notify status

# A broken channel is said, a reload takes the file that was mended.
echo 'kind = "exec' >/etc/jit/notify.d/other.toml
chgrp _jit-notify /etc/jit/notify.d/other.toml
chmod 640 /etc/jit/notify.d/other.toml
systemctl reload jit-notify.service
until_true "a broken file is not told of" bash -c 'jitctl notify status | grep -q "other.toml:1:"'
cp -p /etc/jit/notify.d/pager.toml /etc/jit/notify.d/other.toml
systemctl reload jit-notify.service
until_true "the reload did not take it" jitctl notify status

# A webhook, over TLS and by a name, from within the sandbox.
tls=/root/hooks
mkdir -p $tls
key=(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2)
"${key[@]}" -subj '/CN=test CA' -addext keyUsage=critical,keyCertSign -keyout $tls/ca.key -out /etc/jit/notify-ca.crt 2>/dev/null
"${key[@]}" -subj /CN=localhost -addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE -CA /etc/jit/notify-ca.crt -CAkey $tls/ca.key \
  -keyout $tls/server.key -out $tls/server.crt 2>/dev/null
chmod 644 /etc/jit/notify-ca.crt
cat >/root/hooks/serve.py <<'SERVER'
import http.server, ssl
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        with open("/root/hooks/taken", "ab") as file:
            file.write(self.rfile.read(int(self.headers["Content-Length"])) + b"\n")
        self.send_response(204)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 8443), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/root/hooks/server.crt", "/root/hooks/server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
SERVER
systemd-run --quiet --unit=test-hooks /usr/bin/python3 /root/hooks/serve.py
cat >/etc/jit/notify.d/other.toml <<'CHANNEL'
kind = "webhook"
template = "slack"
url = "https://localhost:8443/"
ca = "/etc/jit/notify-ca.crt"
allow = ["127.0.0.1", "::1"]
events = ["grant"]
CHANNEL
systemctl reload jit-notify.service
setpriv --reuid=alice --regid=alice --init-groups jitctl request -m "a third" --for 6m -- false >/dev/null || fail "no third grant"
until_true "the webhook was not told" grep -q '"type":"header"' $tls/taken
echo "a webhook: told"

systemctl stop jit-notify.service
[ "$(systemctl show -p Result --value jit-notify)" = success ] || fail "its end is a failure"
echo "killed, reloaded, stopped: all as it should"
