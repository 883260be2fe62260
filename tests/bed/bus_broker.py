# SPDX-License-Identifier: Apache-2.0
"""dbus-broker as the system bus without systemd: it wants its listening socket as descriptor 3, and activates nothing."""
import os
import socket

s = socket.socket(socket.AF_UNIX)
s.bind("/run/dbus/system_bus_socket")
os.chmod("/run/dbus/system_bus_socket", 0o666)
s.listen(128)
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
with open(os.environ["BED"] + "/dbus.pid", "w", encoding="ascii") as f:
    f.write(f"{os.getpid()}\n")
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execvp("dbus-broker-launch", ["dbus-broker-launch", "--scope", "system"])
