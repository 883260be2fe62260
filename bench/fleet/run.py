# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts against one real nats-server on loopback. As root:
PYTHONPATH=tests/e2e tests/bed/light --build build/release --no-sshd -- /usr/bin/python3 -B bench/fleet/run.py PROGRAM [HOSTS [RATE [SECONDS]]]"""
import resource
import subprocess
import sys

import relaylib

PROGRAM, *WORDS = sys.argv[1:]
HOSTS, RATE, SECONDS = WORDS + ["5000", "500", "20"][len(WORDS):]
files = 3 * int(HOSTS) + 1000  # a socket and an event for each, and the server's end
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
with relaylib.Relay() as relay:
    # Its own pid is the server's: Process starts it without a shell.
    sys.exit(subprocess.run([PROGRAM, relaylib.DIR, relaylib.CA, str(relay.servers[1].process.pid), HOSTS, RATE, SECONDS], check=False).returncode)
