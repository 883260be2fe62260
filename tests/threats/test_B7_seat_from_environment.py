# SPDX-License-Identifier: Apache-2.0
"""B7: the environment says "I sit at the console". Where somebody comes from is the kernel's word, not his."""
import bedlib
from bedlib import check

CONSOLE_ONLY = """schema = 1
[settings]
covers = ["ssh", "sudo", "login"]
[[permit]]
id   = "at-the-console"
who  = ["user:alice", "user:dave"]
door = ["ssh", "sudo", "login"]
from = ["local"]
max  = "1h"
"""
LIES = {"XDG_SEAT": "seat0", "XDG_VTNR": "1", "XDG_SESSION_CLASS": "user", "XDG_SESSION_TYPE": "tty", "PAM_RHOST": "",
        "PAM_TTY": "tty1", "JIT_ORIGIN": "local", "SSH_CONNECTION": "", "DISPLAY": ":0"}


def test_ssh_with_a_made_up_seat_is_from_the_network():
    with open("/home/alice/.pam_environment", "w", encoding="ascii") as f:
        f.writelines(f"{k} DEFAULT={v}\n" for k, v in LIES.items() if v)
    for port in "2222", "2223":
        command = ["ssh", "-p", port] + [f"-oSendEnv={k}" for k in LIES] + ["-oPreferredAuthentications=publickey,keyboard-interactive", "alice@127.0.0.1", "id", "-un"]
        with bedlib.Terminal("alice", command, env=LIES) as client:
            if port == "2223":
                client.expect("Press Enter")
                client.line()
            code = client.wait()
            check(code == 255 and "not allowed" in client.text, f"port {port}: exit {code}: {client.text}")


def test_sudo_with_a_made_up_seat_is_from_nowhere():
    program = bedlib.run("alice", "sudo -n id -un", env=LIES)
    check(program.code != 0 and "root" not in program.out.split(), program.text)


def test_a_terminal_with_the_name_of_a_console_is_none():
    """The name is what a mount shows; the kernel's number of the terminal is a pty's."""
    with bedlib.console("alice", "/dev/tty1") as terminal:
        terminal.expect("not allowed")
        check(terminal.wait() != 0, terminal.text)


bedlib.set_policy(CONSOLE_ONLY)
bedlib.main(globals())
