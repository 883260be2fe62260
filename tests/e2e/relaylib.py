# SPDX-License-Identifier: Apache-2.0
"""A relay in the bed: real nats-server processes with TLS, jit-relay as the host runs it, and people on workstations of their own."""
import contextlib
import os
import pwd
import re
import subprocess
import threading
import time

import bedlib
import nats
from bedlib import WAIT_S, Failed, check, run

DIR = "/root/relay"
DATA = "/var/lib/nats-test"
CA = "/etc/jit/relay-ca.crt"
KEPT = 20_000  # characters of a log, to be shown where something fails
SETS = ("set:sre", "group:sre", "group:dba")


class Process:
    """A program of ours whose log is read as it comes: one whose pipe is full stands still."""

    def __init__(self, argv: list, user: str = "root") -> None:
        self.argv, self.text, self.all = argv, "", ""
        self.more = threading.Condition()
        self.ended = False
        identity = pwd.getpwnam(user)
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
                                        user=identity.pw_uid, group=identity.pw_gid, extra_groups=[])
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        while data := os.read(self.process.stdout.fileno(), 65536):
            with self.more:
                self.text += data.decode(errors="replace")
                self.all = (self.all + data.decode(errors="replace"))[-KEPT:]
                self.more.notify_all()
        with self.more:
            self.ended = True
            self.more.notify_all()

    def expect(self, what: str, timeout: float = WAIT_S) -> str:
        """Waits for a line with this in it, behind what was waited for before."""
        with self.more:
            self.more.wait_for(lambda: self.ended or re.search(what, self.text), timeout)
            found = re.search(what, self.text)
            if not found:
                raise Failed(f"{self.argv[0]} does not say {what!r}: {self.all[-2000:]}")
            self.text = self.text[found.end():]
            return found[0]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, kill: bool = False) -> None:
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait(WAIT_S)
        self.reader.join(WAIT_S)
        self.process.stdout.close()


def good(argv: list, user: str = "root") -> str:
    done = run(user, argv)
    check(done.code == 0, f"{argv}: {done.text}")
    return done.out


def write(path: str, text: str, user: str = "root", mode: int = 0o600) -> None:
    identity = pwd.getpwnam(user)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chown(path, identity.pw_uid, identity.pw_gid)
    os.chmod(path, mode)


@contextlib.contextmanager
def private(*fields: str):
    """What does not leave the host."""
    path = "/etc/jit/broker.toml"
    with open(path, encoding="utf-8") as f:
        before = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + f"[privacy]\nprivate = {bedlib.json.dumps(fields)}\n")
    good(["jitctl", "policy", "reload"])
    try:
        yield
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(before)
        good(["jitctl", "policy", "reload"])


def certificates(folder: str, name: str = "localhost") -> None:
    """A CA, and a certificate of it for this machine."""
    os.makedirs(folder, exist_ok=True)
    key = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    good([*key, "-subj", "/CN=test CA", "-addext", "keyUsage=critical,keyCertSign", "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.crt"])
    good([*key, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE",
          "-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key", "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.crt"])


def host_id() -> str:
    return bedlib.jitctl("root", "status")["host"]["id"]


class Relay:
    """nodes: 1, or the 3 of a cluster."""

    def __init__(self, nodes: int = 1) -> None:
        self.ports = [4222 + n for n in range(nodes)]
        self.servers = {}
        urls = [word for port in self.ports for word in ("--server", f"tls://localhost:{port}")]
        good(["jitctl", "relay", "init", DIR, *urls, "--data", DATA])
        certificates(f"{DATA}/tls")
        for n in range(1, nodes + 1):
            folder = DATA if nodes == 1 else f"{DATA}/node-{n}"
            os.makedirs(folder, exist_ok=True)
            for name in "server.crt", "server.key", "ca.crt":
                good(["cp", f"{DATA}/tls/{name}", f"{folder}/{name}"])
        good(["cp", f"{DATA}/tls/ca.crt", CA])
        os.chmod(CA, 0o644)
        for n in range(1, nodes + 1):
            self.start(n)
        for server in self.servers.values():
            server.expect("Server is ready")
        if nodes > 1:
            self.leader = self.new_leader()
        good(["jitctl", "relay", "streams", DIR, *SETS, "--ca", CA])
        self.daemon = None

    def start(self, n: int = 1) -> None:
        self.servers[n] = Process(["nats-server", "-c", f"{DIR}/node-{n}.conf"])

    def new_leader(self) -> None:
        """Until one of the cluster says that it leads."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            for server in self.servers.values():
                with contextlib.suppress(Failed):
                    server.expect("Self is new JetStream cluster metadata leader", 0.2)
                    return
        raise Failed("nobody leads the cluster")

    def host(self, host: str = "") -> None:
        """jit-relay of this host, connected."""
        credentials = good(["jitctl", "relay", "issue-host", DIR, host or host_id()])
        write("/etc/jit/relay.creds", credentials, "_jit-relay")
        servers = ", ".join(f'"tls://localhost:{port}"' for port in self.ports)
        write("/etc/jit/relay.toml", f'transport = "nats"\nservers = [{servers}]\ncredentials = "/etc/jit/relay.creds"\nca = "{CA}"\n', "_jit-relay")
        self.run_daemon()

    def run_daemon(self, expect: str = "connected to the relay") -> None:
        self.daemon = Process(["/usr/libexec/jit/jit-relay"], "_jit-relay")
        if expect:
            self.daemon.expect(expect)

    def approver(self, person: str, *sets: str, laptop: str = "") -> "Workstation":
        words = [word for each in sets or SETS for word in ("--set", each)]
        credentials = good(["jitctl", "relay", "issue-approver", DIR, person, *words])
        station = Workstation(person, laptop)
        home = f"{station.home}/.config/jit"
        servers = ", ".join(f'"tls://localhost:{port}"' for port in self.ports)
        write(f"{home}/relay.creds", credentials, person)
        write(f"{home}/approver.toml", f'person = "{person}"\n[relay]\nservers = [{servers}]\ncredentials = "/home/{person}/.config/jit/relay.creds"\nca = "{CA}"\n', person)
        for folder in station.home, f"{station.home}/.config", home:
            os.chown(folder, pwd.getpwnam(person).pw_uid, pwd.getpwnam(person).pw_gid)
        return station

    def speak_to(self, ports: list, person: str = "") -> None:
        """From now on the host, or this person, knows these servers alone."""
        path = f"/home/{person}/.config/jit/approver.toml" if person else "/etc/jit/relay.toml"
        with open(path, encoding="utf-8") as f:
            text = f.read()
        servers = ", ".join(f'"tls://localhost:{port}"' for port in ports)
        write(path, re.sub(r"servers = \[.*\]", f"servers = [{servers}]", text), person or "_jit-relay")

    def stop(self) -> None:
        if self.daemon:
            self.daemon.stop()
        for server in self.servers.values():
            server.stop(kill=True)

    def main(self, tests: dict) -> None:
        """As bedlib.main; where something failed, the programs' own words follow."""
        try:
            bedlib.main(tests)
        except SystemExit as end:
            for process in [*self.servers.values(), *filter(None, [self.daemon])] if end.code else []:
                print(f"--- {' '.join(process.argv)}\n{process.all[-4000:]}", flush=True)
            raise
        finally:
            self.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def asked(alice: bedlib.Terminal, inbox: bedlib.Inbox) -> str:
    """The id of what her sudo has just asked, and she waits for it."""
    alice.expect("Vote code, or Enter to wait")
    alice.line("")
    return inbox.new("alice")["id"]


