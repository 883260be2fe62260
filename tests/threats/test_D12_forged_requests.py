# SPDX-License-Identifier: Apache-2.0
"""D12: whoever carries requests invents one. The approver is warned; and if he signs it all the same, it is of no use anywhere."""
# bed: --no-sshd
import base64
import json
import subprocess

import bedlib
from bedlib import check, jitctl, run
from by_hand import PLAIN, SIGNED, asking, carry_out, cut_off, give, paste, sign


def pae(kind: str, payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def forged(envelope: dict, payload: dict) -> str:
    """Signed by a key that somebody made for it, as real ssh-keygen does."""
    text = json.dumps(payload, separators=(",", ":"), sort_keys=True).encode()
    subprocess.run("test -e /tmp/forger || ssh-keygen -q -N '' -t ed25519 -f /tmp/forger", shell=True, check=True)
    made = subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "request@pam-jit.v1", "-f", "/tmp/forger"], input=pae(envelope["payloadType"], text),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    signature = "".join(line for line in made.splitlines() if not line.startswith("-----"))
    name = run("root", ["ssh-keygen", "-lf", "/tmp/forger.pub"]).out.split()[1]
    whole = dict(envelope, payload=base64.b64encode(text).decode(), signatures=[{"keyid": name, "kind": "sshsig", "sig": signature}])
    return json.dumps(whole, separators=(",", ":"), sort_keys=True)


def test_an_invented_request():
    bedlib.enrol("bob")
    with bedlib.policy_with(PLAIN, SIGNED), asking() as (alice, request):
        sign(carry_out(request))
        envelope = json.loads(run("alice", ["jitctl", "show", request, "--envelope"]).out)
        payload = json.loads(base64.b64decode(envelope["payload"]))
        # It names the true host: but then the key is not that host's.
        path = give("bob", forged(envelope, dict(payload, nonce="0" * 64)))
        done = cut_off("bob", f"jitctl vote --code --approve -m fine {path}")
        check(done.code == 1 and not done.out, done.text)
        # It names a host of the forger's own, which bob was talked into: no host asked for what he signs.
        key = run("root", ["ssh-keygen", "-lf", "/tmp/forger.pub"]).out.split()[1].removeprefix("SHA256:")
        host = base64.b64decode(key + "=").hex()[:32]
        path = give("bob", forged(envelope, dict(payload, host={"id": host, "name": "db9"})))
        done = cut_off("bob", f"jitctl vote --code --approve -m fine {path}")
        check(done.code == 1 and "do not know the host" in done.text and not done.out, done.text)
        for without in dict(envelope, signatures=[]), {k: v for k, v in envelope.items() if k != "signatures"}:
            done = cut_off("bob", f"jitctl vote --code --approve -m fine {give('bob', json.dumps(without, separators=(',', ':'), sort_keys=True))}")
            check(done.code == 1 and "not signed by a host" in done.text, done.text)
        subprocess.run("rm -f /tmp/forger*", shell=True, check=True)
        check(jitctl("root", "show", request)["state"] in ("pending", "detached"), "it was decided")
        jitctl("bob", "approve", request)
        check(alice.wait() == 0, alice.text)


def test_a_vote_for_what_nobody_asked():
    """Bob signs for his own pleasure: every host knows only what it asked itself."""
    with bedlib.policy_with(PLAIN, SIGNED), asking("sudo id -u") as (alice, request):
        vote = sign(carry_out(request))
        run("alice", ["jitctl", "cancel", request])
        alice.wait()
        said = paste(vote)
        check(said.code != 0, said.text)
        with asking("sudo id -u") as (again, second):
            said = paste(vote)
            check(said.code != 0 and jitctl("root", "show", second)["state"] != "approved", said.text)
            run("alice", ["jitctl", "cancel", second])
            again.wait()


bedlib.main(globals())
