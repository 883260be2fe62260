# SPDX-License-Identifier: Apache-2.0
"""B10: sshd calls auth for passwords and keyboard-interactive only. With our line in account each way in is gated; with it in auth alone
keys go by, and doctor says so."""
import json
import os
import select
import signal
import subprocess

import bedlib
from bedlib import check, run

CONFIG = f"{bedlib.BED}/sshd_config"
PAM = "/etc/pam.d/sshd"
WAYS = {  # options of ssh, what it may be asked
    "key": ["-o", "PreferredAuthentications=publickey"],
    "password": ["-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no"],
    "keyboard-interactive": ["-o", "PreferredAuthentications=keyboard-interactive", "-o", "PubkeyAuthentication=no"],
    "certificate": ["-o", "CertificateFile=/home/alice/.ssh/cert.pub", "-i", "/home/alice/.ssh/cert", "-o", "IdentitiesOnly=yes"],
    "host": ["-o", "PreferredAuthentications=hostbased", "-o", "HostbasedAuthentication=yes", "-o", "EnableSSHKeysign=yes", "-o", "PubkeyAuthentication=no"],
}


def text_of(path: str) -> str:
    with open(path, encoding="utf-8") as f:
        return f.read()


def put(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def reload_sshd() -> None:
    """It starts itself again, and writes its pid when it listens: into a pipe, that makes it an event."""
    with open(f"{bedlib.BED}/sshd.pid", encoding="ascii") as f:
        number = int(f.read())
    pipe = f"{bedlib.BED}/sshd.again"
    os.mkfifo(pipe)
    put(CONFIG, text_of(CONFIG).replace(f"{bedlib.BED}/sshd.pid", pipe))
    with open(pipe, "r+b", buffering=0) as f:
        os.kill(number, signal.SIGHUP)
        check(select.select([f], [], [], bedlib.WAIT_S)[0], f"sshd does not come back\n{bedlib.log('sshd')[-1500:]}")


def log_in(way: str) -> bedlib.Terminal:
    """On a terminal; types the password where one is asked for."""
    ssh = bedlib.Terminal("alice", ["ssh", "-p", "2222", *WAYS[way], "alice@127.0.0.1", "echo in=$((40+2))"])
    if way in ("password", "keyboard-interactive"):
        ssh.expect("[Pp]assword: ?")
        ssh.line("alice")
    return ssh


def let_in(way: str) -> bool:
    with log_in(way) as ssh:
        for _ in range(4):  # a password that PAM refuses is asked for again
            found = ssh.expect(r"^in=42|closed by|Permission denied \(|[Pp]assword: ?$|Press Enter to wait").group()
            if found == "in=42":
                ssh.wait()
                return True
            if found.startswith("Press"):
                return False  # it asks, and waits
            if not found.rstrip().endswith("assword:"):
                break
            ssh.line("alice")
        ssh.wait()
        return "\nin=42" in ssh.text


def set_up() -> None:
    ca, host = "/run/bed/ca", f"{bedlib.BED}/id_host"
    commands = (f"ssh-keygen -q -N '' -t ed25519 -f {ca}; ssh-keygen -q -N '' -t ed25519 -f /home/alice/.ssh/cert; "
                f"ssh-keygen -q -s {ca} -I alice -n alice -V -1h:+1d /home/alice/.ssh/cert.pub; mv /home/alice/.ssh/cert-cert.pub /home/alice/.ssh/cert.pub; "
                f"chown alice /home/alice/.ssh/*; cp {host} /etc/ssh/ssh_host_ed25519_key; cp {host}.pub /etc/ssh/ssh_host_ed25519_key.pub; chmod 600 /etc/ssh/ssh_host_ed25519_key; "
                "echo 'EnableSSHKeysign yes' >>/etc/ssh/ssh_config; "
                f"echo \"127.0.0.1 $(cut -d' ' -f1,2 <{host}.pub)\" >>/etc/ssh/ssh_known_hosts; echo \"localhost $(cut -d' ' -f1,2 <{host}.pub)\" >>/etc/ssh/ssh_known_hosts; echo 127.0.0.1 >/etc/ssh/shosts.equiv; echo localhost >>/etc/ssh/shosts.equiv")
    done = subprocess.run(["/bin/bash", "-c", commands], capture_output=True, text=True, check=False)
    check(done.returncode == 0, done.stderr)
    head = (f"TrustedUserCAKeys {ca}.pub\nHostbasedAuthentication yes\nHostbasedUsesNameFromPacketOnly no\nIgnoreRhosts yes\nUseDNS no\n"
            "KbdInteractiveAuthentication yes\n")
    put(CONFIG, head + text_of(CONFIG).replace("PasswordAuthentication no", "PasswordAuthentication yes").replace("AuthenticationMethods publickey\n", "AuthenticationMethods any\n", 1))
    # As Debian has it: passwords are PAM's.
    put(PAM, text_of(PAM).replace("auth required pam_jit.so", "@include common-auth"))
    reload_sshd()


def test_each_way_is_gated_in_account():
    ways = [way for way in WAYS if way != "host" or os.path.exists("/usr/lib/openssh/ssh-keysign")]
    gated = text_of(PAM)
    put(PAM, "".join(line for line in gated.splitlines(True) if "pam_jit" not in line))
    for way in ways:
        check(let_in(way), f"{way} does not work by itself\n{bedlib.log('sshd')[-1500:]}")
    put(PAM, gated)
    for way in ways:
        check(not let_in(way), f"{way} was let in, and nobody approved it")
        bedlib.clean_slate()


def test_in_auth_alone_keys_go_by_and_doctor_says_so():
    gated = text_of(PAM)
    put(PAM, "auth required pam_jit.so\n" + "".join(line for line in gated.splitlines(True) if "pam_jit" not in line))
    try:
        check(let_in("key"), "this is what the finding is about")
        done = run("root", ["jitctl", "doctor", "--door", "ssh"])
        check(done.code == 1 and "HOLE" in done.text and "key logins bypass" in done.text, done.text)
        document = json.loads(run("root", ["jitctl", "doctor", "--door", "ssh", "--json"]).out)
        check(document["doors"][0]["state"] == "hole" and document["holes"] >= 1, str(document))
    finally:
        put(PAM, gated)


set_up()
bedlib.main(globals())