class Workstation:
    """An approver where no broker and no bus is: only the network leads to the relay."""

    def __init__(self, person: str, laptop: str = "") -> None:
        self.person = person
        self.home = f"/home/{person}{laptop}"  # as this machine has it; with a laptop's name it has nothing of the first one's

    def argv(self, *words: str) -> list:
        return ["unshare", "--mount", "/bin/sh", "-c",
                f'mount -t tmpfs none /run && mount --bind {self.home} /home/{self.person} && '
                f'exec setpriv --reuid={self.person} --regid={self.person} --init-groups env HOME=/home/{self.person} "$@"',
                "sh", "jitctl", *words]

    def jitctl(self, *words: str) -> bedlib.Program:
        return run("root", self.argv(*words))

    def requests(self) -> list:
        return bedlib.json.loads(good(self.argv("requests", "--json")))

    def trust(self) -> None:
        """The host's key, as the admin tells it by another way."""
        key = bedlib.jitctl("root", "status")["host"]["public_key"]
        path = f"{self.home}/.config/jit/approver.toml"
        with open(path, "a", encoding="utf-8") as f:
            f.write(f'[[host]]\nname = "bed"\nkey = "{key}"\n')

    def sees(self, request: str) -> None:
        """Waits until the request has come here."""
        with self.watch() as watch:
            watch.expect(request[:8])

    def watch(self) -> bedlib.Pipe:
        return bedlib.Pipe("root", self.argv("watch"))


def client(name: str, credentials: str, inbox: str, port: int = 4222) -> nats.Client:
    """Somebody who speaks the protocol by himself, with credentials that hold."""
    path = f"/root/{name}.creds"
    write(path, credentials)
    return nats.Client(path, port, CA, inbox)


def kept(client: nats.Client, stream: str, subject: str) -> bytes:
    """What the stream has of this subject."""
    return client.request(f"$JS.API.DIRECT.GET.{stream}", bedlib.json.dumps({"last_by_subj": subject}).encode())["data"]


class Keeper(nats.Client):
    """Who runs the servers, and may do anything there: the account that has the streams, with the key of the admin's folder."""

    def __init__(self, port: int = 4222):
        script = """
import base64, hashlib, json, sys, time
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as Key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
def crc(data):
    out = 0
    for byte in data:
        out ^= byte << 8
        for _ in range(8):
            out = (out << 1 ^ 0x1021 if out & 0x8000 else out << 1) & 0xffff
    return out.to_bytes(2, "little")
def text(head, raw):
    return base64.b32encode(head + raw + crc(head + raw)).decode().rstrip("=")
def url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
seed = json.load(open(sys.argv[1]))["keys"]["relay"]
account = Key.from_private_bytes(base64.b32decode(seed + "=" * (-len(seed) % 8))[2:34])
public = lambda key: key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
user = Key.generate()
claims = {"sub": text(bytes([20 << 3]), public(user)), "iss": text(bytes([0]), public(account)), "iat": int(time.time()), "name": "looker", "jti": "x",
          "nats": {"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}}}
words = url(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode()) + "." + url(json.dumps(claims).encode())
from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat
raw = user.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
print("-----BEGIN NATS USER JWT-----\\n" + words + "." + url(account.sign(words.encode())) + "\\n------END NATS USER JWT------\\n\\n-----BEGIN USER NKEY SEED-----\\n" +
      text(bytes([18 << 3 | 20 >> 2, (20 & 3) << 6]), raw) + "\\n------END USER NKEY SEED------")
"""
        write("/root/looker.py", script)
        write("/root/looker.creds", good(["/usr/bin/python3", "/root/looker.py", f"{DIR}/authority.json"]))
        super().__init__("/root/looker.creds", port, CA, "_INBOX.looker")
